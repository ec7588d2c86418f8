-- Councils with adult social care duties, one row for each ONS code they have had.
select
    area_code,
    area_name,
    council_type,
    region,
    cassr_code
from {{ source('raw', 'councils') }}
