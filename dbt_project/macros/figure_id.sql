{# What identifies a published figure: the hash of where it was published and of what. #}
{% macro figure_id(relation) -%}
    md5(concat_ws(
        '|', {{ relation }}.source, {{ relation }}.edition, {{ relation }}.framework, {{ relation }}.financial_year, {{ relation }}.period,
        {{ relation }}.area_code, {{ relation }}.item, {{ relation }}.breakdown
    ))
{%- endmacro %}
