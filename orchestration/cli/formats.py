"""The formats in which rows are given: light, because the help text needs them and nothing else."""

from __future__ import annotations

from enum import StrEnum


class Format(StrEnum):
    """How rows are given."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"
