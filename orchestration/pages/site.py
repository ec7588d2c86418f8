"""The whole site of a release: every page rendered, written aside, put in place in one step.

    <release>/site/index.html, league/, councils/, measures/, weights/, compare.html, method.html, quality.html, downloads.html, api/, static/

What belongs here: which pages there are, and writing them. What does not: what stands on a page (the modules beside this one, `templates/`).
"""

from __future__ import annotations

import csv
import gc
import hashlib
import io
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from orchestration.pages import about, api, council, interactive, league, measure
from orchestration.pages.facts import DEFAULT, Facts
from orchestration.pages.links import council_href, league_href, measure_href, weights_href
from orchestration.pages.marks import number, script_data
from orchestration.pages.pictures.svg import Picture
from orchestration.publication.safe_text import safe_text
from orchestration.publication.wording import WARNING

HERE = Path(__file__).parent
SITE = "site"
PROCESSES = 4
"""Each holds the tables of the release: 300 MB."""
MADE_WITH = "made_with.txt"
"""In a site: a hash of what it was made from, to see that nothing has changed."""


Content = tuple[str, str | bytes]
"""Name within the site, and what stands in the file."""


@dataclass(frozen=True)
class Site:
    """A site that is in place."""

    path: Path
    pages: int
    bytes: int
    is_new: bool


def build_site(release: Path, report: Callable[[str], None] = lambda _: None, processes: int = 1) -> Site:
    """Make the site of a release, if the one that is there was not made from the same tables, templates and code.

    Up to `processes` share the work, PROCESSES at most: the files are the same however many.
    Written to a folder aside and renamed when whole: whoever reads the release meanwhile sees the old site or the new one.
    """
    place = release / SITE
    made_with = _fingerprint(release)
    if (place / MADE_WITH).exists() and (place / MADE_WITH).read_text(encoding="ascii").strip() == made_with:
        report("the pages of this release are made already")
        return _counted(place, False)
    for left in release.glob(f".{SITE}-*"):
        process = left.name.rpartition("-")[2]
        if not (process.isdigit() and int(process) != os.getpid() and Path(f"/proc/{process}").exists()):
            shutil.rmtree(left)
    aside = release / f".{SITE}-{os.getpid()}"
    aside.mkdir()
    try:
        _write(release, aside, min(processes, PROCESSES))
        (aside / MADE_WITH).write_text(made_with + "\n", encoding="ascii")
        old = release / f".{SITE}-old-{os.getpid()}"
        if place.exists():
            place.rename(old)
        aside.rename(place)
        shutil.rmtree(old, ignore_errors=True)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    made = _counted(place, True)
    report(f"{made.pages} pages, {made.bytes / 1e6:.0f} MB")
    return made


def _write(release: Path, folder: Path, processes: int) -> None:
    """Every file of the site, by several processes. What one raises is raised here."""
    if processes == 1:
        _write_share(release, folder, 0, 1)
        return
    # begun anew and not forked: who calls may have threads that a fork would cut in two
    with ProcessPoolExecutor(processes - 1, get_context("spawn")) as others:
        shares = [others.submit(_write_share, release, folder, n, processes) for n in range(1, processes)]
        _write_share(release, folder, 0, processes)
        for share in shares:
            share.result()


def _write_share(release: Path, folder: Path, share: int, shares: int) -> None:
    facts = Facts(release)
    # what is read is kept to the end: looking again and again for rows that nobody needs takes a fifth of the time and finds none
    gc.disable()
    try:
        for name, content in files(facts, share, shares):
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)
    finally:
        facts.connection.close()
        gc.enable()


def _counted(place: Path, is_new: bool) -> Site:
    held = [p for p in place.rglob("*") if p.is_file()]
    return Site(place, sum(p.suffix == ".html" for p in held), sum(p.stat().st_size for p in held), is_new)


def _fingerprint(release: Path) -> str:
    digest = hashlib.sha256((release / "manifest.json").read_bytes())
    for path in sorted(p for p in HERE.rglob("*") if p.is_file() and "__pycache__" not in p.parts):
        digest.update(path.relative_to(HERE).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()


def files(facts: Facts, share: int = 0, shares: int = 1) -> Iterator[tuple[str, str | bytes]]:
    """(name within the site, content) of every file, or of one of several shares, which together have every part once."""
    pages = environment(facts)

    def page(name: str, template: str, active: str, /, **context: Any) -> tuple[str, str]:
        root = "../" * name.count("/")
        return name, pages.get_template(template).render(root=root, active=active, page=name, **context)

    parts = _parts(facts, page)
    for name in sorted(parts)[share::shares]:  # sorted: the same shares in every process
        yield from parts[name]()


def _parts(facts: Facts, page: Callable[..., Content]) -> dict[str, Callable[[], Iterable[Content]]]:
    """What the site is made of, each to be rendered when called: a page with what belongs to it, under a name."""
    ranked = sorted(facts.scorecards)

    def league_table(definition: str, year: str) -> Iterator[Content]:
        shown_here = {"years": [y for d, y in ranked if d == definition], "definitions": facts.definitions}
        yield page(
            f"league/{definition}-{year}.html", "league.html.j2", "league", **league.league(facts, definition, year), **shown_here
        )
        yield f"league/{definition}-{year}.csv", league_csv(facts, definition, year)

    def one_council(history: str) -> Iterator[Content]:
        if history in facts.histories:
            yield page(council_href(history), "council.html.j2", "councils", **council.page(facts, history))
        for code in facts.codes_of[history]:
            if code != history:
                yield page(council_href(code), "moved.html.j2", "councils", code=code, history=history, name=facts.name(history))

    def own_weights(year: str, years: list[str]) -> Iterator[Content]:
        data = interactive.weights(facts, year)
        yield page(weights_href(year), "weights.html.j2", "weights", year=year, years=years, data=data)
        yield f"weights/{year}.js", script_data("WEIGHTS", data)

    def the_rest() -> Iterator[Content]:
        for path in sorted((HERE / "static").iterdir()):
            yield f"static/{path.name}", path.read_bytes()
        yield "static/finder-data.js", script_data("COUNCILS", interactive.finder(facts))
        yield page("index.html", "overview.html.j2", "overview", **league.overview(facts))
        yield page("councils/index.html", "councils.html.j2", "councils", **league.council_list(facts))
        yield page("measures/index.html", "measures.html.j2", "measures", **measure.measure_list(facts))
        yield page("compare.html", "compare.html.j2", "compare", year=facts.latest)
        yield "static/compare-data.js", script_data("COMPARE", interactive.compare(facts))
        yield page("method.html", "method.html.j2", "method", **about.method(facts))
        yield page("quality.html", "quality.html.j2", "quality", **about.quality(facts))
        yield page("downloads.html", "downloads.html.j2", "downloads", **about.downloads(facts))

    def one_measure(measure_id: str) -> Iterator[Content]:
        yield page(measure_href(measure_id), "measure.html.j2", "measures", **measure.page(facts, measure_id))

    weighted = [y for d, y in ranked if d == DEFAULT and any(c["rank"] is not None for c in facts.scorecards[d, y])]
    first: dict[str, Callable[[], Iterable[Content]]] = {"the rest": the_rest, "api": partial(api.files, facts)}
    return (
        first
        | {f"council {history}": partial(one_council, history) for history in facts.codes_of}
        | {f"league {definition} {year}": partial(league_table, definition, year) for definition, year in ranked}
        | {f"measure {measure_id}": partial(one_measure, measure_id) for measure_id in facts.measures}
        | {f"weights {year}": partial(own_weights, year, weighted) for year in weighted}
    )


def environment(facts: Facts) -> jinja2.Environment:
    """Templates that escape everything, refuse what is not defined, and refuse a number that does not say where it is from."""

    def printed(value: object) -> object:
        if isinstance(value, int | float):
            raise TypeError(f"a page prints {value!r} without its place in the release: use number(row, column, format)")
        return "" if value is None else value

    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=printed,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals |= {
        "number": number,
        "figure": figure,
        "council_href": council_href,
        "measure_href": measure_href,
        "league_href": league_href,
        "weights_href": weights_href,
        "warning": WARNING,
        "latest": facts.latest,
        "release_id": facts.manifest["release_id"],
        "made": str(facts.manifest["made_at"])[:10],
        "DEFAULT": DEFAULT,
        "publishers": publishers(facts),
    }
    return made


def publishers(facts: Facts) -> list[str]:
    """Who published the figures, for the attribution on every page."""
    return sorted({str(e["publisher"]) for e in facts.editions.values()})


def figure(picture: Picture) -> Markup:
    """A picture with its heading, its legend and the same rows as a table; buttons to save it come by script."""
    table = picture.table.html() if picture.table else ""
    return Markup(
        '<figure class="picture{}"><figcaption>{}</figcaption><div class="drawing"{}>{}</div>{}<p class="words">{}</p>{}</figure>'
    ).format(
        " wide" if picture.is_wide else "",
        picture.title,
        Markup(' role="region" tabindex="0" aria-label="{}"').format(picture.title) if picture.is_wide else "",
        picture.svg,
        Markup('<p class="legend">{}</p>').format(picture.legend) if picture.legend else "",
        picture.words,
        Markup("<details><summary>The same as a table</summary>{}</details>").format(table) if table else "",
    )


def league_csv(facts: Facts, definition: str, year: str) -> str:
    """A league table as it is downloaded: full figures, names and codes, ends of intervals by name; nothing a spreadsheet would run."""
    columns = (
        "definition_id",
        "financial_year",
        "area_code",
        "area_name",
        "region",
        "council_type",
        "rank",
        "lower_rank",
        "upper_rank",
        "rank_group",
        "rank_change",
        "outcome_score",
        "spend_per_adult_gbp",
        "spend_index",
        "productivity",
        "coverage",
        "is_spend_doubtful",
        "is_spend_modelled",
        "withheld_values",
        "carried_forward_values",
        "unranked_reason",
    )
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    for row in facts.scorecards[definition, year]:
        writer.writerow(["" if row[c] is None else safe_text(row[c]) if isinstance(row[c], str) else row[c] for c in columns])
    return text.getvalue()
