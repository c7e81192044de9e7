"""N-grams of up to four characters of words as single integers: 16 bits for each character's rank among those of the corpus.

Integers in order are strings in the order of their code points, so that a sorted array of them is a vocabulary. That takes
an eighth of the memory of a dictionary of strings, and a third of its time.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
import polars as pl

from textkit.errors import InputError
from textkit.memory import Memory
from textkit.ragged import flatten
from textkit.vectorizers.analyzing import SPACE, lowered
from textkit.vectorizers.counting import Counted, Found, count, ends, sort

LONGEST = 4  # characters in 64 bits
BITS = 16
NONE = (1 << BITS) - 1  # the rank of a character that the alphabet has not
WORDS = 1 << 15  # whose n-grams are made at once
Packed = tuple[np.ndarray, np.ndarray]  # (N,) keys of n-grams and the word of each


class PackedWords:
    """Finds the words of texts: units whose n-grams are made later, when the alphabet is known, once for each distinct word."""

    needs = "text"

    def __init__(self, low: int, high: int, lowercase: bool, stop_words: tuple[str, ...]) -> None:
        self.low, self.high, self._lowercase = low, high, lowercase
        self._words = Memory(lambda new: new, "", pl.Series("word", [""]))

    def find(self, frame: pl.DataFrame) -> Found:
        words, lengths = flatten(lowered(frame["text"], self._lowercase).str.extract_all(rf"[^{SPACE}]+"))
        codes = self._words.codes(words).to_numpy()
        return Found(np.repeat(np.arange(len(lengths)), lengths.to_numpy()), codes, len(lengths))

    @property
    def seen(self) -> pl.Series:
        """The distinct words by their codes; code 0 is the empty one, which no text has."""
        return self._words.made

    @property
    def bytes(self) -> int:
        return self._words.bytes


class Alphabet:
    """Characters by rank: `codes` (A,) code points in order, the first of which has rank 1."""

    def __init__(self, codes: np.ndarray) -> None:
        if len(codes) >= NONE:
            raise InputError(f"{len(codes)} different characters are more than n-grams of {LONGEST} can be made of", fix="give --ngram 2,5")
        self.codes = codes
        self._ranks = np.full(0x110000, NONE, np.uint16)
        self._ranks[codes] = np.arange(1, len(codes) + 1)

    @classmethod
    def of(cls, words: pl.Series) -> Alphabet:
        used = np.zeros(0x110000, bool)
        for start in range(0, len(words), WORDS):
            used[_code_points(words[start : start + WORDS])] = True
        used[ord(" ")] = True  # on either side of a word
        return cls(np.flatnonzero(used).astype(np.uint32))

    def pack(self, words: pl.Series, low: int, high: int) -> Packed:
        """The n-grams of words with a space on either side; a word shorter than `low` characters is one itself."""
        padded = " " + words + " "
        lengths = padded.str.len_chars().to_numpy().astype(np.int64)
        ranks = self._ranks[_code_points(padded)].astype(np.uint64)
        row = np.repeat(np.arange(len(words)), lengths)
        left = np.repeat(np.cumsum(lengths), lengths) - np.arange(len(ranks))  # characters from here to the end of the word
        keys = np.zeros(len(ranks), np.uint64)
        found: list[Packed] = []
        for n in range(1, high + 1):
            keys = keys[: len(ranks) - n + 1] | ranks[n - 1 :] << np.uint64(BITS * (LONGEST - n))
            fits = left[: len(keys)] >= n
            if n < low:  # only of words that are no longer
                fits &= (left[: len(keys)] == lengths[row[: len(keys)]]) & (left[: len(keys)] == n)
            found.append((keys[fits], row[: len(keys)][fits]))
        return np.concatenate([keys for keys, _ in found]), np.concatenate([rows for _, rows in found])

    def unpack(self, keys: np.ndarray) -> pl.Series:
        """(N,) keys -> (N,) strings."""
        characters = pl.Series(["", *map(chr, self.codes)])
        parts = [characters.gather((keys >> np.uint64(BITS * place)) & np.uint64(NONE)) for place in reversed(range(LONGEST))]
        return pl.select(pl.concat_str(parts)).to_series().alias("term")  # type: ignore[arg-type]


def _code_points(strings: pl.Series) -> np.ndarray:
    return np.frombuffer(strings.str.join("").item().encode("utf-32-le"), np.uint32) if len(strings) else np.empty(0, np.uint32)


class Pairs:
    """Pairs of neighbours as single integers, in order: `keys` (P,). They are learned from all texts, some at a time."""

    def __init__(self) -> None:
        self.keys = np.empty(0, np.uint64)
        self._waiting: list[pl.Series] = []

    @staticmethod
    def of(units: Found) -> tuple[np.ndarray, np.ndarray]:
        """(N,) keys of the pairs, and the row of each."""
        together = units.rows[1:] == units.rows[:-1]
        codes = units.codes.astype(np.uint64)
        return (codes[:-1] << np.uint64(32) | codes[1:])[together], units.rows[1:][together]

    def learn(self, units: Found) -> None:
        self._waiting.append(pl.Series(self.of(units)[0]).unique())
        if sum(map(len, self._waiting)) > max(WORDS, len(self.keys)):  # merging each time would take quadratic time
            self.merge()

    def merge(self) -> None:
        self.keys = pl.concat([pl.Series(self.keys), *self._waiting]).unique().sort().to_numpy()
        self._waiting = []

    def find(self, units: Found) -> tuple[np.ndarray, np.ndarray]:
        """(N,) places in `keys` of the pairs, and the row of each."""
        keys, rows = self.of(units)
        order = np.argsort(keys)  # in order, each search goes where the one before went
        return np.searchsorted(self.keys, keys[order]), rows[order]


class Growing:
    """An array that grows at its end, in time proportional to what is added."""

    def __init__(self, dtype: type[np.generic], *first: int) -> None:
        self._room = np.array(first or [0], dtype)
        self._size = len(first)

    def extend(self, more: np.ndarray) -> None:
        stop = self._size + len(more)
        if stop > len(self._room):
            self._room = np.concatenate([self._room[: self._size], np.empty(max(stop, 2 * self._size) - self._size, self._room.dtype)])
        self._room[self._size : stop] = more
        self._size = stop

    @property
    def all(self) -> np.ndarray:
        return self._room[: self._size]


class Expansion:
    """What each word stands for: word w for `codes[ends[w]:ends[w + 1]]`. Words are added as they are first seen."""

    def __init__(self) -> None:
        self._codes, self._ends = Growing(np.uint32), Growing(np.int64, 0)

    def __len__(self) -> int:
        return len(self._ends.all) - 1

    def extend(self, codes: np.ndarray, words: np.ndarray, count: int) -> None:
        """Codes of the next `count` words; words: (N,) counted from the first of them."""
        keys = sort(words.astype(np.uint64) << np.uint64(32) | codes.astype(np.uint64))
        before = self._ends.all[-1]
        self._codes.extend(keys.astype(np.uint32))  # the lower half
        self._ends.extend(before + ends((keys >> np.uint64(32)).astype(np.int64), count)[1:])

    def of(self, found: Found) -> Found:
        """Words in records -> the codes in them."""
        starts, stops = self._ends.all[found.codes], self._ends.all[found.codes.astype(np.int64) + 1]
        sizes = stops - starts
        before = np.cumsum(sizes) - sizes
        index = np.arange(int(sizes.sum())) + np.repeat(starts - before, sizes)
        return Found(np.repeat(found.rows, sizes), self._codes.all[index], found.height)


class PackedColumns:
    """Columns of a vocabulary of packed n-grams: `keys` (F,) in order."""

    def __init__(self, alphabet: Alphabet, keys: np.ndarray) -> None:
        self.alphabet, self.keys = alphabet, keys
        self.forget()

    def analyzer(self, low: int, high: int, lowercase: bool, stop_words: tuple[str, ...]) -> PackedWords:
        return PackedWords(low, high, lowercase, stop_words)

    @property
    def width(self) -> int:
        return len(self.keys)

    @cached_property
    def vocabulary(self) -> pl.Series:
        return self.alphabet.unpack(self.keys)

    def tensors(self) -> dict[str, np.ndarray]:
        return {"keys": self.keys, "alphabet": self.alphabet.codes}

    def place(self, found: Found, analyzer: PackedWords) -> Counted:
        """Words as found in records -> counts of columns."""
        new = analyzer.seen[len(self._expansion) :]
        if len(new):
            self._expansion.extend(*self._columns(*self.alphabet.pack(new, analyzer.low, analyzer.high)), len(new))
        return count(self._expansion.of(found))

    def _columns(self, keys: np.ndarray, words: np.ndarray) -> Packed:
        """Columns instead of keys, of those that have one."""
        order = np.argsort(keys)  # in order, each search goes where the one before went
        asked = keys[order]
        at = np.minimum(np.searchsorted(self.keys, asked), len(self.keys) - 1)
        known = self.keys[at] == asked
        return at[known], words[order][known]

    def forget(self) -> None:
        self._expansion = Expansion()
