{# Why a choice cannot be: it is none of those there are. Null if it is one. #}
{% macro not_one_of(column, choices) -%}
    case
        when {{ column }} is null or {{ column }} not in ('{{ choices | join("', '") }}')
            then '{{ column }} ' || coalesce({{ column }}, 'is empty') || ': choose {{ choices[:-1] | join(", ") }} or {{ choices[-1] }}'
    end
{%- endmacro %}
