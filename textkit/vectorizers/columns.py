"""Which term stands in which column."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import polars as pl

from textkit.vectorizers.analyzing import Terms
from textkit.vectorizers.counting import Counted, Found, count


class Places(Protocol):
    """Where the terms of an analyzer stand: `width` columns, `vocabulary[i]` the term of column i, if they have names."""

    @property
    def vocabulary(self) -> pl.Series | None: ...

    @property
    def width(self) -> int: ...

    def place(self, found: Found, terms: Terms) -> Counted:
        """Terms as found in records -> counts of columns."""

    def forget(self) -> None:
        """The terms begin anew."""


class Columns:
    """Columns of a vocabulary; other terms are left out."""

    def __init__(self, vocabulary: pl.Series) -> None:
        self._terms = vocabulary
        self._sorted = vocabulary.is_sorted()
        self._of_code = np.empty(0, np.int64)

    @property
    def vocabulary(self) -> pl.Series:
        return self._terms

    @property
    def width(self) -> int:
        return len(self._terms)

    def _look_up(self, terms: pl.Series) -> np.ndarray:
        """(P,) terms -> (P,) columns, -1 of those that have none."""
        if not self._sorted or len(terms) * 16 > len(self._terms):
            found = terms.cast(pl.Enum(self._terms), strict=False).to_physical()
            return found.cast(pl.Int64).fill_null(-1).to_numpy()
        places = self._terms.search_sorted(terms, side="left")
        at = pl.select(places.clip(upper_bound=len(self._terms) - 1)).to_series()
        return np.where((self._terms.gather(at) == terms).to_numpy(), at.to_numpy().astype(np.int64), -1)

    def place(self, found: Found, terms: Terms) -> Counted:
        if len(terms.seen) > len(self._of_code):
            self._of_code = np.concatenate([self._of_code, self._look_up(terms.seen[len(self._of_code) :])])
        columns = self._of_code[found.codes]
        kept = columns >= 0
        return count(Found(found.rows[kept], columns[kept], found.height))

    def forget(self) -> None:
        self._of_code = np.empty(0, np.int64)
