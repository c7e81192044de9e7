"""Tokens as their letters, for the networks of textkit.nn.characters.

Letters are numbered: 0 padding, 1 unknown, 2 and 3 where a word begins and ends, then the alphabet. Hangul may be spelled by its
jamo, three a syllable, so that the forms of a word share most letters.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import polars as pl

from textkit.arrays import Ragged
from textkit.config import from_json
from textkit.embeddings.subwords import apart, letters
from textkit.errors import InputError
from textkit.nn.settings import Reading

UNKNOWN, BEGIN, END, FIRST = 1, 2, 3, 4
RARE = 2  # distinct tokens that a letter occurs in at least to be in the alphabet: so that there are unknown ones to learn from
LONGEST = 48  # characters of a token: of a longer one the middle is left out
HANGUL, JAMO = r"[\x{AC00}-\x{D7A3}\x{1100}-\x{11FF}]", r"[\x{1100}-\x{11FF}]"


@dataclass(frozen=True)
class Spelling:
    """How distinct tokens are spelled: by the letters of `alphabet`, in order."""

    jamo: bool = False
    alphabet: str = ""

    @classmethod
    def learn(cls, settings: Reading, words: list[pl.Series]) -> Spelling | None:
        """What the settings ask for, its alphabet from these distinct tokens; None if they ask for no characters."""
        if settings.chars == "none":
            return None
        every = pl.concat(words).unique(maintain_order=True)
        jamo = settings.char_unit == "jamo" or (settings.char_unit == "auto" and bool(every.str.contains(HANGUL).any()))
        return cls(jamo, alphabet_of(every.filter(every != ""), jamo))

    @classmethod
    def from_json(cls, values: Any, where: str) -> Spelling:
        """InputError unless it is one that was saved."""
        if not isinstance(values, dict):
            raise InputError("the manifest does not say how tokens are spelled", where=where)
        return from_json(cls, values, where)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @property
    def kinds(self) -> int:
        """K: numbers that letters can have, 0 among them."""
        return FIRST + len(self.alphabet)

    def rows(self, words: pl.Series) -> Ragged:
        """(U,) distinct tokens, place 0 for none -> their letters; none has none."""
        words = shortened(words[1:])
        if not len(words):
            return Ragged(np.empty(0, np.int32), np.zeros(2, np.int64))
        flat, lengths = self._numbered(words)
        return Ragged(flat, np.concatenate([[0, 0], np.cumsum(lengths, dtype=np.int64)]))

    def _numbered(self, words: pl.Series) -> tuple[np.ndarray, np.ndarray]:
        points, lengths = points_of(words, self.jamo)
        alphabet = np.frombuffer(self.alphabet.encode("utf-32-le"), np.uint32)
        places = np.searchsorted(alphabet, points)
        known = np.append(alphabet, np.uint32(0xFFFFFFFF))[places] == points
        numbers = np.where(known, places + FIRST, UNKNOWN).astype(np.int32)
        ends = np.cumsum(lengths)
        numbers[ends - lengths], numbers[ends - 1] = BEGIN, END
        return numbers, lengths


@dataclass
class Spelled:
    """The tokens of N records: `codes` are rows of `letters`."""

    codes: Ragged
    letters: Ragged

    def batch(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """forms (B, T) and spellings (U, L) of these records, of the distinct tokens in them only; row 0 is padding."""
        codes, _ = self.codes.padded(rows, 0)
        distinct, forms = np.unique(np.append(codes, 0), return_inverse=True)
        return forms[:-1].reshape(codes.shape), self.letters.padded(distinct, 0)[0]


def alphabet_of(words: pl.Series, jamo: bool) -> str:
    """The letters that occur in RARE tokens or more, in the order of their code points; of a handful of tokens all."""
    points, lengths = points_of(shortened(words), jamo)
    word = np.repeat(np.arange(len(words)), lengths)
    found, counts = np.unique(np.unique(np.stack([points.astype(np.int64), word]), axis=1)[0], return_counts=True)
    kept = found[counts >= RARE] if (counts >= RARE).sum() > 2 else found  # more than the marks of begin and end
    return "".join(map(chr, kept))


def points_of(words: pl.Series, jamo: bool) -> tuple[np.ndarray, np.ndarray]:
    """The code points of each token between a mark of its begin and one of its end, one behind the other; how many each has."""
    if not jamo:
        return letters(words)
    return apart(*letters(words.str.normalize("NFC") if words.str.contains(JAMO).any() else words))


def shortened(words: pl.Series) -> pl.Series:
    long = words.str.len_chars() > LONGEST
    if not long.any():
        return words
    return words.zip_with(~long, words.str.head(LONGEST // 2) + words.str.tail(LONGEST // 2))
