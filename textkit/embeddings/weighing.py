"""What each word counts in a record's vector: learned once, and kept with the embedding so that it is the same ever after.

`sif` is Arora, Liang and Ma 2017, "A Simple but Tough-to-Beat Baseline for Sentence Embeddings": a word of probability p
counts a / (a + p), and the direction that all records share is taken out. `tfidf` counts a word the more, the fewer
records have it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from textkit.artifacts import tensors
from textkit.embeddings.pooling import Found, Pooling, look_up, pooled
from textkit.embeddings.table import Table

FILE = "pooling.safetensors"
BLOCK = 4096  # records that are multiplied at once, however they came: the sums do not depend on how the stream was cut


@dataclass
class Weighing:
    """`weights` (V + 1,): those of the table's words, the last one that of all others; `component` (D,) of length 1, or zeros."""

    weights: np.ndarray
    component: np.ndarray
    told: dict[str, Any]  # what it was learned for: it serves for nothing else

    def of(self, places: np.ndarray) -> np.ndarray:
        """(N,) places -> (N,) weights."""
        found: np.ndarray = self.weights[np.minimum(places, len(self.weights) - 1)]
        return found

    def without_component(self, vectors: np.ndarray) -> np.ndarray:
        """(B, D) less what they share. Row by row: a product of matrices rounds a row by how many there are."""
        if not self.component.any():
            return vectors
        along = np.einsum("ij,j->i", vectors, self.component)
        taken: np.ndarray = vectors - along[:, None] * self.component
        return taken

    def save(self, folder: Path) -> None:
        tensors.save(folder / FILE, {"weights": self.weights, "component": self.component})

    @classmethod
    def load(cls, folder: Path, told: dict[str, Any], table: Table) -> Weighing:
        due: dict[str, tuple[str, tuple[int | None, ...]]] = {
            "weights": ("float32", (len(table.vectors) + 1,)),
            "component": ("float32", (table.dim,)),
        }
        return cls(**tensors.load(folder / FILE, due), told=told)


def facts_of(pooling: Pooling) -> dict[str, Any]:
    """What the weights and the component depend on besides table and records."""
    return {"pool": pooling.pool, **({"oov": _counted(pooling), "sif_a": pooling.sif_a} if pooling.pool == "sif" else {})}


def _counted(pooling: Pooling) -> str:
    """How unknown tokens count in learning: what `error` is for is told when the records come."""
    return "skip" if pooling.oov in (None, "error") else pooling.oov  # type: ignore[return-value]


def learn(table: Table, columns: Iterable[pl.Series], pooling: Pooling) -> Weighing:
    """From (B, T) columns of tokens, gone through up to twice."""
    nothing = np.zeros(table.dim, np.float32)
    if pooling.pool == "tfidf":
        return Weighing(_idf(_found(table, columns, "skip")), nothing, facts_of(pooling))
    known = table.counts[table.counts > 0]
    uniform = not len(known) or known.min() == known.max()  # of a table from elsewhere nobody knows how often its words occur
    counts = _occurrences(_found(table, columns, "skip")) if uniform else np.append(table.counts, 0)
    weights = (pooling.sif_a / (pooling.sif_a + counts / max(1, counts.sum()))).astype(np.float32)
    weights[-1] = 1  # a word that never occurs
    weighing = Weighing(weights, nothing, facts_of(pooling))
    weighing.component = _component(table.dim, (pooled(found, "sif", weighing) for found in _found(table, columns, _counted(pooling))))
    return weighing


def _found(table: Table, columns: Iterable[pl.Series], oov: str) -> Iterator[Found]:
    return (look_up(table, tokens, oov) for tokens in columns)


def _occurrences(columns: Iterable[Found]) -> np.ndarray:
    """(V + 1,) how often each word occurs; the last one: all others."""
    counts: np.ndarray = np.zeros(1, np.int64)
    for found in columns:
        size = len(found.table.vectors)
        counts = counts + np.bincount(np.where(found.places < 0, size, found.places), minlength=size + 1)
    return counts


def _idf(columns: Iterable[Found]) -> np.ndarray:
    """(V + 1,) ln((1 + N) / (1 + n)) + 1 for a word that n of N records have, as scikit-learn has it; others are in none."""
    records, having = 0, np.zeros(1, np.int64)
    for found in columns:
        size = len(found.table.vectors)
        record = np.repeat(np.arange(len(found)), np.diff(found.offsets))
        pairs = np.unique(record * (size + 1) + np.where(found.places < 0, size, found.places))
        having = having + np.bincount(pairs % (size + 1), minlength=size + 1)
        records += len(found)
    having[-1] = 0
    idf: np.ndarray = (np.log((1 + records) / (1 + having)) + 1).astype(np.float32)
    return idf


def _component(dim: int, vectors: Iterable[np.ndarray]) -> np.ndarray:
    """(D,) the first right singular vector of all records' vectors, none subtracted from them before.

    It is an eigenvector of a (D, D) matrix that is added up, so that memory does not grow with the records. Of less than
    two records there is none: it would be the record itself.
    """
    moment, filled = np.zeros((dim, dim)), 0
    for block in _blocks(vectors):
        moment += block.T @ block
        filled += int(block.any(1).sum())
    first: np.ndarray = np.linalg.eigh(moment)[1][:, -1]
    if filled < 2:
        return np.zeros(dim, np.float32)
    upright: np.ndarray = (first * np.sign(first[np.abs(first).argmax()])).astype(np.float32)  # -v is as good as v
    return upright


def _blocks(parts: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    """All rows in blocks of BLOCK, the last one shorter, as float64."""
    waiting: list[np.ndarray] = []
    for part in parts:
        waiting.append(part)
        if sum(map(len, waiting)) >= BLOCK:
            rows = np.concatenate(waiting)
            whole = len(rows) - len(rows) % BLOCK
            yield from (rows[start : start + BLOCK].astype(np.float64) for start in range(0, whole, BLOCK))
            waiting = [rows[whole:]]
    if any(map(len, waiting)):
        yield np.concatenate(waiting).astype(np.float64)
