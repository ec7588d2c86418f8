"""The open index of adult social care productivity: acquisition, warehouse, gates, analysis and publication.

Business rules do not belong here: they are seeds and SQL in `dbt_project/`.
"""

import os

# Replications are spread over threads already: a product of small matrices must not start threads of its own. Before NumPy is imported.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
