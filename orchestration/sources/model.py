"""What a source file may say. An unknown key, reader or layout, or an address that is not https, is refused with the file's name.

What belongs here: the shape of `sources/*.yaml`. What does not: fetching (`acquisition/`) and reading (`readers/`).
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import unquote, urlsplit

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

FOLDER = Path(__file__).parent
YEAR = re.compile(r"^\d{4}-\d{2}$")
Maturity = Literal["provisional", "final", "reissued"]
Obtained = Literal["publishers_file", "copy", "compiled_table"]
"""How the figures came: the publisher's file itself; a copy of it, cell for cell, in another form; a table somebody compiled from it."""
Meaning = Literal["suppressed", "not_available", "not_applicable", "not_submitted", "nothing", "note", "blank"]
"""What a mark in place of a number says. `nothing` is a count of none; `blank` a cell that was published empty; `note` a note of the file's."""
Option = str | int | list[str]
Reader = Literal[
    "area_lookup",
    "ascof_annex",
    "ascof_index_series",
    "ascof_open_data",
    "boundaries",
    "code_changes",
    "council_table",
    "deflators",
    "delayed_transfers",
    "deprivation",
    "discharge_ready_date",
    "finance_lines",
    "finance_tables",
    "finance_totals_2016_17",
    "fingertips",
    "nomis_population",
    "population",
    "revenue_outturn_form",
    "revenue_outturn_many_years",
    "revenue_outturn_summary",
    "salt",
]


LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The safe loader in C where libyaml is at hand: it reads the sources in a tenth of the time, and every start pays it."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Layout(_Strict):
    """How editions are laid out: which reader, what it is told (sheets, headings, encoding, ...), and what may stand there beside figures."""

    reader: Reader
    options: dict[str, Option] = Field(default_factory=dict, description="Keyword arguments of the reader.")
    marks: dict[str, Meaning] = Field(
        default_factory=dict,
        description="Marks that may stand for a number, with what they mean; any other is refused. <number> in a mark stands for digits.",
    )
    unused_headings: list[str] = Field(
        default_factory=list,
        description="Regular expressions of headings that are known and not read; .* where the layout was never seen whole.",
    )
    unused_sheets: list[str] = Field(
        default_factory=list, description="Regular expressions of sheets that are known and not read."
    )
    unused_rows: list[str] = Field(
        default_factory=list,
        description="Regular expressions of names in rows without an area's code that are known and not read.",
    )
    councils: Literal["all", "some"] = Field(
        default="all",
        description="all: every figure stands for every council of the year, or the file is refused. some: councils of other years, or few.",
    )

    @field_validator("unused_headings", "unused_sheets", "unused_rows")
    @classmethod
    def _are_patterns(cls, values: list[str]) -> list[str]:
        for value in values:
            _compiled(value)
        return values


def _compiled(value: str) -> None:
    try:
        re.compile(value)
    except re.error as error:
        raise ValueError(f"{value!r} is no regular expression: {error}") from None


class Edition(_Strict):
    """One issue of a publication: of a financial year, or of a month where the series is monthly."""

    financial_year: str = Field(description="Label such as 2017-18: the partition of the download.")
    title: str = Field(default="", description="The edition's own title, where it is not the source's with the edition's name.")
    publisher: str = Field(default="", description="Who published this edition, where it is not who publishes the series now.")
    address: str | None = Field(default=None, description="Where the file is; a hint, checked on receipt.")
    content_path: str | None = Field(
        default=None, description="GOV.UK path whose content API lists the file; addresses of assets change."
    )
    title_pattern: str | None = Field(
        default=None, description="Regular expression of the attachment's title or file name there."
    )
    page: str | None = Field(default=None, description="A page with a link to the file, where there is no API.")
    link_pattern: str | None = Field(default=None, description="Regular expression of the link's address on that page.")
    file: str | None = Field(
        default=None, description="The file's name, where the address has another or none is known: what to import."
    )
    layout: str = Field(description="A key of the source's layouts.")
    options: dict[str, Option] = Field(
        default_factory=dict, description="Keyword arguments of the reader for this edition alone."
    )
    sheet: str = Field(default="", description="The one sheet all figures come from.")
    maturity: Maturity = "final"
    obtained: Obtained = Field(
        default="publishers_file", description="Whether the file is the publisher's, a copy, or a compiled table."
    )
    areas_of: list[str] = Field(
        default_factory=list,
        description="Years whose codes of councils it has, where it is not its own: codes lag behind, or run ahead.",
    )
    absent: list[str] = Field(default_factory=list, description="Councils of the year that it leaves out, by code.")
    superseded_by: str = Field(
        default="",
        description="The edition of this source that revised it: kept to show what was revised, never used by the index.",
    )
    expected_figures: int = Field(
        default=1, ge=1, description="Fewer figures, or rows of a table, than this are a truncated file."
    )
    note: str = ""

    @field_validator("financial_year")
    @classmethod
    def _is_a_year(cls, value: str) -> str:
        if not YEAR.match(value) or int(value[5:]) != (int(value[2:4]) + 1) % 100:
            raise ValueError(f"{value!r} is no financial year such as 2017-18")
        return value

    @field_validator("address", "page")
    @classmethod
    def _is_https(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith("https://"):
            raise ValueError(f"{value!r} is not an https address")
        return value

    @field_validator("title_pattern", "link_pattern")
    @classmethod
    def _is_a_pattern(cls, value: str | None) -> str | None:
        _compiled(value or "")
        return value

    @model_validator(mode="after")
    def _can_be_had(self) -> Edition:
        if not (self.address or self.content_path or self.page or self.file):
            raise ValueError("an edition needs an address, a content_path, a page or at least the name of its file")
        if bool(self.content_path) != bool(self.title_pattern) or bool(self.page) != bool(self.link_pattern):
            raise ValueError("content_path and title_pattern belong together, and page and link_pattern")
        return self

    @property
    def file_name(self) -> str:
        """What the file is called in the raw folder."""
        from_address = unquote(urlsplit(self.address).path).rsplit("/", 1)[-1] if self.address else ""
        return self.file or from_address or "attachment"

    @property
    def can_be_fetched(self) -> bool:
        """Whether any address is known; otherwise the file comes by hand or from a mirror."""
        return bool(self.address or self.content_path or self.page)


class Source(_Strict):
    """A series of publications."""

    source: str
    title: str
    publisher: str
    landing_page: str
    licence: str
    citation: str
    mirror_folder: str = Field(
        default="", description="A mirror's folder that holds this source's files by name; else the source's own name."
    )
    monthly: bool = Field(default=False, description="Editions are months (2017-04) and hold that month alone.")
    newest_only: bool = Field(default=False, description="Only the newest edition is read, because editions do not fit together.")
    layouts: dict[str, Layout]
    editions: Annotated[dict[str, Edition], Field(min_length=1)]

    @model_validator(mode="after")
    def _holds_together(self) -> Source:
        for name, edition in self.editions.items():
            if edition.layout not in self.layouts:
                raise ValueError(f"edition {name}: no layout {edition.layout!r}; there are {', '.join(self.layouts)}")
            if edition.superseded_by and edition.superseded_by not in self.editions:
                raise ValueError(f"edition {name}: superseded_by names no edition {edition.superseded_by!r}")
            if self.monthly and not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", name):
                raise ValueError(f"edition {name}: the source is monthly, so an edition is a month such as 2017-04")
        return self

    @property
    def folder(self) -> str:
        """The folder of a mirror that holds the files by name."""
        return self.mirror_folder or self.source


class SourceError(ValueError):
    """A source file says what it may not; the text names the file and the key."""


def read_source(path: Path) -> Source:
    """One source file. SourceError names the file, the key and what is wrong with it."""
    try:
        source = Source.model_validate(yaml.load(path.read_text(encoding="utf-8"), Loader=LOADER))
    except yaml.YAMLError as error:
        raise SourceError(f"{path.name}: not YAML: {error}") from None
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise SourceError(f"{path.name}: {problems}") from None
    if source.source != path.stem:
        raise SourceError(f"{path.name}: source is {source.source!r}; the file should be named after it")
    return source


@cache
def sources(folder: Path = FOLDER) -> dict[str, Source]:
    """Every source by name. SourceError for the first file that is wrong."""
    return {path.stem: read_source(path) for path in sorted(folder.glob("*.yaml"))}


def source_and_edition(name: str, edition: str | None = None) -> Source:
    """The source of that name. SourceError lists those there are, for a source or an edition that is not."""
    known = sources()
    if name not in known:
        raise SourceError(f"There is no source {name!r}; there are {', '.join(known)}.")
    if edition is not None and edition not in known[name].editions:
        raise SourceError(f"{name} has no edition {edition!r}; it has {', '.join(known[name].editions)}.")
    return known[name]


def financial_years() -> list[str]:
    """The years of all editions: the partitions of the downloads."""
    return sorted({edition.financial_year for source in sources().values() for edition in source.editions.values()})
