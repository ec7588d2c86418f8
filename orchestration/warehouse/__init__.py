"""The DuckDB file that dbt builds: raw load, dbt builds, gates. What belongs here: moving and guarding. What does not: rules of the index."""
