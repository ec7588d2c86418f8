"""Dagster assets, one thin module a stage: acquire, raw, warehouse, publication. The work is done by plain functions elsewhere."""
