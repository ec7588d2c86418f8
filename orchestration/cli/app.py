"""`asc`: run the index, read the ranking, look at a council, query the release. Thin: each command calls a function elsewhere."""

from __future__ import annotations

import errno
import json
import logging
import os
import sys
from contextlib import nullcontext
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from orchestration.cli.formats import Format

if TYPE_CHECKING:
    import pandas as pd

    from orchestration.settings import Settings

app = typer.Typer(
    name="asc",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    help="The open index of adult social care productivity: every council, every year, each rank with a trail to the published figure.",
)
figures_app = typer.Typer(no_args_is_help=True, help="The embedded published figures (for those who maintain them).")
app.add_typer(figures_app, name="figures")

WIDTH_WITHOUT_TERMINAL = 140


def get_settings() -> Settings:
    """The settings of this process, read when a command needs them: a help text does not."""
    from orchestration.settings import get_settings as read

    return read()


def _say_version(wanted: bool) -> None:
    """The program's version and the release that its answers are read from."""
    if not wanted:
        return
    from importlib.metadata import version

    from orchestration.publication.release import NoReleaseError, current_release

    try:
        release = f"release {current_release(get_settings()).name}"
    except NoReleaseError:
        release = "no release yet"
    typer.echo(f"asc {version('asc-productivity-index')}, {release}")
    raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option("--version", help="The program's version and the current release.", callback=_say_version, is_eager=True),
    ] = False,
) -> None:
    if not any(name.startswith("ASC_") for name in os.environ):
        return
    from orchestration.settings import misspelt_variables

    for name, like in misspelt_variables().items():
        meant = f"; did you mean {' or '.join(like)}?" if like else "."
        err.print(f"The variable {name} is no setting, and was not read{meant}", highlight=False, markup=False, soft_wrap=True)


class Paper(Console):
    """A console that breaks long lines between words on a terminal, and leaves them whole for a program that reads them."""

    def print(self, *objects: Any, **how: Any) -> None:
        super().print(*objects, **how | {"soft_wrap": how.get("soft_wrap", False) and not self.is_terminal})

    def on_broken_pipe(self) -> None:
        """The reader has seen enough (`| head`): that is no failure."""
        try:
            super().on_broken_pipe()
        except SystemExit:
            raise SystemExit(0) from None


out = Paper() if sys.stdout.isatty() else Paper(width=WIDTH_WITHOUT_TERMINAL)
err = Paper(stderr=True)


class Data(StrEnum):
    """Where the figures of a run come from."""

    EMBEDDED = "embedded"
    PUBLISHERS = "publishers"


FormatOption = Annotated[Format, typer.Option("--format", "-f", help="table for reading, csv or json for programs.")]
OutputOption = Annotated[
    Path | None, typer.Option("--output", "-o", help="Write to this file instead; its name, .csv or .json, says the format.")
]
YearOption = Annotated[str | None, typer.Option("--year", "-y", help="Financial year; the latest ranked one if left out.")]
CouncilArgument = Annotated[str, typer.Argument(help='Any name or ONS code: Barnsley, "Brighton & Hove", E08000016.')]
DefinitionOption = Annotated[str, typer.Option("--definition", "-d", help="Which index definition.")]


def main() -> None:
    """Entry point: errors of ours are one sentence and exit code 1; wrong usage is exit code 2."""
    logging.raiseExceptions = False  # a log that has nowhere to go (a full disk) is no traceback for each of its lines
    try:
        app()
    except BrokenPipeError:  # the reader of our output has seen enough
        sys.stdout = open(os.devnull, "w")  # noqa: PTH123, SIM115 (nothing is left to say)
    except OSError as error:
        err.print(said_of(error), style="red", highlight=False, markup=False, soft_wrap=True)
        sys.exit(1)
    except (ValueError, RuntimeError, LookupError) as error:
        if not is_ours(error):
            raise
        err.print(str(error), style="red", highlight=False, markup=False, soft_wrap=True)
        sys.exit(1)


def is_ours(error: Exception) -> bool:
    """Whether the error's text is meant for a person: a ValueError, or a class of this project. Asked of the error, because importing every
    class beforehand would import Dagster and dbt to print a help text."""
    return isinstance(error, ValueError) or type(error).__module__.startswith(("orchestration.", "expectations."))


REMEDIES = {
    errno.EACCES: "You may not write there: change who owns it, or name another folder (ASC_BUILD_DIR, ASC_RELEASES_DIR, ASC_RAW_DIR, DAGSTER_HOME).",
    errno.EPERM: "You may not write there: change who owns it, or name another folder (ASC_BUILD_DIR, ASC_RELEASES_DIR, ASC_RAW_DIR, DAGSTER_HOME).",
    errno.EROFS: "It is read-only: name a folder that is not (ASC_BUILD_DIR, ASC_RELEASES_DIR, ASC_RAW_DIR, DAGSTER_HOME).",
    errno.ENOSPC: "The disk is full: make room (`make clean` deletes what can be made again), then run again. The release before stays current.",
}


def said_of(error: OSError) -> str:
    """What the operating system refused, as a sentence with the file and what to do."""
    if error.errno is None or (isinstance(error, FileNotFoundError | NotADirectoryError) and error.filename is None):
        return str(error)
    where = f"{error.filename}: " if error.filename else ""
    return f"{where}{os.strerror(error.errno)}. {REMEDIES.get(error.errno, '')}".strip()


@app.command()
def run(
    data: Annotated[
        Data | None,
        typer.Option("--data", help="embedded needs no network; publishers fetches publishers' files first (ASC_DATA)."),
    ] = None,
    wait: Annotated[bool, typer.Option("--wait", help="If a run is going on, wait for it to end instead of refusing.")] = False,
    again: Annotated[
        bool, typer.Option("--again", help="Build even if nothing is new since the current release, and compute all of it.")
    ] = False,
) -> None:
    """Build everything from the figures at hand and publish a release with its pages; takes two minutes. Example: asc run --data publishers"""
    from orchestration.cli.report import print_missing, print_release
    from orchestration.cli.run import StageDone, run_everything
    from orchestration.publication.release import NoReleaseError, current_release

    settings = get_settings()
    if data is not None:
        settings = settings.model_copy(update={"data": data.value})
    # On the console that the stages are printed on, if that is a terminal: it takes its line away before each of them.
    status = (out if out.is_terminal else err).status("starting") if err.is_terminal else None

    def started(name: str) -> None:
        if status:
            status.update(name)

    def ended(stage: StageDone) -> None:
        mark = "[red]✗[/]" if stage.failure else "[yellow]![/]" if stage.warnings else "[green]✓[/]"
        out.print(f"{mark} {stage.name:<46}{stage.seconds:6.1f} s", highlight=False)
        for warning in stage.warnings:
            out.print(f"    {warning}. asc checks --failing names the rows.", highlight=False, markup=False)

    if status:
        status.start()
    try:
        outcome = run_everything(settings, ended, started, wait, again)
    finally:
        if status:
            status.stop()
    if outcome.nothing_new:
        out.print(
            f"Nothing is new: release {outcome.nothing_new} was made of these figures, this SQL, these seeds, this code and these settings. "
            "asc ranking shows it, asc run --again builds all the same.",
            highlight=False,
            soft_wrap=True,
        )
        return
    out.print(f"  {'in all':<46}{outcome.seconds:6.1f} s", highlight=False)
    if outcome.succeeded:
        print_release(out, current_release(settings))
        if settings.data == "publishers":
            from orchestration.acquisition.status import statuses
            from orchestration.figures import read_table

            print_missing(out, statuses(settings.raw_dir, read_table(settings.figures_dir / "editions.csv")))
        return
    err.print("\nThe run stopped; nothing was published.", style="bold red")
    for stage in outcome.failures:
        err.print(f"{stage.name}: {stage.failure}", highlight=False, markup=False, soft_wrap=True)
    for code, remedy in REMEDIES.items():
        if any(os.strerror(code).lower() in stage.failure.lower() and remedy not in stage.failure for stage in outcome.failures):
            err.print(remedy, highlight=False, markup=False, soft_wrap=True)
    try:
        err.print(f"The release before stays current: {current_release(settings).name}", highlight=False)
    except NoReleaseError:
        err.print("There is no earlier release.")
    err.print(f"Everything about this run: make ui, run {outcome.run_id[:8]}.", highlight=False)
    raise typer.Exit(1)


@app.command()
def sources(
    name: Annotated[str | None, typer.Argument(help="One source, e.g. ascof; all if left out.")] = None,
    failing: Annotated[bool, typer.Option("--failing", help="Only editions whose last attempt failed.")] = False,
    format: FormatOption = Format.TABLE,
    output: OutputOption = None,
) -> None:
    """Each source and edition: held, embedded, missing, reissued, failing since when, with its licence."""
    from orchestration.acquisition.status import statuses
    from orchestration.cli.report import print_sources
    from orchestration.figures import read_table
    from orchestration.sources.model import source_and_edition

    settings = get_settings()
    frame = statuses(settings.raw_dir, read_table(settings.figures_dir / "editions.csv"))
    if name is not None:
        frame = frame[frame["source"] == source_and_edition(name).source]
    shown = frame[frame["failing_since"] != ""] if failing else frame
    if format is Format.TABLE and output is None:
        print_sources(out, shown, frame, settings.raw_dir)
    else:
        _deliver(shown, format, output)


@app.command()
def fetch(
    name: Annotated[str | None, typer.Argument(help="One source, e.g. ascof; all if left out.")] = None,
    year: Annotated[str | None, typer.Option("--year", "-y", help="Only editions of this financial year.")] = None,
) -> None:
    """Download publishers' files into data/raw: new ones, and reissues beside what is held. Exit code 1 if one did not come."""
    from orchestration.acquisition.fetch import Fetched, Fetcher
    from orchestration.sources.model import financial_years, source_and_edition
    from orchestration.sources.model import sources as all_sources

    settings = get_settings()
    if year is not None and year not in financial_years():
        raise ValueError(f"No source has an edition of {year}; there are {', '.join(financial_years())}.")
    chosen = [source_and_edition(name)] if name else list(all_sources().values())
    wanted = [(s, n) for s in chosen for n, e in s.editions.items() if year in {None, e.financial_year}]

    def tell(one: Fetched) -> None:
        failed = one.outcome.result == "failed"
        what = one.outcome.reason if failed else f"{one.kept or 'unchanged'}, {one.outcome.size_bytes:,} bytes"
        out.print(f"{'[red]✗[/]' if failed else '[green]✓[/]'} {one.source} {one.edition}: ", end="", highlight=False)
        out.print(what, highlight=False, markup=False, soft_wrap=True)

    done = Fetcher(settings.raw_dir, mirror=settings.mirror, private=settings.private_addresses).fetch(wanted, tell)
    failed = sum(one.outcome.result == "failed" for one in done)
    kept = {word: sum(one.kept == word for one in done) for word in ("new", "reissue")}
    out.print(
        f"{len(done)} editions asked for: {kept['new']} new, {kept['reissue']} reissued, {failed} did not come. In {settings.raw_dir}; "
        "asc sources lists them, asc run --data publishers uses them.",
        highlight=False,
        soft_wrap=True,
    )
    if failed:
        raise typer.Exit(1)


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="A publisher's file that was downloaded by hand.")],
    source: Annotated[str, typer.Option("--source", "-s", help="Which source, e.g. revenue_outturn; asc sources lists them.")],
    year: Annotated[str, typer.Option("--year", "-y", help="Financial year of the edition, e.g. 2024-25.")],
    edition: Annotated[str | None, typer.Option("--edition", help="Which edition, where a year has several that fit.")] = None,
) -> None:
    """Take in a file fetched by hand, through the same checks. Example: asc import RO3.ods --source revenue_outturn --year 2024-25"""
    from orchestration.acquisition.importing import import_file
    from orchestration.sources.model import source_and_edition

    done = import_file(file, source_and_edition(source, edition), year, get_settings().raw_dir, edition)
    what = {
        "new": "taken in",
        "same": "already held",
        "reissue": "taken in as a reissue, beside what was held",
        "withdrawn": "an earlier issue, which stands again",
    }[done.kept]
    out.print(
        f"{file.name}: {what} as {source} {done.held.edition}, {done.figures:,} figures. {done.held.path}",
        highlight=False,
        soft_wrap=True,
    )
    if done.note:
        out.print(f"Other than in the edition before: {done.note}.", highlight=False, markup=False, soft_wrap=True)
    out.print("asc run --data publishers uses it.", highlight=False)


@app.command()
def prepare() -> None:
    """Compile the dbt project once, so that Dagster loads without parsing. `asc run` and `make ui` do it themselves."""
    from orchestration.cli.run import dagster_home
    from orchestration.warehouse.dbt import manifest_path
    from orchestration.warehouse.dbt import prepare as prepare_dbt

    settings = get_settings()
    dagster_home()
    parsed = prepare_dbt(settings)
    out.print(f"{'Compiled' if parsed else 'Unchanged'}: {manifest_path(settings)}", highlight=False)


@app.command()
def ranking(
    year: Annotated[
        str | None, typer.Option("--year", "-y", help="Financial year such as 2018-19; the latest if left out.")
    ] = None,
    definition: DefinitionOption = "default",
    top: Annotated[int | None, typer.Option("--top", "-n", min=1, help="Only so many rows; all if left out.")] = None,
    format: FormatOption = Format.TABLE,
    output: OutputOption = None,
) -> None:
    """The ranking of a year. Example: asc ranking --year 2018-19 --top 20"""
    from orchestration.cli.ranking import print_ranking
    from orchestration.publication import queries
    from orchestration.publication.release import current_release

    release = current_release(get_settings())
    queries.resolve_definition(release, definition)
    chosen = queries.resolve_year(release, definition, year)
    if format is not Format.TABLE or output is not None:
        frame = queries.ranking(release, definition, chosen).frame()
        _deliver(frame.head(top) if top else frame, format, output)
        return
    rows = queries.ranking(release, definition, chosen).rows()
    print_ranking(out, rows[:top], chosen, definition, everything=rows, state=queries.year_state(release, chosen))
    if year is None and (later := queries.later_years(release, definition, chosen)):
        out.print(f"Not ranked by this definition: {', '.join(later)} (--year says why).", highlight=False)


@app.command()
def council(
    name: CouncilArgument,
    year: Annotated[str | None, typer.Option("--year", "-y", help="Financial year; the council's latest if left out.")] = None,
    definition: DefinitionOption = "default",
    format: FormatOption = Format.TABLE,
    output: OutputOption = None,
) -> None:
    """One council: ranks, scores, each value against England, and where each figure was published. csv and json have the values."""
    from orchestration.cli.council import print_council
    from orchestration.publication import queries

    release, chosen, code = _asked(name, year, definition)
    if format is Format.TABLE and output is None:
        print_council(out, release, code, definition, chosen if year is not None else None)
    else:
        at = queries.code_in_year(release, code, chosen)
        _deliver(queries.council_measures(release, at, definition, chosen).frame(), format, output)


@app.command()
def compare(
    names: Annotated[list[str], typer.Argument(help='Two to five councils: Barnsley Leeds "St Helens".')],
    year: YearOption = None,
    definition: DefinitionOption = "default",
    format: FormatOption = Format.TABLE,
    output: OutputOption = None,
) -> None:
    """Councils side by side: ranks, what they are made of, every measure. Example: asc compare Leeds Bradford --year 2018-19"""
    from orchestration.cli.councils import MOST, print_compare
    from orchestration.cli.councils import compare as compare_councils
    from orchestration.publication import queries

    found = [_asked(name, year, definition) for name in names]
    release, chosen, _ = found[0]
    codes = list(dict.fromkeys(queries.code_in_year(release, code, chosen) for _, _, code in found))
    if not 2 <= len(codes) <= MOST:
        raise ValueError(f"{len(codes)} different councils; name two to {MOST}.")
    if format is Format.TABLE and output is None:
        print_compare(out, release, codes, definition, chosen)
    else:
        _deliver(compare_councils(release, codes, definition, chosen), format, output)


@app.command()
def trend(
    name: CouncilArgument,
    definition: DefinitionOption = "default",
    format: FormatOption = Format.TABLE,
    output: OutputOption = None,
) -> None:
    """A council through the years: its rank, what it is made of, every measure. Example: asc trend Leeds --format csv"""
    from orchestration.cli.councils import print_trend
    from orchestration.publication import queries

    release, _, code = _asked(name, None, definition)
    if format is Format.TABLE and output is None:
        print_trend(out, release, code, definition)
    else:
        _deliver(queries.trend(release, code, definition).frame(), format, output)


@app.command()
def peers(
    name: CouncilArgument,
    year: YearOption = None,
    definition: DefinitionOption = "default",
    format: FormatOption = Format.TABLE,
    output: OutputOption = None,
) -> None:
    """The councils most like one, and where they stand. Example: asc peers "County Durham" """
    from orchestration.cli.councils import print_peers
    from orchestration.publication import queries

    release, chosen, code = _asked(name, year, definition)
    at = queries.code_in_year(release, code, chosen)
    if format is Format.TABLE and output is None:
        print_peers(out, release, at, definition, chosen)
    else:
        _deliver(queries.peers(release, at, definition, chosen).frame(), format, output)


@app.command()
def explain(
    name: CouncilArgument,
    year: YearOption = None,
    definition: DefinitionOption = "default",
    format: FormatOption = Format.TABLE,
    output: OutputOption = None,
) -> None:
    """How a council's rank comes about, figure by figure, so that you can redo it; csv and json have the published figures it rests on.
    Example: asc explain Barnsley -y 2018-19"""
    from orchestration.cli.explain import explain as explain_council
    from orchestration.publication import queries

    release, chosen, code = _asked(name, year, definition)
    at = queries.code_in_year(release, code, chosen)
    if format is Format.TABLE and output is None:
        explain_council(out, release, at, definition, chosen)
    else:
        _deliver(queries.lineage(release, at, chosen).frame(), format, output)


def _asked(name: str, year: str | None, definition: str) -> tuple[Path, str, str]:
    """The release, the year and the code of the council that were asked for; what is not there is a sentence."""
    from orchestration.publication import queries
    from orchestration.publication.release import current_release

    release = current_release(get_settings())
    queries.resolve_definition(release, definition)
    return release, queries.resolve_year(release, definition, year), queries.find_council(release, name)


@app.command()
def sql(
    query: Annotated[str, typer.Argument(help='A query, e.g. "from marts.national_summary".')],
    format: FormatOption = Format.TABLE,
    output: OutputOption = None,
) -> None:
    """Query the current release, read-only. Tables are in schema marts: asc sql "show all tables" """
    import duckdb

    from orchestration.publication import queries
    from orchestration.publication.release import current_release

    release = current_release(get_settings())
    try:
        frame = queries.typed_query(release, query)
    except duckdb.Error as error:
        raise ValueError(str(error)) from None
    _deliver(frame, format, output)


@app.command()
def path() -> None:
    """The folder of the current release itself: several files read from it are of one release. Example: cd "$(asc path)" """
    from orchestration.publication.release import current_release

    typer.echo(current_release(get_settings()))


@app.command("open")
def open_(
    council: Annotated[str | None, typer.Argument(help="A council by any name or code; the first page if left out.")] = None,
    show: Annotated[bool, typer.Option("--print", help="Only say where the page is.")] = False,
) -> None:
    """Open the pages of the current release in the browser. Example: asc open Leeds"""
    from orchestration.publication.release import current_release

    release = current_release(get_settings())
    page = release / "site" / "index.html"
    if not page.exists():
        raise ValueError("This release has no pages yet: `asc site` makes them.")
    if council is not None:
        from orchestration.publication import queries

        code = str(queries.council(release, queries.find_council(release, council))["continuity_code"])
        page = release / "site" / "councils" / f"{code}.html"
    if show:
        typer.echo(page)
    elif typer.launch(page.as_uri()) != 0:
        out.print(f"No browser could be opened; the page is {page}", highlight=False, markup=False, soft_wrap=True)


@app.command()
def site() -> None:
    """Make the pages of the current release, if they are not made already; a run does it by itself. `make site` serves them."""
    from orchestration.pages.site import build_site
    from orchestration.publication.release import current_release

    with err.status("making pages") if err.is_terminal else nullcontext():
        made = build_site(current_release(get_settings()), processes=get_settings().threads)
    out.print(
        f"{made.path / 'index.html'}: {made.pages} pages, {made.bytes / 1e6:.0f} MB" + ("" if made.is_new else ", made already"),
        highlight=False,
        markup=False,
        soft_wrap=True,
    )


@app.command()
def checks(
    rule: Annotated[str | None, typer.Option("--rule", help="The history of the rules that have these words.")] = None,
    failing: Annotated[bool, typer.Option("--failing", help="Only those that did not hold.")] = False,
    format: FormatOption = Format.TABLE,
    output: OutputOption = None,
) -> None:
    """What came of each rule of each gate in the last run, failures first. Example: asc checks --rule "much as they stood" """
    import pandas as pd

    from orchestration.warehouse.check_log import history, of_last_run

    folder = get_settings().releases_dir
    lines = history(folder, rule) if rule is not None else of_last_run(folder)
    if not lines:
        raise ValueError(
            f"No rule has {rule!r} in its words: asc checks lists them." if rule else "No run has been checked yet: asc run does."
        )
    frame = pd.DataFrame([line for line in lines if not (failing and line["passed"])], columns=list(lines[0]))
    if format is Format.TABLE:
        out.print(
            f"{len(lines)} results, {sum(not line['passed'] for line in lines)} did not hold (run {lines[-1]['run']})",
            highlight=False,
        )
        shown = (
            ["checked_at", "suite", "passed", "rule"]
            if rule is not None
            else ["suite", "severity", "passed", "rows_checked", "rule"]
        )
        frame = frame[shown]
    _deliver(frame, format, output)
    if failing and format is Format.TABLE and output is None:
        for line in (line for line in lines if not line["passed"]):
            rows = json.loads(str(line["sample"] or "[]"))
            out.print(
                f"\n{line['suite']}: {line['sentence'] if not rows else line['rule']}",
                highlight=False,
                markup=False,
                soft_wrap=True,
            )
            for row in rows:
                out.print(
                    "  " + ", ".join(f"{name} {value}" for name, value in row.items()),
                    highlight=False,
                    markup=False,
                    soft_wrap=True,
                )
            if (more := int(line["rows_failing"] or 0) - len(rows)) > 0 and rows:
                out.print(f"  and {more} more", highlight=False, markup=False, soft_wrap=True)


@app.command()
def releases(format: FormatOption = Format.TABLE, output: OutputOption = None) -> None:
    """Every release that is kept, the newest last: when it was made, how much is in it, which is current."""
    import pandas as pd

    from orchestration.publication.release import current_release, read_manifest
    from orchestration.publication.release import releases as kept

    settings = get_settings()
    current = current_release(settings)
    rows = [
        {
            "release_id": path.name,
            "made_at": manifest["made_at"],
            "is_current": path == current,
            "tables": len(manifest["tables"]),
            "rows": sum(manifest["tables"].values()),
            "content_sha256": manifest["content_sha256"][:16],
            "commit": (manifest["commit"] or "")[:12],
        }
        for path in kept(settings)
        for manifest in [read_manifest(path)]
    ]
    _deliver(pd.DataFrame(rows), format, output)


@app.command()
def share() -> None:
    """Take the current release where many read it: the store of ASC_STORE, the DuckLake of ASC_LAKE_CATALOGUE, the database of ASC_POSTGRES. A run
    does it by itself."""
    from orchestration.publication.release import current_release
    from orchestration.publication.sharing import share_release

    settings = get_settings()
    release = current_release(settings)
    with err.status("sharing the release") if err.is_terminal else nullcontext():
        taken = share_release(settings, release)
    if not taken:
        raise ValueError(
            "No place is named: set ASC_STORE, ASC_LAKE_CATALOGUE and ASC_LAKE_DATA, or ASC_POSTGRES (docs/growing.md)."
        )
    for place in taken:
        version = f", version {place.version}" if place.version else ""
        what = f"{place.tables} tables of release {release.name}" + ("" if place.is_new else ", which were there already")
        out.print(f"{place.place}: {what}{version}", highlight=False, markup=False, soft_wrap=True)


@app.command()
def verify(release_id: Annotated[str | None, typer.Argument(help="Which release; the current one if left out.")] = None) -> None:
    """Hold every file of a release against the hash that was signed when it was published. Exit code 1 if one differs."""
    from orchestration.publication.release import find_release, read_manifest
    from orchestration.publication.release import verify as wrong_files

    release = find_release(get_settings(), release_id)
    wrong = wrong_files(release)
    for said in wrong:
        err.print(said, style="red", highlight=False, markup=False, soft_wrap=True)
    if wrong:
        raise typer.Exit(1)
    out.print(
        f"Release {release.name}: {len(read_manifest(release)['files'])} files are as they were published.", highlight=False
    )


@app.command()
def rollback(
    release_id: Annotated[str, typer.Argument(help="The release to make current again: asc releases lists them.")],
) -> None:
    """Point `current` to an earlier release, in one step; nothing is deleted, and the next run publishes anew."""
    from orchestration.publication.release import point_to
    from orchestration.warehouse.workbench import held

    settings = get_settings()
    with held(settings, False):
        path = point_to(settings, release_id)
    out.print(f"Release {path.name} is current: {path}", highlight=False, markup=False, soft_wrap=True)


@app.command()
def diff(
    before: Annotated[str, typer.Argument(help="A release: asc releases lists them.")],
    after: Annotated[str | None, typer.Argument(help="Another; the current one if left out.")] = None,
    format: FormatOption = Format.TABLE,
    output: OutputOption = None,
) -> None:
    """Which ranks of the default definition differ between two releases, and which published figures under them do."""
    from orchestration.publication.release import find_release
    from orchestration.publication.release_diff import moved_ranks

    settings = get_settings()
    frame = moved_ranks(find_release(settings, before), find_release(settings, after))
    if frame.empty and format is Format.TABLE:
        out.print("No rank and no figure under one differs.", highlight=False)
        return
    _deliver(frame, format, output)


@app.command()
def catalogue() -> None:
    """Write docs/catalogue.md and docs/pictures/ again from the current release: measures, coverage by year, breaks, README's pictures."""
    from orchestration.pages.pictures.standalone import pictures_of_documents
    from orchestration.publication.catalogue import catalogue_page
    from orchestration.publication.release import current_release
    from orchestration.settings import PROJECT_ROOT

    release = current_release(get_settings())
    made = {
        "catalogue.md": catalogue_page(release),
        **{f"pictures/{name}": svg for name, svg in pictures_of_documents(release).items()},
    }
    for name, content in made.items():
        path = PROJECT_ROOT / "docs" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(content, encoding="utf-8")
        out.print(f"Written: {path}", highlight=False)


@app.command()
def doctor() -> None:
    """Check that everything this project needs is here; says what to do where it is not."""
    from orchestration.cli.doctor import examine

    findings = examine(get_settings())
    for finding in findings:
        mark = "[green]✓[/]" if finding.ok else "[red]✗[/]"
        out.print(f"{mark} {finding.what}: {finding.found}", highlight=False, soft_wrap=True)
        if not finding.ok:
            out.print(f"  → {finding.remedy}", highlight=False, soft_wrap=True)
    if not all(f.ok for f in findings):
        raise typer.Exit(1)


@figures_app.command("compile")
def figures_compile(
    given: Annotated[
        Path | None, typer.Option("--from", help="Folder with publisher/ and figures/ (ASC_GIVEN_DATA_DIR).")
    ] = None,
    target: Annotated[Path | None, typer.Option("--to", help="Where to write; the project's figures if left out.")] = None,
) -> None:
    """Compile data/figures/ from publishers' files. Look at `git diff` afterwards, then `asc figures agree`."""
    from orchestration.acquisition.embed import compile_figures, not_embedded

    settings = get_settings()
    counts = compile_figures(
        given or settings.given_data_dir, target or settings.figures_dir, lambda line: out.print(line, highlight=False)
    )
    out.print(
        f"{sum(counts.values()):,} figures of {len(counts)} sources in {target or settings.figures_dir}",
        highlight=False,
    )
    if left_out := not_embedded(counts):
        out.print(
            f"Not embedded, because EMBEDDED_EDITIONS names none of their editions: {', '.join(left_out)}.", highlight=False
        )


@app.command()
def calibrate(
    worlds: Annotated[int, typer.Option(help="Worlds for each ranked year, its figures being the truth.")] = 100,
    shaped_worlds: Annotated[int, typer.Option(help="Worlds for each made-up truth.")] = 60,
) -> None:
    """Measure how often the 90 % intervals hold, on the build in work, and write the table that releases carry (ten minutes)."""
    from orchestration.analysis.calibration import calibrate as measure

    settings = get_settings()
    if not settings.warehouse_path.exists():
        raise FileNotFoundError("There is no build to measure on. Run `asc run` first.")
    with err.status("simulating") if err.is_terminal else nullcontext():
        file = measure(
            settings,
            worlds=worlds,
            shaped_worlds=shaped_worlds,
            replications=512,
            report=lambda said: out.print(said, highlight=False),
        )
    out.print(f"Written: {file}. Run `asc run` to publish it.", highlight=False)


@figures_app.command("agree")
def figures_agree() -> None:
    """Write down how many councils each figure has now; the raw gate then stops any run that has fewer."""
    import pandas as pd

    from orchestration.acquisition.embed import council_counts
    from orchestration.figures import figure_files, read_figures, write_csv

    settings = get_settings()
    figures = pd.concat([read_figures(path) for path in figure_files(settings.figures_dir)], ignore_index=True)
    path = settings.expectations_dir / "agreed_council_counts.csv"
    write_csv(council_counts(figures), path)
    out.print(f"Agreed: {path}. `git diff` shows what changed.", highlight=False)


def _deliver(frame: pd.DataFrame, format: Format, output: Path | None) -> None:
    from orchestration.cli.rows import deliver

    deliver(out, frame, format, output)
