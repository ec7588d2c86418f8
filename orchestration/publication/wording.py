"""Words that the terminal and the pages share. What belongs here: names and warnings as people read them. What does not: numbers."""

from __future__ import annotations

WARNING = (
    "Not for judging a council by its rank alone: the publisher of the outcomes says they cannot by themselves be used to judge how "
    "effective councils are. Read a rank with its coverage, the values behind it, and what is modelled."
)


def measure_label(name: str, breakdown: object) -> str:
    """A measure's name with the ages its value is of: 'Control over daily life, 65+ where split' -> '…, all ages'."""
    if not name.endswith(" where split"):
        return name
    base, _, ages = name.removesuffix(" where split").rpartition(", ")
    return f"{base}, {'all ages' if breakdown == 'total' or not isinstance(breakdown, str) else ages}"


COUNTED = {
    "both_years": "",
    "no_value_now": " (no value now)",
    "no_value_before": " (no value before)",
    "measure_ended": " (ended)",
    "measure_new": " (new)",
}
"""Said after a measure that counts on one side of a change only: what the council lacks is told apart from what nobody has."""
