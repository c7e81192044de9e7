"""Learning a vectorizer: records are counted once as they come, and weighed when all have been seen.

The counts wait in an unnamed file, so that the second pass need not look at texts again. Memory: the distinct terms.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

import numpy as np
import polars as pl

from textkit.arrays import Sparse
from textkit.errors import InputError
from textkit.streams.batch import Batch
from textkit.vectorizers.analyzing import ANALYZERS, Analyzer, Words
from textkit.vectorizers.base import Choice, Method
from textkit.vectorizers.columns import Columns, Places
from textkit.vectorizers.counting import Counted, Found, count, ends, recode, rows_of
from textkit.vectorizers.packing import LONGEST, WORDS, Alphabet, Expansion, PackedColumns, PackedWords, Pairs
from textkit.vectorizers.vectorizer import Vectorizer, beside, parts_of, slices


class Waiting:
    """Counts in an unnamed file."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile(prefix="textkit-")
        self._sizes: list[tuple[int, int, int]] = []  # of each array

    def add(self, counted: Counted) -> None:
        self._sizes.append((len(counted.codes), len(counted.counts), len(counted.offsets)))
        for array, dtype in ((counted.codes, np.uint32), (counted.counts, np.uint32), (counted.offsets, np.int64)):
            self._file.write(array.astype(dtype).data)  # type: ignore[arg-type]

    def __iter__(self) -> Iterator[Counted]:
        self._file.seek(0)
        for codes, counts, offsets in self._sizes:
            yield Counted(
                self._read(np.uint32, codes).astype(np.int64), self._read(np.uint32, counts).astype(np.int64), self._read(np.int64, offsets)
            )

    def _read(self, dtype: Any, size: int) -> np.ndarray:
        return np.frombuffer(self._file.read(size * np.dtype(dtype).itemsize), dtype)


class Seen:
    """What an analyzer has found so far: how many records have each term, `df`, and how often it occurs in all, `tf`."""

    def __init__(self, analyzer: Analyzer) -> None:
        self.analyzer = analyzer
        self.waiting = Waiting()
        self.df = self.tf = np.zeros(0, np.int64)

    def add(self, frame: pl.DataFrame) -> None:
        self._count(self.analyzer.find(frame), lambda: len(self.analyzer.seen))

    def _count(self, found: Found, terms: Callable[[], int]) -> None:
        counted = count(found)
        self.waiting.add(counted)
        room = (0, terms() - len(self.df))
        self.df, self.tf = np.pad(self.df, room), np.pad(self.tf, room)
        self.df += np.bincount(counted.codes, minlength=len(self.df))
        self.tf += np.bincount(counted.codes, counted.counts, minlength=len(self.df)).astype(np.int64)

    def settle(self) -> None:
        """All records have been seen."""

    def in_order(self, codes: np.ndarray) -> np.ndarray:
        """Codes in the order of their terms."""
        sorted_codes: np.ndarray = codes[self.terms(codes).arg_sort().to_numpy()]
        return sorted_codes

    def terms(self, codes: np.ndarray) -> pl.Series:
        return self.analyzer.seen.gather(codes)

    def columns(self, codes: np.ndarray) -> Places:
        return Columns(self.terms(codes))


class PackedSeen(Seen):
    """Of n-grams that are made when all words are known."""

    analyzer: PackedWords  # type: ignore[assignment]

    def __init__(self, analyzer: PackedWords) -> None:
        super().__init__(analyzer)  # type: ignore[arg-type]
        self._words = Waiting()

    def add(self, frame: pl.DataFrame) -> None:
        found = self.analyzer.find(frame)
        self._words.add(Counted(found.codes, found.codes[:0], ends(found.rows, found.height)))

    def settle(self) -> None:
        words, low, high = self.analyzer.seen, self.analyzer.low, self.analyzer.high
        self._alphabet = Alphabet.of(words)
        parts = [words[start : start + WORDS] for start in range(0, len(words), WORDS)]
        keys = [self._alphabet.pack(part, low, high) for part in parts]
        self._keys = pl.concat([pl.Series(part) for part, _ in keys]).unique().sort().to_numpy()
        expansion = Expansion()
        for part, (mine, rows) in zip(parts, keys, strict=True):
            order = np.argsort(mine)  # in order, each search goes where the one before went
            expansion.extend(np.searchsorted(self._keys, mine[order]), rows[order], len(part))
        del keys
        for block in self._words:
            found = Found(rows_of(block.offsets), block.codes, len(block.offsets) - 1)
            self._count(expansion.of(found), lambda: len(self._keys))

    def in_order(self, codes: np.ndarray) -> np.ndarray:
        return codes  # as they are numbered

    def columns(self, codes: np.ndarray) -> Places:
        return PackedColumns(self._alphabet, self._keys[codes])


class PairedSeen(Seen):
    """Of tokens and pairs of them, which become strings when it is known which are kept. Codes: first the tokens, then the pairs."""

    analyzer: Words

    def __init__(self, analyzer: Words) -> None:
        super().__init__(analyzer)
        self._units, self._pairs = Waiting(), Pairs()

    def add(self, frame: pl.DataFrame) -> None:
        units = self.analyzer.units(frame)
        self._pairs.learn(units)
        self._units.add(Counted(units.codes, units.codes[:0], ends(units.rows, units.height)))

    def settle(self) -> None:
        self._pairs.merge()
        self._tokens = len(self.analyzer.seen)
        # "a b" and "c" make the same term as "a" and "b c": then strings decide
        self._alike = self.analyzer.seen.str.contains(" ", literal=True).any()
        for block in self._units:
            units = Found(rows_of(block.offsets), block.codes, len(block.offsets) - 1)
            self._count(self.analyzer.joined(units) if self._alike else self._numbered(units), self._size)

    def _size(self) -> int:
        return len(self.analyzer.seen) if self._alike else self._tokens + len(self._pairs.keys)

    def _numbered(self, units: Found) -> Found:
        pairs, rows = self._pairs.find(units)
        single = self.analyzer.low == 1
        codes = np.concatenate([units.codes if single else units.codes[:0], pairs + self._tokens])
        return Found(np.concatenate([units.rows if single else rows[:0], rows]), codes, units.height)

    def terms(self, codes: np.ndarray) -> pl.Series:
        if self._alike:
            return super().terms(codes)
        tokens, paired = self.analyzer.seen, codes >= self._tokens
        keys = self._pairs.keys[codes[paired] - self._tokens]
        first, second = tokens.gather(keys >> np.uint64(32)), tokens.gather(keys & np.uint64(0xFFFFFFFF))
        pairs = pl.select(pl.concat_str(first.alias("first"), second.alias("second"), separator=" ")).to_series()
        places = np.concatenate([np.flatnonzero(~paired), np.flatnonzero(paired)])
        return pl.concat([tokens.gather(codes[~paired]).alias("term"), pairs.alias("term")]).gather(np.argsort(places))


class Fitting:
    """A vectorizer to be. `watched` passes batches on while they are counted; then `done`, and `rows` gives them weighed."""

    def __init__(self, method: type[Method], config: Any, given: pl.Series | None = None) -> None:
        self._method, self._config, self._given = method, config, given
        self._seen = [self._start(*part) for part in parts_of(config)]
        self._needs = tuple(dict.fromkeys(seen.analyzer.needs for seen in self._seen))
        self._slices: list[int] = []  # of each batch
        self.records = 0

    def _start(self, name: str, low: int, high: int) -> Seen:
        settings = (low, high, self._config.lowercase, self._config.stop_words)
        if name == "char_wb" and high <= LONGEST and self._given is None:
            return PackedSeen(PackedWords(*settings))
        if name == "word" and high == 2 and self._given is None:
            return PairedSeen(Words(*settings))
        return Seen(ANALYZERS[name](*settings))

    def watched(self, batches: Iterator[Batch]) -> Iterator[Batch]:
        for batch in batches:
            self.add(batch)
            yield batch

    def add(self, batch: Batch) -> None:
        """BadRecords if some have not what is needed; then nothing is counted."""
        frames = list(slices(batch, self._needs))
        for frame in frames:
            for seen in self._seen:
                seen.add(frame)
        self._slices.append(len(frames))
        self.records += len(batch)

    def done(self) -> Vectorizer:
        """The vectorizer that was learned. InputError if no term is left."""
        columns, learned = [], []
        self._places = []
        for seen in self._seen:
            seen.settle()
            places, made = self._placed(seen)
            df = np.zeros(made.width, np.int64)
            df[places[places >= 0]] = seen.df[places >= 0]
            self._places.append(places)
            columns.append(made)
            learned.append(self._method.learn(self._config, df, self.records))
        self._made = Vectorizer(self._method, self._config, columns, learned)
        return self._made

    def _placed(self, seen: Seen) -> tuple[np.ndarray, Places]:
        """(T,) the column of each term or -1, and the columns."""
        if self._given is not None:
            given = Columns(self._given)
            return given.look_up(seen.analyzer.seen), given
        kept = chosen(self._config, seen, self.records)
        if not len(kept):
            what = "no term is left: lower --min-df or raise --max-df" if seen.df.any() else "nothing to learn from: the records have no terms"
            raise InputError(what)
        places = np.full(len(seen.df), -1, np.int64)
        places[kept] = np.arange(len(kept))
        return places, seen.columns(kept)

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


def chosen(config: Choice, seen: Seen, records: int) -> np.ndarray:
    """The codes of the terms to keep, in the order of the terms."""
    least, most = (bound if isinstance(bound, int) else bound * records for bound in (config.min_df, config.max_df))
    kept = seen.in_order(np.flatnonzero((seen.df > 0) & (seen.df >= least) & (seen.df <= most)))
    if config.max_features is not None and config.max_features < len(kept):
        # sorted as scikit-learn does it, so that of equally frequent terms the same are kept
        kept = kept[np.sort((-seen.tf[kept]).argsort()[: config.max_features])]
    return kept
