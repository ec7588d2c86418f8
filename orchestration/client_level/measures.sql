-- Numerator and denominator of each measure, by council, from the events of persons in one financial year.
-- Written in what DuckDB and Spark have in common; whole numbers only, so that both give the same to the last digit.
-- {events}: table of events; {year_begins} and {year_ends}: its first and last day, as dates.
with

-- Long-term support that a person still has at the end of the year.
at_year_end as (
    select
        area_code,
        person_id,
        max(case when age_band = '18_to_64' then 1 else 0 end) as is_working_age,
        max(case when service_type = 'long_term_community' then 1 else 0 end) as in_the_community,
        max(case when delivery_mechanism = 'direct_payment' then 1 else 0 end) as has_direct_payment,
        max(case when delivery_mechanism in ('direct_payment', 'personal_budget') then 1 else 0 end) as is_self_directed,
        max(case when accommodation_status = 'own_home' then 1 else 0 end) as is_at_home
    from {events}
    where
        event_type = 'service'
        and service_type in ('long_term_community', 'long_term_care_home')
        and event_start <= {year_ends}
        and (event_end is null or event_end > {year_ends})
    group by area_code, person_id
),

-- Short-term support to maximise independence that ended within the year: the last of each person counts.
ended as (
    select
        area_code,
        person_id,
        outcome,
        row_number() over (partition by area_code, person_id order by event_end desc, event_start desc, outcome asc) as place
    from {events}
    where
        event_type = 'service'
        and service_type = 'short_term_to_maximise_independence'
        and event_end between {year_begins} and {year_ends}
),

-- The first time in the year that a person's long-term support became a care home.
admitted as (
    select
        area_code,
        person_id,
        max(case when age_band = '65_and_over' then 1 else 0 end) as is_older
    from {events}
    where
        event_type = 'service'
        and service_type = 'long_term_care_home'
        and event_start between {year_begins} and {year_ends}
    group by area_code, person_id
)

select
    area_code,
    'direct_payments' as measure_id,
    sum(in_the_community * has_direct_payment) as numerator,
    sum(in_the_community) as denominator
from at_year_end
group by area_code
union all
select
    area_code,
    'self_directed' as measure_id,
    sum(in_the_community * is_self_directed) as numerator,
    sum(in_the_community) as denominator
from at_year_end
group by area_code
union all
select
    area_code,
    'settled_home_18' as measure_id,
    sum(is_working_age * is_at_home) as numerator,
    sum(is_working_age) as denominator
from at_year_end
group by area_code
union all
select
    area_code,
    'community_support_65' as measure_id,
    sum((1 - is_working_age) * in_the_community) as numerator,
    sum(1 - is_working_age) as denominator
from at_year_end
group by area_code
union all
select
    area_code,
    'independent_after_short_term' as measure_id,
    sum(case when outcome in ('no_further_support', 'lower_support') then 1 else 0 end) as numerator,
    count(*) as denominator
from ended
where place = 1
group by area_code
union all
select
    area_code,
    'care_home_admissions_65' as measure_id,
    sum(is_older) as numerator,
    cast(null as bigint) as denominator
from admitted
group by area_code
order by area_code, measure_id
