"""MurmurHash3 of many strings at once: the 32-bit variant for x86, after Austin Appleby's public-domain source.

scikit-learn's feature hashing is made of the same numbers.
"""

from __future__ import annotations

import numpy as np
import polars as pl

FIRST, SECOND = np.uint32(0xCC9E2D51), np.uint32(0x1B873593)
FIVE, ADDED = np.uint32(5), np.uint32(0xE6546B64)
MANY = 1 << 16  # strings at a time, whose columns stay in the processor's cache
FEW = 32  # strings for which a step in numpy costs more than a step for each in Python
TAILS = np.array([0, 0xFF, 0xFFFF, 0xFFFFFF], np.uint32)  # what is left of a word for so many bytes


def murmur3(strings: pl.Series) -> np.ndarray:
    """(B,) strings without nulls -> (B,) int32, the hash with seed 0 of each one's UTF-8 bytes."""
    parts = [_hash(strings[start : start + MANY]) for start in range(0, len(strings), MANY)]
    return np.concatenate(parts).view(np.int32) if parts else np.empty(0, np.int32)


def _hash(strings: pl.Series) -> np.ndarray:
    words, starts, sizes = _bytes_of(strings)
    order = np.argsort(-sizes, kind="stable")  # the longest first: those that still have a block stand at the front
    starts, sizes = starts[order], sizes[order]
    hashes = np.zeros(len(sizes), np.uint32)
    _add_blocks(hashes, words, starts, sizes // 4)
    hashes ^= _mixed(words[starts + sizes // 4 * 4] & TAILS[sizes % 4])
    hashes ^= sizes.astype(np.uint32)
    out = np.empty_like(hashes)
    out[order] = _finished(hashes)
    return out


def _bytes_of(strings: pl.Series) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The words of four bytes that begin at each byte of all the strings; where each string starts, and its size."""
    data = strings.str.join("").cast(pl.Binary).item() + bytes(4)
    words: np.ndarray = np.ndarray((len(data) - 3,), "<u4", data, strides=(1,))
    sizes = strings.str.len_bytes().to_numpy().astype(np.int64)
    return words, np.cumsum(sizes) - sizes, sizes


def _add_blocks(hashes: np.ndarray, words: np.ndarray, starts: np.ndarray, blocks: np.ndarray) -> None:
    """Take in the blocks of four bytes of each string. `blocks`, how many those are, falls."""
    most = int(blocks[0])
    left = np.searchsorted(-blocks, -np.arange(most), side="left")  # how many strings have more than so many blocks
    done = int(np.searchsorted(-left, -FEW, side="right"))  # steps in which enough of them have
    for block in range(done):
        part = hashes[: left[block]]
        part ^= _mixed(words[starts[: len(part)] + 4 * block])
        _turn(part, 13)
        part *= FIVE
        part += ADDED
    for row in range(left[done] if done < most else 0):  # the few longest strings, one by one
        hashes[row] = _rest(int(hashes[row]), words[starts[row] + 4 * np.arange(done, blocks[row])])


def _rest(known: int, words: np.ndarray) -> int:
    for word in _mixed(words).tolist():  # each step needs the one before it
        known ^= word
        known = ((known << 13 | known >> 19) * 5 + 0xE6546B64) & 0xFFFFFFFF
    return known


def _mixed(words: np.ndarray) -> np.ndarray:
    words = words * FIRST
    _turn(words, 15)
    words *= SECOND
    return words


def _turn(words: np.ndarray, bits: int) -> None:
    """Rotate to the left."""
    low = words >> np.uint32(32 - bits)
    words <<= np.uint32(bits)
    words |= low


def _finished(hashes: np.ndarray) -> np.ndarray:
    """All bits of a hash made to depend on all others."""
    hashes ^= hashes >> np.uint32(16)
    hashes *= np.uint32(0x85EBCA6B)
    hashes ^= hashes >> np.uint32(13)
    hashes *= np.uint32(0xC2B2AE35)
    hashes ^= hashes >> np.uint32(16)
    return hashes
