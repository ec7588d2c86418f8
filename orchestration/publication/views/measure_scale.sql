-- What the scale of each measure rests on, by definition and year: ends, mean and spread of the winsorised values, turned so that higher is better. A min-max score is low + (high - low) * (winsorised value - lowest) / (highest - lowest).
select
    definition_id,
    financial_year,
    measure_id,
    count(winsorised_value) as councils,
    min(winsorised_value) as lowest_winsorised_value,
    max(winsorised_value) as highest_winsorised_value,
    avg(winsorised_value) as mean_winsorised_value,
    stddev_samp(winsorised_value) as winsorised_standard_deviation
from marts.fct_measure_score
group by definition_id, financial_year, measure_id
order by definition_id, financial_year, measure_id
