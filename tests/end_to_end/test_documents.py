"""The documents say what the release says."""

from __future__ import annotations

import re

from orchestration.publication.catalogue import catalogue_page
from orchestration.settings import PROJECT_ROOT
from tests.conftest import Released


def test_the_council_worked_by_hand_is_the_one_in_the_release(released: Released) -> None:
    page = (PROJECT_ROOT / "docs" / "method.md").read_text(encoding="utf-8")
    worked = page[page.index("## 8.") : page.index("## 9.")]
    where = "area_code = 'E06000047' and financial_year = '2023-24'"
    with released.connect() as db:
        domains = dict(
            db.execute(
                f"select domain_id, domain_score from marts.fct_domain_score where definition_id = 'default' and {where}"
            ).fetchall()
        )
        scores = dict(
            db.execute(
                f"select measure_id, score from marts.fct_measure_score where definition_id = 'default' and {where}"
            ).fetchall()
        )
        ranking = db.execute(
            f"select outcome_score, spend_per_adult_gbp, england_spend_per_adult_gbp, productivity, spend_index, rank "
            f"from marts.productivity_ranking where definition_id = 'default' and {where}"
        ).fetchone()
    assert ranking
    for value in (*domains.values(), scores["reablement_offered"], scores["carer_quality_of_life"], *ranking[:4]):
        assert f"{value:.2f}" in worked, value
    assert f"{ranking[4]:.4f}" in worked
    assert ranking[5] == 3


def test_every_source_is_cited_with_its_publisher(released: Released) -> None:
    page = (PROJECT_ROOT / "docs" / "figures.md").read_text(encoding="utf-8")
    with released.connect() as db:
        editions = db.execute("select distinct source, publisher, licence from marts.dim_edition").fetchall()
    for source, publisher, licence in editions:
        row = next(line for line in page.splitlines() if line.startswith(f"| {source} |"))
        assert publisher in row, (source, publisher)
        assert licence == "Open Government Licence v3.0"


def test_the_readme_names_commands_and_targets_that_exist() -> None:
    readme = (PROJECT_ROOT / "README.md").read_text(encoding="utf-8")
    makefile = (PROJECT_ROOT / "Makefile").read_text(encoding="utf-8")
    for target in set(re.findall(r"make ([a-z]+)\b", readme)) - {"s"}:
        if target in {"run", "test", "help", "ui"}:
            assert re.search(rf"^{target}:.*## ", makefile, re.MULTILINE), target
    assert {"run", "test", "help", "ui"} <= set(re.findall(r"make ([a-z]+)\b", readme))


def test_the_catalogue_is_what_the_seeds_say(released: Released) -> None:
    assert (PROJECT_ROOT / "docs" / "catalogue.md").read_text(encoding="utf-8") == catalogue_page(released.release), (
        "run `asc catalogue`"
    )
