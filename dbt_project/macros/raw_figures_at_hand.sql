{# For dbt typed by hand, whose database is data/build/by_hand.duckdb: the raw figures of the last build, copied in before anything is made of
   them. A run of the project hands over a database that has them, and nothing is done. #}
{% macro raw_figures_at_hand() %}
    {% if not execute or target.database != 'by_hand' or flags.WHICH not in ['build', 'run', 'test'] %}
        {{ return('') }}
    {% endif %}
    {% set build_dir = '../data/build' %}
    {% set told = run_query("select trim(content) as build from read_text('" ~ build_dir ~ "/in_wor[k]')") %}
    {% if not told.rows %}
        {{ exceptions.raise_compiler_error("there are no raw figures to build from yet. `make run` (or `asc run`) in the project's folder gathers them; dbt by hand then builds from those of the last run.") }}
    {% endif %}
    {% do run_query("attach '" ~ build_dir ~ "/" ~ told.rows[0]['build'] ~ "/warehouse.duckdb' as last_build (read_only)") %}
    {% do run_query("create schema if not exists raw") %}
    {% for source in graph.sources.values() %}
        {% do run_query("create or replace table raw." ~ source.identifier ~ " as from last_build.raw." ~ source.identifier) %}
    {% endfor %}
    {% do run_query("detach last_build") %}
    {{ return('') }}
{% endmacro %}
