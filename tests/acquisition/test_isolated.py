"""Hostile files are opened in a child: what it runs out of is an error that names the file, and this process stays small."""

from __future__ import annotations

import io
import resource
import zipfile
from pathlib import Path

import openpyxl
import pytest

from orchestration.acquisition import isolated, store
from orchestration.acquisition.importing import import_file
from orchestration.acquisition.isolated import read_isolated
from orchestration.readers.cells import LayoutError
from orchestration.sources.model import sources

SOURCE, EDITION = "revenue_outturn", "2017-18 summary"
OPEN_DOCUMENT = (
    '<?xml version="1.0" encoding="UTF-8"?><office:document-content '
    'xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
    'xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" '
    'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0" office:version="1.2"><office:body><office:spreadsheet>'
    '<table:table table:name="RS LA Data 2017-18"><table:table-row table:number-rows-repeated="1000000">'
    '<table:table-cell table:number-columns-repeated="16000" office:value-type="float" office:value="1"><text:p>1</text:p>'
    "</table:table-cell></table:table-row></table:table></office:spreadsheet></office:body></office:document-content>"
)


def packed(**parts: str | bytes) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as book:
        for name, part in parts.items():
            book.writestr(name, part)
    return content.getvalue()


def repeats() -> bytes:
    """A few hundred bytes that stand for sixteen thousand million cells."""
    kind = "application/vnd.oasis.opendocument.spreadsheet"
    manifest = f'<?xml version="1.0"?><manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"><manifest:file-entry manifest:full-path="/" manifest:media-type="{kind}"/></manifest:manifest>'
    return packed(**{"mimetype": kind, "META-INF/manifest.xml": manifest, "content.xml": OPEN_DOCUMENT})


def far_apart(folder: str = "worksheets") -> bytes:
    """A workbook with a cell at the first and at the last place of its sheet, the sheet in another folder than usual."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "RS LA Data 2017-18"
    sheet["A1"] = 1
    content = io.BytesIO()
    book.save(content)
    parts = {}
    with zipfile.ZipFile(content) as old:
        for name in old.namelist():
            part = old.read(name).replace(b"worksheets/", folder.encode() + b"/")
            if name.startswith("xl/worksheets/"):
                far = b'<row r = "1048576"><c r = "XFD1048576"><v>1</v></c></row></sheetData>'
                part = part.replace(b"</sheetData>", far)
            parts[name.replace("worksheets/", f"{folder}/")] = part
    return packed(**parts)


HOSTILE = {
    "repeats.ods": repeats,
    "far.xlsx": far_apart,
    "elsewhere.xlsx": lambda: far_apart("data"),
    "bomb.xlsx": lambda: packed(**{"xl/worksheets/sheet1.xml": b"<worksheet>" + b" " * 950_000_000}),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused_and_the_next_is_read(tmp_path: Path, name: str, given_data: Path) -> None:
    path = tmp_path / name
    path.write_bytes(HOSTILE[name]())
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(LayoutError, match=f"^{name}: "):
        read_isolated(sources()[SOURCE], EDITION, path, name)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000  # kB
    real = given_data / "publisher" / "revenue_outturn" / "RS_2017-18_data_by_LA.xlsx"
    assert len(read_isolated(sources()[SOURCE], EDITION, real, real.name).figures) == 153


def test_a_file_that_takes_too_long_is_given_up(tmp_path: Path, given_data: Path) -> None:
    real = given_data / "publisher" / "ascof" / "ascof_2024_25.ods"
    with pytest.raises(LayoutError, match=r"ascof_2024_25.ods: reading it took longer than 0.2 seconds and was stopped"):
        read_isolated(sources()["ascof"], "2024-25", real, real.name, seconds=0.2)


def test_a_file_that_is_too_large_is_not_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(isolated, "FILE_BYTES", 10)
    path = tmp_path / "large.csv"
    path.write_bytes(b"x" * 11)
    with pytest.raises(LayoutError, match=r"large.csv: it has 11 bytes; a file to read may have 10"):
        read_isolated(sources()[SOURCE], EDITION, path, path.name)


def test_an_import_that_fails_leaves_an_outcome_that_a_person_can_read(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("a" * 24_000 + ",b\n")
    with pytest.raises(ValueError, match=r"x.csv"):
        import_file(path, sources()["deflators"], "2023-24", tmp_path / "raw")
    (row,) = store.outcomes(tmp_path / "raw")
    assert (row["result"], row["source"], row["kept"]) == ("failed", "deflators", "")
    assert len(row["reason"]) < 3_000
