"""npz: numpy's archive, which scipy.sparse.load_npz reads as a csr_matrix of the records' features.

Beside the matrix it holds the labels: `label_names` (L,) and `labels` (N,) codes into them, -1 where a record has none.
Where a record has several, `labels` holds all codes in a row, and `label_offsets` (N + 1,) where each record's begin.
Nothing in it is pickled.

How many columns there are the stream's header tells; without one it is as many as the largest index needs. How many
records there are only the end tells, so that until then all values wait on disk.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, BinaryIO
from zipfile import ZIP_DEFLATED, ZipFile

from textkit.errors import InputError
from textkit.ragged import flatten
from textkit.streams.batch import Batch
from textkit.streams.bytesource import ByteSource
from textkit.streams.formats.base import Event, Reading, Writing
from textkit.streams.formats.gate import Gate
from textkit.streams.formats.sparse import Codes, labels_of, refuse, rows_of
from textkit.streams.lineage import Lineage

if TYPE_CHECKING:
    import numpy as np

BLOCK = 1 << 20  # bytes
NUL_FIX = "give the label another name, or leave labels out with --drop label"


class Npz:
    suffixes = (".npz",)
    binary = True

    def proves(self, source: ByteSource) -> bool:
        return False

    def read(self, source: ByteSource, reading: Reading) -> Iterator[Event]:
        raise InputError("npz is written and not read", where=source.name, fix="read it with scipy.sparse.load_npz, or use --to svmlight")

    def writer(self, out: BinaryIO, writing: Writing) -> NpzWriter:
        return NpzWriter(out, writing.lineage)


class NpzWriter:
    marks_end = False  # nothing is written before the end: half an input is told of here, and not passed on

    def __init__(self, out: BinaryIO, lineage: Lineage | None) -> None:
        self._out, self._width = out, None if lineage is None else _width(lineage)
        self._most = 0  # columns that the indices need
        self._indices, self._values, self._offsets = _Column("<i4"), _Column("<f8"), _Column("<i8", 0)
        self._label, self._labels, self._label_offsets = _Column("<i4"), _Column("<i4"), _Column("<i8", 0)
        self._several = False  # whether any record has more than one label
        self._codes = Codes()

    def write(self, batch: Batch) -> None:
        if not len(batch):
            return
        rows, labels = rows_of(batch, self._width), labels_of(batch)
        refuse(batch, labels.list.join("\n").str.contains("\x00(?:\n|$)").fill_null(False), "a label ends with a NUL", NUL_FIX)
        indices = rows.indices.to_numpy()
        self._most = max(self._most, 1 + int(indices.max(initial=-1)))
        self._indices.add(indices)
        self._values.add(rows.values.to_numpy())
        self._offsets.add_sums(rows.lengths.to_numpy())
        self._add_labels(*flatten(labels))

    def _add_labels(self, names: Any, lengths: Any) -> None:
        import numpy as np

        codes, counts = self._codes.encode(names).to_numpy(), lengths.to_numpy()
        first = np.full(len(counts), -1, np.int32)
        first[counts > 0] = codes[(np.cumsum(counts) - counts)[counts > 0]]
        self._several |= bool((counts > 1).any())
        self._label.add(first)
        self._labels.add(codes)
        self._label_offsets.add_sums(counts)

    def finish(self, records: int, complete: bool) -> None:
        gate = Gate(self._out)
        archive = ZipFile(gate, "w", ZIP_DEFLATED, compresslevel=1)
        try:
            self._write_matrix(_Archive(archive), records)
            self._write_labels(_Archive(archive))
            archive.close()
        finally:
            gate.shut = True

    def _write_matrix(self, archive: _Archive, records: int) -> None:
        width = self._most if self._width is None else self._width
        archive.put("format", b"csr")
        archive.put("shape", [records, width], "<i8")
        archive.put_column("indptr", self._offsets, narrow=True)
        archive.put_column("indices", self._indices)
        archive.put_column("data", self._values)

    def _write_labels(self, archive: _Archive) -> None:
        archive.put("label_names", list(self._codes.of), "U")
        archive.put_column("labels", self._labels if self._several else self._label)
        if self._several:
            archive.put_column("label_offsets", self._label_offsets)


def _width(lineage: Lineage) -> int | None:
    """How many columns the last `vectorize` made, if the lineage says it."""
    told = next((entry.config.get("features") for entry in reversed(lineage.stages) if entry.stage == "vectorize"), None)
    return told if type(told) is int else None


class _Column:
    """Numbers that wait in a file without a name."""

    def __init__(self, dtype: str, *first: int) -> None:
        import numpy as np

        self._file = tempfile.TemporaryFile(prefix="textkit-")
        self.dtype = np.dtype(dtype)
        self.size = self.last = 0
        self.add(np.array(first, self.dtype))

    def add(self, numbers: np.ndarray) -> None:
        self._file.write(numbers.astype(self.dtype).data if len(numbers) else b"")
        self.size += len(numbers)

    def add_sums(self, lengths: np.ndarray) -> None:
        """Where the next rows end, of which these are the lengths."""
        import numpy as np

        sums = np.cumsum(lengths, dtype=np.int64) + self.last
        self.last = int(sums[-1])
        self.add(sums)

    def blocks(self) -> Iterator[np.ndarray]:
        import numpy as np

        self._file.seek(0)
        for block in iter(lambda: self._file.read(BLOCK), b""):
            yield np.frombuffer(block, self.dtype)


class _Archive:
    """A zip file of numpy's arrays."""

    def __init__(self, archive: ZipFile) -> None:
        self._archive = archive

    def put(self, name: str, value: Any, dtype: str | None = None) -> None:
        import numpy as np

        with self._open(name) as file:
            np.lib.format.write_array(file, np.array(value, dtype), version=(1, 0), allow_pickle=False)

    def put_column(self, name: str, column: _Column, narrow: bool = False) -> None:
        """The numbers of a column; `narrow`: in 32 bits if the last one fits, as scipy does."""
        import numpy as np

        dtype = np.dtype("<i4") if narrow and column.last < 2**31 else column.dtype
        with self._open(name) as file:
            described = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": (column.size,)}
            np.lib.format.write_array_header_1_0(file, described)
            for block in column.blocks():
                file.write(block.astype(dtype).data)

    def _open(self, name: str) -> Any:
        # an entry opened by its name is of 1980, so that the same records always give the same bytes
        return self._archive.open(f"{name}.npy", "w", force_zip64=True)
