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

{#- Weighted mean of what is there; weights rescale over it. method: arithmetic, geometric or harmonic. Null for another method. -#}
{% macro weighted_mean(score, weight, method) -%}
    case {{ method }}
        when 'arithmetic' then
            sum({{ weight }} * {{ score }}) filter ({{ score }} is not null)
            / nullif(sum({{ weight }}) filter ({{ score }} is not null), 0)
        when 'geometric' then
            exp(
                sum({{ weight }} * ln(case when {{ score }} > 0 then {{ score }} end)) filter ({{ score }} is not null)
                / nullif(sum({{ weight }}) filter ({{ score }} is not null), 0)
            )
        when 'harmonic' then
            sum({{ weight }}) filter ({{ score }} is not null)
            / nullif(sum({{ weight }} / nullif({{ score }}, 0)) filter ({{ score }} is not null), 0)
    end
{%- endmacro %}
