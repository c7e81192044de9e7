"""Training examples: a stream's columns on disk, memory-mapped, so that the data may exceed memory.

Ragged columns (ids) stand as one flat array and offsets, dense ones (vectors) as a matrix. Padding is dropped by
the mask on the way in: batches are made by real length.
"""

from __future__ import annotations

import hashlib
import tempfile
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from textkit.arrays import Ragged
from textkit.errors import InputError
from textkit.padding import real_ids
from textkit.ragged import flatten
from textkit.streams.batch import Batch
from textkit.streams.stream import Stream


@dataclass
class Examples:
    """N records. `ragged` and `dense` hold their columns by name, `strings` the labels and the like."""

    ragged: dict[str, Ragged] = field(default_factory=dict)
    dense: dict[str, np.ndarray] = field(default_factory=dict)
    strings: dict[str, pl.Series] = field(default_factory=dict)
    size: int = 0

    def __len__(self) -> int:
        return self.size

    def fingerprint(self) -> str:
        """A hash of all the data in order: says whether two models saw the same."""
        digest = hashlib.sha256()
        for name, column in sorted(self.strings.items()):
            digest.update(f"{name}\x00".encode() + "\x00".join(column.to_list()).encode())
        arrays = {**self.dense, **{name: column.flat for name, column in self.ragged.items()}}
        arrays |= {f"{name} offsets": column.offsets for name, column in self.ragged.items()}
        for name, array in sorted(arrays.items()):
            digest.update(f"{name}\x00".encode() + np.ascontiguousarray(array).data)
        return digest.hexdigest()


def collect(stream: Stream, ragged: tuple[str, ...] = (), dense: tuple[str, ...] = (), strings: tuple[str, ...] = ()) -> Examples:
    """All records of a stream, these columns of them. InputError at the first record that lacks one, or if there is none."""
    files = {name: _Column() for name in (*ragged, *dense)}
    texts: dict[str, list[pl.Series]] = {name: [] for name in strings}
    size = 0
    for batch in stream.batches:
        for name in strings:
            texts[name].append(required_text(batch, name))
        for name in ragged:
            files[name].add(real_ids(batch, name))
        for name in dense:
            files[name].add(finite(batch, name))
        size += len(batch)
    stream.ending.demand()
    if not size:
        raise InputError("nothing to train on: there are no records")
    return Examples(
        {name: files[name].ragged() for name in ragged},
        {name: files[name].dense(size, name) for name in dense},
        {name: pl.concat(parts) for name, parts in texts.items()},
        size,
    )


def finite(batch: Batch, name: str) -> pl.Series:
    """A column of vectors of which every value must be a number."""
    column = batch.require(name)[name]
    broken = column.list.eval(pl.element().is_finite().fill_null(False)).list.all().not_()
    if broken.any():
        row = broken.arg_true()[0]
        raise InputError(f"the record's {name} has a value that is not a number", where=batch.position(row))
    return column


def required_text(batch: Batch, name: str) -> pl.Series:
    """A column of which every record must have a value that is not empty."""
    column = batch.require(name, fix=f"name the column with --{name}-field")[name]
    if (column == "").any():
        row = (column == "").arg_true()[0]
        raise InputError(f"the record's {name} is empty", where=batch.position(row), fix="fill it in or take the record out")
    return column


class _Column:
    """A column's flat values in an unnamed file, and its rows' lengths."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile(prefix="textkit-")
        self._lengths: list[np.ndarray] = []
        self._dtype = np.dtype(np.int32)

    def add(self, lists: pl.Series) -> None:
        values, lengths = flatten(lists)
        array = values.to_numpy()
        self._dtype = array.dtype if len(array) else self._dtype
        self._file.write(np.ascontiguousarray(array).data)
        self._lengths.append(lengths.to_numpy())

    def _mapped(self) -> np.ndarray:
        self._file.flush()
        if not self._file.tell():
            return np.empty(0, self._dtype)
        return np.memmap(self._file, dtype=self._dtype, mode="r")

    def ragged(self) -> Ragged:
        lengths = np.concatenate(self._lengths)
        return Ragged(self._mapped(), np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)]))

    def dense(self, size: int, name: str) -> np.ndarray:
        lengths = np.concatenate(self._lengths)
        if lengths.min() != lengths.max() or not lengths.max():
            raise InputError(f"the records' {name} is empty or differs in length", fix="make them in one run")
        return self._mapped().reshape(size, -1)
