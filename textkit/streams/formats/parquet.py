"""Parquet: our columns and the user's own, all typed; the lineage in the schema's metadata.

Types are decided by all records, so that they wait on disk until the last one came.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from typing import Any, BinaryIO

from textkit.errors import InputError
from textkit.streams.bytesource import ByteSource
from textkit.streams.formats.arrow import DAMAGE_FIX, MOST_RECORDS, Tables, damage, has_seam, joined_files, typed_tables
from textkit.streams.formats.base import End, Event, Reading, Writing
from textkit.streams.formats.gate import Gate
from textkit.streams.lineage import Lineage
from textkit.streams.typing import Typing

MAGIC = b"PAR1"
BATCH = 4 << 20  # bytes, about


class Parquet:
    suffixes = (".parquet", ".pq")
    binary = True

    def proves(self, source: ByteSource) -> bool:
        return source.starts_with(MAGIC)

    def read(self, source: ByteSource, reading: Reading) -> Iterator[Event]:
        import pyarrow.parquet as pq

        tables = Tables(source.name, reading)
        with source.seekable() as file, damage(source.name, "Parquet"):
            parquet = pq.ParquetFile(file, buffer_size=1 << 20)
            # the columns' places in the metadata would tell where to look, but some damage there ends the process
            if has_seam(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ), MAGIC, MAGIC, pq.ParquetFile):
                raise joined_files(source.name, "Parquet")
            yield from tables.header(parquet.schema_arrow)
            missing = parquet.metadata.num_rows
            for batch in parquet.iter_batches(batch_size=_batch_size(parquet.metadata)):
                missing -= batch.num_rows
                yield from tables.events(batch)
            if missing:  # pyarrow stops in silence where a column is shorter than the others
                lost = f"{missing} of its {parquet.metadata.num_rows} records are missing"
                raise InputError(f"damaged Parquet data: {lost}", where=source.name, fix=DAMAGE_FIX)
            yield End(None)
        tables.finish()

    def writer(self, out: BinaryIO, writing: Writing) -> ParquetWriter:
        return ParquetWriter(out, writing.lineage)


def _batch_size(metadata: Any) -> int:
    size = sum(metadata.row_group(group).total_byte_size for group in range(metadata.num_row_groups))
    return int(max(1, min(MOST_RECORDS, BATCH * metadata.num_rows // max(1, size))))


class ParquetWriter:
    marks_end = False  # nothing of it can be read before its end: half an input is told of here, and not passed on

    def __init__(self, out: BinaryIO, lineage: Lineage | None) -> None:
        self._out, self._lineage, self._typing = Gate(out), lineage, Typing()
        self.write = self._typing.add

    def finish(self, records: int, complete: bool) -> None:
        import pyarrow.parquet as pq

        writer: Any = None
        try:
            for table in typed_tables(self._typing, self._lineage):
                writer = writer or pq.ParquetWriter(self._out, table.schema, compression="zstd")
                writer.write_table(table, row_group_size=max(1, len(table)))
            writer.close()
        finally:
            self._out.shut = True
