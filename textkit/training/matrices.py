"""The features of all records under many settings: terms are counted once for each analyzer, and then only weighed anew.

Which terms there are, and how many records have each, is counted over all records, also those that are held out later.
No label is looked at for that.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np

from textkit.arrays import Sparse
from textkit.errors import InputError
from textkit.registry import VECTORIZERS
from textkit.streams.spool import Spool
from textkit.training.candidates import WORDS, common_of, method_of
from textkit.vectorizers.base import Choice
from textkit.vectorizers.counts import Counts
from textkit.vectorizers.fitting import Fitting
from textkit.vectorizers.vectorizer import beside, parts_of

Clock: TypeAlias = Callable[[], float]
ROOM = 1 << 29  # bytes of matrices to keep


class Matrices:
    """Matrices are made when they are asked for, and kept as long as there is room: the last used longest."""

    def __init__(self, texts: Spool, tokens: Callable[[], Spool], clock: Clock) -> None:
        self._texts, self._tokens, self._clock = texts, tokens, clock
        self._kept: dict[Any, Sparse] = {}  # by settings, or by what is counted
        self._seconds: dict[Any, float] = {}  # that counting took

    def of(self, features: Choice) -> Sparse:
        """(N, F). Parts side by side are made apart, so that they serve others too."""
        parts = _parts(features)
        return self._part(features) if len(parts) == 1 else self._keep(features, lambda: beside([self._part(part) for part in parts]))

    def _part(self, part: Choice) -> Sparse:
        return self._keep(part, lambda: weighed(self._keep(_counting(part), lambda: self._counts(part)), part))

    def _counts(self, part: Choice) -> Sparse:
        """How often each record has each term, of all terms."""
        before = self._clock()
        fitting = Fitting(Counts, replace(common_of(part), min_df=1))
        for batch in (self._tokens() if part.analyzer == WORDS else self._texts).batches():
            fitting.add(batch)
        fitting.done()
        found = fitting.matrix()
        self._seconds[_counting(part)] = self._clock() - before
        return found

    def _keep(self, key: Any, make: Callable[[], Sparse]) -> Sparse:
        found = self._kept.pop(key, None)
        self._kept[key] = found = make() if found is None else found
        while len(self._kept) > 1 and sum(_bytes(matrix) for matrix in self._kept.values()) > ROOM:
            del self._kept[next(iter(self._kept))]
        return found

    def expected(self, features: Choice) -> float:
        """Seconds that `of` may take."""
        return sum(self.effort(part) for part in _parts(features) if part not in self._kept and _counting(part) not in self._kept)

    def effort(self, features: Choice) -> float:
        """Seconds that counting takes: those that it took, or as many an n as with others."""
        per_n = max((seconds / _lengths(key) for key, seconds in self._seconds.items()), default=0.0)
        return sum(self._seconds.get(_counting(part), per_n * _lengths(_counting(part))) for part in _parts(features))


def weighed(counts: Sparse, part: Choice) -> Sparse:
    """Counts of all terms -> what a vectorizer of one analyzer makes of them. InputError if no term is left."""
    df = np.bincount(counts.indices, minlength=counts.width)
    columns = df >= part.min_df
    if not columns.any():
        raise InputError("no term is left")
    if not columns.all():
        counts = narrowed(counts, columns)
        counts = Sparse((np.cumsum(columns) - 1)[counts.indices].astype(np.int32), counts.values, counts.offsets, int(columns.sum()))
    method = VECTORIZERS.find(method_of(part))
    values = method(part, method.learn(part, df[columns], len(counts))).weigh(counts.values, counts.indices, counts.offsets)
    return Sparse(counts.indices, values, counts.offsets, counts.width)


def narrowed(rows: Sparse, columns: np.ndarray) -> Sparse:
    """Only the values in these columns, (F,) bool; the width stays."""
    kept = columns[rows.indices]
    return Sparse(rows.indices[kept], rows.values[kept], np.concatenate([[0], np.cumsum(kept)])[rows.offsets], rows.width)


def _parts(features: Choice) -> list[Choice]:
    return [replace(features, analyzer=(name,), ngram=(low, high)) for name, low, high in parts_of(features)]


def _counting(part: Choice) -> tuple[Any, ...]:
    return part.analyzer, part.ngram, part.lowercase


def _lengths(key: tuple[Any, ...]) -> int:
    return int(key[1][1] - key[1][0] + 1)


def _bytes(matrix: Sparse) -> int:
    return matrix.values.nbytes + matrix.indices.nbytes + matrix.offsets.nbytes
