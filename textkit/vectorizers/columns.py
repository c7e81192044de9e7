"""Which term stands in which column."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import polars as pl

from textkit.vectorizers.analyzing import Analyzer
from textkit.vectorizers.counting import Counted, Found, count


class Places(Protocol):
    """Where the terms of an analyzer stand: `width` columns, `vocabulary[i]` the term of column i, if they have names."""

    @property
    def vocabulary(self) -> pl.Series | None: ...

    @property
    def width(self) -> int: ...

    def analyzer(self, low: int, high: int, lowercase: bool, stop_words: tuple[str, ...]) -> Any | None:
        """The analyzer of its own that finds them; None: any."""

    def tensors(self) -> dict[str, np.ndarray]:
        """What is kept besides the vocabulary."""

    def place(self, found: Found, analyzer: Any) -> Counted:
        """Terms as found in records -> counts of columns."""

    def forget(self) -> None:
        """The terms begin anew."""


class Columns:
    """Columns of a vocabulary; other terms are left out."""

    def __init__(self, vocabulary: pl.Series) -> None:
        self._terms = vocabulary
        self._places = vocabulary.arg_sort().to_numpy().astype(np.int64)
        self._sorted = vocabulary.gather(self._places)
        self._of_code = np.empty(0, np.int64)

    @property
    def vocabulary(self) -> pl.Series:
        return self._terms

    @property
    def width(self) -> int:
        return len(self._terms)

    def look_up(self, terms: pl.Series) -> np.ndarray:
        """(P,) terms -> (P,) columns, -1 of those that have none."""
        order = terms.arg_sort()
        asked = terms.gather(order)  # in order, each search goes where the one before went: three times as fast
        at = self._sorted.search_sorted(asked).clip(upper_bound=max(0, len(self._terms) - 1))
        found = np.full(len(terms), -1, np.int64)
        found[order.to_numpy()] = np.where((self._sorted.gather(at) == asked).to_numpy(), self._places[at.to_numpy()], -1)
        return found

    def analyzer(self, low: int, high: int, lowercase: bool, stop_words: tuple[str, ...]) -> None:
        return None

    def tensors(self) -> dict[str, np.ndarray]:
        return {}

    def place(self, found: Found, analyzer: Analyzer) -> Counted:
        if len(analyzer.seen) > len(self._of_code):
            self._of_code = np.concatenate([self._of_code, self.look_up(analyzer.seen[len(self._of_code) :])])
        columns = self._of_code[found.codes]
        kept = columns >= 0
        return count(Found(found.rows[kept], columns[kept], found.height))

    def forget(self) -> None:
        self._of_code = np.empty(0, np.int64)
