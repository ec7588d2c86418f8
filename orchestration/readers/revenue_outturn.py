"""MHCLG, revenue outturn by council: the summary (RS) of one year, one form of one year, and the data set of many years (CSV).

The summary has a sheet `RS LA Data <year>` whose headings are words (`Adult Social Care`); England stands without a code.

A form's sheet is named `<FORM>_LA_Data_<years>`; headings stand in the row with `ONS Code`, and a hidden row holds the machine's name of
each column (`RO3-ascphyold-net-cur-exp`): columns are found by that. The data set of many years names the same columns
`RO3_ascphyold_net_cur_exp`. Amounts are GBP thousand in cash. Rows of classes of councils are left out.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from orchestration.figures import figures_frame
from orchestration.readers.cells import LayoutError, Workbook, cell_name, csv_rows, csv_table, header_row, open_workbook
from orchestration.readers.ledger import ANYTHING, ENGLAND, Ledger, as_code, has_number, visible

REASONS = ("phy", "sns", "mmr", "lrn", "mnt")  # physical, sensory, memory, learning disability, mental health
ADULT_SOCIAL_CARE = (*(f"asc{reason}{age}" for age in ("adl", "old") for reason in REASONS), "asctot")
"""Lines of form RO3: support of adults aged 18-64 (adl) and of older people (old) by reason, and all adult social care."""
NET: dict[str, str] = {"net-cur-exp": "net_current_expenditure"}
AMOUNTS = {
    "empl": "employees",
    "run-exp": "running_expenses",
    "tot-exp": "total_expenditure",
    "sfc": "sales_fees_and_charges",
    "oth-inc": "other_income",
    "tot-inc": "total_income",
} | NET
"""The columns of a line, C1 to C7, by the machine's name: what was spent, what came in, and the difference."""
LINE_WORDS = {"phy": "physical", "sns": "sensory", "mmr": "memory", "lrn": "learning", "mnt": "mental", "adl": "18", "old": "65"}
"""What the heading of a line says of its reason and age."""
CLASSES = (
    "LONDON BOROUGHS",
    "METROPOLITAN DISTRICTS",
    "UNITARY AUTHORITIES",
    "SHIRE COUNTIES",
    "SHIRE DISTRICTS",
    "OTHER AUTHORITIES",
)
COUNCIL_CLASSES = ("L", "LB", "MD", "UA", "SC")
E_CODE = re.compile(r"E\d{4}|Eng")
STATUSES = ("submitted", "not submitted", "total")
RELATIONS = (
    ("net-cur-exp", ("empl", "run-exp"), ("sfc", "oth-inc")),
    ("tot-exp", ("empl", "run-exp"), ()),
    ("tot-inc", ("sfc", "oth-inc"), ()),
)
"""Of the amounts of a line: a total, what adds up to it, what is taken off. The first is of every line, the others of lines read in full
(the form of 2022-23 names the total incomes of carers' two ages the wrong way round)."""
MOST_OFF = 0.05
FAR_OFF, FAR_OFF_GBP_THOUSAND = 0.4, 5_000
"""A row that is off by two fifths and five million pounds has an amount in another unit, or of something else."""
ROUNDED_GBP_THOUSAND = 1.0
"""For each part of a sum: some years' amounts are rounded to a thousand pounds, and a net is made of rounded amounts."""
ROUNDED_TO_ONE = 2.0
"""Within a row councils round to a thousand pounds, so a sum of two may be off by one or two."""


def read_form(
    content: bytes,
    financial_year: str,
    form: str = "RO3",
    lines: Sequence[str] = ADULT_SOCIAL_CARE,
    lines_in_full: Sequence[str] = (),
    *,
    ledger: Ledger | None = None,
) -> pd.DataFrame:
    """Net current expenditure of `lines` and every amount of `lines_in_full`, councils and England.

    LayoutError names a sheet, row or column that is not there, a column whose heading does not say what its machine's name does, and a
    sum that the form states and its rows do not make: total expenditure, total income, net, England from its classes, a class from its
    councils.
    """
    ledger = ledger or Ledger()
    book = open_workbook(content)
    sheet, rows = _sheet(book, f"{form}_LA_Data", financial_year, ledger)
    head = header_row(rows, ["ONS Code", "Local authority"], sheet)
    places = _place_columns(rows[head], sheet, ledger, other=r".*\(C[1-7]\b.*")
    machine = _machine_row(rows, form, sheet)
    columns = _columns_by_machine(rows, head, machine, form=form, lines=[*lines, *lines_in_full], sheet=sheet)
    wanted = {(line, AMOUNTS[a]): columns[line, a] for line in lines_in_full for a in AMOUNTS}
    wanted |= {(line, NET["net-cur-exp"]): columns[line, "net-cur-exp"] for line in lines}
    figures: list[dict[str, object]] = []
    sums = _Sums(ledger)
    amounts: list[dict[tuple[str, str], float | None]] = []
    for number, row in ledger.each(rows[head + 1 :], head + 1, f"sheet {sheet!r}"):
        if not has_number(row[places["class"] + 1 :]) and not E_CODE.fullmatch(visible(row[places["e_code"]])):
            continue
        code = _area(row, places, f"{sheet}!{cell_name(number, places['code'])}", ledger)
        read = {at: ledger.value(row[column], f"{sheet}!{cell_name(number, column)}") for at, column in columns.items()}
        amounts.append({at: value for at, (value, _) in read.items()})
        sums.add(
            row,
            places,
            {at: (read[at][0], f"{sheet}!{cell_name(number, columns[at])}") for at in columns if at[1] == "net-cur-exp"},
        )
        if code is None:
            continue
        ledger.read()
        for (line, amount), column in wanted.items():
            where = f"{sheet}!{cell_name(number, column)}"
            figures.append(_figure(financial_year, code, (form, line, amount), ledger.value(row[column], where), where))
    sums.compare()
    _rows_add_up(amounts, lines_in_full, sheet, ledger)
    return figures_frame(figures)


def _place_columns(header: Sequence[Any], sheet: str, ledger: Ledger, other: str) -> dict[str, int]:
    """Columns that say which authority a row is of; `other` is what headings of amounts look like."""
    wanted = {"e_code": ["E-code"], "code": ["ONS Code"], "name": ["Local authority"], "class": ["Class"]}
    known = Ledger(unused_headings=(*ledger.unused_headings, other))
    places = known.headings(header, wanted, f"sheet {sheet!r}")
    ledger.headings_unused.update(known.headings_unused)
    return places


def _machine_row(rows: Sequence[Sequence[Any]], form: str, sheet: str) -> Sequence[str]:
    """The row that names each column for machines. LayoutError unless there is one, and each name in it stands once."""
    found = [row for row in rows if any(str(c).startswith(f"{form}-") for c in row)]
    if len(found) != 1:
        raise LayoutError(f"sheet {sheet!r}: {len(found)} rows with the machine's names of columns, such as {form}-…-net-cur-exp")
    names = [visible(c) for c in found[0]]
    twice = [name for name in dict.fromkeys(names) if name and names.count(name) > 1]
    if twice:
        raise LayoutError(f"sheet {sheet!r}: column {twice[0]} stands more than once")
    return names


def _columns_by_machine(
    rows: Sequence[Sequence[Any]], head: int, machine: Sequence[str], *, form: str, lines: Sequence[str], sheet: str
) -> dict[tuple[str, str], int]:
    """(line, amount) -> column, for every amount of `lines` that is there; headings must say the same as the machine's names."""
    for column, name in enumerate(machine):
        amount = next((a for a in AMOUNTS if name.endswith(f"-{a}")), None)
        if not name.startswith(f"{form}-") or amount is None:
            continue
        heading = visible(rows[head][column]) if column < len(rows[head]) else ""
        said = re.search(r"\(C(\d)", heading)
        if said and said[1] != str(list(AMOUNTS).index(amount) + 1):
            raise LayoutError(
                f"sheet {sheet!r}, column {cell_name(0, column)[:-1]}: the heading is {heading!r}, the machine's name {name}: one of "
                "them stands over another column"
            )
    columns = {}
    for line in dict.fromkeys(lines):
        for amount in AMOUNTS:
            wanted = f"{form}-{line}-{amount}"
            if wanted in machine:
                columns[line, amount] = machine.index(wanted)
            elif amount == "net-cur-exp":
                raise LayoutError(f"sheet {sheet!r}: no column {wanted}; found {', '.join(c for c in machine if c)[:400]}")
        _says_its_line(rows, head, columns[line, "net-cur-exp"], line, sheet)
    return columns


def _says_its_line(rows: Sequence[Sequence[Any]], head: int, column: int, line: str, sheet: str) -> None:
    """LayoutError if the heading, or the one above it (merged to the right), names another reason or age than the line does."""
    above = next((t for c in range(column, -1, -1) if (t := visible(rows[head - 1][c]))), "") if head else ""
    said = f"{above} {visible(rows[head][column])}".casefold()
    reason, age = LINE_WORDS.get(line[3:6]), LINE_WORDS.get(line[6:])
    if line[3:6] in REASONS and line[6:] in ("adl", "old") and "support" in said:
        missing = [word for word in (reason, age) if word and word not in said]
        if missing:
            raise LayoutError(
                f"sheet {sheet!r}, column {cell_name(0, column)[:-1]}: {line} should say {missing[0]!r}; it says {said!r}"
            )


def _rows_add_up(
    rows: Sequence[Mapping[tuple[str, str], float | None]], in_full: Sequence[str], sheet: str, ledger: Ledger
) -> None:
    """The net of each line, and the totals of lines read `in_full`, from their parts, in nearly all rows.

    Councils fill the form in, and some make errors that stand published; they are counted. When more than a few rows do not add up, a
    column is not what its name says: LayoutError.
    """
    for line in {line for row in rows[:1] for line, amount in row if amount == "empl"}:
        for total, plus, minus in RELATIONS if line in in_full else RELATIONS[:1]:
            wanted = [(line, a) for a in (total, *plus, *minus)]
            cells = [[v for at in wanted if (v := row.get(at)) is not None] for row in rows]
            whole = [c for c in cells if len(c) == len(wanted) and any(c)]
            gaps = [(abs(c[0] - sum(c[1 : 1 + len(plus)]) + sum(c[1 + len(plus) :])), max(map(abs, c))) for c in whole]
            off = sum(gap > ROUNDED_TO_ONE for gap, _ in gaps)
            far = sum(gap > max(FAR_OFF * size, FAR_OFF_GBP_THOUSAND) for gap, size in gaps)
            ledger.totals_compared += len(whole)
            ledger.rows_that_do_not_add_up += off
            if far or off > max(3, MOST_OFF * len(whole)):
                raise LayoutError(
                    f"sheet {sheet!r}, line {line}: {total} is not {' + '.join(plus)}{''.join(f' - {m}' for m in minus)} in {off} of "
                    f"{len(whole)} rows: a column is not what its name says"
                )


@dataclass
class _Sums:
    """What each class of authorities and England add up to, by line: held against what the file says of them."""

    ledger: Ledger
    members: dict[tuple[str, str], list[float | None]] = field(default_factory=lambda: defaultdict(list))
    classes: dict[str, dict[str, tuple[float | None, str]]] = field(default_factory=lambda: defaultdict(dict))
    england: dict[str, tuple[float | None, str]] = field(default_factory=dict)

    def add(
        self, row: Sequence[Any], places: Mapping[str, int], values: Mapping[tuple[str, str], tuple[float | None, str]]
    ) -> None:
        code, name = as_code(row[places["code"]]), visible(row[places["name"]]).upper()
        kind = visible(row[places["class"]])
        for (line, _), value in values.items():
            if name == "ENGLAND":
                self.england[line] = value
            elif re.fullmatch(r"E\d\d", code) or name in CLASSES:
                self.classes[line][kind] = self.classes[line].get(kind) or value
                if kind == "O" and self.classes[line][kind] is not value:
                    self.classes[line][f"{kind} {name}"] = value
            else:
                self.members[line, kind].append(value[0])

    def compare(self) -> None:
        for line, (stated, where) in self.england.items():
            classes = self.classes[line]
            parts = [v for v, _ in classes.values()]
            self.ledger.total(where, stated, parts, ROUNDED_GBP_THOUSAND * len(parts), "the sum of its classes")
            for kind, (of_class, place) in classes.items():
                members = self.members[line, kind]
                if kind in COUNCIL_CLASSES:
                    self.ledger.total(place, of_class, members, ROUNDED_GBP_THOUSAND * len(members), "the sum of its councils")


def _area(row: Sequence[Any], places: Mapping[str, int], where: str, ledger: Ledger) -> str | None:
    """The code of a council or England, else None: other authorities and classes are passed over. LayoutError for a council without code."""
    e_code, name = visible(row[places["e_code"]]), visible(row[places["name"]])
    if name.upper() == "ENGLAND":
        return ENGLAND
    code = as_code(row[places["code"]])
    if not re.fullmatch(r"E\d{2}(\d{6})?", code):
        if re.fullmatch(r"E(5100|[67]\d{3})", e_code):
            ledger.skip("other authorities")
            return None
        if name.upper() in CLASSES or re.match(r"(?i)source:", e_code):
            ledger.skip("classes of councils")
            return None
    return ledger.area(code, where, name)


def read_summary(
    content: bytes, financial_year: str, heading: str = "Adult Social Care", *, ledger: Ledger | None = None
) -> pd.DataFrame:
    """Net current expenditure on adult social care from the summary, councils and England. LayoutError as for a form."""
    ledger = ledger or Ledger()
    sheet, rows = _sheet(open_workbook(content), "RS LA Data", financial_year, ledger)
    head = header_row(rows, ["ONS Code", "Local authority", heading], sheet)
    title = " ".join(visible(c) for row in rows[:head] for c in row[:2])
    if "net current expenditure" not in title.lower():
        raise LayoutError(f"sheet {sheet!r}: expected net current expenditure; its title is {title[:200]!r}")
    names = [visible(c).casefold() for c in rows[head]]
    if names.count(heading.casefold()) != 1:
        raise LayoutError(f"sheet {sheet!r}: heading {heading!r} stands {names.count(heading.casefold())} times")
    column = names.index(heading.casefold())
    places = _place_columns([c if n != column else "" for n, c in enumerate(rows[head])], sheet, ledger, other=ANYTHING)
    figures: list[dict[str, object]] = []
    sums = _Sums(ledger)
    for number, row in ledger.each(rows[head + 1 :], head + 1, f"sheet {sheet!r}"):
        if not has_number(row[places["class"] + 1 :]) and not E_CODE.fullmatch(visible(row[places["e_code"]])):
            continue
        code = _area(row, places, f"{sheet}!{cell_name(number, places['code'])}", ledger)
        where = f"{sheet}!{cell_name(number, column)}"
        value, mark = ledger.value(row[column], where)
        if not re.match(r"(?i)source:", visible(row[places["e_code"]])):
            sums.add(row, places, {("", "net-cur-exp"): (0.0 if value is None and not mark else value, where)})
        if code is None:
            continue
        ledger.read()
        figures.append(
            {
                "framework": "revenue_outturn",
                "financial_year": financial_year,
                "period": financial_year,
                "area_code": code,
                "item": "adult_social_care_net_current_expenditure",
                "breakdown": "total",
                "unit": "gbp_thousand",
                "value": value,
                "mark": mark,
                "locator": where,
            }
        )
    sums.compare()
    return figures_frame(figures)


def _sheet(book: Workbook, begins: str, financial_year: str, ledger: Ledger) -> tuple[str, list[list[Any]]]:
    """The first sheet whose name begins so, with its rows; every other is known. LayoutError if there is none, or if name or title have another year."""
    found = [s for s in book.sheet_names if visible(s).upper().startswith(begins.upper())]
    if not found:
        raise LayoutError(f"no sheet named {begins}…; found {', '.join(map(repr, book.sheet_names))}")
    sheet = found[0]
    ledger.sheets(book.sheet_names, [sheet])
    rows = book.rows(sheet)
    words = " ".join(visible(c) for row in rows[:6] for c in row[:2])
    for said in (visible(sheet), words):
        years = {
            f"{a}-{b}" for a, b in re.findall(r"(?<!\d)(20\d\d)[-–_/ ]?(\d\d)(?!\d)", said) if int(b) == (int(a[2:]) + 1) % 100
        }
        if years and financial_year not in years:
            raise LayoutError(f"sheet {sheet!r}: expected {financial_year}; it is of {', '.join(sorted(years))} ({said[:120]!r})")
        years_said = years
    if financial_year not in f"{words} {sheet}" and financial_year.replace("-", "") not in f"{words} {sheet}" and not years_said:
        raise LayoutError(f"sheet {sheet!r}: expected {financial_year}; its title is {words[:120]!r}")
    return sheet, rows


def read_many_years(
    content: bytes,
    form: str = "RO3",
    lines: Sequence[str] = ADULT_SOCIAL_CARE,
    lines_if_there: Sequence[str] = (),
    *,
    ledger: Ledger | None = None,
) -> pd.DataFrame:
    """The same from the data set of many years: one row for each council and year, `year_ending` 201803 for 2017-18.

    `lines_if_there` are lines that only some editions of the data set have. LayoutError as for a form; a year whose rows of England and
    of councils are all there must add up.
    """
    ledger = ledger or Ledger()
    header = next(csv_rows(content))[1]
    names = {f"{form}_{line}_net_cur_exp": line for line in lines}
    names |= {name: line for line in lines_if_there if (name := f"{form}_{line}_net_cur_exp") in header}
    places = {"ending": ["year_ending"], "code": ["ONS_code"], "status": ["status"]}
    ledger.headings(header, places | {name: [name] for name in names}, "header")
    table = csv_table(content, ["year_ending", "ONS_code", "status", *names])
    figures: list[dict[str, object]] = []
    seen: dict[tuple[str, str], int] = {}
    for number, cells in ledger.each(table.to_numpy().tolist(), 1, "CSV"):
        ending, area, status = (visible(c) for c in cells[:3])
        line = number + 1
        if not re.fullmatch(r"\d{4}03", ending):
            raise LayoutError(f"line {line}: year_ending {ending!r}, expected such as 201803")
        if status not in STATUSES:
            raise LayoutError(f"line {line}: status {status!r} is none of {', '.join(STATUSES)}")
        if status == "total":
            ledger.skip("totals of England and of classes")
            continue
        code = ledger.area(area, f"line {line}, ONS_code")
        if code is None:
            continue
        if (code, ending) in seen:
            raise LayoutError(f"lines {seen[code, ending]} and {line}: {code} stands twice in {ending}")
        seen[code, ending] = line
        ledger.read()
        year = f"{int(ending[:4]) - 1}-{ending[2:4]}"
        for (column, name), cell in zip(names.items(), cells[3:], strict=True):
            where = f"line {line}, {column}"
            figures.append(_figure(year, code, (form, name, NET["net-cur-exp"]), ledger.value(cell, where), where))
    return figures_frame(figures)


def _figure(year: str, code: str, column: tuple[str, str, str], read: tuple[float | None, str], where: str) -> dict[str, object]:
    form, line, amount = column
    value, mark = read
    return {
        "framework": "revenue_outturn",
        "financial_year": year,
        "period": year,
        "area_code": code,
        "item": f"{form.lower()}_{line}_{amount}",
        "breakdown": {"adl": "18_to_64", "old": "65_and_over"}.get(line[-3:], "total"),
        "unit": "gbp_thousand",
        "value": value,
        "mark": mark,
        "locator": where,
    }
