"""Arrow IPC, streams and files: our columns typed, the user's own fields in one column of JSON text, the lineage in the schema.

The end-of-stream mark is checked here, since pyarrow takes a stream without one for whole, and reading goes on after
it, since `cat a.arrow b.arrow` is two streams.
"""

from __future__ import annotations

import contextlib
import errno
import io
import json
import mmap
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, BinaryIO

import polars as pl

from textkit.errors import InputError
from textkit.report import say
from textkit.streams import edits, members
from textkit.streams.batch import Batch, Position
from textkit.streams.bytesource import ByteSource
from textkit.streams.columns import COLUMNS, dtype_of
from textkit.streams.formats.base import Cut, End, Event, Reading, Writer, Writing
from textkit.streams.formats.foreign import not_finite, numbers_unquoted, sayable, to_frame
from textkit.streams.formats.jsonl import Fields
from textkit.streams.lineage import LINEAGE_FIX, Lineage, from_json
from textkit.streams.typing import Typing

MAGIC = b"\xff\xff\xff\xff"  # how a stream starts: the continuation mark of its first message
END_MARK = MAGIC + bytes(4)  # a message of no bytes
FILE_MAGIC = b"ARROW1"
MOST_RECORDS = 1 << 16  # a batch
JSON_COLUMN = "_json"  # the user's own fields, one object a record
METADATA = b"textkit"
DAMAGE_FIX = "make the file again, or copy it again"


class Arrow:
    suffixes = (".arrow", ".arrows", ".feather")
    binary = True

    def proves(self, source: ByteSource) -> bool:
        return source.starts_with(MAGIC) or source.starts_with(FILE_MAGIC)

    def read(self, source: ByteSource, reading: Reading) -> Iterator[Event]:
        tables = Tables(source.name, reading)
        yield from (_file_events if source.starts_with(FILE_MAGIC) else _stream_events)(source, tables)
        tables.finish()

    def writer(self, out: BinaryIO, writing: Writing) -> Writer:
        return TypedArrowWriter(out, writing.lineage) if writing.typed else ArrowWriter(out, writing.lineage)


def _stream_events(source: ByteSource, tables: Tables) -> Iterator[Event]:
    import pyarrow as pa

    pipe = _Pipe(source)
    while pipe.peek():
        with damage(source.name, "Arrow"):
            reader = pa.ipc.open_stream(pipe)
            yield from tables.header(reader.schema)
            for batch in reader:
                yield from tables.events(batch)
        yield End(None) if pipe.taken == END_MARK else Cut("the Arrow stream has no end mark: what wrote it was stopped")


def _file_events(source: ByteSource, tables: Tables) -> Iterator[Event]:
    """A file is whole if its footer is there. It is mapped into memory, since one batch may be all of it."""
    import pyarrow as pa

    with source.seekable() as file, damage(source.name, "Arrow"):
        data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        reader = pa.ipc.open_file(pa.py_buffer(data))
        if has_seam(data, FILE_MAGIC, FILE_MAGIC + bytes(2), pa.ipc.open_file):
            raise joined_files(source.name, "Arrow")
        yield from tables.header(reader.schema)
        for number in range(reader.num_record_batches):
            yield from tables.events(reader.get_batch(number))
        yield End(None)


def has_seam(data: mmap.mmap, end: bytes, start: bytes, opened: Callable[[Any], Any]) -> bool:
    """Whether somewhere a file that can be `opened` ends and another starts, of which the footer at the end tells
    nothing. The marks alone may be a text's."""
    import pyarrow as pa

    for seam in re.finditer(re.escape(end + start), data):  # faster than the map's own search
        with contextlib.suppress(pa.ArrowException, OSError):
            opened(pa.BufferReader(pa.py_buffer(data).slice(0, seam.start() + len(end))))
            return True
    return False


def joined_files(name: str, what: str) -> InputError:
    return InputError(f"several {what} files joined to one: only the last could be read", where=name, fix="give them as separate files")


@contextlib.contextmanager
def damage(name: str, what: str) -> Iterator[None]:
    """InputError for what pyarrow raises at damaged data."""
    import pyarrow as pa

    try:
        yield
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            raise
        raise InputError(f"damaged {what} data ({error})", where=name, fix=DAMAGE_FIX) from None


class Tables:
    """Record batches of one input as events: the lineage of their schema, our columns typed, the others as JSON."""

    def __init__(self, name: str, reading: Reading) -> None:
        self._name, self._record, self.fields = name, 1, Fields(reading)
        self._unsayable: dict[str, int] = {}  # numbers that JSON does not have, by column

    def header(self, schema: Any) -> Iterator[Event]:
        _check_names(schema)
        return _header(schema, self._name)

    def events(self, batch: Any) -> Iterator[Event]:
        batch.validate(full=True)  # damaged offsets would crash whoever reads them
        for start in range(0, batch.num_rows, MOST_RECORDS):
            position = Position(f"{self._name}: record", self._record)
            frame = to_frame(batch.slice(start, MOST_RECORDS), position(0))
            records = min(MOST_RECORDS, batch.num_rows - start)
            for name, count in not_finite(frame).items():
                self._unsayable[name] = self._unsayable.get(name, 0) + count
            if self.fields.news(_finder(frame, _json_of(frame)), position(0)):
                yield {**self.fields.mapping}
            yield _batch(frame, self.fields.mapping, position)
            self._record += records

    def finish(self) -> None:
        """Say what was lost, once all records came."""
        self.fields.demand()
        if self._unsayable:
            columns = ", ".join(f"{count} of {name!r}" for name, count in self._unsayable.items())
            say(f"{self._name}: NaN and infinity are null in JSON, which has no such numbers: {columns}", columns=self._unsayable)


def _check_names(fields: Iterable[Any]) -> None:
    """UnicodeDecodeError at a damaged name, of a field or a time zone, at which polars would panic."""
    for field in fields:
        _ = field.name, getattr(field.type, "tz", None)
        _check_names(field.type.field(i) for i in range(field.type.num_fields))


def _header(schema: Any, name: str) -> Iterator[Event]:
    if schema.metadata and METADATA in schema.metadata:
        try:
            yield from_json(json.loads(schema.metadata[METADATA]), name)
        except ValueError as error:
            raise InputError(f"the lineage in the Arrow schema is damaged ({error})", where=name, fix=LINEAGE_FIX) from None


def metadata_of(lineage: Lineage | None) -> dict[bytes, bytes]:
    return {} if lineage is None else {METADATA: json.dumps(lineage.to_json()).encode()}


def _json_of(frame: pl.DataFrame) -> pl.Series | None:
    own = frame[JSON_COLUMN] if JSON_COLUMN in frame.columns else None
    return own if own is not None and own.dtype == pl.String else None


def _finder(frame: pl.DataFrame, raw: pl.Series | None) -> Callable[[str], bool]:
    return lambda name: name in frame.columns or (raw is not None and members.has_key(raw, name))


def _batch(frame: pl.DataFrame, mapping: dict[str, str], position: Position) -> Batch:
    """Columns of other names or types than ours travel as JSON."""
    raw = _json_of(frame)
    if raw is not None:  # what ArrowWriter left to the JSON of this batch's records is null for all of them
        frame = frame.drop(JSON_COLUMN, *(column.name for column in frame if dtype_of(column.name) and column.null_count() == len(column)))
    found = _finder(frame, raw)
    for our, user in mapping.items():
        if our not in mapping.values() and {our, user} & {*frame.columns} and found(our) and found(user):
            raise InputError(f"there is both {our!r} and {user!r}", where=position(0), fix=f"leave out --{our}-field, or drop one")
    names = {user: our for our, user in mapping.items()}
    frame = frame.rename(names, strict=False)
    raw = raw if raw is None else edits.rename(raw.fill_null("{}"), names, position)
    typed = [_typed(column) for column in frame.get_columns()]
    ours = [column for column in typed if column is not None]
    added = ours
    theirs = frame.drop(column.name for column in ours)
    if raw is None and theirs.width:  # the columns up to the last of theirs as JSON, so that all keep their order
        ahead = frame.columns[: frame.columns.index(theirs.columns[-1]) + 1]
        raw, added = numbers_unquoted(members.to_json(sayable(frame.select(ahead)))), [column for column in ours if column.name not in ahead]
    elif raw is not None:
        raw = numbers_unquoted(members.splice(raw, sayable(theirs)))
    return Batch(pl.DataFrame(ours), position, raw=raw, added=frozenset(column.name for column in added))


def _typed(column: pl.Series) -> pl.Series | None:
    """A column as textkit's own of that name; None if it is not, or if a value would change on the way."""
    dtype = dtype_of(column.name)
    if dtype is None or not _castable(column.dtype, dtype, column.name):
        return None
    try:
        return column.cast(dtype)
    except pl.exceptions.InvalidOperationError:  # too large for it
        return None


def _castable(found: Any, due: Any, name: str = "") -> bool:
    if found in (due, pl.Null):
        return True
    if isinstance(due, pl.List):
        return isinstance(found, pl.List | pl.Array) and _castable(found.inner, due.inner)
    if due == pl.String:
        return isinstance(found, pl.Categorical | pl.Enum) or (name == "label" and found.is_integer())
    return bool(found.is_integer() if due.is_integer() else found.is_numeric() and due.is_float())


class ArrowWriter:
    marks_end = True

    def __init__(self, out: BinaryIO, lineage: Lineage | None) -> None:
        self.out, self.lineage = out, lineage
        self.writer: Any = None
        self.names: list[str] = []

    def write(self, batch: Batch) -> None:
        if not len(batch):
            return
        if self.writer is None:
            self.names = [name for name in _known(batch) if batch.has_whole(name)]
        whole = [name for name in self.names if batch.has_whole(name)]
        lacking = [pl.lit(None, dtype=dtype_of(name)).alias(name) for name in self.names if name not in whole]
        rest = batch.drop(whole)  # a field of another type, or that some record lacks, stays in its JSON
        frame = (batch.read(*whole) if whole else pl.DataFrame({"": [None] * len(batch)})).with_columns(lacking)
        own = rest.lines() if rest.raw is not None or rest.frame.width else pl.Series(["{}"]).new_from_index(0, len(batch))
        table = frame.select(*self.names, own.alias(JSON_COLUMN)).to_arrow(compat_level=pl.CompatLevel.oldest())
        if self.writer is None:
            self._open(table.schema)
        self.writer.write_table(table.cast(self.schema).combine_chunks())

    def _open(self, schema: Any) -> None:
        import pyarrow as pa

        self.schema = schema.with_metadata(metadata_of(self.lineage))
        self.writer = pa.ipc.new_stream(self.out, self.schema)

    def finish(self, records: int, complete: bool) -> None:
        import pyarrow as pa

        if self.writer is None:
            self._open(pa.schema([(JSON_COLUMN, pa.large_string())]))
        if complete:
            self.writer.close()  # writes the end mark


def _known(batch: Batch) -> list[str]:
    """The columns of ours that it may have, always in the same order, whether they came from a table or by a stage."""
    prefixed = [f"{field}_{what}" for field in ("target", "pair") for what in ("tokens", "ids", "mask", "offsets")]
    schema = batch.frame.schema
    return [name for name in (*COLUMNS, *prefixed) if schema.get(name) == dtype_of(name) or (name not in schema and batch.raw is not None)]


class TypedArrowWriter:
    """An Arrow stream in which the user's own fields have types. Nothing comes out before the last record came in."""

    marks_end = True

    def __init__(self, out: BinaryIO, lineage: Lineage | None) -> None:
        self.out, self.lineage = out, lineage
        self._typing = Typing()
        self.write = self._typing.add

    def finish(self, records: int, complete: bool) -> None:
        import pyarrow as pa

        writer: Any = None
        for table in typed_tables(self._typing, self.lineage):
            writer = writer or pa.ipc.new_stream(self.out, table.schema)
            writer.write_table(table)
        if complete:
            writer.close()


def typed_tables(typing: Typing, lineage: Lineage | None) -> Iterator[Any]:
    """One Arrow table a group of records, at least one; the lineage is in the schema."""
    types = typing.schema()
    for frame in typing.frames(types):
        table = frame.to_arrow(compat_level=pl.CompatLevel.oldest())
        yield table.replace_schema_metadata(metadata_of(lineage)).combine_chunks()


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

    def read(self, size: int = -1) -> bytes:  # type: ignore[override]
        parts, left = [], size
        while left and self.peek():
            part = self._rest[: left if left > 0 else None]
            parts.append(bytes(part))
            self._rest = self._rest[len(part) :]
            left -= len(part) if left > 0 else 0
        data = b"".join(parts)
        self.taken = (self.taken + data[-8:])[-8:] if data else b""  # at the end of file nothing was taken last
        return data
