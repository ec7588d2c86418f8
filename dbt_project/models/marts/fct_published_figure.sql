-- Every published figure: the end of each trail from a rank back to a publication.
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
from {{ ref('stg_figures') }}
order by source, edition, framework, financial_year, period, area_code, item, breakdown
