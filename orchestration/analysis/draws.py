"""What chance gives one block of replications: normals for every figure, shared by all definitions and years that rest on it.

What belongs here: which generator draws what, and how errors hang together. What does not: what becomes of them (`simulation.py`).

Every draw comes from a generator named by (seed, what is drawn, block), a block being BLOCK replications, and stands for all councils of all
years. So results do not depend on how many threads share the work, nor on which years or definitions are asked for beside; a figure that
several measures, definitions or years use errs once; and an error of spend that persists is the same in all years.
"""

from __future__ import annotations

import zlib
from typing import Final

import numpy as np
from numpy.typing import NDArray

from orchestration.analysis.factors import DATA, IDENTITY, WEIGHTS
from orchestration.analysis.problems import DefinitionYear, Errors
from orchestration.index.aggregate import Floats

Singles = NDArray[np.float32]
BLOCK: Final = 256
"""Replications at a time: few enough that a block stays in the processor's cache."""
SCALARS: Final = tuple(name for name in IDENTITY if name not in (DATA, WEIGHTS))
UNIFORMS, WEIGHT_UNIFORMS, NORMALS, DOUBTS = range(4)


class Draws:
    """The draws of one block. Each is made when first asked for, and kept for whoever asks again."""

    def __init__(self, seed: int, block: int, areas: int) -> None:
        self._seed, self._block, self._areas = seed, block, areas
        self._made: dict[str, Singles] = {}
        self._uniforms: dict[str, Floats] = {}
        self._values: dict[tuple[object, ...], Singles] = {}

    def _generator(self, what: int, name: str = "") -> np.random.Generator:
        key = (what, zlib.crc32(name.encode()), self._block)
        return np.random.Generator(np.random.SFC64(np.random.SeedSequence(self._seed, spawn_key=key)))

    def uniforms(self, year: DefinitionYear) -> tuple[dict[str, Floats], dict[str, Floats]]:
        """(BLOCK,) uniforms for each scalar factor, and for each measure and domain of a year by name."""
        if not self._uniforms:
            scalars = self._generator(UNIFORMS).random((len(SCALARS), BLOCK))
            self._uniforms = dict(zip(SCALARS, scalars, strict=True))
        weights = {}
        for name in (*year.measures, *year.domains):
            if f"weight|{name}" not in self._uniforms:
                self._uniforms[f"weight|{name}"] = self._generator(WEIGHT_UNIFORMS, name).random(BLOCK)
            weights[name] = self._uniforms[f"weight|{name}"]
        return self._uniforms, weights

    def normals(self, name: str) -> Singles:
        """(BLOCK, areas) standard normals that go by this name. Single precision: noise needs no more."""
        if name not in self._made:
            self._made[name] = self._generator(NORMALS, name).standard_normal((BLOCK, self._areas), dtype=np.float32)
        return self._made[name]

    def values(self, year: DefinitionYear) -> Singles:
        """(BLOCK, M, U) standard normals for the values of a year, with the correlation of surveys and what is carried forward."""
        errors = year.errors
        key = (errors.sources, errors.carried.tobytes(), year.places.tobytes())
        if key in self._values:
            return self._values[key]
        noise = np.empty((BLOCK, len(year.measures), len(year.councils)), dtype=np.float32)
        together = self._together(errors)
        for row, source in enumerate(errors.sources):
            drawn = together[source] if source in together else self.normals(source)
            noise[:, row] = drawn[:, year.places]
        for row in np.flatnonzero(errors.carried.any(axis=1)).tolist():
            share = errors.carried[row].astype(np.float32)
            noise[:, row] *= np.sqrt(1 - share**2)
            noise[:, row] += share * self.normals(errors.carried_by[row])[:, year.places]
        self._values[key] = noise
        return noise

    def _together(self, errors: Errors) -> dict[str, Singles]:
        found: dict[str, Singles] = {}
        for sources, factor in errors.together:
            name = f"together|{'|'.join(sources)}"
            if name not in self._made:
                apart = np.stack([self.normals(source) for source in sources])
                self._made[name] = np.einsum("ij,jra->ira", factor.astype(np.float32), apart)
            found |= dict(zip(sources, self._made[name], strict=True))
        return found

    def spend(self, year: DefinitionYear) -> dict[str, Singles]:
        """By spend basis the (BLOCK, U) logarithm of what chance multiplies a year's spend with."""
        errors = year.errors
        shift = errors.transient.astype(np.float32) * self.normals(f"spend|{year.financial_year}")[:, year.places]
        if errors.persistent.any():
            shift += errors.persistent.astype(np.float32) * self.normals("spend|all years")[:, year.places]
        shifts = dict.fromkeys(year.arrays.spend, shift)
        for basis, moves in errors.expected.items():
            normals = self._generator(NORMALS, f"expected|{basis}|{year.financial_year}").standard_normal((BLOCK, moves.shape[1]))
            shifts[basis] = shift - (normals @ moves.T).astype(np.float32)
        return shifts

    def history(self, year: DefinitionYear) -> Singles | None:
        """(BLOCK, U) logarithm of what a doubtful council's own history multiplies its spend with where it is drawn; None without doubt."""
        errors = year.errors
        doubtful = np.flatnonzero(~np.isnan(errors.history) & (errors.history_weight > 0))
        if not len(doubtful):
            return None
        uniforms = self._generator(DOUBTS, year.financial_year).random((BLOCK, self._areas))
        shift = np.zeros((BLOCK, len(year.councils)), dtype=np.float32)
        chosen = uniforms[:, year.places[doubtful]] < errors.history_weight[doubtful]
        shift[:, doubtful] = np.where(chosen, errors.history[doubtful], 0)
        return shift
