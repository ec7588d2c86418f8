"""The pages in a real browser: nothing is asked for outside, axe finds nothing, everything people do on them works, with and without scripts.

Chromium is the system's: a browser that a test tool downloads does not install everywhere.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from orchestration.pages.site import Site
from tests.conftest import Released
from tests.pages.conftest import HOSTILE
from tests.pages.test_pages import KINDS

CHROMIUM = os.environ.get("ASC_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="no Chromium here: `make browser` installs it (apt-get install chromium), or set ASC_CHROMIUM"
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as tool:
        chromium = tool.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture
def opened(browser: Browser, site: Path) -> Iterator[Page]:
    """A page that notes what it asks for outside its folder, and each error of a script."""
    yield from watched(browser, site)


def watched(browser: Browser, site: Path, **how: object) -> Iterator[Page]:
    context = browser.new_context(accept_downloads=True, **how)
    page = context.new_page()
    trouble: list[str] = []
    page.on(
        "request",
        lambda r: trouble.append(f"asked for {r.url}") if not r.url.startswith((f"file://{site}", "blob:", "data:")) else None,
    )
    page.on("pageerror", lambda e: trouble.append(f"script: {e}"))
    page.on("console", lambda m: trouble.append(f"console: {m.text}") if m.type == "error" else None)
    yield page
    context.close()
    assert trouble == []


def go(page: Page, site: Path, name: str) -> Page:
    page.goto(f"file://{site}/{name}")
    return page


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1200, 375])
@pytest.mark.parametrize("name", [*KINDS, "compare.html#E08000035,E08000032"])
def test_axe_finds_nothing_and_nothing_hangs_over_the_edge(
    browser: Browser, site: Path, name: str, width: int, scheme: str
) -> None:
    from axe_playwright_python.sync_playwright import Axe

    for page in watched(browser, site, viewport={"width": width, "height": 800}, color_scheme=scheme):
        go(page, site, name)
        found = Axe().run(page, options={"preload": False, "runOnly": RULES})
        broken = [(v["id"], [n["html"][:120] for n in v["nodes"][:3]]) for v in found.response["violations"]]
        assert broken == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("Leeds", "E08000035"),
        ("leeds city council", "E08000035"),
        ("E08000035", "E08000035"),
        ("Hull", "E06000010"),
        ("Brighton & Hove", "E06000043"),
        ("BCP", "E06000058"),
        ("E08000016", "E08000038"),
        ("St Helens", "E08000013"),
        ("Birmingam", "E08000025"),
        ("county durham", "E06000047"),
        ("Cumbria", "E10000006"),
    ],
)
def test_the_finder_takes_any_name_and_opens_the_page(opened: Page, site: Path, typed: str, code: str) -> None:
    go(opened, site, "index.html")
    opened.fill("#find", typed)
    opened.press("#find", "Enter")
    opened.wait_for_url(f"**/councils/{code}.html")


def test_the_finder_lists_a_region_and_is_used_by_arrows(opened: Page, site: Path, released: Released) -> None:
    go(opened, site, "measures/index.html")
    opened.fill("#find", "north east")
    listed = opened.locator("#found li")
    with released.connect() as db:
        expected = db.execute(
            "select count(*) from marts.dim_council where region = 'North East' and area_code = continuity_code"
        ).fetchone()[0]
    assert listed.count() == expected
    second = listed.nth(1).inner_text()
    opened.press("#find", "ArrowDown")
    opened.press("#find", "ArrowDown")
    assert opened.locator("#found li[aria-selected=true]").inner_text() == second
    opened.press("#find", "Escape")
    assert opened.locator("#found").is_hidden()
    opened.fill("#find", "zzzz")
    assert "No council found" in opened.locator("#found-count").inner_text()


def rows(page: Page) -> list[list[str]]:
    return page.evaluate(
        "Array.from(document.querySelectorAll('#league tbody tr')).filter(r => !r.hidden).map(r => Array.from(r.cells).map(c => c.textContent))"
    )


def test_sort_filter_and_the_address_that_keeps_them(opened: Page, site: Path, released: Released) -> None:
    go(opened, site, "league/default-2024-25.html")
    opened.click("th button:has-text('Spend per adult')")
    with released.connect() as db:
        spend = db.execute(
            "select area_name from marts.latest_ranking where spend_per_adult_gbp is not null order by round(spend_per_adult_gbp), rank nulls last, area_name"
        ).fetchall()
        london = db.execute(
            "select area_name from marts.latest_ranking where region = 'London' and spend_per_adult_gbp is not null "
            "order by round(spend_per_adult_gbp) desc"
        ).fetchall()
    assert [r[0] for r in rows(opened)][:5] == [n for (n,) in spend[:5]]
    opened.click("th button:has-text('Spend per adult')")
    assert rows(opened)[0][0] == spend[-1][0]
    for _ in range(2):
        opened.click("th button:has-text('Lower rank')")
        assert rows(opened)[-1][2] == "–" and rows(opened)[0][2] != "–"  # what is missing stays last whichever way
    for _ in range(2):
        opened.click("th button:has-text('Spend per adult')")
    opened.select_option("#f-region", "London")
    assert opened.locator("#shown").inner_text().startswith("33 of 153")
    assert rows(opened)[0][0] == london[0][0]
    kept = opened.url
    assert "region=London" in kept
    opened.click("nav[aria-label=Year] a:has-text('2023-24')")
    opened.wait_for_url("**/default-2023-24.html#*")
    assert opened.locator("#f-region").input_value() == "London" and len(rows(opened)) == 33
    opened.click("nav[aria-label=Definition] a:has-text('Outcomes alone')")
    opened.wait_for_url("**/outcomes_only-2023-24.html#*")
    assert len(rows(opened)) == 33
    opened.goto("about:blank")
    opened.goto(kept)
    assert len(rows(opened)) == 33 and rows(opened)[0][0] == london[0][0]
    opened.fill("#f-text", "cam")
    assert [r[0] for r in rows(opened)] == ["Camden"]
    with opened.expect_download() as saved:
        opened.click("#save-csv")
    assert saved.value.suggested_filename == "asc-productivity_default-2024-25_london_cam.csv"
    lines = Path(saved.value.path()).read_text(encoding="utf-8").splitlines()
    assert len(lines) == 2 and lines[0].startswith("area_code,Council,Rank") and lines[1].startswith("E09000007,Camden,")


def test_own_weights_at_the_published_ones_are_the_published_ranking_and_answer_to_others(
    opened: Page, site: Path, released: Released
) -> None:
    with released.connect() as db:
        years = [y for (y,) in db.execute("select financial_year from marts.dim_financial_year where is_ranked").fetchall()]
        for year in years:
            go(opened, site, f"weights/{year}.html")
            assert opened.locator("#distance").inner_text() == "This is the published ranking."
            for definition, power in (("default", 1), ("outcomes_only", 0)):
                ranked = opened.evaluate(
                    "k => window.rankAt({older_adults: 1, all_age_disability: 1, health_interface: 1}, k, [])"
                    ".filter(s => s.rank !== null).map(s => [s.council.code, s.rank, s.productivity])",
                    power,
                )
                marts = db.execute(
                    "select continuity_code, rank, productivity from marts.productivity_ranking "
                    "where definition_id = ? and financial_year = ? and rank is not null",
                    [definition, year],
                ).fetchall()
                assert {c: r for c, r, _ in ranked} == {c: r for c, r, _ in marts}, (definition, year)
                values = {c: p for c, _, p in marts}
                assert max(abs(p - values[c]) for c, _, p in ranked) < 1e-9
    opened.locator("#w-older_adults").fill("0")
    assert "older_adults=0" in opened.url and "places from its published rank" in opened.locator("#distance").inner_text()
    opened.locator("summary:has-text('Measures that count')").click()
    opened.locator("[data-measure=carer_satisfaction]").uncheck()
    kept, answer = opened.url, opened.locator("#answer table").inner_text()
    opened.goto("about:blank")
    opened.goto(kept)
    assert opened.locator("#answer table").inner_text() == answer
    opened.click("button[type=reset]")
    assert opened.locator("#distance").inner_text() == "This is the published ranking." and "#" not in opened.url
    for domain in ("older_adults", "all_age_disability", "health_interface"):
        opened.locator(f"#w-{domain}").fill("0")
    assert "nobody can be ranked" in opened.locator("#distance").inner_text()


def test_councils_side_by_side(opened: Page, site: Path, released: Released) -> None:
    go(opened, site, "compare.html")
    for name in ("Leeds", "Hull"):
        opened.fill("#add", name)
        opened.click("button:has-text('Add') >> nth=0")
    assert opened.url.endswith("#E08000035,E06000010")
    head = opened.locator("#compared thead th").all_inner_texts()
    assert head[1:] == ["Leeds", "Kingston upon Hull, City of", "England"]
    with released.connect() as db:
        for column, code in ((1, "E08000035"), (2, "E06000010")):
            rank = db.execute("select rank from marts.latest_ranking where area_code = ?", [code]).fetchone()[0]
            shown = opened.evaluate(
                "n => Array.from(document.querySelectorAll('#compared tbody tr')).find(r => r.cells[0].textContent.startsWith('Rank')).cells[n].textContent",
                column,
            )
            assert shown == str(rank)
    opened.click("button:has-text('Take away Leeds')")
    assert opened.url.endswith("#E06000010")
    opened.click("#add-peers")
    assert opened.locator("#compared thead th").count() == 7
    opened.fill("#add", "Atlantis")
    opened.click("button:has-text('Add') >> nth=0")
    assert "No council of" in opened.locator("#compare-said").inner_text()


def test_a_picture_is_saved_as_svg_and_png(opened: Page, site: Path, tmp_path: Path) -> None:
    go(opened, site, "index.html")
    for kind, begins in (("SVG", b"<svg"), ("PNG", b"\x89PNG")):
        with opened.expect_download() as saved:
            opened.locator("figure.picture").first.locator(f"button:has-text('Save as {kind}')").click()
        assert re.fullmatch(rf"asc-productivity_[a-z0-9-]+\.{kind.lower()}", saved.value.suggested_filename)
        content = Path(saved.value.path()).read_bytes()
        assert content.startswith(begins) and len(content) > 10_000
        if kind == "SVG":
            assert b"rgb(9, 33, 53)" in content  # its looks are in it: the darkest fifth
            assert b'href="http' not in content


def test_a_hexagon_leads_to_its_council(opened: Page, site: Path) -> None:
    go(opened, site, "index.html")
    opened.locator("#map [data-code=E06000047]").click()
    opened.wait_for_url("**/councils/E06000047.html")


def test_the_keyboard_alone_reaches_everything(opened: Page, site: Path) -> None:
    for name in ("index.html", "league/default-2024-25.html", "weights/2024-25.html", "compare.html#E08000035"):
        go(opened, site, name)
        wanted = opened.evaluate(
            "Array.from(document.querySelectorAll('a[href], button:not([disabled]), input, select, summary, [tabindex=\"0\"]'))"
            ".filter(e => e.offsetParent !== null && e.checkVisibility({checkOpacity: false})).map((e, n) => { e.dataset.seen = n; return n; }).length"
        )
        reached = set()
        opened.evaluate("document.activeElement && document.activeElement.blur()")
        for _ in range(wanted + 20):
            opened.keyboard.press("Tab")
            reached.add(opened.evaluate("document.activeElement.dataset.seen"))
        missed = opened.evaluate(
            "reached => Array.from(document.querySelectorAll('[data-seen]')).filter(e => !reached.includes(e.dataset.seen)).map(e => e.outerHTML.slice(0, 90))",
            sorted(r for r in reached if r is not None),
        )
        assert missed == [], name


@pytest.mark.parametrize("code", ["E08000035", "E06000047", "E06000053", "E10000006"])
def test_a_profile_prints_on_two_pages(opened: Page, site: Path, code: str) -> None:
    go(opened, site, f"councils/{code}.html")
    printed = opened.pdf(format="A4", prefer_css_page_size=True)
    assert 1 <= len(re.findall(rb"/Type\s*/Page[^s]", printed)) <= 2


@pytest.mark.parametrize("name", KINDS)
def test_pages_are_whole_without_scripts(browser: Browser, site: Path, name: str) -> None:
    for page in watched(browser, site, java_script_enabled=False):
        go(page, site, name)
        text = page.locator("main").inner_text()
        assert len(text) > 200
        assert page.locator(".finder").is_hidden()  # nothing is shown that would not work
        if name.startswith(("compare", "weights")):
            assert "needs JavaScript" in text
        if name.startswith("league"):
            assert page.locator("#league tbody tr").count() == 153 and page.locator("#filters").is_hidden()


def test_hostile_names_do_nothing_in_a_browser(browser: Browser, hostile: Site) -> None:
    for page in watched(browser, hostile.path):
        for name in (
            "index.html",
            "councils/E08000035.html",
            "councils/E06000010.html",
            "league/default-2024-25.html",
            "compare.html#E08000035,E06000010,E08000032",
            "weights/2024-25.html",
            "councils/index.html",
        ):
            go(page, hostile.path, name)
            assert page.title() != "taken"
        go(page, hostile.path, "index.html")
        page.fill("#find", "E08000035")
        assert HOSTILE["E08000035"] in page.locator("#found li").first.inner_text()


def test_what_people_type_finds_what_the_terminal_finds(opened: Page, site: Path, released: Released) -> None:
    """Every name and alias of the release leads the finder to the council that the command line finds."""
    from orchestration.publication.queries import council, find_council

    with duckdb.connect(str(released.release / "asc.duckdb"), read_only=True) as db:
        names = [
            n
            for (n,) in db.execute(
                "select alias from marts.dim_council_alias union select area_name from marts.dim_council order by 1"
            ).fetchall()
        ]
    go(opened, site, "index.html")
    assert len(names) > 200
    for name in names[::3]:
        expected = str(council(released.release, find_council(released.release, name))["continuity_code"])
        assert opened.evaluate("n => window.findCouncils(n)[0].code", name) == expected, name
