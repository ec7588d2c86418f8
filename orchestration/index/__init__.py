"""Index arithmetic on arrays: normalise, aggregate. Arrays in, arrays out; no files, no database, no Dagster.

The ranking itself is SQL. This is the same arithmetic for many replications at once and for any number of levels. Shapes are
(..., indicators, units): leading axes are replications or years, units (councils, countries) come last. NaN is a missing value.
"""
