"""The whole site of a release: every number is its table's, every council has a page, no link is broken, nothing reaches outside."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from urllib.parse import unquote

import duckdb
import numpy as np
import pytest
from lxml import html
from markupsafe import escape

from orchestration.pages.facts import Facts
from orchestration.pages.interactive import weights
from orchestration.pages.site import MADE_WITH, Site, _write, build_site, environment
from tests.conftest import Released
from tests.pages.conftest import HOSTILE
from tests.pages.reading_back import Claim, Marts, claims, written

PAGE_BYTES, SITE_BYTES = 300_000, 60_000_000
KINDS = (
    "index.html",
    "league/default-2024-25.html",
    "councils/E08000035.html",
    "councils/index.html",
    "measures/index.html",
    "measures/direct_payments.html",
    "compare.html",
    "weights/2024-25.html",
    "method.html",
    "quality.html",
    "downloads.html",
)
"""One of each kind of page."""


def pages(site: Path) -> dict[str, str]:
    return {str(p.relative_to(site)): p.read_text(encoding="utf-8") for p in sorted(site.rglob("*.html"))}


def wrong(claimed: list[Claim], marts: Marts) -> list[str]:
    """Claims that the release does not bear out."""
    found = []
    for claim in claimed:
        row = marts.row(claim.mart, claim.key)
        expected = "–" if row is None else written(row[claim.column], claim.form)
        if expected != claim.text:
            found.append(f"{claim.page}: {claim.mart} {dict(claim.key)} {claim.column} is {expected}, the page has {claim.text}")
    return found


def test_every_number_on_every_page_is_its_tables(site: Path, released: Released) -> None:
    marts = Marts(released.release)
    counted: Counter[str] = Counter()
    for name, content in pages(site).items():
        claimed = list(claims(name, content))
        counted[name.split("/")[0]] += len(claimed)
        assert not wrong(claimed, marts)[:5]
    assert counted["councils"] > 120_000 and counted["league"] > 120_000 and counted["measures"] > 20_000, counted


def test_a_number_that_is_not_its_tables_is_seen(site: Path, released: Released) -> None:
    content = (site / "councils" / "E08000035.html").read_text(encoding="utf-8")
    marts = Marts(released.release)
    spoilt = re.sub(r"(#outcome_score~1\">)(\d+\.\d)", lambda m: f"{m[1]}{float(m[2]) + 0.1:.1f}", content, count=1)
    assert spoilt != content
    assert len(wrong(list(claims("spoilt", spoilt)), marts)) == 1


def test_a_template_cannot_print_a_number_without_its_place(released: Released) -> None:
    facts = Facts(released.release)
    made = environment(facts).from_string("{{ row['rank'] }}")
    row = next(r for r in facts.scorecards["default", facts.latest] if r["rank"] is not None)
    with pytest.raises(TypeError, match="without its place in the release"):
        made.render(row=row)


def test_every_council_of_the_marts_has_a_page_and_says_its_name(site: Path, released: Released) -> None:
    with released.connect() as db:
        councils = db.execute("""
            select distinct c.area_code, c.area_name, c.continuity_code, r.area_code is not null
            from marts.dim_council as c left join marts.productivity_ranking as r on r.continuity_code = c.continuity_code
        """).fetchall()
    assert len(councils) > 160
    for code, name, history, has_years in councils:
        assert has_years, name
        page = html.fromstring((site / "councils" / f"{code}.html").read_text(encoding="utf-8"))
        assert page.xpath("//h1")[0].text_content() == name
        if code != history:
            assert page.xpath("//meta[@http-equiv]/@content") == [f"0; url={history}.html"]


def test_no_link_is_broken_and_none_is_asked_for_from_outside(site: Path) -> None:
    held = {str(p.relative_to(site.parent)) for p in site.parent.rglob("*") if p.is_file()}
    anchors: dict[str, set[str]] = {}
    links: list[tuple[str, str]] = []
    for name, content in pages(site).items():
        tree = html.fromstring(content)
        anchors[f"{site.name}/{name}"] = set(tree.xpath("//@id"))
        for loaded in tree.xpath("//script/@src | //link/@href | //img/@src | //iframe/@src | //use/@href"):
            assert not re.match(r"[a-z]+:|//", loaded), (name, loaded)
        links += [(name, href) for href in tree.xpath("//a/@href | //script/@src | //link/@href")]
    assert len(links) > 30_000
    broken = []
    for name, href in set(links):
        path, _, anchor = unquote(href).partition("#")
        target = (site / name).parent / path if path else site / name
        known = str(target.resolve().relative_to(site.parent.resolve()))
        if known not in held or (anchor and path == "" and anchor not in anchors[known]):
            broken.append((name, href))
    assert not broken[:5]


def test_the_site_and_its_pages_are_small(site: Path) -> None:
    sizes = {str(p.relative_to(site)): p.stat().st_size for p in site.rglob("*") if p.is_file()}
    assert sum(sizes.values()) < SITE_BYTES
    assert not {n: s for n, s in sizes.items() if n.endswith(".html") and s > PAGE_BYTES}


@pytest.mark.parametrize("name", KINDS)
def test_each_kind_of_page_warns_and_names_publishers_and_licence(site: Path, name: str, released: Released) -> None:
    tree = html.fromstring((site / name).read_text(encoding="utf-8"))
    footer = tree.xpath("//footer")[0].text_content()
    assert "cannot by themselves be used to judge how effective councils are" in footer
    assert "Open Government Licence v3.0" in footer and "not an official service" in footer
    with released.connect() as db:
        for (publisher,) in db.execute("select distinct publisher from marts.dim_edition").fetchall():
            assert publisher in footer
    assert tree.xpath("//html/@lang") == ["en-GB"] and len(tree.xpath("//h1")) == 1 and tree.xpath("//title")[0].text


def test_a_council_page_has_what_analysts_look_for(site: Path) -> None:
    """A ranked council, one with a withheld value, one that is not ranked, one that is no more."""
    for code, words in {
        "E06000047": ("Measures", "Through the years", "Peers", "Spend", "How sure", "Sources"),
        "E08000035": ("withheld", "Before you rely on it", "What changed"),
        "E06000053": ("is not ranked", "too few residents"),
        "E10000006": ("Ended on 1 April 2023; followed by",),
        "E06000065": ("E10000023",),
    }.items():
        text = html.fromstring((site / "councils" / f"{code}.html").read_text(encoding="utf-8")).text_content()
        for word in words:
            assert word in text, (code, word)


def test_titles_of_marks_are_the_numbers_of_the_table(site: Path, released: Released) -> None:
    """The hexagons of the overview, and where dots stand: read off the axes as they are drawn."""
    tree = html.fromstring((site / "index.html").read_text(encoding="utf-8"))
    with released.connect() as db:
        year = db.execute("select financial_year from marts.dim_financial_year where is_latest_ranked").fetchone()[0]
        cards = db.execute(
            "select area_name, rank, spend_index, outcome_score, lower_rank, upper_rank from marts.council_scorecard "
            "where definition_id = 'default' and financial_year = ?",
            [year],
        ).fetchall()
    hexagons = dict(t.text.rsplit(": ", 1) for t in tree.xpath("//*[@id='map']//title"))
    assert hexagons == {name: "no value" if rank is None else str(rank) for name, rank, *_ in cards}

    scatter = tree.xpath("//*[@id='scatter']")[0]
    across = [
        (float(t.text.replace("−", "-")), float(t.get("x")))
        for t in scatter.xpath(".//text[@class='tick'][@text-anchor='middle']")
    ]
    up = [
        (float(t.text.replace("−", "-")), float(t.get("y")) - 4)
        for t in scatter.xpath(".//text[@class='tick'][@text-anchor='end']")
    ]
    drawn = {
        c.xpath("./title")[0].text.split(": ")[0]: (float(c.get("cx")), float(c.get("cy"))) for c in scatter.xpath(".//circle")
    }
    ranked = [c for c in cards if c[1] is not None]
    assert len(drawn) == len(ranked)
    for name, _, spend, outcome, *_ in ranked:
        assert abs(_read(across, drawn[name][0]) - spend) < 0.002, name
        assert abs(_read(up, drawn[name][1]) - outcome) < 0.2, name

    intervals = tree.xpath("//*[@id='intervals']")[0]
    ranks = [(float(t.text), float(t.get("y")) - 4) for t in intervals.xpath(".//text[@class='tick']")]
    lines = {g.xpath("./title")[0].text.split(": ")[0]: g for g in intervals.xpath(".//g[@data-code]")}
    for name, rank, _, _, lower, upper in ranked:
        mark, ends = lines[name].xpath("./circle")[0], lines[name].xpath("./line")[0]
        read = [_read(ranks, float(v)) for v in (mark.get("cy"), ends.get("y1"), ends.get("y2"))]
        assert max(abs(a - b) for a, b in zip(read, (rank, lower, upper), strict=True)) < 0.3, name


def test_the_council_worked_by_hand_can_be_worked_by_hand(site: Path) -> None:
    """The rows of the method page, worked with the formula that stands above them: scores, domains, outcome, productivity."""
    tree = html.fromstring((site / "method.html").read_text(encoding="utf-8"))

    def number(text: str) -> float:
        return float(text.replace("−", "-").replace(",", "").replace("£", ""))

    domains = []
    for table in tree.xpath("//table[@data-mart='fct_measure_score']"):
        rows = [[number(c.text_content()) for c in r.xpath("./td")] for r in table.xpath("./tbody/tr")]
        for _, turned, lowest, highest, score, _ in rows:
            assert abs(1 + 99 * (turned - lowest) / (highest - lowest) - score) < 0.6 / (highest - lowest) + 0.01
        mean = sum(score * weight for *_, score, weight in rows) / sum(weight for *_, weight in rows)
        said = number(table.getparent().getnext().xpath(".//data")[0].text_content())
        assert abs(mean - said) < 0.011
        domains.append(said)
    assert len(domains) == 3
    shown = [number(d.text_content()) for d in tree.xpath("//p[@class='formula']//data")]
    outcome, spend, england, index, again, same, productivity = shown
    assert abs(sum(domains) / 3 - outcome) < 0.011 and abs(spend / england - index) < 0.002
    assert (again, same) == (outcome, index) and abs(outcome / index - productivity) < 0.06


def test_where_the_marks_of_a_spine_chart_and_of_a_trend_stand(site: Path) -> None:
    """Against the numbers of the table that is folded away below each: worst at the left end, best at the right, whatever the polarity."""
    tree = html.fromstring((site / "councils" / "E08000035.html").read_text(encoding="utf-8"))

    def number(text: str) -> float | None:
        return None if text in ("–", "not compared") else float(text.replace("−", "-").replace(",", ""))

    checked = 0
    for figure in tree.xpath("//div[@class='spines']/figure"):
        table = [[number(c.text_content()) for c in r.xpath("./td")] for r in figure.xpath(".//tbody/tr")]
        for mark, (value, lower, upper, before, peers, lowest, first, median, third, highest) in zip(
            figure.xpath(".//svg[@id]/g"), table, strict=True
        ):
            whole, half = mark.xpath("./rect[@class='all']")[0], mark.xpath("./rect[@class='half']")[0]
            start, width = float(whole.get("x")), float(whole.get("width"))

            def place(v: float, ends: tuple[float, float], start: float = start, width: float = width) -> float:
                at = (v - ends[0]) / (ends[1] - ends[0])
                return start + min(1.0, max(0.0, at)) * width

            axis = float(mark.xpath("./line[@class='axis']")[0].get("x1"))
            ends = (
                (lowest, highest)
                if abs(place(median, (lowest, highest)) - axis) <= abs(place(median, (highest, lowest)) - axis)
                else (highest, lowest)
            )
            near = 0.06 / abs(highest - lowest) * width + 0.6  # what the rounding of the table allows
            assert abs(axis - place(median, ends)) < near
            assert abs(float(half.get("x")) - min(place(first, ends), place(third, ends))) < near
            dots = mark.xpath("./circle[starts-with(@class, 'dot')]")
            assert len(dots) == (value is not None and "withheld" not in mark.xpath("./title")[0].text) or not dots
            if dots:
                assert abs(float(dots[0].get("cx")) - place(value, ends)) < near
                whisker = mark.xpath("./line[@class='whisker']")
                if whisker:
                    drawn = sorted(float(whisker[0].get(k)) for k in ("x1", "x2"))
                    assert np.allclose(drawn, sorted((place(lower, ends), place(upper, ends))), atol=near)
            for found, v in ((mark.xpath("./circle[@class='ring']/@cx"), before),):
                assert len(found) == (v is not None) and all(abs(float(f) - place(v, ends)) < near for f in found)
            assert len(mark.xpath("./path[@class='diamond']")) == (peers is not None)
            checked += 1
    assert checked > 20

    trend = tree.xpath("//*[@id='trend']")[0]
    ranks = [(float(t.text), float(t.get("y")) - 4) for t in trend.xpath("./text[@class='tick'][@text-anchor='end']")]
    table = {r.xpath("./th")[0].text: r.xpath("./td[1]")[0].text for r in trend.xpath("./ancestor::figure//tbody/tr")}
    drawn = {g.xpath("./title")[0].text[:7]: float(g.xpath("./circle")[0].get("cy")) for g in trend.xpath("./g")}
    assert set(drawn) == {year for year, rank in table.items() if rank != "–"}
    for year, place_ in drawn.items():
        assert abs(_read(ranks, place_) - float(table[year])) < 0.5, year


def _read(ticks: list[tuple[float, float]], place: float) -> float:
    """The value at a place, from the first and last tick of an axis."""
    (low, start), (high, end) = ticks[0], ticks[-1]
    return low + (place - start) / (end - start) * (high - low)


def test_what_pictures_say_in_words_is_counted_from_the_table(site: Path, released: Released) -> None:
    tree = html.fromstring((site / "index.html").read_text(encoding="utf-8"))
    said = [f.text_content() for f in tree.xpath("//p[@class='words']")]
    with released.connect() as db:
        ranked = db.execute(
            "select rank, upper_rank - lower_rank + 1, quadrant from marts.latest_ranking where rank is not null order by 2"
        ).fetchall()
    quadrants = Counter(q for *_, q in ranked)
    assert any(
        s == f"Of {len(ranked)} councils: " + ", ".join(f"{n} {q}" for q, n in sorted(quadrants.items())) + "." for s in said
    )
    assert any(s.startswith(f"Half of the intervals are {ranked[len(ranked) // 2][1]} ranks wide or wider") for s in said)
    assert any(s.startswith(f"{len(ranked)} councils have a value") for s in said)


@pytest.mark.parametrize("year", ["2017-18", "2024-25"])
def test_the_data_of_own_weights_give_the_published_ranking(released: Released, year: str) -> None:
    """The data that the page computes from, worked here by its rules, rank as the marts do; the page's own script is tested in a browser."""
    data = weights(Facts(released.release), year)
    results = []
    for council in data["councils"]:
        domains = []
        for domain in data["domains"]:
            pairs = [
                (m["weight"], s) for m, s in zip(data["measures"], council["scores"], strict=True) if m["domain"] == domain["id"]
            ]
            held = [(w, s) for w, s in pairs if s is not None]
            enough = (
                len(held) >= data["minMeasures"]
                and sum(w for w, _ in held) >= data["minCoverage"] * sum(w for w, _ in pairs) - 1e-9
            )
            domains.append(sum(w * s for w, s in held) / sum(w for w, _ in held) if enough else None)
        if None not in domains and council["spend"] is not None:
            results.append((round(sum(domains) / len(domains) / council["spend"], 9), council))
    order = sorted({value for value, _ in results}, reverse=True)
    assert {c["code"]: order.index(v) + 1 for v, c in results} == {
        c["code"]: c["rank"] for c in data["councils"] if c["rank"] is not None
    }


def test_data_quality_lists_every_rule_of_every_gate(site: Path, released: Released) -> None:
    text = html.fromstring((site / "quality.html").read_text(encoding="utf-8")).text_content()
    with released.connect() as db:
        rules = db.execute("select rule, passed from meta.check_result").fetchall()
    assert len(rules) > 60
    assert all(rule in text for rule, _ in rules)
    assert "did not hold" not in text.replace("A rule that does not hold", "")


def test_councils_side_by_side_have_the_numbers_of_the_marts(site: Path, released: Released) -> None:
    """The data that the compare page's script shows, each cell: the index, the domains, every measure, England."""
    text = (site / "static" / "compare-data.js").read_text(encoding="utf-8")
    data = json.loads(text.removeprefix("window.COMPARE=").rstrip(";\n"))
    marts, year = Marts(released.release), data["year"]
    forms = {
        "rank": "#",
        "lower_rank": "#",
        "upper_rank": "#",
        "rank_group": "r",
        "outcome_score": "1",
        "spend_per_adult_gbp": "£0",
        "spend_index": "2",
        "productivity": "1",
        "coverage": "%0",
    }
    with released.connect() as db:
        domains = [
            d
            for (d,) in db.execute(
                "select domain_id from marts.dim_definition_domain where definition_id = 'default' order by domain_order"
            ).fetchall()
        ]
        measures = db.execute(
            "select m.measure_id, cast(m.decimals as varchar) from marts.dim_measure as m inner join marts.measure_spread as s using (measure_id) "
            "where s.financial_year = ? order by m.domain_order, m.measure_name",
            [year],
        ).fetchall()
        codes = dict(db.execute("select continuity_code, area_code from marts.latest_ranking").fetchall())
    checked = 0
    for history, council in data["councils"].items():
        own = (("financial_year", year), ("area_code", codes[history]))
        card = marts.row("council_scorecard", (("definition_id", "default"), *own))
        expected = [written(card[c], form) for c, form in forms.items()]
        for domain in domains:
            row = marts.row("fct_domain_score", (("definition_id", "default"), *own, ("domain_id", domain)))
            expected.append("–" if row is None else written(row["domain_score"], "1"))
        for measure, form in measures:
            row = marts.row("fct_measure_value", (*own, ("measure_id", measure)))
            if row is None or row["value"] is None:
                expected.append("–")
            else:
                older = f" ({row['value_year']})" if row["value_basis"] == "carried_forward" else ""
                expected.append(written(row["value"], form) + (" (withheld)" if row["is_withheld"] else older))
        assert council["values"] == expected, council["name"]
        checked += len(expected)
    spreads = [marts.row("measure_spread", (("financial_year", year), ("measure_id", m))) for m, _ in measures]
    assert data["england"][len(forms) + len(domains) :] == [
        written(s["england_value"], f) for s, (_, f) in zip(spreads, measures, strict=True)
    ]
    assert checked > 5_000 and len(data["councils"]) == 153


def test_counts_and_sizes_of_downloads_and_checks_are_what_they_are(site: Path, released: Released) -> None:
    """Numbers about the release itself, which are in no mart."""
    downloads = html.fromstring((site / "downloads.html").read_text(encoding="utf-8"))
    rows = {
        r.xpath("./th")[0].text_content(): [c.text_content() for c in r.xpath("./td")]
        for r in downloads.xpath("(//table)[2]/tbody/tr")
    }
    with released.connect() as db:
        tables = [t for (t,) in db.execute("select table_name from duckdb_tables() where schema_name = 'marts'").fetchall()]
        assert set(rows) == set(tables)
        for table in tables:
            assert rows[table][1] == f"{db.execute(f'select count(*) from marts.{table}').fetchone()[0]:,}"
        for rule, checked in db.execute("select rule, rows_checked from meta.check_result").fetchall():
            assert f'<th scope="row">{escape(rule)}</th><td class="n">{checked:,}</td>' in (site / "quality.html").read_text(
                encoding="utf-8"
            )


def test_hostile_names_are_harmless_in_pages_scripts_and_downloads(hostile: Site) -> None:
    for name, content in pages(hostile.path).items():
        tree = html.fromstring(content)
        assert not tree.xpath("//script[not(@src)]"), name
        assert not tree.xpath("//*[@onerror]"), name
        assert "<script>document" not in content
    council = html.fromstring((hostile.path / "councils" / "E08000035.html").read_text(encoding="utf-8"))
    assert council.xpath("//h1")[0].text_content() == HOSTILE["E08000035"]
    for path in hostile.path.rglob("*.js"):
        assert "<script" not in path.read_text(encoding="utf-8") and "</title" not in path.read_text(encoding="utf-8"), path.name
    rows = (hostile.path / "league" / "default-2024-25.csv").read_text(encoding="utf-8")
    with duckdb.connect() as db:
        names = {
            r[0]
            for r in db.execute(
                f"select area_name from read_csv('{hostile.path / 'league' / 'default-2024-25.csv'}', all_varchar = true)"
            ).fetchall()
        }
    assert "'" + HOSTILE["E08000032"] in names and HOSTILE["E06000010"] in names
    assert "\n=" not in rows and ",=" not in rows and ',"=' not in rows
    stored = json.loads((hostile.path / "api" / "councils" / "E08000032.json").read_text(encoding="utf-8"))
    assert stored["council"]["area_name"] == HOSTILE["E08000032"]


def test_the_api_has_every_rank_and_value_and_fits_its_description(site: Path, released: Released) -> None:
    index = json.loads((site / "api" / "index.json").read_text(encoding="utf-8"))
    described = json.loads((site / "api" / "openapi.json").read_text(encoding="utf-8"))["components"]["schemas"]
    kinds = {"string": str, "number": (int, float), "integer": int, "boolean": bool}
    ranks = values = 0
    for council in index["councils"]:
        held = json.loads((site / "api" / council["href"]).read_text(encoding="utf-8"))
        for rows, schema in ((held["rankings"], "Ranking"), (held["values"], "Value")):
            properties = described[schema]["properties"]
            for row in rows:
                assert set(row) == set(described[schema]["required"]) == set(properties)
                for name, value in row.items():
                    assert value is None or isinstance(value, kinds[properties[name]["type"][0]]), (schema, name, value)
        ranks += len(held["rankings"])
        values += sum(v["value"] is not None for v in held["values"])
    with released.connect() as db:
        assert ranks == db.execute("select count(*) from marts.productivity_ranking").fetchone()[0]
        assert values == db.execute("select count(value) from marts.fct_measure_value").fetchone()[0]


def test_a_site_is_made_once_and_again_when_something_it_is_made_of_changes(hostile: Site) -> None:
    release = hostile.path.parent
    assert not build_site(release).is_new
    before = (hostile.path / "index.html").stat().st_ino
    (hostile.path / MADE_WITH).write_text("something else\n", encoding="ascii")
    assert build_site(release).is_new
    assert (hostile.path / "index.html").stat().st_ino != before
    assert sorted(p.name for p in release.iterdir()) == ["asc.duckdb", "manifest.json", "site"]


def test_a_site_is_the_same_however_many_processes_share_it(hostile: Site) -> None:
    def held() -> dict[str, bytes]:
        return {str(p.relative_to(hostile.path)): p.read_bytes() for p in hostile.path.rglob("*") if p.is_file()}

    alone = held()
    (hostile.path / MADE_WITH).unlink()
    assert build_site(hostile.path.parent, processes=3).is_new
    assert held() == alone


def test_what_one_process_of_several_cannot_write_is_raised(hostile: Site, tmp_path: Path) -> None:
    (tmp_path / "api").write_text("a file where a folder is to be")
    with pytest.raises(OSError, match="api"):
        _write(hostile.path.parent, tmp_path, 2)
