"""Subwords: vectors of character n-grams, of which a word without a vector of its own is made (Bojanowski et al. 2017).

N-grams are hashed as fastText and gensim hash them, so that their files and ours mean the same. With `jamo` the n-grams
are over the letters of Hangul, three a syllable: conjugated forms then share most of them. Those of whole syllables, which
often are a word's stem, may stand beside them (Park et al. 2018).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.lib.stride_tricks import sliding_window_view

from textkit.artifacts import tensors
from textkit.errors import InputError

FILE = "subwords.safetensors"
WORDS = 2048  # whose n-grams are made at once
START, PRIME = np.uint32(2166136261), np.uint32(16777619)  # of the hash FNV-1a
SYLLABLES, INITIALS, VOWELS, NO_FINAL = 0xAC00, 0x1100, 0x1161, 0x11A7  # no letter has the last one: finals begin behind it


@dataclass
class Subwords:
    """`vectors` (buckets, D) of n-grams of `min_n` to `max_n` characters, hashed; with `jamo` of the letters of Hangul.

    syllables: with `jamo` also n-grams of 1 to so many characters in which there is Hangul.
    """

    vectors: np.ndarray
    min_n: int
    max_n: int
    jamo: bool = False
    syllables: int = 0
    store: str = "float32"  # how the vectors are saved: float32 or float16

    def vectors_of(self, words: pl.Series) -> tuple[np.ndarray, np.ndarray]:
        """(N,) words -> (N, D) means of their n-grams' vectors, and (N,) whether a word has any."""
        distinct = words.unique(maintain_order=True)
        sums, sizes = self.sums(distinct)
        sums /= np.maximum(sizes, 1)[:, None].astype(np.float32)
        places = words.cast(pl.Enum(distinct)).to_physical().to_numpy()
        return sums[places], (sizes > 0)[places]

    def sums(self, words: pl.Series) -> tuple[np.ndarray, np.ndarray]:
        """(N,) words -> (N, D) the sums of their n-grams' vectors, and (N,) how many n-grams each has."""
        from scipy.sparse import csr_matrix  # numpy gathers all n-grams' vectors before it adds them: six times as slow

        parts = ngrams(words, self.min_n, self.max_n, self.jamo, self.syllables)
        sums, sizes = np.zeros((len(words), self.vectors.shape[1]), np.float32), np.zeros(len(words), np.int64)
        at, buckets = 0, len(self.vectors)
        for hashes, counts in parts:
            offsets = np.concatenate([[0], np.cumsum(counts)])
            places = (hashes % np.uint32(buckets)).astype(np.int64)
            which = csr_matrix((np.ones(len(hashes), np.float32), places, offsets), shape=(len(counts), buckets))
            sums[at : at + len(counts)] = which @ self.vectors
            sizes[at : at + len(counts)] = counts
            at += len(counts)
        return sums, sizes

    def save(self, folder: Path) -> None:
        tensors.save(folder / FILE, {"ngrams": self.vectors.astype(self.store, copy=False)})

    def describe(self) -> dict[str, Any]:
        """What a manifest says of it."""
        store = {} if self.store == "float32" else {"store": self.store}
        sizes = {"min_n": self.min_n, "max_n": self.max_n, "bucket": len(self.vectors)}
        return {**sizes, "jamo": self.jamo, "syllables": self.syllables, **store}

    @classmethod
    def load(cls, folder: Path, said: Any, dim: int) -> Subwords:
        """Read what `save` wrote; `said` is the manifest's word on it. InputError if they do not fit."""
        whole = isinstance(said, dict) and all(type(said.get(name)) is int for name in ("min_n", "max_n", "bucket", "syllables"))
        if not whole or type(said.get("jamo")) is not bool or not 1 <= said["min_n"] <= said["max_n"] or said["bucket"] < 1 or said["syllables"] < 0:
            raise InputError("the manifest does not say what the subwords are", where=str(folder), fix="make the artifact again")
        store = said.get("store", "float32")
        found = tensors.load(folder / FILE, {"ngrams": (store, (said["bucket"], dim))})
        return cls(found["ngrams"].astype(np.float32, copy=False), said["min_n"], said["max_n"], said["jamo"], said["syllables"], store)


def ngrams(words: pl.Series, min_n: int, max_n: int, jamo: bool = False, syllables: int = 0) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """(N,) words -> for some of them at a time: the hashes of all their n-grams one behind the other, and how many each word has."""
    if jamo and words.str.contains(r"[\x{1100}-\x{11FF}]").any():  # letters that are not put together, as macOS writes them
        words = words.str.normalize("NFC")
    for start in range(0, len(words), WORDS):
        points, lengths = letters(words[start : start + WORDS])
        if not jamo:
            yield _hashes(points, lengths, min_n, max_n)
            continue
        of_jamo = _hashes(*apart(points, lengths), min_n, max_n)
        yield _beside(of_jamo, _hashes(points, lengths, 1, syllables, _hangul(points))) if syllables else of_jamo


def letters(words: pl.Series) -> tuple[np.ndarray, np.ndarray]:
    """The code points of `<word>` for each word, one behind the other, and how many each has."""
    marked = "<" + words + ">"
    points = np.frombuffer("".join(marked).encode("utf-32-le"), np.uint32)
    return points, marked.str.len_chars().to_numpy().astype(np.int64)


def _hangul(points: np.ndarray) -> np.ndarray:
    return (points >= SYLLABLES) & (points <= 0xD7A3)  # type: ignore[no-any-return]


def _beside(one: tuple[np.ndarray, np.ndarray], other: tuple[np.ndarray, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """The n-grams of each word from both, those of `one` first."""
    word = np.concatenate([np.repeat(np.arange(len(counts)), counts) for _, counts in (one, other)])
    return np.concatenate([one[0], other[0]])[np.argsort(word, kind="stable")], one[1] + other[1]


def apart(points: np.ndarray, lengths: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Each syllable of Hangul as three letters: where it has no final, a mark says so."""
    hangul = _hangul(points)
    times = np.where(hangul, 3, 1)
    apart = np.repeat(points, times)
    at, code = (np.cumsum(times) - times)[hangul], points[hangul] - SYLLABLES
    apart[at], apart[at + 1], apart[at + 2] = INITIALS + code // 588, VOWELS + code % 588 // 28, NO_FINAL + code % 28
    return apart, np.add.reduceat(times, np.cumsum(lengths) - lengths)


def _hashes(points: np.ndarray, lengths: np.ndarray, min_n: int, max_n: int, of: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """The hashes of all n-grams: by word, where they begin and length. Marks alone are none; with `of` what has none of these places."""
    size = len(points)
    encoded = _encoded(points)
    stops = np.cumsum(lengths)
    room = np.repeat(stops, lengths) - np.arange(size)  # characters from each place to the end of its word
    hashes, made = np.full(size, START), np.zeros((size, max_n - min_n + 1), np.uint32)
    valid = np.zeros(made.shape, bool)
    for n in range(1, min(max_n, int(lengths.max())) + 1):
        open_ = size - n + 1  # places that have n characters behind them
        for byte, there in encoded:
            fed = (hashes[:open_] ^ byte[n - 1 :]) * PRIME
            hashes[:open_] = fed if there is None else np.where(there[n - 1 :], fed, hashes[:open_])
        if n >= min_n:
            made[:, n - min_n], valid[:, n - min_n] = hashes, room >= n
            if of is not None:
                valid[:open_, n - min_n] &= sliding_window_view(of, n).any(1)
    if min_n == 1:
        valid[stops - 1, 0] = valid[stops - lengths, 0] = False
    return made[valid], np.add.reduceat(valid.sum(1), stops - lengths)


def _encoded(points: np.ndarray) -> list[tuple[np.ndarray, np.ndarray | None]]:
    """The bytes of UTF-8 of each character: all first bytes, all second ones and which characters have one, and so on.

    fastText reads bytes as signed: what has its highest bit set becomes a number with all higher bits set.
    """
    sizes = 1 + (points > 0x7F).astype(np.int8) + (points > 0x7FF) + (points > 0xFFFF)
    longest = int(sizes.max(initial=1))
    lead = np.array([0, 0, 0xC0, 0xE0, 0xF0], np.uint32)[sizes]
    encoded: list[tuple[np.ndarray, np.ndarray | None]] = []
    for place in range(longest):
        shift = 6 * np.maximum(sizes - 1 - place, 0).astype(np.uint32)
        low = points >> shift
        byte = (low | lead) if place == 0 else (low & 0x3F) | 0x80
        signed = byte.astype(np.uint8).astype(np.int8).astype(np.int32).astype(np.uint32)
        encoded.append((signed, None if place == 0 else sizes > place))
    return encoded
