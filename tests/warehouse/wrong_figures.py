"""How figures go wrong: the kinds of `wrong_figures.csv`, each as SQL on the raw tables of a build.

A kind takes the line's framework, item, breakdown and year (the figures it is about), `share` (of councils, drawn by a hash of their code),
`amount` (a factor, a number of councils, a value or a code, as the kind says) and `other` (another item, year or table).
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

TABLE = Path(__file__).parent / "wrong_figures.csv"
COUNCIL = "regexp_matches(area_code, '^(E06|E08|E09|E10)')"


@dataclass(frozen=True)
class Case:
    """One line of the table: what is changed, and what must come of it, told by which rule, naming what."""

    kind: str
    size: str
    framework: str
    item: str
    breakdown: str
    financial_year: str
    share: str
    amount: str
    other: str
    outcome: str
    told_by: str
    rule: str
    names: str

    @property
    def title(self) -> str:
        about = " ".join(part for part in (self.item, self.breakdown, self.financial_year, self.other, self.amount) if part)
        return f"{self.kind}, {self.size}: {about}"

    @property
    def touches(self) -> set[str]:
        """What no other case of one world may touch: the item, or the whole return, or everything."""
        if self.kind in ALONE:
            return {"*"}
        if self.kind in OF_THE_REGISTER:
            return {"register"}
        if self.kind in OF_EDITIONS:
            return {f"editions of {self.item}"}
        whole = self.framework in {"revenue_outturn", "discharge_ready_date", "salt", "nhs_outcomes_framework"}
        items = [self.item] + ([self.other] if self.kind in {"another column", "two columns exchanged"} else [])
        return {self.framework} if whole else {f"{self.framework} {item.split('_')[0]}" for item in items}


def cases() -> list[Case]:
    """Every line of the table."""
    with TABLE.open(encoding="utf-8", newline="") as file:
        return [Case(**row) for row in csv.DictReader(file)]


def worlds(of: list[Case]) -> list[list[Case]]:
    """Cases put together that are told by gates of one stage, so that no two of one world touch the same figures."""
    made: list[tuple[str, set[str], list[Case]]] = []
    for case in of:
        stage = case.told_by.split("_")[0] if case.outcome == "refused" else "marts"  # what closes no gate is seen at the end too
        for told, touched, together in made:
            if told == stage and not touched & case.touches and "*" not in touched | case.touches:
                touched.update(case.touches)
                together.append(case)
                break
        else:
            made.append((stage, set(case.touches), [case]))
    return [together for _, _, together in made]


def _figures(of: str = "") -> str:
    return (
        f"{of}framework = '{{framework}}' and {of}item = '{{item}}' and {of}breakdown = '{{breakdown}}' "
        f"and {of}financial_year = '{{financial_year}}'"
    )


def _whose(of: str = "") -> str:
    return (
        f"{_figures(of)} and regexp_matches({of}area_code, '^(E06|E08|E09|E10)') and {of}value is not null "
        f"and {of}area_code not in ('E09000001', 'E06000053')"  # too small to be ranked: nothing of theirs moves a rank
    )


def _some(of: str = "") -> str:
    return f"{_whose(of)} and hash({of}area_code || 'drawn') % 1000 < 1000 * {{share}}"


FIGURES, WHOSE, SOME = _figures(), _whose(), _some()
IN_LINE = f"(select area_code, value, row_number() over (order by area_code) as place, row_number() over (order by value, area_code) as low, row_number() over (order by value desc, area_code) as high, count(*) over () as councils from raw.figures where {SOME})"

STATEMENTS: dict[str, str] = {
    # whole columns
    "multiplied": f"update raw.figures set value = value * {{amount}} where {SOME}",
    "moved up": f"update raw.figures set value = value + {{amount}} where {SOME}",
    "polarity turned": f"update raw.figures set value = 100 - value where {SOME}",
    "no spread": f"update raw.figures set value = 20 + hash(area_code) % {{amount}} where {SOME}",
    "spread": f"update raw.figures set value = greatest(0, least(100, m.middle + (value - m.middle) * {{amount}})) from (select median(value) as middle from raw.figures where {WHOSE}) as m where {SOME}",
    "the year before again": f"update raw.figures as f set value = p.value from raw.figures as p where {_some('f.')} and p.framework = f.framework and p.item = f.item and p.breakdown = f.breakdown and p.financial_year = '{{other}}' and p.area_code = f.area_code and p.value is not null",
    "another column": f"update raw.figures as f set value = p.value from raw.figures as p where {_some('f.')} and p.framework = f.framework and p.item = '{{other}}' and p.breakdown = f.breakdown and p.financial_year = f.financial_year and p.area_code = f.area_code and p.value is not null",
    "two columns exchanged": "update raw.figures as f set value = p.value from raw.figures as p where f.framework = '{framework}' and p.framework = f.framework and f.breakdown = '{breakdown}' and p.breakdown = f.breakdown and f.financial_year = '{financial_year}' and p.financial_year = f.financial_year and p.area_code = f.area_code and ((f.item = '{item}' and p.item = '{other}') or (f.item = '{other}' and p.item = '{item}')) and f.value is not null and p.value is not null and hash(f.area_code || 'drawn') % 1000 < 1000 * {share}",
    "two years exchanged": "update raw.figures as f set value = p.value from raw.figures as p where f.framework = '{framework}' and p.framework = f.framework and f.item = '{item}' and p.item = f.item and f.breakdown = '{breakdown}' and p.breakdown = f.breakdown and p.area_code = f.area_code and ((f.financial_year = '{financial_year}' and p.financial_year = '{other}') or (f.financial_year = '{other}' and p.financial_year = '{financial_year}')) and f.value is not null and p.value is not null and hash(f.area_code || 'drawn') % 1000 < 1000 * {share}",
    "councils moved by one row": f"update raw.figures as f set value = b.value from {IN_LINE} as a, {IN_LINE} as b where {_figures('f.')} and f.area_code = a.area_code and b.place = a.place % a.councils + 1",
    "pairs of councils exchanged": f"update raw.figures as f set value = b.value from {IN_LINE} as a, {IN_LINE} as b where {_figures('f.')} and f.area_code = a.area_code and ((a.low <= {{amount}} and b.high = a.low) or (a.high <= {{amount}} and b.low = a.high))",
    "England's": f"update raw.figures set value = value * {{amount}} where {FIGURES} and area_code = 'E92000001'",
    "noughts for values": f"update raw.figures set value = 0 where {SOME}",
    "noughts for marks": f"update raw.figures set value = 0, mark = '' where {FIGURES} and {COUNCIL} and value is null and area_code in (select area_code from raw.figures where {FIGURES} and {COUNCIL} and value is null order by area_code limit {{amount}})",
    # single councils
    "one council": f"update raw.figures set value = value * {{amount}} where {WHOSE} and area_code = '{{other}}'",
    "councils beyond the range": f"update raw.figures set value = {{amount}} where {WHOSE} and area_code in (select area_code from raw.figures where {WHOSE} order by area_code limit {{other}})",
    "nought for a value": f"update raw.figures set value = 0 where {WHOSE} and area_code = '{{other}}'",
    # codes
    "a code of nobody": f"update raw.figures set area_code = '{{amount}}' || lpad(cast(hash(area_code) % 1000 as varchar), 3, '9') where {WHOSE} and area_code in (select area_code from raw.figures where {WHOSE} order by area_code limit {{other}})",
    "an old code after its end": f"update raw.figures set area_code = '{{amount}}' where {FIGURES} and area_code = '{{other}}'",
    "rows left out": f"delete from raw.figures where {WHOSE} and area_code in (select area_code from raw.figures where {WHOSE} order by hash(area_code) limit {{amount}})",
    "rows twice": f"insert into raw.figures select * from raw.figures where {WHOSE} and area_code in (select area_code from raw.figures where {WHOSE} order by hash(area_code) limit {{amount}})",
    "a council gone from the register": "delete from raw.councils where area_code in (select area_code from raw.councils where left(area_code, 3) = 'E08' order by area_code limit {amount})",
    "a change of codes far ahead": "update raw.code_changes set date = '2031-04-01' where new_code in (select new_code from raw.code_changes where kind = 'recoded' or date >= '2019-01-01' order by new_code limit {amount})",
    "a region that is another": "update raw.councils set region = '{other}' where area_code in (select area_code from raw.councils where region = '{item}' order by area_code limit {amount})",
    "names exchanged": "update raw.councils as c set area_name = d.area_name from (select area_code, area_name, row_number() over (order by area_code) as n from raw.councils where left(area_code, 3) = 'E09') as a, (select area_name, row_number() over (order by area_code) as n from raw.councils where left(area_code, 3) = 'E09') as d where c.area_code = a.area_code and a.n <= {amount} and d.n = a.n % {amount} + 1",
    # editions
    "an edition that is not described": "delete from raw.editions where source = '{item}' and edition in (select edition from raw.editions where source = '{item}' order by edition limit {amount})",
    "an edition without figures": "delete from raw.figures where source = '{item}' and edition in (select edition from raw.editions where source = '{item}' order by edition limit {amount})",
    "a source that nobody knows": f"update raw.figures set source = 'a_source' where {SOME}",
    "an edition that nobody knows": f"update raw.figures set edition = edition || ' again' where {SOME}",
    "a hash of nothing": "update raw.editions set sha256 = repeat('0', 64) where source = '{item}' and edition in (select edition from raw.editions where source = '{item}' order by edition limit {amount})",
    "an edition twice": "insert into raw.editions select * from raw.editions where source = '{item}' and edition in (select edition from raw.editions where source = '{item}' order by edition limit {amount})",
    "no licence": "update raw.editions set licence = '' where source = '{item}' and edition in (select edition from raw.editions where source = '{item}' order by edition limit {amount})",
    "revised by none": "update raw.editions set superseded_by = 'the next' where source = '{item}' and edition in (select edition from raw.editions where source = '{item}' order by edition limit {amount})",
    # the shape of a row
    "a value and a mark": f"update raw.figures set mark = '[x]' where {SOME}",
    "neither value nor mark": f"update raw.figures set value = null where {SOME}",
    "another unit": f"update raw.figures set unit = '{{amount}}' where {SOME}",
    "a year that is none": f"update raw.figures set financial_year = '{{amount}}' where {SOME}",
    "no place in the publication": f"update raw.figures set locator = '' where {SOME}",
    "an item with a blank": f"update raw.figures set item = item || ' ' where {SOME}",
    "an item that nobody knows": f"update raw.figures set item = item || '{{amount}}' where {SOME}",
}
ALONE = {"a change of codes far ahead"}
"""Kinds that change what all figures lean on."""
OF_THE_REGISTER = {"a council gone from the register", "a region that is another", "names exchanged"}
OF_EDITIONS = {
    "an edition that is not described",
    "an edition without figures",
    "a hash of nothing",
    "an edition twice",
    "no licence",
    "revised by none",
}


def statement(case: Case) -> str:
    """The SQL of a case."""
    return STATEMENTS[case.kind].format(
        framework=case.framework,
        item=case.item,
        breakdown=case.breakdown,
        financial_year=case.financial_year,
        share=case.share or 1,
        amount=case.amount,
        other=case.other,
    )
