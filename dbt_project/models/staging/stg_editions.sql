-- What is true of a whole edition: who published it, where, and under which licence.
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
    nullif(note, '') as note
from {{ source('raw', 'editions') }}
