"""A picture as a file of its own, with its looks in it: for documents, where no style sheet is."""

from __future__ import annotations

import re
from pathlib import Path

from orchestration.pages.facts import DEFAULT, Facts
from orchestration.pages.pictures.national import hexagon_map, spend_against_outcome
from orchestration.pages.pictures.svg import Picture

STYLE = Path(__file__).parents[1] / "static" / "style.css"
FONT = 'text { font-family: system-ui, "Segoe UI", Roboto, Arial, sans-serif; }'


def standalone(picture: Picture) -> str:
    """The SVG on white, in the colours of the light pages."""
    css = STYLE.read_text(encoding="utf-8")
    light = dict(re.findall(r"--(\w[\w-]*): ([^;]+);", css[: css.index("@media")]))
    rules = [line for line in css[: css.index("@media (max-width")].splitlines() if line.startswith(("svg ", ".f"))]
    looks = re.sub(
        r"var\(--([\w-]+)\)", lambda m: light[m[1]], "\n".join(r for r in rules if not r.startswith((".fa", ".fi", ".fo", ".fl")))
    )
    looks = looks.replace("font-family: inherit; ", "").replace("svg [data-code] { cursor: pointer; }", "")
    paper = f'<rect width="{picture.width:g}" height="{picture.height:g}" fill="#fff"/>'
    start, _, rest = str(picture.svg).partition(">")
    return f"{start}><style>{FONT}\n{looks}</style>{paper}{rest}\n"


def pictures_of_documents(release: Path) -> dict[str, str]:
    """File name -> SVG, of the latest ranked year: for README."""
    facts = Facts(release)
    rows = facts.scorecards[DEFAULT, facts.latest]
    try:
        return {
            "ranks.svg": standalone(
                hexagon_map(
                    "map",
                    f"Ranks of {facts.latest} by fifth",
                    rows,
                    "rank",
                    "#",
                    places=facts.councils,
                    table=None,
                    best_is_low=True,
                )
            ),
            "spend_and_outcome.svg": standalone(
                spend_against_outcome("scatter", f"Spend against outcome, {facts.latest}", rows, None)
            ),
        }
    finally:
        facts.connection.close()
