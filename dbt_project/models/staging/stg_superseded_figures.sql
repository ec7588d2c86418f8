-- Figures of a release that a later release revised: kept to show what was revised, never used by the index.
select
    figure_id,
    source,
    edition,
    superseded_by,
    framework,
    financial_year,
    period,
    area_code,
    item,
    breakdown,
    unit,
    value,
    mark,
    locator
from {{ ref('stg_all_figures') }}
where superseded_by is not null
