-- What is true of a whole edition: who published it, where, under which licence, and how its figures were obtained.
select
    source,
    edition,
    publisher,
    title,
    file as file_name,
    nullif(sheet, '') as sheet,
    sha256 as file_sha256,
    nullif(url, '') as url,
    licence,
    maturity,
    obtained,
    nullif(superseded_by, '') as superseded_by,
    nullif(note, '') as note
from {{ source('raw', 'editions') }}
