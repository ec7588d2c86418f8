{#-
    95 % intervals by chance alone. z is the 97.5th percentile of the standard normal distribution.
-#}
{% macro z95() -%} 1.959963984540054 {%- endmacro %}

{#- Wilson's score interval of a proportion (Wilson 1927), side -1 or 1. share in 0 to 1, base the number it is a share of. -#}
{% macro wilson(share, base, side) -%}
    (
        ({{ share }} + power({{ z95() }}, 2) / (2 * {{ base }}))
        + {{ side }} * {{ z95() }} * sqrt(
            {{ share }} * (1 - {{ share }}) / {{ base }} + power({{ z95() }}, 2) / (4 * power({{ base }}, 2))
        )
    ) / (1 + power({{ z95() }}, 2) / {{ base }})
{%- endmacro %}

{#- Byar's approximation to the exact interval of a count (Breslow and Day 1987), side -1 or 1. -#}
{% macro byar(count, side) -%}
    {%- if side == -1 -%}
    case when {{ count }} > 0 then
        {{ count }} * power(1 - 1 / (9 * {{ count }}) - {{ z95() }} / (3 * sqrt({{ count }})), 3) else 0 end
    {%- else -%}
    ({{ count }} + 1) * power(1 - 1 / (9 * ({{ count }} + 1)) + {{ z95() }} / (3 * sqrt({{ count }} + 1)), 3)
    {%- endif -%}
{%- endmacro %}
