{#-
    Logarithmic mean of two positive numbers: (a - b) / (ln a - ln b), and a where they are the same.
    It turns a change of a logarithm into a change of the number itself without a remainder.
-#}
{% macro log_mean(a, b) -%}
    case
        when {{ a }} is null or {{ b }} is null or {{ a }} <= 0 or {{ b }} <= 0 then null
        when abs({{ a }} - {{ b }}) <= 1e-12 * {{ a }} then {{ a }}
        else ({{ a }} - {{ b }}) / (ln({{ a }}) - ln({{ b }}))
    end
{%- endmacro %}
