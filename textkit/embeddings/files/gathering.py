"""What a reader of vectors finds, block by block, on its way to a table: unfit words left out, our special tokens first."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from textkit.embeddings.table import Table
from textkit.errors import InputError
from textkit.report import say
from textkit.tokenizers.vocabulary import SPECIALS, Vocabulary

if TYPE_CHECKING:
    from textkit.embeddings.subwords import Subwords

FIRST = 1 << 24  # numbers that there is room for at first
STEP = 1 << 16  # rows that move at once
HEAD = len(SPECIALS)


def decoded(words: list[bytes]) -> pl.Series:
    """(N,) words, null for those that are not UTF-8."""
    try:
        return pl.Series("word", words, dtype=pl.Binary).cast(pl.String)
    except pl.exceptions.ComputeError:  # some are not: a loop tells which
        return pl.Series("word", [decoded_one(word) for word in words], dtype=pl.String)


def decoded_one(word: bytes) -> str | None:
    try:
        return word.decode()
    except UnicodeDecodeError:
        return None


class Gathered:
    """Words and their vectors. Memory: one matrix, which grows in its place, and the words."""

    def __init__(self, name: str, dim: int, due: int | None = None) -> None:
        """`due`: how many words a header promises; room is made as they come, for a header may be wrong."""
        self.name, self.dim, self._due = name, dim, due
        self._rows = np.zeros((HEAD + max(1, min(FIRST if due is None else due, FIRST // dim)), dim), np.float32)  # ours come before theirs
        self._words: list[pl.Series] = []
        self._size = 0

    def put(self, words: pl.Series, vectors: np.ndarray, where: Callable[[int], str]) -> None:
        """(N,) words, null for those that are not UTF-8, and (N, D) vectors. `where` tells of a row where it stands."""
        self.room(len(words))[:] = vectors
        self.named(words, vectors, where)

    def named(self, words: pl.Series, vectors: np.ndarray, where: Callable[[int], str]) -> None:
        """As `put`, of vectors that are in their room already."""
        if len(vectors) and not (np.isfinite(vectors.min()) and np.isfinite(vectors.max())):  # which take no room, as isfinite of all would
            row = next(row for row, vector in enumerate(vectors) if not np.isfinite(vector).all())
            raise InputError(f"the vector of {str(words[row])[:40]!r} has a value that is no number (nan or inf)", where=where(row))
        self._words.append(words.alias("word"))

    def room(self, count: int) -> np.ndarray:
        """The next `count` rows, to be filled before there is room for more."""
        begin, end = HEAD + self._size, HEAD + self._size + count
        if end > len(self._rows):
            limit = HEAD + self._due if self._due is not None and HEAD + self._due >= end else end + end // 4
            self._rows.resize((min(limit, 2 * end), self.dim), refcheck=False)  # nobody else holds it: it grows without a copy
        self._size += count
        return self._rows[begin:end]

    def table(self, counts: np.ndarray | None = None, subwords: Subwords | None = None) -> Table:
        """The table, when all is put. `counts` (N,) of the words; without them each counts once."""
        words = pl.concat(self._words) if self._words else pl.Series("word", [], dtype=pl.String)
        counts = np.ones(len(words), np.int64) if counts is None else np.maximum(counts, 1)
        unknown = words.is_null()
        unfit = ((words == "") | words.str.contains("\n", literal=True)).fill_null(False)
        again = ~unknown & ~unfit & ~words.is_first_distinct()
        self._tell(int(unknown.sum()), int(again.sum()), int(unfit.sum()))
        for place, row in self._special(words):
            self._rows[place] = self._rows[HEAD + row]
        ours = {place: counts[row] for place, row in self._special(words)}
        kept = ~(unknown | unfit | again | words.is_in(SPECIALS).fill_null(False))
        if not kept.any() and not ours:
            fix = "convert it to UTF-8 with iconv" if unknown.any() else None
            raise InputError("holds no word with a vector", where=self.name, fix=fix)
        self._narrow(kept.to_numpy())
        head = np.array([ours.get(place, 0) for place in range(HEAD)], np.int64)
        every = np.concatenate([head, counts[kept.to_numpy()]])
        return Table(Vocabulary([*SPECIALS, *words.filter(kept)]), self._rows, every, subwords)

    def _tell(self, unknown: int, again: int, unfit: int) -> None:
        told = {"not UTF-8": unknown, "there before, and the first vector counts": again, "empty or with a line break": unfit}
        for why, count in told.items():
            if count:
                say(f"warning: {self.name}: {count} word{'s' * (count != 1)} left out: {why}", left_out=count)

    def _special(self, words: pl.Series) -> list[tuple[int, int]]:
        """(our id, their row) of words that are called as our special tokens are: they are taken to mean the same."""
        found = [(place, (words == name).arg_true()) for place, name in enumerate(SPECIALS)]
        return [(place, int(rows[0])) for place, rows in found if len(rows)]

    def _narrow(self, kept: np.ndarray) -> None:
        """Move the rows that stay together, some at a time, and give back what is left."""
        at = HEAD
        for start in range(0, 0 if kept.all() else len(kept), STEP):
            rows = self._rows[HEAD + start : HEAD + start + STEP][: len(kept) - start][kept[start : start + STEP]]
            self._rows[at : at + len(rows)] = rows
            at += len(rows)
        self._rows.resize((HEAD + int(kept.sum()), self.dim), refcheck=False)
