"""Fewer columns: those that tell most of the label (chi2), or the directions in which records differ most (LSA)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from textkit.arrays import Sparse
from textkit.artifacts import tensors
from textkit.errors import InputError, UsageError

FILE = "reduction.safetensors"


def wanted(config: Any) -> int | None:
    """K of `chi2:K`, or None. UsageError for anything else."""
    if config.select is None:
        return None
    found = re.fullmatch(r"chi2:([1-9][0-9]{0,8})", config.select)
    if found is None:
        raise UsageError(f"--select takes chi2:K, as chi2:10000, not {config.select!r}")
    return int(found[1])


@dataclass
class Reduction:
    """`selected` (K,) are columns to keep, in order; `components` (S, K) directions in what is kept. None: as it is."""

    selected: np.ndarray | None = None
    components: np.ndarray | None = None

    def select(self, rows: Sparse) -> Sparse:
        """(B, F) -> (B, K)."""
        if self.selected is None:
            return rows
        place = np.full(rows.width, -1, np.int32)
        place[self.selected] = np.arange(len(self.selected), dtype=np.int32)
        indices = place[rows.indices]
        kept = indices >= 0
        before = np.concatenate([[0], np.cumsum(kept)])
        return Sparse(indices[kept], rows.values[kept], before[rows.offsets], len(self.selected))

    def vectors(self, rows: Sparse) -> np.ndarray:
        """(B, K) -> (B, S) float32."""
        assert self.components is not None, "there are no directions"
        return rows.dot(self.components.T.astype(np.float64)).astype(np.float32)

    def save(self, folder: Path) -> None:
        found = {name: array for name, array in vars(self).items() if array is not None}
        if found:
            tensors.save(folder / FILE, found)

    @classmethod
    def load(cls, folder: Path, config: Any, width: int) -> Reduction:
        """InputError if the tensors are not those of these settings."""
        keep = min(wanted(config) or width, width)
        due: dict[str, tuple[str, tuple[int | None, ...]]] = {}
        due |= {"selected": ("int32", (keep,))} if config.select else {}
        due |= {"components": ("float32", (config.svd, keep))} if config.svd else {}
        found = tensors.load(folder / FILE, due) if due else {}
        selected = found.get("selected")
        if selected is not None and (selected.min() < 0 or selected.max() >= width):
            raise InputError("a column to keep is none of the vectorizer's", where=str(folder / FILE), fix="make the artifact again")
        return cls(**found)


def chi2(rows: Iterable[Sparse], labels: pl.Series, keep: int) -> np.ndarray:
    """(K,) the columns whose chi-squared statistic with the label is greatest, as scikit-learn's SelectKBest(chi2) finds them.

    Memory: labels times columns.
    """
    from scipy.sparse import csr_matrix

    codes = labels.cast(pl.Enum(labels.unique().sort())).to_physical().to_numpy()
    classes, start, observed = int(codes.max()) + 1, 0, None
    for part in rows:
        mine = codes[start : start + len(part)]
        start += len(part)
        one_hot = csr_matrix((np.ones(len(mine)), (mine, np.arange(len(mine)))), shape=(classes, len(mine)))
        sums = (one_hot @ part.csr()).toarray()
        observed = sums if observed is None else observed + sums
    assert observed is not None, "there are records"
    expected = np.outer(np.bincount(codes) / len(codes), observed.sum(0))
    with np.errstate(divide="ignore", invalid="ignore"):
        scores = ((observed - expected) ** 2 / expected).sum(0)
    scores[np.isnan(scores)] = np.finfo(float).min
    found: np.ndarray = np.sort(np.argsort(scores, kind="stable")[-keep:]).astype(np.int32)
    return found


def directions(rows: list[Sparse], size: int, seed: int) -> np.ndarray:
    """(size, F) float32: the right singular vectors of the largest singular values (Deerwester et al. 1990), by scikit-learn."""
    from scipy.sparse import vstack
    from sklearn.decomposition import TruncatedSVD

    matrix = vstack([part.csr() for part in rows], format="csr")
    if size >= min(matrix.shape):
        raise InputError(f"--svd {size} needs more than {size} records and columns, and there are {matrix.shape[0]} and {matrix.shape[1]}")
    found: np.ndarray = TruncatedSVD(size, random_state=seed).fit(matrix).components_.astype(np.float32)
    return found
