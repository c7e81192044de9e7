"""A learned vectorizer: records -> rows of features. Several analyzers stand side by side, each with columns of its own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import polars as pl

from textkit.arrays import Sparse
from textkit.errors import UsageError
from textkit.streams.batch import Batch
from textkit.vectorizers.analyzing import ANALYZERS, LARGEST
from textkit.vectorizers.base import Analysis, Method
from textkit.vectorizers.columns import Places
from textkit.vectorizers.counting import Counted

SLICE = 1 << 18  # bytes of text whose n-grams are made at once


def parts_of(config: Analysis) -> list[tuple[str, int, int]]:
    """(analyzer, fewest, most units) of each part."""
    spans = config.ngram if len(config.ngram) > 2 else config.ngram * len(config.analyzer)
    return list(zip(config.analyzer, spans[::2], spans[1::2], strict=True))


def check(config: Analysis) -> None:
    """UsageError unless the analyzers and their spans are some, and go together."""
    for name in config.analyzer:
        if name not in ANALYZERS:
            raise UsageError(f"no analyzer is called {name!r}", fix=f"choose from {', '.join(ANALYZERS)}")
    if len(config.ngram) not in (2, 2 * len(config.analyzer)) or not config.analyzer:
        raise UsageError("n-grams take two numbers, fewest and most units, for all analyzers or for each")
    for low, high in zip(config.ngram[::2], config.ngram[1::2], strict=True):
        if not 1 <= low <= high:
            raise UsageError(f"n-grams of {low} to {high} units are none", fix="give the fewest first: --ngram 1,2")


class Vectorizer:
    """Features of a method. `columns` say where terms stand, for each analyzer; of a hashing method they are none's."""

    def __init__(
        self, method: type[Method], config: Any, columns: list[Places] | None = None, learned: list[dict[str, np.ndarray]] | None = None
    ) -> None:
        self.config = config
        self.columns: list[Places] = columns or [method.columns(config) for _ in config.analyzer]
        self._methods = [method(config, tensors) for tensors in learned or [{} for _ in self.columns]]
        self._start()

    def _start(self) -> None:
        self._analyzers: list[Any] = []
        for (name, low, high), columns in zip(parts_of(self.config), self.columns, strict=True):
            settings = (low, high, self.config.lowercase, self.config.stop_words)
            self._analyzers.append(columns.analyzer(*settings) or ANALYZERS[name](*settings))

    @property
    def needs(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(analyzer.needs for analyzer in self._analyzers))

    @property
    def widths(self) -> list[int]:
        return [columns.width for columns in self.columns]

    @property
    def learned(self) -> list[dict[str, np.ndarray]]:
        """The tensors of each part."""
        return [{**method.learned, **columns.tensors()} for method, columns in zip(self._methods, self.columns, strict=True)]

    def rows(self, batch: Batch) -> Sparse:
        """(B, F) of a batch."""
        if sum(analyzer.bytes for analyzer in self._analyzers) > LARGEST:
            self._start()
            for columns in self.columns:
                columns.forget()
        return Sparse.stack([self._rows(frame) for frame in slices(batch, self.needs)])

    def _rows(self, frame: pl.DataFrame) -> Sparse:
        placed = [columns.place(analyzer.find(frame), analyzer) for columns, analyzer in zip(self.columns, self._analyzers, strict=True)]
        return beside([self.weigh(part, counted) for part, counted in enumerate(placed)])

    def weigh(self, part: int, counted: Counted) -> Sparse:
        values = self._methods[part].weigh(counted.counts, counted.codes, counted.offsets)
        return Sparse(counted.codes.astype(np.int32), values, counted.offsets, self.columns[part].width)

    def names(self) -> pl.Series:
        """(F,) the terms; of several analyzers with the name of theirs before them, as word:good."""
        named = [columns.vocabulary for columns in self.columns if columns.vocabulary is not None]
        assert len(named) == len(self.columns), "hashes have no names"
        if len(named) == 1:
            return named[0]
        prefixed = [pl.select(pl.lit(f"{name}:") + names).to_series() for (name, *_), names in zip(parts_of(self.config), named, strict=True)]
        return pl.concat(prefixed)


def slices(batch: Batch, needs: tuple[str, ...]) -> Iterator[pl.DataFrame]:
    """The columns needed of a batch, so many records at a time that their n-grams take little memory."""
    frame = batch.require(*needs, fix="name the column with --text-field, or give --analyzer word for tokens" if "text" in needs else None)
    size = int(frame["text"].str.len_bytes().sum()) if "text" in needs else 8 * int(frame["tokens"].list.len().sum())
    step = max(1, len(frame) * SLICE // max(1, size))
    return (frame[start : start + step] for start in range(0, max(1, len(frame)), step))


def beside(parts: list[Sparse]) -> Sparse:
    """Rows of several matrices side by side."""
    if len(parts) == 1:
        return parts[0]
    offsets = np.sum([part.offsets for part in parts], axis=0)
    indices, values = np.empty(offsets[-1], np.int32), np.empty(offsets[-1])
    before, width = offsets[:-1].copy(), 0
    for part in parts:
        place = np.arange(len(part.values)) + np.repeat(before - part.offsets[:-1], part.lengths)
        indices[place], values[place] = part.indices + width, part.values
        before += part.lengths
        width += part.width
    return Sparse(indices, values, offsets, width)
