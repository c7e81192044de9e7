"""`similar`: questions about words, a line each, answered from a table of vectors."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from textkit.errors import InputError
from textkit.ragged import nest
from textkit.report import say
from textkit.searching.queries import Query, sum_of, words_of
from textkit.searching.rows import unit
from textkit.searching.words import Words
from textkit.stage import Stage
from textkit.streams.batch import Batch
from textkit.streams.lineage import Entry
from textkit.streams.members import BadRecords
from textkit.streams.stream import Stream

NEIGHBOURS, SIMILARITY, ODD = "neighbours", "similarity", "odd-one-out"
DIGITS = 6  # of a score: more of them are noise of float32


@dataclass
class Looked:
    """The words of some queries: their vectors of length 1, their rows or -1, whether each has one, and whose query each is of."""

    vectors: np.ndarray  # (M, D) float64
    rows: np.ndarray  # (M,)
    known: np.ndarray  # (M,)
    owner: np.ndarray  # (M,)


class Similar(Stage):
    """Records with `text` -> records with `query` and its answer: `neighbours`, `similarity` or `odd_one_out`."""

    needs = ("text",)

    def __init__(self, words: Words, mode: str, k: int, strict: bool = False) -> None:
        self._words, self.mode, self.k, self._strict = words, mode, k, strict
        self._queries = self._unknown = 0
        self._examples: dict[str, None] = {}  # words without a vector, in order

    @classmethod
    def restore(cls, entry: Entry, folder: Path | None) -> Similar:
        raise InputError("answers of similar cannot be made again by a chain: their queries are no longer in the records")

    def start(self, stream: Stream) -> tuple[Similar, Stream]:
        return self, replace(stream, batches=self._checked(stream.batches))

    def _checked(self, batches: Iterator[Batch]) -> Iterator[Batch]:
        """The run ends well only if the table was what had been saved."""
        yield from batches
        self._words.check.demand()

    def apply(self, batch: Batch) -> Batch:
        lines = batch.require("text")["text"]
        answer = {NEIGHBOURS: self._neighbours, SIMILARITY: self._similarity, ODD: self._odd}[self.mode](lines, batch)
        return batch.drop(["text"]).put(lines.alias("query"), answer)

    def _neighbours(self, lines: pl.Series, batch: Batch) -> pl.Series:
        queries = self._sums(lines, batch)
        looked = self._look_up([query.words for query in queries], batch)
        signs = np.array([sign for query in queries for sign in query.signs], np.float64)
        sums = np.zeros((len(queries), self._words.dim))
        np.add.at(sums, looked.owner, looked.vectors * signs[:, None])
        asked = self._answerable(looked, len(queries)) & sums.any(axis=1)
        rows, scores = self._words.rows.nearest(sums[asked], self.k, _beside(looked, asked))
        every = np.full((len(queries), self.k), -1)
        every[asked] = rows
        return neighbours(every, scores[rows >= 0], lambda found: {"word": self._words.words.gather(found)})

    def _sums(self, lines: pl.Series, batch: Batch) -> list[Query]:
        """A line that is a word of the table is that word, whatever signs are in it."""
        whole = self._words.places(lines) >= 0
        found: list[Query] = []
        bad: list[tuple[int, InputError]] = []
        for row, (line, is_word) in enumerate(zip(lines, whole, strict=True)):  # a search goes through the matrix: this is no cost beside it
            try:
                found.append(Query((line,), (1,)) if is_word else sum_of(line, batch.position(row)))
            except InputError as error:
                bad.append((row, error))
        if bad:
            raise BadRecords(bad)
        return found

    def _similarity(self, lines: pl.Series, batch: Batch) -> pl.Series:
        pairs = self._lines_of_words(lines, batch, 2, 2, "two words")
        looked = self._look_up(pairs, batch)
        answered = self._answerable(looked, len(pairs))
        first = np.searchsorted(looked.owner, np.flatnonzero(answered))
        scores = np.full(len(pairs), np.nan)
        scores[answered] = np.vecdot(looked.vectors[first], looked.vectors[first + 1])
        return pl.Series("similarity", scores.round(DIGITS)).fill_nan(None)

    def _odd(self, lines: pl.Series, batch: Batch) -> pl.Series:
        """The word that is furthest from the mean of all; words without a vector do not count, and of two none is it."""
        lists = self._lines_of_words(lines, batch, 3, None, "three words or more")
        looked = self._look_up(lists, batch)
        self._answerable(looked, len(lists))
        sums = np.zeros((len(lists), self._words.dim))
        np.add.at(sums, looked.owner, looked.vectors)
        fits = np.vecdot(looked.vectors, unit(sums)[looked.owner]).round(12)  # of two as far from it the first is taken
        order = np.lexsort((fits, ~looked.known, looked.owner))
        known = np.bincount(looked.owner, looked.known, minlength=len(lists))
        worst = np.searchsorted(looked.owner, np.arange(len(lists)))
        flat = [word for words in lists for word in words]
        odd = [flat[order[place]] if count >= 3 else None for place, count in zip(worst, known, strict=True)]
        return pl.Series("odd_one_out", odd, dtype=pl.String)

    def _lines_of_words(self, lines: pl.Series, batch: Batch, least: int, most: int | None, said: str) -> list[tuple[str, ...]]:
        """The words of each line; of an empty line none."""
        found = [words_of(line) for line in lines]
        bad = [row for row, words in enumerate(found) if words and not least <= len(words) <= (most or len(words))]
        if bad:
            fix = "put a word with spaces into quotes"
            raise BadRecords([(row, InputError(f"{said} are due, not {len(found[row])}", where=batch.position(row), fix=fix)) for row in bad])
        return found

    def _look_up(self, lists: list[tuple[str, ...]], batch: Batch) -> Looked:
        flat = pl.Series("word", [word for words in lists for word in words], dtype=pl.String)
        owner = np.repeat(np.arange(len(lists)), [len(words) for words in lists])
        vectors, rows, known = self._words.vectors_of(flat)
        missing = flat.filter(pl.Series(~known))
        if self._strict and len(missing):
            first = dict(reversed([*zip(map(int, owner[~known]), missing, strict=True)]))  # of each query's words
            raise BadRecords([(row, InputError(f"{first[row]!r} has no vector", where=batch.position(row))) for row in sorted(first)])
        self._examples |= dict.fromkeys(missing.head(3 - len(self._examples)) if len(self._examples) < 3 else ())
        return Looked(unit(vectors.astype(np.float64)), rows, known, owner)

    def _answerable(self, looked: Looked, queries: int) -> np.ndarray:
        """(Q,) whether all words of a query have a vector, and there are any."""
        unknown = np.bincount(looked.owner, ~looked.known, minlength=queries)
        self._queries += queries
        self._unknown += int((unknown > 0).sum())
        found: np.ndarray = (unknown == 0) & (np.bincount(looked.owner, minlength=queries) > 0)
        return found

    def finish(self) -> dict[str, int]:
        if self._unknown:
            examples = ", ".join(map(repr, self._examples))
            have = "has a word" if self._unknown == 1 else "have words"
            what = f"{self._unknown} of {self._queries} queries {have} without a vector: {examples}"
            say(f"warning: {what}{', ...' if self._unknown > len(self._examples) else ''}", unknown=self._unknown)
        return {}

    def entry(self) -> Entry:
        settings = {"k": self.k} if self.mode == NEIGHBOURS else {}
        return Entry("similar", self.mode, settings, str(self._words.folder), self._words.manifest["sha256"])


def _beside(looked: Looked, asked: np.ndarray) -> np.ndarray:
    """(Q', E) the rows of each query's own words, which are no answer to it; filled with -1."""
    counts = np.bincount(looked.owner, minlength=len(asked))
    rank = np.arange(len(looked.owner)) - np.repeat(np.cumsum(counts) - counts, counts)
    found = np.full((len(asked), int(counts.max(initial=0))), -1)
    found[looked.owner, rank] = looked.rows
    own: np.ndarray = found[asked]
    return own


def neighbours(rows: np.ndarray, scores: np.ndarray, columns: Any) -> pl.Series:
    """(Q, k) rows, -1 for none, and the scores of those that are -> (Q,) lists of structs: what `columns` says of the rows, and the score."""
    there = rows >= 0
    flat = pl.DataFrame({**columns(rows[there]), "score": scores.round(DIGITS) + 0.0})  # of -0.0 it makes 0.0
    return nest(flat.to_struct(), pl.Series(there.sum(axis=1), dtype=pl.UInt32)).alias("neighbours")
