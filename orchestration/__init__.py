"""The open index of adult social care productivity: acquisition, warehouse, gates and publication.

Business rules do not belong here: they are seeds and SQL in `dbt_project/`.
"""
