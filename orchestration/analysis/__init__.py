"""How sure the rank is: from the marts to arrays, simulate with `orchestration.index`, and back to marts. No Dagster here."""
