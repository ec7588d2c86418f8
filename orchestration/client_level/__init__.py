"""From events of persons to measures: one SQL for every engine.

Since 2024-25 councils hand in client-level records in place of totals. What belongs here: measures as SQL that DuckDB and Apache Spark both read,
the columns it needs, and who runs it. What does not: anything after a measure's numerator and denominator.
"""
