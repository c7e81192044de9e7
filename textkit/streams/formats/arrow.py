"""Arrow IPC stream: our columns typed, the user's own fields in one column of JSON text, the lineage in the schema.

The end-of-stream mark is checked here, since pyarrow takes a stream without one for whole, and reading goes on after
it, since `cat a.arrow b.arrow` is two streams (FACTS 22).
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Any, BinaryIO

import polars as pl

from textkit.errors import InputError
from textkit.streams.batch import Batch, Position
from textkit.streams.bytesource import ByteSource
from textkit.streams.columns import COLUMNS, dtype_of
from textkit.streams.formats.base import End, Event, Reading
from textkit.streams.lineage import Lineage, from_json

MAGIC = b"\xff\xff\xff\xff"  # how a stream starts: the continuation mark of its first message
END_MARK = MAGIC + bytes(4)  # a message of no bytes
JSON_COLUMN = "_json"  # the user's own fields, one object a record
METADATA = b"textkit"


class Arrow:
    suffixes = (".arrow", ".arrows")
    binary = True

    def read(self, source: ByteSource, reading: Reading) -> Iterator[Event]:
        import pyarrow as pa

        pipe, record = _Pipe(source), 1
        while pipe.peek():
            try:
                reader = pa.ipc.open_stream(pipe)
                yield from _header(reader.schema, source.name)
                for batch in reader:
                    frame = pl.DataFrame(pa.Table.from_batches([batch], reader.schema))
                    yield _batch(frame, reading, Position(f"{source.name}: record", record))
                    record += len(frame)
            except (pa.ArrowInvalid, OSError) as error:
                raise InputError(f"damaged Arrow data ({error})", where=source.name) from None
            if pipe.taken != END_MARK:
                fix = "see why the stage before it stopped, and make the stream again"
                raise InputError("the Arrow stream has no end mark: what wrote it was stopped", where=source.name, fix=fix)
            yield End(None)

    def writer(self, out: BinaryIO, lineage: Lineage | None, field: str | None) -> ArrowWriter:
        return ArrowWriter(out, lineage)


def _header(schema: Any, name: str) -> Iterator[Event]:
    if schema.metadata and METADATA in schema.metadata:
        try:
            yield from_json(json.loads(schema.metadata[METADATA]), name)
        except ValueError as error:
            raise InputError(f"the lineage in the Arrow schema is damaged ({error})", where=name) from None


def _batch(frame: pl.DataFrame, reading: Reading, position: Position) -> Batch:
    """Columns of other names or types than ours travel as JSON."""
    names = {user: our for our, user in reading.names.items()}
    frame = frame.rename({user: our for user, our in names.items() if user in frame.columns})
    if "text" not in frame.columns and "document" in frame.columns:
        frame = frame.rename({"document": "text"})
    ours, theirs = [], []
    for column in frame.get_columns():
        dtype = dtype_of(column.name)
        if dtype is None or (column.dtype != dtype and column.dtype.is_nested() != dtype.is_nested()):
            theirs.append(column)
        else:
            ours.append(column.cast(dtype))
    raw = None
    if theirs:
        own = [column for column in theirs if column.name == JSON_COLUMN]
        raw = own[0] if own and len(theirs) == 1 else pl.DataFrame(theirs).select(pl.struct(pl.all()).struct.json_encode()).to_series()
    return Batch(pl.DataFrame(ours), position, raw=raw, added=frozenset(column.name for column in ours))


class ArrowWriter:
    def __init__(self, out: BinaryIO, lineage: Lineage | None) -> None:
        self.out, self.lineage = out, lineage
        self.writer: Any = None
        self.names: list[str] = []

    def write(self, batch: Batch) -> None:
        if not len(batch):
            return
        if self.writer is None:
            self.names = [name for name in _known(batch) if batch.has(name)]
        frame = batch.read(*self.names) if self.names else pl.DataFrame()
        rest = batch.drop(self.names)
        own = rest.lines() if rest.raw is not None or rest.frame.width else pl.Series(["{}"]).new_from_index(0, len(batch))
        table = frame.with_columns(own.alias(JSON_COLUMN)).to_arrow(compat_level=pl.CompatLevel.oldest())
        if self.writer is None:
            self._open(table.schema)
        self.writer.write_table(table.cast(self.schema).combine_chunks())

    def _open(self, schema: Any) -> None:
        import pyarrow as pa

        metadata = {} if self.lineage is None else {METADATA: json.dumps(self.lineage.to_json()).encode()}
        self.schema = schema.with_metadata(metadata)
        self.writer = pa.ipc.new_stream(self.out, self.schema)

    def finish(self, records: int, complete: bool) -> None:
        import pyarrow as pa

        if self.writer is None:
            self._open(pa.schema([(JSON_COLUMN, pa.large_string())]))
        if complete:
            self.writer.close()  # writes the end mark


def _known(batch: Batch) -> list[str]:
    in_frame = [name for name, dtype in batch.frame.schema.items() if dtype_of(name) == dtype]
    prefixed = [f"{field}_{what}" for field in ("target", "pair") for what in ("tokens", "ids")]
    in_raw = [] if batch.raw is None else [name for name in (*COLUMNS, *prefixed) if name not in in_frame]
    return in_frame + in_raw


class _Pipe(io.RawIOBase):
    """A ByteSource as a file for pyarrow, that can be asked whether more follows and what was taken last."""

    def __init__(self, source: ByteSource) -> None:
        self._chunks, self._rest, self.taken = source.chunks(), memoryview(b""), b""

    def peek(self) -> bool:
        if not self._rest:
            self._rest = memoryview(next(self._chunks, b""))
        return bool(self._rest)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self.peek():
            return 0
        size = min(len(buffer), len(self._rest))
        buffer[:size] = self._rest[:size]
        self.taken = (self.taken + bytes(self._rest[:size][-8:]))[-8:]
        self._rest = self._rest[size:]
        return size

    def read(self, size: int = -1) -> bytes:  # type: ignore[override]
        parts, left = [], size
        while left and self.peek():
            part = self._rest[: left if left > 0 else None]
            parts.append(bytes(part))
            self._rest = self._rest[len(part) :]
            left -= len(part) if left > 0 else 0
        data = b"".join(parts)
        self.taken = (self.taken + data[-8:])[-8:]
        return data
