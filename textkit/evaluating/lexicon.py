"""The words of a table as test sets spell them: in any case, and the most frequent ones only."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl

from textkit.searching.words import Words


@dataclass(frozen=True)
class Lexicon:
    """Of words that differ in case only the first one counts, which is the most frequent one where the table is in that order."""

    words: Words
    most: int  # words of the table that are looked at
    exact: bool = False  # whether case matters

    @cached_property
    def stop(self) -> int:
        """The number of rows that hold the first `most` words with a vector."""
        usable = np.flatnonzero(self.words.usable)
        return len(self.words.words) if len(usable) <= self.most else int(usable[self.most - 1]) + 1

    def fold(self, words: pl.Series) -> pl.Series:
        words = words.str.normalize("NFC")  # in whichever form a file has its Hangul and accents
        return words if self.exact else words.str.to_uppercase()

    @cached_property
    def _folded(self) -> pl.Series:
        return self.fold(self.words.words[: self.stop])

    @cached_property
    def _lower(self) -> bool:
        """Whether the table has lower-case words only, so that an unknown word is meant in lower case too."""
        words = self.words.words[: self.stop].filter(pl.Series(self.words.usable[: self.stop], dtype=pl.Boolean))
        return not self.exact and bool((words == words.str.to_lowercase()).all())

    def places(self, words: pl.Series) -> np.ndarray:
        """(N,) words -> (N,) their rows, -1 for those that are not in the lexicon."""
        asked = self.fold(words).alias("word")
        there = self._folded.is_in(asked.unique().implode()).to_numpy() & self.words.usable[: self.stop]
        rows = np.flatnonzero(there)
        first = pl.DataFrame({"word": self._folded.gather(rows), "row": rows}).unique("word", keep="first", maintain_order=True)
        return asked.to_frame().join(first, on="word", how="left", maintain_order="left")["row"].fill_null(-1).to_numpy()

    def vectors_of(self, words: pl.Series) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(N,) words -> (N, D) float64 vectors, (N,) rows or -1, and (N,) whether there is a vector, be it one of subwords."""
        rows = self.places(words)
        known = rows >= 0
        vectors = np.zeros((len(words), self.words.dim))
        vectors[known] = self.words.rows.matrix.take(rows[known])
        if not known.all() and self.words.subwords is not None:
            unknown = words.filter(pl.Series(~known)).str.normalize("NFC")
            made, found = self.words.subwords.vectors_of(unknown.str.to_lowercase() if self._lower else unknown)
            vectors[~known] = made
            known = known.copy()
            known[~known] = found
        return vectors, rows, known
