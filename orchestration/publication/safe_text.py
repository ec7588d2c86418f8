"""Text that a spreadsheet would run: `=HYPERLINK(...)` as a council's name. In CSV files and workbooks it begins with an apostrophe.

The database and the Parquet files keep what was published. A lone sign or a signed number is no formula and stays as it is.
"""

from __future__ import annotations

import re
from typing import Final

FORMULA: Final = r"^([=@\t\r]|[+-].*[A-Za-z(!|])"
"""What spreadsheets take for a formula; read alike by Python and by DuckDB."""


def safe_text(text: str) -> str:
    """The text, with an apostrophe before it if a spreadsheet would run it."""
    return f"'{text}" if re.match(FORMULA, text, re.DOTALL) else text


def safe_sql(column: str) -> str:
    """The same as an expression on a text column of DuckDB."""
    return (
        f"""case when regexp_matches("{column}", '{FORMULA}', 's') then '''' || "{column}" else "{column}" end as "{column}\""""
    )
