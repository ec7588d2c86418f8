"""From what a person writes to one council: official, short and old names, with or without "Council", "&", punctuation or capitals.

A name is resolved only where it can mean one council; anything else is a question that has the likely councils in it. What belongs here:
names in, a code or a question out. What does not: reading the release (`queries.py`).
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

GENERIC: Final = frozenset(
    [
        "and",
        "authority",
        "bc",
        "borough",
        "cc",
        "city",
        "corporation",
        "council",
        "county",
        "dc",
        "district",
        "lb",
        "lbc",
        "london",
        "mbc",
        "mdc",
        "metropolitan",
        "of",
        "rb",
        "royal",
        "the",
        "unitary",
    ]
)
"""Words that do not tell one council from another."""
JOINED: Final = {"saint": "st"}
LIKENESS: Final = 0.72
"""How alike two names must be for one to be offered for the other (difflib's ratio): one typing error in a short name is over it."""
OFFERED: Final = 8


class UnknownError(LookupError):
    """A name, code or year that the release does not have; the text says what it does have."""


@dataclass(frozen=True)
class Council:
    """A code with the name it had, and whether the code is still in force."""

    area_code: str
    area_name: str
    is_current: bool


def find(wanted: str, councils: Iterable[Council], aliases: Iterable[tuple[str, str]]) -> str:
    """The ONS code of the one council that `wanted` means; of a name with several codes the one in force.

    `aliases` are (name, code). UnknownError asks which, or offers names that are nearly alike.
    """
    known = sorted(councils, key=lambda c: (not c.is_current, c.area_code))
    by_code = {c.area_code.lower(): c for c in known}
    written = wanted.strip()
    if written.lower() in by_code:
        return by_code[written.lower()].area_code
    whole = words(written)
    if not whole:
        raise UnknownError("No council is named. Give a name or an ONS code: Barnsley, E08000016.")
    for same in (
        [c for c in known if words(c.area_name) == whole],
        [by_code[code.lower()] for alias, code in aliases if words(alias) == whole],
        [c for c in known if telling(c.area_name) == telling(written) != ()],
        [by_code[code.lower()] for alias, code in aliases if telling(alias) == telling(written) != ()],
    ):
        if same:
            return same[0].area_code
    asked = set(telling(written))
    within = [c for c in known if asked and asked <= set(words(c.area_name))]
    names = list(dict.fromkeys(c.area_name for c in within))
    if len(names) == 1:
        return within[0].area_code
    if names:
        raise UnknownError(f"{wanted!r} could be {_listed(names)}.")
    near = nearest(written, known, aliases)
    if near:
        raise UnknownError(f"No council {wanted!r}. Did you mean {_listed(near)}?")
    raise UnknownError(f'No council {wanted!r}. `asc sql "select area_name from marts.dim_council"` lists all.')


def nearest(wanted: str, councils: Iterable[Council], aliases: Iterable[tuple[str, str]]) -> list[str]:
    """Names that are nearly alike or begin so, the likeliest first."""
    known = list(councils)
    name_of = {c.area_code: c.area_name for c in known}
    written = " ".join(telling(wanted) or words(wanted))
    plain = {" ".join(telling(c.area_name) or words(c.area_name)): c.area_name for c in known}
    plain |= {" ".join(words(alias)): name_of[code] for alias, code in aliases}
    part = [name for key, name in plain.items() if len(written) >= 3 and written in key]
    begins = sorted(part, key=lambda name: not any(w.startswith(written) for w in words(name)))
    alike = [plain[key] for key in difflib.get_close_matches(written, plain, n=5, cutoff=LIKENESS)]
    # a typing error in one word of several
    parts = {word for name in plain for word in name.split() if len(word) > 3}
    mended = [
        name
        for word in written.split()
        for close in difflib.get_close_matches(word, parts, n=2, cutoff=0.8)
        for key, name in plain.items()
        if close in key.split()
    ]
    return list(dict.fromkeys([*alike, *begins, *mended]))[:OFFERED]


def words(name: str) -> tuple[str, ...]:
    """A name as words: no capitals, accents or punctuation, `&` as and; `Bristol, City of` in the order of speech."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower().replace("&", " and ")
    plain = re.sub(r"['\u2019.]", "", plain)
    return tuple(JOINED.get(w, w) for w in re.findall(r"[a-z0-9]+", plain))


def telling(name: str) -> tuple[str, ...]:
    """The words that tell this council from others."""
    return tuple(w for w in words(name) if w not in GENERIC)


def _listed(names: list[str]) -> str:
    shown = names[:OFFERED]
    more = f" and {len(names) - OFFERED} more" if len(names) > OFFERED else ""
    return ", ".join(shown[:-1]) + (" or " if len(shown) > 1 and not more else ", " if len(shown) > 1 else "") + shown[-1] + more
