"""The columns of training examples on disk: raw arrays, memory-mapped, and strings in an Arrow file.

data/
  columns.json        records, and what the files are: {"ragged": {"ids": "int32"}, ...}
  ids.bin             the values of all rows, one behind the other
  ids.offsets.bin     int64: row i is values[offsets[i]:offsets[i + 1]]
  vector.bin          (N, D) row by row
  strings.arrow       labels and the like
  tokens.arrow        the distinct tokens, of which tokens.bin has the places

Without a folder the files have no names, and go with the process.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import IO, Any

import numpy as np
import polars as pl

from textkit.arrays import Ragged
from textkit.errors import InputError
from textkit.ragged import flatten

COLUMNS = "columns.json"
STRINGS = "strings"
WEIGHTS = "weights"


class Column:
    """A column's flat values in a file, and its rows' lengths."""

    def __init__(self, folder: Path | None, name: str) -> None:
        self._file: IO[bytes] = tempfile.TemporaryFile(prefix="textkit-") if folder is None else flat_file(folder, name).open("wb+")
        self._offsets = None if folder is None else offsets_file(folder, name)
        self._lengths: list[np.ndarray] = []
        self._dtype = np.dtype(np.int32)

    def add(self, lists: pl.Series) -> None:
        self.extend(*flatten(lists))

    def extend(self, values: pl.Series, lengths: pl.Series) -> None:
        array = values.to_numpy()
        self._dtype = array.dtype if len(array) else self._dtype
        self._file.write(np.ascontiguousarray(array).data)
        self._lengths.append(lengths.to_numpy())

    def _mapped(self) -> np.ndarray:
        self._file.flush()
        return mapped(self._file, self._dtype) if self._file.tell() else np.empty(0, self._dtype)

    def ragged(self) -> Ragged:
        offsets = np.concatenate([[0], np.cumsum(np.concatenate(self._lengths), dtype=np.int64)])
        if self._offsets is not None:
            offsets.tofile(self._offsets)
            offsets = mapped(self._offsets, offsets.dtype)
        return Ragged(self._mapped(), offsets)

    def dense(self, size: int, name: str) -> np.ndarray:
        """(N, D). InputError unless all rows are of one width."""
        lengths = np.concatenate(self._lengths)
        if lengths.min() != lengths.max() or not lengths.max():
            raise InputError(f"the records' {name} is empty or differs in length", fix="make them in one run")
        return self._mapped().reshape(size, -1)


def flat_file(folder: Path, name: str) -> Path:
    return folder / f"{name}.bin"


def offsets_file(folder: Path, name: str) -> Path:
    return folder / f"{name}.offsets.bin"


def mapped(file: Path | IO[bytes], dtype: np.dtype[Any]) -> np.ndarray:
    return np.memmap(file, dtype=dtype, mode="r")


def write_strings(folder: Path, strings: dict[str, pl.Series], name: str = STRINGS) -> None:
    if strings:
        pl.DataFrame(strings).write_ipc(strings_file(folder, name))


def read_strings(folder: Path, name: str = STRINGS) -> dict[str, pl.Series]:
    file = strings_file(folder, name)
    return pl.read_ipc(file).to_dict() if file.exists() else {}


def strings_file(folder: Path, name: str) -> Path:
    return folder / f"{name}.arrow"


def describe(folder: Path, columns: dict[str, Any]) -> None:
    (folder / COLUMNS).write_text(json.dumps(columns, indent=1) + "\n", encoding="utf-8")


def described(folder: Path) -> dict[str, Any]:
    columns: dict[str, Any] = json.loads((folder / COLUMNS).read_text(encoding="utf-8"))
    return columns


def read_flat(folder: Path, name: str, dtype: str) -> np.ndarray:
    file = flat_file(folder, name)
    return mapped(file, np.dtype(dtype)) if file.stat().st_size else np.empty(0, dtype)


def read_ragged(folder: Path, name: str, dtype: str) -> Ragged:
    return Ragged(read_flat(folder, name, dtype), mapped(offsets_file(folder, name), np.dtype(np.int64)))
