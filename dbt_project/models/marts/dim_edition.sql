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
    note
from {{ ref('stg_editions') }}
order by source, edition
