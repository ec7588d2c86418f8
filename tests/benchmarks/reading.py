"""`make bench`: how fast publishers' files are read: all that are at hand in one go, and beside it the same workbooks by pandas and openpyxl.

python -m tests.benchmarks.reading
"""

from __future__ import annotations

import time
import warnings
from collections import defaultdict

import pandas as pd

from orchestration.acquisition.reading import read_edition
from orchestration.readers.cells import open_workbook
from orchestration.sources.model import sources
from tests.acquisition.test_publishers_files import at_hand


def main() -> None:
    """Print rows and MB a second by source and in all, and the ratio of openpyxl's time to ours for the same workbooks."""
    warnings.filterwarnings("ignore", module="openpyxl")
    took: dict[str, list[float]] = defaultdict(lambda: [0, 0, 0, 0])
    for name, edition, path in at_hand():
        content = path.read_bytes()
        began = time.perf_counter()
        rows = len(read_edition(sources()[name], edition, content, path.name))
        for place, value in enumerate((1, rows, len(content) / 1e6, time.perf_counter() - began)):
            took[name][place] += value
    took["all"] = [sum(row[n] for row in took.values()) for n in range(4)]
    print(f"{'source':<22}{'files':>6}{'figures':>10}{'MB':>8}{'seconds':>9}{'figures/s':>11}{'MB/s':>7}")
    for name, (files, rows, size, seconds) in took.items():
        print(f"{name:<22}{files:>6.0f}{rows:>10,.0f}{size:>8.1f}{seconds:>9.2f}{rows / seconds:>11,.0f}{size / seconds:>7.1f}")

    workbooks = [path for _, _, path in at_hand() if path.suffix == ".xlsx"]
    began = time.perf_counter()
    for path in workbooks:
        book = open_workbook(path.read_bytes())
        for sheet in book.sheet_names:
            book.rows(sheet)
    ours = time.perf_counter() - began
    began = time.perf_counter()
    for path in workbooks:
        pd.read_excel(path, sheet_name=None, header=None, engine="openpyxl")
    theirs = time.perf_counter() - began
    print(f"every sheet of {len(workbooks)} xlsx: {ours:.2f} s; pandas with openpyxl {theirs:.2f} s; ratio 1:{theirs / ours:.1f}")


if __name__ == "__main__":
    main()
