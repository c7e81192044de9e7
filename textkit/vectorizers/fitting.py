"""Learning a vectorizer: records are counted once as they come, and weighed when all have been seen.

The counts wait in an unnamed file, so that the second pass need not look at texts again. Memory: the distinct terms.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import numpy as np
import polars as pl

from textkit.arrays import Sparse
from textkit.errors import InputError
from textkit.streams.batch import Batch
from textkit.vectorizers.base import Choice, Method
from textkit.vectorizers.columns import Columns
from textkit.vectorizers.counting import Counted, count, recode
from textkit.vectorizers.vectorizer import Vectorizer, analyzers_of, beside, slices


class Waiting:
    """Counts in an unnamed file."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile(prefix="textkit-")
        self._sizes: list[tuple[int, int]] = []  # (values, rows + 1)

    def add(self, counted: Counted) -> None:
        self._sizes.append((len(counted.codes), len(counted.offsets)))
        for array, dtype in ((counted.codes, np.uint32), (counted.counts, np.uint32), (counted.offsets, np.int64)):
            self._file.write(array.astype(dtype).data)

    def __iter__(self) -> Iterator[Counted]:
        self._file.seek(0)
        for values, rows in self._sizes:
            codes, counts = (self._read(np.uint32, values).astype(np.int64) for _ in range(2))
            yield Counted(codes, counts, self._read(np.int64, rows))

    def _read(self, dtype: Any, size: int) -> np.ndarray:
        return np.frombuffer(self._file.read(size * np.dtype(dtype).itemsize), dtype)


@dataclass
class Seen:
    """What an analyzer has found so far: how many records have each term, and how often it occurs in all."""

    waiting: Waiting = field(default_factory=Waiting)
    df: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    tf: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))

    def add(self, counted: Counted, terms: int) -> None:
        self.waiting.add(counted)
        room = (0, terms - len(self.df))
        self.df, self.tf = np.pad(self.df, room), np.pad(self.tf, room)
        self.df += np.bincount(counted.codes, minlength=terms)
        self.tf += np.bincount(counted.codes, counted.counts, minlength=terms).astype(np.int64)


class Fitting:
    """A vectorizer to be. `watched` passes batches on while they are counted; then `done`, and `rows` gives them weighed."""

    def __init__(self, method: type[Method], config: Any, given: pl.Series | None = None) -> None:
        self._method, self._config, self._given = method, config, given
        self.analyzers = analyzers_of(config)
        self._seen = [Seen() for _ in self.analyzers]
        self._needs = tuple(dict.fromkeys(analyzer.needs for analyzer in self.analyzers))
        self._slices: list[int] = []  # of each batch
        self.records = 0

    def watched(self, batches: Iterator[Batch]) -> Iterator[Batch]:
        for batch in batches:
            self.add(batch)
            yield batch

    def add(self, batch: Batch) -> None:
        """BadRecords if some have not what is needed; then nothing is counted."""
        frames = list(slices(batch, self._needs))
        for frame in frames:
            for analyzer, seen in zip(self.analyzers, self._seen, strict=True):
                counted = count(analyzer.find(frame))
                seen.add(counted, len(analyzer.terms.seen))
        self._slices.append(len(frames))
        self.records += len(batch)

    def done(self) -> Vectorizer:
        """The vectorizer that was learned. InputError if no term is left."""
        vocabularies, learned = [], []
        self._places = []
        for analyzer, seen in zip(self.analyzers, self._seen, strict=True):
            terms = analyzer.terms.seen
            places = self._chosen(terms, seen) if self._given is None else Columns(self._given).look_up(terms)
            vocabulary = _in_columns(terms, places) if self._given is None else self._given
            df = np.zeros(len(vocabulary), np.int64)
            df[places[places >= 0]] = seen.df[places >= 0]
            self._places.append(places)
            vocabularies.append(vocabulary)
            learned.append(self._method.learn(self._config, df, self.records))
        self._made = Vectorizer(self._method, self._config, vocabularies, learned, self.analyzers)
        return self._made

    def _chosen(self, terms: pl.Series, seen: Seen) -> np.ndarray:
        """(T,) the column of each term, in the order of code points, or -1."""
        kept = chosen(self._config, terms, seen, self.records)
        if not len(kept):
            what = "no term is left: lower --min-df or raise --max-df" if seen.df.any() else "nothing to learn from: the records have no terms"
            raise InputError(what)
        places = np.full(len(terms), -1, np.int64)
        places[kept] = np.arange(len(kept))
        return places

    def rows(self) -> Iterator[Sparse]:
        """The rows of each batch, as the vectorizer gives them."""
        parts = self._parts()
        for size in self._slices:
            yield Sparse.stack([*islice(parts, size)])

    def _parts(self) -> Iterator[Sparse]:
        for blocks in zip(*(seen.waiting for seen in self._seen), strict=True):
            placed = [recode(block, places) for block, places in zip(blocks, self._places, strict=True)]
            yield beside([self._made.weigh(part, counted) for part, counted in enumerate(placed)])

    def matrix(self) -> Sparse:
        """All rows at once. Memory: theirs."""
        size = sum(int(seen.df[places >= 0].sum()) for seen, places in zip(self._seen, self._places, strict=True))
        indices, values, lengths, at = np.empty(size, np.int32), np.empty(size), [], 0
        for part in self._parts():
            stop = at + len(part.values)
            indices[at:stop], values[at:stop] = part.indices, part.values
            lengths.append(part.lengths)
            at = stop
        return Sparse(indices, values, np.concatenate([[0], np.cumsum(np.concatenate(lengths))]), sum(self._made.widths))


def chosen(config: Choice, terms: pl.Series, seen: Seen, records: int) -> np.ndarray:
    """The codes of the terms to keep, in the order of the terms."""
    least, most = (bound if isinstance(bound, int) else bound * records for bound in (config.min_df, config.max_df))
    if most < least:
        raise InputError(f"--max-df {config.max_df} is fewer records than --min-df {config.min_df}")
    kept: np.ndarray = np.flatnonzero((seen.df > 0) & (seen.df >= least) & (seen.df <= most))
    kept = kept[terms.gather(kept).arg_sort().to_numpy()]
    if config.max_features is not None and config.max_features < len(kept):
        # sorted as scikit-learn does it, so that of equally frequent terms the same are kept
        kept = kept[np.sort((-seen.tf[kept]).argsort()[: config.max_features])]
    return kept


def _in_columns(terms: pl.Series, places: np.ndarray) -> pl.Series:
    codes = np.flatnonzero(places >= 0)
    return terms.gather(codes[np.argsort(places[codes])])
