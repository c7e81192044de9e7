"""Analyzers: the terms of a record, as scikit-learn's `analyzer` and `ngram_range` give them, by columns.

`word` gives n-grams of tokens with a space between them, `char` those of the text's characters, `char_wb` those of the
characters of each word with a space on either side. Each distinct word, and each distinct term, is looked at once.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
import polars as pl

from textkit.memory import Memory
from textkit.ragged import flatten, nest
from textkit.vectorizers.counting import Found, sort

SPACE = r"\s\x1c-\x1f"  # what Python's str.split takes for white space
LARGEST = 16 << 20  # bytes of terms to remember where they are not being learned: about two million


class Terms:
    """All terms seen so far, by their codes; code 0 is the empty one."""

    def __init__(self) -> None:
        self._memory = Memory(lambda new: new, "", pl.Series("term", [""]))

    def codes(self, terms: pl.Series) -> pl.Series:
        return self._memory.codes(terms)

    @property
    def seen(self) -> pl.Series:
        return self._memory.made

    @property
    def bytes(self) -> int:
        return self._memory.bytes


class Remembering:
    """Of those that know terms by their codes."""

    terms: Terms

    @property
    def seen(self) -> pl.Series:
        return self.terms.seen

    @property
    def bytes(self) -> int:
        return self.terms.bytes


class Analyzer(Protocol):
    needs: str  # the column that it reads

    def __init__(self, low: int, high: int, lowercase: bool, stop_words: tuple[str, ...]) -> None: ...

    terms: Terms

    def find(self, frame: pl.DataFrame) -> Found:
        """The codes of each record's terms."""

    @property
    def seen(self) -> pl.Series:
        """All terms so far by their codes."""

    @property
    def bytes(self) -> int:
        """Of what is remembered."""


def n_grams(units: pl.Series, lengths: np.ndarray, low: int, high: int, separator: str) -> tuple[pl.Series, np.ndarray]:
    """(N,) units of rows of these lengths -> all their n-grams of `low` to `high` units, and the row of each."""
    stops = np.cumsum(lengths)
    left = np.repeat(stops, lengths) - np.arange(len(units))  # units from here to the end of the row
    row = np.repeat(np.arange(len(lengths)), lengths)
    at, grams = np.arange(len(units)), units
    found, rows = [], []
    for n in range(1, high + 1):
        if n > 1:
            fits = left[at] >= n
            at, before = at[fits], grams.filter(pl.Series(fits, dtype=pl.Boolean))
            after = units.gather(at + (n - 1))
            grams = pl.select(pl.concat_str(before.alias("before"), after.alias("after"), separator=separator)).to_series()
        if n >= low:
            found.append(grams.alias("term"))
            rows.append(row[at])
    return pl.concat(found), np.concatenate(rows)


class Words(Remembering):
    """N-grams of tokens, stop words left out before."""

    needs = "tokens"

    def __init__(self, low: int, high: int, lowercase: bool, stop_words: tuple[str, ...]) -> None:
        self.low, self.high, self._lowercase = low, high, lowercase
        self.terms = Terms()
        self._left_out = self.terms.codes(pl.Series(stop_words, dtype=pl.String)).to_numpy()
        # each distinct token is lower-cased once
        self._tokens = Memory(self._lowered, "", pl.Series("code", [0], dtype=pl.UInt32))

    def _lowered(self, tokens: pl.Series) -> pl.Series:
        return self.terms.codes(tokens.str.to_lowercase()).alias("code")

    def units(self, frame: pl.DataFrame) -> Found:
        """The tokens as terms, one by one."""
        tokens, lengths = flatten(frame["tokens"])
        codes = (self._tokens(tokens) if self._lowercase else self.terms.codes(tokens)).to_numpy()
        rows = np.repeat(np.arange(len(lengths)), lengths.to_numpy())
        if len(self._left_out):
            kept = ~np.isin(codes, self._left_out)
            rows, codes = rows[kept], codes[kept]
        return Found(rows, codes, len(lengths))

    def find(self, frame: pl.DataFrame) -> Found:
        return self.joined(self.units(frame))

    def joined(self, units: Found) -> Found:
        """N-grams of terms, themselves terms."""
        if self.high == 1:
            return units
        strings = self.terms.seen.gather(units.codes)
        grams, rows = n_grams(strings, np.bincount(units.rows, minlength=units.height), self.low, self.high, " ")
        return Found(rows, self.terms.codes(grams).to_numpy(), units.height)


class Characters(Remembering):
    """N-grams of a text's characters; a run of white space counts as one space."""

    needs = "text"

    def __init__(self, low: int, high: int, lowercase: bool, stop_words: tuple[str, ...]) -> None:
        self._low, self._high, self._lowercase = low, high, lowercase
        self.terms = Terms()

    def find(self, frame: pl.DataFrame) -> Found:
        text = lowered(frame["text"], self._lowercase).str.replace_all(rf"[{SPACE}]{{2,}}", " ")
        units, lengths = flatten(characters(text))
        grams, rows = n_grams(units, lengths.to_numpy(), self._low, self._high, "")
        return Found(rows, self.terms.codes(grams).to_numpy(), len(text))


class CharactersOfWords(Remembering):
    """N-grams of the characters of words, which do not go beyond them; a word shorter than all n is a term itself."""

    needs = "text"

    def __init__(self, low: int, high: int, lowercase: bool, stop_words: tuple[str, ...]) -> None:
        self._low, self._high, self._lowercase = low, high, lowercase
        self.terms = Terms()
        self._words = Memory(self._grams, "", pl.Series("codes", [[]], dtype=pl.List(pl.UInt32)))

    def _grams(self, words: pl.Series) -> pl.Series:
        """(P,) words -> (P, T) codes of their n-grams."""
        padded = " " + words + " "
        units, lengths = flatten(characters(padded))
        grams, rows = n_grams(units, lengths.to_numpy(), self._low, self._high, "")
        short = (lengths < self._low).arg_true()
        grams, rows = pl.concat([grams, padded.gather(short).alias("term")]), np.concatenate([rows, short.to_numpy()])
        keys = sort(rows.astype(np.uint64) << np.uint64(32) | self.terms.codes(grams).to_numpy())
        counts = np.bincount(rows, minlength=len(words)).astype(np.uint32)
        return nest(pl.Series(keys.astype(np.uint32)), pl.Series(counts)).alias("codes")  # the cast leaves the lower half

    def find(self, frame: pl.DataFrame) -> Found:
        words, lengths = flatten(lowered(frame["text"], self._lowercase).str.extract_all(rf"[^{SPACE}]+"))
        codes, sizes = flatten(self._words(words))
        rows = np.repeat(np.repeat(np.arange(len(lengths)), lengths.to_numpy()), sizes.to_numpy())
        return Found(rows, codes.to_numpy(), len(lengths))


ANALYZERS: dict[str, type[Analyzer]] = {"word": Words, "char": Characters, "char_wb": CharactersOfWords}


def characters(text: pl.Series) -> pl.Series:
    """(B,) texts -> (B, T) their code points."""
    return text.str.split("")


def lowered(text: pl.Series, lowercase: bool) -> pl.Series:
    return text.str.to_lowercase() if lowercase else text
