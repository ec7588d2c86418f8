{#-
    The formulas of the index that stand in more than one place. Each is described in docs/method.md.
-#}

{#- Quantile of a sorted list by linear interpolation between order statistics (type 7: NumPy's and R's default). -#}
{% macro quantile_of_sorted(sorted_list, probability) -%}
    ({{ sorted_list }}[cast(floor((len({{ sorted_list }}) - 1) * {{ probability }}) as integer) + 1]
        + ((len({{ sorted_list }}) - 1) * {{ probability }} - floor((len({{ sorted_list }}) - 1) * {{ probability }}))
        * ({{ sorted_list }}[cast(ceil((len({{ sorted_list }}) - 1) * {{ probability }}) as integer) + 1]
            - {{ sorted_list }}[cast(floor((len({{ sorted_list }}) - 1) * {{ probability }}) as integer) + 1]))
{%- endmacro %}

{#-
    Weighted mean of what is there; weights rescale over it. method: arithmetic, geometric or harmonic. Null for another method,
    and for a geometric or harmonic mean that meets a score which is not positive.
-#}
{% macro weighted_mean(score, weight, method) -%}
    case
        when {{ method }} = 'arithmetic' then
            sum({{ weight }} * {{ score }}) filter ({{ score }} is not null)
            / nullif(sum({{ weight }}) filter ({{ score }} is not null), 0)
        when min({{ score }}) <= 0 then null
        when {{ method }} = 'geometric' then
            exp(
                sum({{ weight }} * ln(case when {{ score }} > 0 then {{ score }} end))
                / nullif(sum({{ weight }}) filter ({{ score }} is not null), 0)
            )
        when {{ method }} = 'harmonic' then
            sum({{ weight }}) filter ({{ score }} is not null)
            / nullif(sum({{ weight }} / nullif({{ score }}, 0)), 0)
    end
{%- endmacro %}
