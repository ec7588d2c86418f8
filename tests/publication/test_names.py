"""A hundred and more ways in which people write council names: each means the right council or asks with the right one in the question."""

from __future__ import annotations

import csv

import pytest

from orchestration.publication.names import Council, UnknownError, find, telling
from orchestration.settings import PROJECT_ROOT


def _councils() -> list[Council]:
    """As the release has them: codes that a change ended are no longer current."""
    figures = PROJECT_ROOT / "data" / "figures"
    with (figures / "code_changes.csv").open(encoding="utf-8") as file:
        changes = list(csv.DictReader(file))
    ended = {c["old_code"] for c in changes if c["old_code"] and c["old_code"] != c["new_code"]}
    with (figures / "councils.csv").open(encoding="utf-8") as file:
        return [Council(row["area_code"], row["area_name"], row["area_code"] not in ended) for row in csv.DictReader(file)]


def _aliases() -> list[tuple[str, str]]:
    with (PROJECT_ROOT / "dbt_project" / "seeds" / "council_aliases.csv").open(encoding="utf-8") as file:
        return [(row["alias"], row["area_code"]) for row in csv.DictReader(file)]


COUNCILS, ALIASES = _councils(), _aliases()

MEANT = """
E08000013: St Helens; St. Helens; st helens council; ST HELENS; Saint Helens; St Helens MBC; St. Helens Metropolitan Borough Council
E06000043: Brighton & Hove; Brighton and Hove; Brighton and Hove City Council; brighton & hove city council; Brighton; Brighton Hove
E06000004: Stockton on Tees; Stockton-on-Tees; Stockton-on-Tees Borough Council; stockton; STOCKTON ON TEES
E06000058: BCP; BCP Council; Bournemouth, Christchurch and Poole; Bournemouth Christchurch & Poole Council; bournemouth christchurch poole
E08000035: leeds city council; Leeds; LEEDS; City of Leeds; Leeds CC
E06000010: Hull; Hull City Council; Kingston upon Hull; Kingston upon Hull, City of; Kingston-upon-Hull; City of Kingston upon Hull
E06000047: Durham; County Durham; Durham County Council; County Durham Council
E06000023: Bristol; Bristol, City of; City of Bristol; Bristol City Council; City of Bristol Council
E06000019: Herefordshire; Herefordshire, County of; County of Herefordshire; Herefordshire Council; Hereford
E06000022: Bath; BANES; B&NES; Bath & North East Somerset; Bath and NE Somerset; Bath and North East Somerset Council
E09000001: City of London; City of London Corporation; Corporation of London; city of london
E09000033: Westminster; City of Westminster; Westminster City Council
E09000020: RBKC; Kensington and Chelsea; Kensington & Chelsea; Royal Borough of Kensington and Chelsea; Kensington
E09000021: Kingston upon Thames; Royal Borough of Kingston upon Thames; Kingston-upon-Thames; RBK
E09000013: Hammersmith & Fulham; LBHF; H&F; London Borough of Hammersmith and Fulham; Hammersmith Fulham
E09000007: LB Camden; Camden; Camden LBC; London Borough of Camden; Camden Council
E09000030: Tower Hamlets; London Borough of Tower Hamlets; LB Tower Hamlets
E09000027: Richmond; Richmond upon Thames; Richmond-upon-Thames
E06000040: Windsor; Windsor & Maidenhead; Royal Borough of Windsor and Maidenhead; RBWM
E08000021: Newcastle; Newcastle upon Tyne; Newcastle City Council; newcastle-upon-tyne
E08000016|E08000038: Barnsley; Barnsley MBC; Barnsley Metropolitan Borough Council
E08000019|E08000039: Sheffield; Sheffield City Council
E06000014: York; City of York Council; York City Council
E06000065: North Yorkshire; N Yorkshire; North Yorks; North Yorkshire County Council
E06000018: Nottingham; Nottingham City Council; City of Nottingham
E10000024: Nottinghamshire; Notts; Nottinghamshire County Council
E06000015: Derby; Derby City Council
E10000007: Derbyshire; Derbyshire County Council
E06000016: Leicester; Leicester City
E10000018: Leicestershire; Leics; Leicestershire County Council
E06000066: Somerset; Somerset Council
E06000024: North Somerset; North Somerset Council; N Somerset
E06000046: Isle of Wight; Isle of Wight Council; IoW
E06000053: Isles of Scilly; Council of the Isles of Scilly; Scilly
E06000021: Stoke; Stoke on Trent; Stoke-on-Trent City Council
E06000033: Southend; Southend on Sea; Southend-on-Sea City Council
E06000050: Cheshire West; Cheshire West & Chester; Cheshire West and Chester Council; CWAC
E06000020: Telford; Telford & Wrekin; Telford and Wrekin Council
E06000008: Blackburn; Blackburn with Darwen; Blackburn-with-Darwen
E06000003: Redcar; Redcar & Cleveland
E06000064: Westmorland & Furness; Westmorland and Furness Council
E06000012: NE Lincs; NE Lincolnshire; North East Lincolnshire Council
E10000015: Herts; Hertfordshire; Hertfordshire County Council
E08000031: Wolverhampton; City of Wolverhampton Council
E08000006: Salford; Salford City Council; City of Salford
E06000009: blackpool; Blackpool Borough Council
"""
ASKED = """
London: City of London
Kingston: Kingston upon Hull, City of; Kingston upon Thames
Cheshire: Cheshire East; Cheshire West and Chester
Yorkshire: North Yorkshire; East Riding of Yorkshire
Northampton: Northamptonshire
Tyneside: North Tyneside; South Tyneside
Sussex: East Sussex; West Sussex
Gloucester: Gloucestershire; South Gloucestershire
Barnsly: Barnsley
Leister: Leicester
Leicster: Leicester
Birmingam: Birmingham
Wolverhamton: Wolverhampton
Midlesbrough: Middlesbrough
Sandwel: Sandwell
Brihgton: Brighton and Hove
Wokingam: Wokingham
Rotheram: Rotherham
Hertfordshre: Hertfordshire
Buckinghamshre County Council: Buckinghamshire
Kirklese: Kirklees
Stokton on Tees: Stockton-on-Tees
Nothumberland: Northumberland
Cornwal Council: Cornwall
Hamersmith and Fulham: Hammersmith and Fulham
Tower Hamlet: Tower Hamlets
Middles: Middlesbrough
Solihul: Solihull
Bradfrod: Bradford
Lambth: Lambeth
Shefield City Council: Sheffield
Hul: Kingston upon Hull, City of
"""


def _lines(text: str) -> list[tuple[str, str]]:
    pairs = [line.split(": ", 1) for line in text.strip().splitlines()]
    return [(way.strip(), key) for key, ways in pairs for way in ways.split(";")]


@pytest.mark.parametrize(("written", "code"), _lines(MEANT))
def test_a_name_means_its_council(written: str, code: str) -> None:
    assert find(written, COUNCILS, ALIASES) in code.split("|")


@pytest.mark.parametrize(("likely", "written"), _lines(ASKED))
def test_a_name_that_could_be_another_is_a_question_with_the_right_answer_in_it(written: str, likely: str) -> None:
    with pytest.raises(UnknownError) as asked:
        find(written, COUNCILS, ALIASES)
    assert likely in str(asked.value)


def test_there_are_a_hundred_ways() -> None:
    assert len(_lines(MEANT)) + len({written for _, written in _lines(ASKED)}) >= 180


def test_every_official_name_and_every_name_with_a_word_before_or_after_means_its_own_council() -> None:
    current = [c for c in COUNCILS if c.is_current]
    for council in current:
        for way in ("{}", "{} Council", "{} City Council", "London Borough of {}", "the {} county council"):
            written = way.format(council.area_name)
            if council.area_name == "City of London" and way != "{}":
                continue  # nothing is left that tells it
            assert find(written, COUNCILS, ALIASES) == council.area_code, written


def test_no_typing_error_in_a_name_leads_to_another_council() -> None:
    """One letter left out, doubled or exchanged with the next, anywhere in any name: the right council, or a question."""
    wrong = []
    for council in (c for c in COUNCILS if c.is_current):
        name = council.area_name
        for i in range(1, len(name) - 1):
            for typed in (
                name[:i] + name[i + 1 :],
                name[:i] + name[i] * 2 + name[i + 1 :],
                name[:i] + name[i + 1] + name[i] + name[i + 2 :],
            ):
                try:
                    found = find(typed, COUNCILS, ALIASES)
                except UnknownError:
                    continue
                if found != council.area_code:
                    wrong.append((typed, name, found))
    assert wrong == []


def test_aliases_are_of_councils_that_exist_and_none_is_another_councils_name() -> None:
    codes = {c.area_code for c in COUNCILS}
    names = {telling(c.area_name): c.area_code for c in COUNCILS}
    for alias, code in ALIASES:
        assert code in codes, alias
        assert names.get(telling(alias), code) == code, alias


@pytest.mark.parametrize("written", ["", "  ", "council", "&", "x", "Atlantis"])
def test_nothing_that_names_a_council_is_a_sentence(written: str) -> None:
    with pytest.raises(UnknownError, match=r"No council"):
        find(written, COUNCILS, ALIASES)
