-- Every issue of a publication that figures were taken from.
select
    source,
    edition,
    publisher,
    title,
    file_name,
    sheet,
    file_sha256,
    url,
    licence,
    maturity,
    obtained,
    superseded_by,
    note
from {{ ref('stg_editions') }}
order by source, edition
