"""Which councils there were in a year, by code: what a file is held against to tell whose year it is.

From the embedded reference tables (`councils.csv`, `code_changes.csv`, `cassr_codes.csv`): a code is valid from the April in which a change
made it until the April in which another ended it.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Final

from orchestration.figures import read_table
from orchestration.settings import get_settings

MAY_BE_ABSENT: Final = frozenset({"E06000053", "E09000001"})
"""Isles of Scilly and City of London: tiny, and left out of some publications without a word."""
FIRST_YEAR, LAST_YEAR = 2010, 2035


@cache
def _changes() -> list[dict[str, str]]:
    return [
        {str(k): str(v) for k, v in row.items()}
        for row in read_table(get_settings().figures_dir / "code_changes.csv").to_dict("records")
    ]


@cache
def every_council() -> frozenset[str]:
    """Codes of all councils of all years: those with a name, and those that a change gave to one of them."""
    return frozenset(read_table(get_settings().figures_dir / "councils.csv")["area_code"]) | {c["new_code"] for c in _changes()}


@cache
def councils_of(financial_year: str) -> frozenset[str]:
    """Codes of the councils there were in a financial year such as 2017-18."""
    april = f"{financial_year[:4]}-04-01"
    not_yet = {c["new_code"] for c in _changes() if c["date"] > april}
    # a county of which a part was transferred goes on until its own code is replaced
    no_more = {c["old_code"] for c in _changes() if c["date"] <= april and c["kind"] != "transfer"}
    return every_council() - not_yet - no_more


def with_other_codes(found: Iterable[str]) -> frozenset[str]:
    """Codes, before and after, of the same councils under another code: a publisher may go on with the old one, or be ahead."""
    held = set(found)
    pairs = [(c["old_code"], c["new_code"]) for c in _changes() if c["kind"].startswith("recode")]
    return frozenset({new for old, new in pairs if old in held} | {old for old, new in pairs if new in held})


def year_of_councils(found: Iterable[str]) -> str:
    """The years whose set of councils this is, such as '2021-22 to 2022-23'; '' if it is that of none."""
    held = frozenset(found) | MAY_BE_ABSENT
    years = [f"{y}-{(y + 1) % 100:02d}" for y in range(FIRST_YEAR, LAST_YEAR)]
    fitting = [year for year in years if councils_of(year) == held]
    return "" if not fitting else fitting[0] if len(fitting) == 1 else f"{fitting[0]} to {fitting[-1]}"


@cache
def _by_cassr() -> dict[str, str]:
    table = read_table(get_settings().figures_dir / "cassr_codes.csv")
    return dict(zip(table["cassr_code"], table["ons_code"], strict=True))


def as_ons_code(area_code: str) -> str:
    """`cassr:507` as the ONS code it stands for; any other code as it is."""
    return _by_cassr().get(area_code[6:], area_code) if area_code.startswith("cassr:") else area_code
