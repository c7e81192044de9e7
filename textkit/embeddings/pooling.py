"""Pooling: the vectors of a record's tokens become one vector, for whole columns of records at once.

What a record gets does not depend on the records beside it, to the last bit: sums go from token to token.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from textkit.errors import InputError, UsageError
from textkit.ragged import flatten, nest
from textkit.streams.members import BadRecords, Place

if TYPE_CHECKING:
    from textkit.embeddings.table import Table
    from textkit.embeddings.weighing import Weighing

WEIGHED = ("sif", "tfidf")  # they learn what each word counts
SIF_A = 1e-3
MOST = 1 << 22  # numbers that are gathered at once


@dataclass(frozen=True)
class Pooling:
    """What `embed` puts into records."""

    pool: str = "none"
    oov: str | None = None  # what a token without a vector counts as; None: `subword` where there are subwords, else `skip`
    unit: bool = False  # whether vectors get length 1
    token_vectors: bool = False
    sif_a: float = SIF_A

    @property
    def active(self) -> bool:
        return self.pool != "none" or self.token_vectors

    def settled(self, table: Table) -> Pooling:
        """With the usual treatment of unknown tokens by its name. UsageError if the table cannot do what is asked for."""
        if self.oov == "subword" and table.subwords is None:
            raise UsageError("--oov subword: the embedding has no subwords", fix="use --oov skip, zero or mean")
        if self.pool == "doc" and table.documents is None:
            raise UsageError("--pool doc needs vectors of documents, and the embedding has none", fix="use --pool mean or sif")
        return replace(self, oov=self.oov or ("subword" if table.subwords else "skip"))

    def to_json(self, table: Table | None) -> dict[str, Any]:
        """What a lineage says of it: the pool, and all that is not as usual."""
        usual = Pooling() if table is None else Pooling(self.pool).settled(table)
        changed = {name: value for name, value in vars(self).items() if name != "pool" and value not in (None, getattr(usual, name))}
        return {"pool": self.pool, **changed}

    @classmethod
    def of(cls, said: dict[str, Any]) -> Pooling:
        """From a lineage entry's settings."""
        return cls(**{name: said[name] for name in cls.__dataclass_fields__ if name in said})


@dataclass
class Found:
    """A column of tokens, looked up. A place below V is a row of the table, the others are rows of `extra`; -1: counts as nothing."""

    table: Table
    places: np.ndarray  # (T,) int32
    extra: np.ndarray  # (U, D) float32
    offsets: np.ndarray  # (B + 1,) int64
    unknown: int  # tokens that no vector was found or made for

    @property
    def width(self) -> int:
        return self.table.dim

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def where(self, kept: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(T,) bool -> the places of these tokens, and the offsets of what each record keeps of them."""
        return self.places[kept], np.concatenate([[0], np.cumsum(kept)])[self.offsets]

    def rows(self, places: np.ndarray) -> np.ndarray:
        """(N,) places -> (N, D)."""
        size = len(self.table.vectors)
        vectors: np.ndarray = self.table.vectors[np.where(places < size, places, 0)]
        vectors[places >= size] = self.extra[places[places >= size] - size]
        return vectors


def look_up(table: Table, tokens: pl.Series, oov: str, place: Place = str) -> Found:
    """(B, T) tokens. Each of those without a vector of its own is looked at once; `place` says where a record stands."""
    flat, lengths = flatten(tokens)
    flat = flat.fill_null("") if flat.null_count() else flat
    offsets = np.concatenate([[0], np.cumsum(lengths.to_numpy(), dtype=np.int64)])
    places = table.rows_of(flat)
    unknown = places < 0
    extra, size = np.zeros((0, table.dim), np.float32), len(table.vectors)
    if not unknown.any():
        return Found(table, places, extra, offsets, 0)
    count = int(unknown.sum())
    if oov == "error":
        raise _without_vector(flat, unknown, offsets, place)
    if oov == "subword":
        assert table.subwords is not None, "settled before"
        others = flat.filter(pl.Series(unknown))
        words = others.unique(maintain_order=True)
        extra, made = table.subwords.vectors_of(words)
        which = others.cast(pl.Enum(words)).to_physical().cast(pl.Int32).to_numpy()
        places[unknown] = np.where(made[which], size + which, -1)
        count = int((~made[which]).sum())
    elif oov in ("zero", "mean"):
        extra = np.zeros((1, table.dim), np.float32) if oov == "zero" else _mean_of(table)
        places[unknown] = size
    return Found(table, places, extra, offsets, count)


def _mean_of(table: Table) -> np.ndarray:
    """(1, D) the mean of all vectors."""
    mean: np.ndarray = table.vectors.mean(0, dtype=np.float64, where=(table.counts > 0)[:, None], keepdims=True).astype(np.float32)
    return mean


def _without_vector(flat: pl.Series, unknown: np.ndarray, offsets: np.ndarray, place: Place) -> BadRecords:
    """For each record that has one, its first token without a vector."""
    at = np.flatnonzero(unknown)
    rows, first = np.unique(np.searchsorted(offsets, at, side="right") - 1, return_index=True)
    fix = "use another --oov, or --on-error skip"
    told = ((int(row), f"no vector for the token {flat[int(at[i])]!r}") for row, i in zip(rows, first, strict=True))
    return BadRecords([(row, InputError(message, where=place(row), fix=fix)) for row, message in told])


def pooled(found: Found, pool: str, weighing: Weighing | None = None) -> np.ndarray:
    """(B, D) float32: one vector a record; of a record without a token that counts, zeros."""
    if pool == "max":
        return _maxima(found)
    places, offsets = found.where(found.places >= 0)
    weights = np.ones(len(places), np.float32) if weighing is None else weighing.of(places)
    total = _weighted(found, places, offsets, weights)
    if pool == "sum":
        return total
    share = np.diff(offsets)
    if pool == "tfidf":  # the weights of a record add up to 1; reduceat would round their sum by what is beside them
        share = np.bincount(np.repeat(np.arange(len(found)), share), weights=weights, minlength=len(found))
    total /= np.where(share > 0, share, 1).astype(np.float32)[:, None]
    return total if weighing is None else weighing.without_component(total)


def _weighted(found: Found, places: np.ndarray, offsets: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """(B, D) sums of the tokens' vectors times their weights; those of unknown ones are added last."""
    if not len(found.extra):
        return _product(found.table.vectors, places, offsets, weights)
    size = len(found.table.vectors)
    own = places < size
    total = np.zeros((len(found), found.width), np.float32)
    for kept, first, matrix in ((own, 0, found.table.vectors), (~own, size, found.extra)):
        total += _product(matrix, places[kept] - first, np.concatenate([[0], np.cumsum(kept)])[offsets], weights[kept])
    return total


def _product(matrix: np.ndarray, rows: np.ndarray, offsets: np.ndarray, weights: np.ndarray) -> np.ndarray:
    from scipy.sparse import csr_matrix  # numpy gathers all tokens' vectors before it adds them: ten times as slow

    found: np.ndarray = csr_matrix((weights, rows, offsets), shape=(len(offsets) - 1, len(matrix))) @ matrix
    return found


def _maxima(found: Found) -> np.ndarray:
    """(B, D) the greatest number in each column. Memory: that of some tokens' vectors at a time."""
    places, offsets = found.where(found.places >= 0)
    lengths = np.diff(offsets)
    record = np.repeat(np.arange(len(found)), lengths)
    out = np.where(lengths[:, None] > 0, np.float32(-np.inf), np.float32(0)).repeat(found.width, 1)
    step = max(1, MOST // found.width)
    for start in range(0, len(places), step):
        rows = record[start : start + step]
        first = np.flatnonzero(np.diff(rows, prepend=-1))
        highest = np.maximum.reduceat(found.rows(places[start : start + step]), first)
        out[rows[first]] = np.maximum(out[rows[first]], highest)
    return out


def unit(vectors: np.ndarray) -> np.ndarray:
    """(N, D) -> (N, D) of length 1; zeros stay zeros."""
    lengths = np.sqrt((vectors.astype(np.float64) ** 2).sum(1, keepdims=True))
    made: np.ndarray = (vectors / np.where(lengths > 0, lengths, 1)).astype(np.float32)
    return made


def token_vectors(found: Found, to_unit: bool) -> pl.Series:
    """(B, T) lists of a vector each; of tokens that count as nothing, zeros."""
    vectors = found.rows(np.maximum(found.places, 0))
    vectors[found.places < 0] = 0
    lengths = pl.Series(np.diff(found.offsets).astype(np.uint32))
    inner = as_lists(unit(vectors) if to_unit else vectors)
    if not len(inner):
        return pl.Series("token_vectors", [[]], dtype=pl.List(pl.List(pl.Float32))).new_from_index(0, len(found))
    return nest(inner, lengths).alias("token_vectors")


def as_lists(vectors: np.ndarray) -> pl.Series:
    """(N, D) as a column of lists."""
    flat = pl.Series(np.ascontiguousarray(vectors).ravel())
    return flat.reshape((len(vectors), vectors.shape[1])).arr.to_list()
