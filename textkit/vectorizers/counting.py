"""Counting: which terms a record has, and how often. By sorting whole batches of (row, term) pairs, packed into integers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

LOW = np.uint64(0xFFFFFFFF)
HALF = np.uint64(32)


@dataclass
class Found:
    """Terms as they were found: `codes` (N,) in the `rows` (N,) of a batch of `height` records."""

    rows: np.ndarray
    codes: np.ndarray
    height: int


@dataclass
class Counted:
    """Row i has the distinct `codes[offsets[i]:offsets[i + 1]]`, in order, each `counts` times there."""

    codes: np.ndarray  # (total,) int64
    counts: np.ndarray  # (total,) int64
    offsets: np.ndarray  # (B + 1,) int64


def sort(keys: np.ndarray) -> np.ndarray:
    """polars sorts on all cores, in a quarter of the time of numpy."""
    return pl.Series(keys).sort().to_numpy()


def count(found: Found, signs: np.ndarray | None = None) -> Counted:
    """How often each row has each code; `signs` (N,) of 1 and -1: what each time counts, instead of 1."""
    keys = _pack(found.rows, found.codes)
    if signs is not None:
        order = np.argsort(keys, kind="stable")
        keys, signs = keys[order], signs[order]
    else:
        keys = sort(keys)
    first = np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]])[: len(keys)])
    sums = np.diff(np.append(first, len(keys))) if signs is None else np.add.reduceat(signs, first) if len(first) else signs
    return _unpack(keys[first], sums, found.height)


def recode(counted: Counted, columns: np.ndarray) -> Counted:
    """The same with other codes, different ones for different terms: `columns[code]`, and those of -1 left out."""
    codes = columns[counted.codes]
    kept = codes >= 0
    rows, codes, counts = rows_of(counted.offsets)[kept], codes[kept], counted.counts[kept]
    height = len(counted.offsets) - 1
    keys = _pack(rows, codes)
    bits = int(counts.max(initial=0)).bit_length()
    if height.bit_length() + 32 + bits > 64:
        order = np.argsort(keys)
        return _unpack(keys[order], counts[order], height)
    packed = sort(keys << np.uint64(bits) | counts.astype(np.uint64))
    return _unpack(packed >> np.uint64(bits), (packed & np.uint64((1 << bits) - 1)).astype(np.int64), height)


def _pack(rows: np.ndarray, codes: np.ndarray) -> np.ndarray:
    packed: np.ndarray = rows.astype(np.uint64) << HALF | codes.astype(np.uint64)
    return packed


def _unpack(keys: np.ndarray, counts: np.ndarray, height: int) -> Counted:
    return Counted((keys & LOW).astype(np.int64), counts, ends((keys >> HALF).astype(np.int64), height))


def ends(rows: np.ndarray, height: int) -> np.ndarray:
    """(N,) rows in order -> (height + 1,) where each row begins, and the end of all."""
    return np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=height))])


def rows_of(offsets: np.ndarray) -> np.ndarray:
    """The row of each value."""
    return np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
