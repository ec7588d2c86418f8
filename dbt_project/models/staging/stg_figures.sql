-- Every published figure that stands, with the ONS code of its area. Figures of a release that a later one revised are in
-- stg_superseded_figures.
select
    figure_id,
    source,
    edition,
    framework,
    financial_year,
    period,
    area_code,
    published_area_code,
    item,
    breakdown,
    unit,
    value,
    mark,
    locator,
    provenance,
    obtained
from {{ ref('stg_all_figures') }}
where superseded_by is null
