"""Matrices on disk, mapped into memory: the system reads what is looked at, and forgets it when it is let go of."""

from __future__ import annotations

import json
import mmap
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from textkit.artifacts import tensors
from textkit.errors import InputError

if TYPE_CHECKING:
    import numpy as np

NAMES = {"F64": "float64", "F32": "float32", "F16": "float16", "I64": "int64", "I32": "int32", "U8": "uint8", "BOOL": "bool"}
TAKEN = 32  # rows from anywhere that are taken before their pages are given back
HEADER = 100 << 20  # bytes, as the library has it


@dataclass
class Mapped:
    """An array of a file. `array` is a view: what is taken from it by a slice is read when it is used."""

    array: np.ndarray
    _map: mmap.mmap | None = None
    _offset: int = 0  # of the array in the file

    def __len__(self) -> int:
        return len(self.array)

    def blocks(self, rows: int, stop: int | None = None) -> Iterator[tuple[int, np.ndarray]]:
        """(first row, rows) one block after the other; the pages of each are given back when the next one is asked for."""
        stop = len(self) if stop is None else min(stop, len(self))
        for start in range(0, stop, rows):
            block = self.array[start : min(start + rows, stop)]
            yield start, block
            self.release(start, len(block))

    def take(self, rows: np.ndarray) -> np.ndarray:
        """A copy of some rows. The system maps up to 2 MB with each that it has in its cache, so these are given back soon."""
        import numpy as np

        flat = rows.ravel()
        found = np.empty((len(flat), *self.array.shape[1:]), self.array.dtype)
        for start in range(0, len(flat), TAKEN):
            found[start : start + TAKEN] = self.array[flat[start : start + TAKEN]]
            self.release()
        return found.reshape(*rows.shape, *self.array.shape[1:])

    def release(self, start: int = 0, rows: int | None = None) -> None:
        """Give back the pages of these rows, or of all."""
        if self._map is None:
            return
        rows = len(self) - start if rows is None else rows
        row = self.array.strides[0]
        first = (self._offset + start * row) // mmap.PAGESIZE * mmap.PAGESIZE
        last = (self._offset + (start + rows) * row) // mmap.PAGESIZE * mmap.PAGESIZE
        if last > first:
            self._map.madvise(mmap.MADV_DONTNEED, first, last - first)


def map_file(file: IO[bytes], dtype: str, shape: tuple[int, ...], offset: int = 0) -> Mapped:
    """An array that stands in a file from `offset` on; the file may be closed afterwards."""
    import numpy as np

    size = int(np.prod(shape, dtype=np.int64))
    if not size:  # the system maps no empty file
        return Mapped(np.zeros(shape, dtype))
    mapped = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
    return Mapped(np.frombuffer(mapped, dtype, size, offset).reshape(shape), mapped, offset)


def load(path: Path, due: dict[str, tuple[str, tuple[int | None, ...]]]) -> dict[str, Mapped]:
    """The tensors of a safetensors file, as `tensors.load` gives them, without reading them."""
    try:
        with path.open("rb") as file:
            start, header = _header(file)
            found = {name: (NAMES.get(said["dtype"], said["dtype"]), tuple(said["shape"])) for name, said in header.items()}
            tensors.check(path, found, due)
            return {name: map_file(file, *found[name], start + said["data_offsets"][0]) for name, said in header.items()}
    except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
        raise InputError(f"not readable as safetensors ({error})", where=str(path), fix="make the artifact again") from None


def _header(file: IO[bytes]) -> tuple[int, dict[str, Any]]:
    """Where the data starts, and what the header says of each tensor. ValueError if it cannot be."""
    size = int.from_bytes(file.read(8), "little")
    if size > HEADER:
        raise ValueError("the header is too long")
    header: dict[str, Any] = json.loads(file.read(size))
    header.pop("__metadata__", None)
    length = os.fstat(file.fileno()).st_size - 8 - size
    if any(not 0 <= said["data_offsets"][0] <= said["data_offsets"][1] <= length for said in header.values()):
        raise ValueError("a tensor is beyond the end of the file")
    return 8 + size, header
