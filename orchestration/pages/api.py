"""A static API: one JSON file a council, an index, an OpenAPI description. Figures as the release has them, to the last digit."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any

from orchestration.pages.facts import DEFAULT, Facts
from orchestration.pages.marks import Row

RANK = (
    "definition_id",
    "financial_year",
    "area_code",
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
    "is_spend_modelled",
    "is_spend_doubtful",
    "unranked_reason",
)
VALUE = (
    "financial_year",
    "area_code",
    "measure_id",
    "value",
    "unit",
    "england_value",
    "value_basis",
    "value_year",
    "missing_reason",
    "is_withheld",
    "doubt",
    "figure_id",
)


def files(facts: Facts) -> Iterator[tuple[str, str]]:
    """(name within the site, content)."""
    histories = [h for h in facts.codes_of if h in facts.histories]
    cards: dict[str, list[Row]] = {h: [] for h in histories}
    for rows in facts.scorecards.values():
        for row in rows:
            cards[str(row["continuity_code"])].append(row)
    values: dict[str, list[Row]] = {h: [] for h in histories}
    for row in facts.values.values():
        values[str(row["continuity_code"])].append(row)
    for history in histories:
        yield (
            f"api/councils/{history}.json",
            _json(
                {
                    "council": _council(facts, history),
                    "release_id": facts.manifest["release_id"],
                    "rankings": [
                        _plain(r, RANK) for r in sorted(cards[history], key=lambda r: (r["definition_id"], r["financial_year"]))
                    ],
                    "values": [
                        _plain(r, VALUE) for r in sorted(values[history], key=lambda r: (r["financial_year"], r["measure_id"]))
                    ],
                }
            ),
        )
    yield (
        "api/index.json",
        _json(
            {
                "release_id": facts.manifest["release_id"],
                "made_at": facts.manifest["made_at"],
                "licence": facts.manifest["licence"],
                "warning": facts.manifest["warning"],
                "latest_ranked_year": facts.latest,
                "default_definition": DEFAULT,
                "councils": [{**_council(facts, h), "href": f"councils/{h}.json"} for h in histories],
                "measures": [
                    _plain(m, ("measure_id", "measure_name", "domain_id", "unit", "polarity")) for m in facts.measures.values()
                ],
            }
        ),
    )
    yield "api/openapi.json", _json(description())


def _council(facts: Facts, history: str) -> dict[str, Any]:
    council = facts.councils[history]
    return {
        "area_code": history,
        "area_name": council["area_name"],
        "region": council["region"],
        "council_type": council["council_type"],
        "all_codes": sorted(facts.codes_of[history]),
        "is_in_force": council["in_force_until"] is None,
    }


def _plain(row: Row, columns: tuple[str, ...]) -> dict[str, Any]:
    return {c: None if isinstance(row[c], float) and math.isnan(row[c]) else row[c] for c in columns}


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False) + "\n"


KINDS = {
    **dict.fromkeys(("rank", "lower_rank", "upper_rank", "rank_change"), "integer"),
    **dict.fromkeys(
        ("outcome_score", "spend_per_adult_gbp", "spend_index", "productivity", "coverage", "value", "england_value"), "number"
    ),
    **dict.fromkeys(("is_spend_modelled", "is_spend_doubtful", "is_withheld"), "boolean"),
}


def description() -> dict[str, Any]:
    """What can be asked for, as OpenAPI 3.1."""

    def table(columns: tuple[str, ...]) -> dict[str, Any]:
        kinds = {c: KINDS.get(c, "string") for c in columns}
        return {
            "type": "object",
            "properties": {c: {"type": [kind, "null"]} for c, kind in kinds.items()},
            "required": list(columns),
        }

    def get(summary: str, schema: dict[str, Any], **more: Any) -> dict[str, Any]:
        content = {"application/json": {"schema": schema}}
        return {"get": {"summary": summary, "responses": {"200": {"description": "The file.", "content": content}}, **more}}

    council = {
        "type": "object",
        "properties": {
            "council": {"type": "object"},
            "release_id": {"type": "string"},
            "rankings": {"type": "array", "items": {"$ref": "#/components/schemas/Ranking"}},
            "values": {"type": "array", "items": {"$ref": "#/components/schemas/Value"}},
        },
        "required": ["council", "release_id", "rankings", "values"],
    }
    code = {
        "name": "area_code",
        "in": "path",
        "required": True,
        "schema": {"type": "string", "pattern": "^E[0-9]{8}$"},
        "description": "ONS code that the council's history is kept under, as in the index.",
    }
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "The open index of adult social care productivity",
            "version": "1.0.0",
            "description": "Static files: any server of files serves them. Missing figures are null, with the reason beside them.",
            "license": {"name": "Open Government Licence v3.0", "identifier": "OGL-UK-3.0"},
        },
        "servers": [{"url": "."}],
        "paths": {
            "/index.json": get("The release, its councils and measures.", {"type": "object"}),
            "/councils/{area_code}.json": get("Every rank and every value of one council.", council, parameters=[code]),
        },
        "components": {"schemas": {"Ranking": table(RANK), "Value": table(VALUE)}},
    }
