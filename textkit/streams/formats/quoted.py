"""Records with quoted fields, as RFC 4180 has them, with any separator.

Whole quoted fields are masked first: what is left shows where records end, how many fields each has, and stray quotes.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from itertools import compress
from typing import NamedTuple

import polars as pl

from textkit.errors import InputError
from textkit.streams.batch import Position
from textkit.streams.bytesource import ByteSource, nul_byte, undecodable
from textkit.streams.faults import Fault, Faults
from textkit.streams.formats.separated import Rows, wrong_width

LONGEST_RECORD = 64 << 20  # bytes after which a quote is taken for one that is never closed
STRAY_FIX = 'quote the whole field and write the quote in it as ""'


def quoted_field(mark: str) -> re.Pattern[bytes]:
    """A whole quoted field: from a field's start to a field's end. The quote comes first, for it is what is searched for fast."""
    return re.compile(rb'"(?<![^%b\n]")[^"]*+(?:""[^"]*+)*+"(?=%b|\r?\n|\r?\Z)' % ((re.escape(mark.encode()),) * 2))


def open_field(mark: str) -> re.Pattern[bytes]:
    """A quoted field that the end of the bytes leaves open."""
    return re.compile(rb'"(?<![^%b\n]")[^"]*+(?:""[^"]*+)*+\Z' % re.escape(mark.encode()))


class Block(NamedTuple):
    """Some whole records."""

    data: bytes
    records: pl.Series  # their text, the quoted fields masked
    lines: pl.Series  # how many each one has
    starts: pl.Series  # the line where each one starts

    def kept(self, mask: pl.Series) -> bytes:
        """The bytes of those records where `mask` is true."""
        import numpy as np

        if mask.all():
            return self.data
        of_lines = np.repeat(mask.to_numpy(), self.lines.to_numpy())
        return b"".join(line + b"\n" for line in compress(self.data.removesuffix(b"\n").split(b"\n"), of_lines))

    def raw(self, rows: pl.Series) -> Iterator[bytes]:
        """The bytes of these records, without their line ends."""
        lines = self.data.removesuffix(b"\n").split(b"\n")
        ends = self.lines.cum_sum()
        starts = (ends - self.lines).gather(rows)
        for start, end in zip(starts, ends.gather(rows), strict=True):
            yield b"\n".join(lines[start:end]).removesuffix(b"\r")


def quoted_rows(source: ByteSource, mark: str, faults: Faults) -> Iterator[Rows]:
    width, number = 0, 1
    for data in record_blocks(source, mark, faults.skip):
        block = _readable(data, number, source.name, mark, faults)
        number += data.count(b"\n")
        place = Position(source.name, block.starts)
        blank = block.records.str.strip_chars("\r") == ""
        stray = block.records.str.contains('"', literal=True)
        counts = block.records.str.count_matches(mark, literal=True) + 1
        if not width and not (blank | stray).all():
            width = counts.filter(~blank & ~stray)[0]
        good = blank | (~stray & (counts == width))
        if not good.all():
            faults.take(_faults(block, good, stray, counts, width, place, mark))
        yield _frame(block, good & ~blank, blank.filter(good), width, place, mark), block.starts.filter(good)


def _frame(block: Block, full: pl.Series, blank: pl.Series, width: int, place: Position, mark: str) -> pl.DataFrame:
    """The fields of the records that are `full`, and nulls where `blank` says that there were empty lines."""
    if not width:
        return pl.DataFrame()
    frame = read_csv(block.kept(full), width, int(full.sum()), place, mark)
    if not blank.any():
        return frame
    rows = (~blank).cum_sum().cast(pl.Int64) - 1
    return frame.select(pl.all().gather(pl.select(pl.when(~blank).then(rows)).to_series()))


def _faults(block: Block, good: pl.Series, stray: pl.Series, counts: pl.Series, width: int, place: Position, mark: str) -> Iterator[Fault]:
    rows = (~good).arg_true()
    for row, raw, is_stray, count in zip(rows, block.raw(rows), stray.gather(rows), counts.gather(rows), strict=True):  # a loop: the bad records
        if is_stray:
            yield Fault(raw, InputError("a quote inside a field that is not quoted", where=place(row), fix=STRAY_FIX))
        else:
            yield Fault(raw, wrong_width(count, width, place(row), mark))


def _readable(data: bytes, number: int, name: str, mark: str, faults: Faults) -> Block:
    """The records of a block, less those that are no text."""
    bad = _unreadable(data, number, name)
    if bad is None:
        return _block(data, mark, number, "utf-8")
    if not faults.skip:
        raise bad
    whole = _block(data.replace(b"\x00", b"0"), mark, number, "latin-1")
    good = []
    rows = pl.Series(range(len(whole.lines)), dtype=pl.UInt32)
    for raw, start in zip(whole._replace(data=data).raw(rows), whole.starts, strict=True):  # a loop over records: a block with bad ones
        error = _unreadable(raw, start, name)
        good.append(error is None)
        faults.take([Fault(raw, error)] if error else [])
    mask = pl.Series(good, dtype=pl.Boolean)
    # not masked again: after a stray quote, the bytes may look other than they did with the bad records between them
    records = pl.Series([record.encode("latin-1").decode() for record in whole.records.filter(mask)], dtype=pl.String)
    return Block(whole._replace(data=data).kept(mask), records, whole.lines.filter(mask), whole.starts.filter(mask))


def _unreadable(data: bytes, number: int, name: str) -> InputError | None:
    """Why these bytes are no text, if so."""
    try:
        data.decode()
    except UnicodeDecodeError:
        return undecodable(data, number, name)
    return nul_byte(data, number, name) if b"\x00" in data else None


def _block(data: bytes, mark: str, number: int, encoding: str) -> Block:
    masked = quoted_field(mark).sub(lambda quoted: b"q" + b"\x00" * quoted[0].count(b"\n"), data) if b'"' in data else data
    text = masked.decode(encoding).removesuffix("\n")
    records = pl.Series(text.split("\n") if data else [], dtype=pl.String)
    lines = records.str.count_matches("\x00", literal=True).cast(pl.Int64) + 1
    return Block(data, records, lines, lines.cum_sum() - lines + number)


def record_blocks(source: ByteSource, mark: str, skip: bool) -> Iterator[bytes]:
    """Blocks that end where a record ends: at a line end with no quote open."""
    rest, number = b"", 1
    for block in source.blocks():
        seen, block = len(rest), rest + block
        end = _before_open_field(block, mark) if skip else _last_closed_line(block, seen)
        if end:
            yield block[:end]
            number += block.count(b"\n", 0, end)
        rest = block[end:]
        if len(rest) > LONGEST_RECORD:
            break
    if rest:
        where = f"{source.name}:{number}"
        raise InputError("a quoted field that starts here is never closed", where=where, fix='a " inside a field is written ""')


def _last_closed_line(block: bytes, seen: int) -> int:
    """Where the last record ends (0: nowhere). None ends in what was `seen`. Right as long as there is no stray quote."""
    if block.count(b'"') % 2 == 0:
        return len(block)
    end, is_open = len(block), True
    while end > seen and is_open:
        line = block.rfind(b"\n", 0, end - 1) + 1
        is_open ^= block.count(b'"', line, end) % 2 == 1
        end = line
    return 0 if is_open else end


def _before_open_field(block: bytes, mark: str) -> int:
    """The same, right also where there are stray quotes."""
    if b'"' not in block:
        return len(block)
    masked = quoted_field(mark).sub(lambda quoted: b"q" * len(quoted[0]), block)
    found = open_field(mark).search(masked)
    return masked.rfind(b"\n", 0, found.start()) + 1 if found else len(block)


def read_csv(block: bytes, width: int, records: int, place: Position, mark: str) -> pl.DataFrame:
    schema = {f"field_{i}": pl.String for i in range(width)}
    if not records:
        return pl.DataFrame(schema=schema)
    frame = pl.read_csv(
        io.BytesIO(block),
        has_header=False,
        schema=schema,
        separator=mark,
        empty_string_is_null=False,
        extra_columns="raise",
    )
    if len(frame) != records:
        raise InputError(f"{records} records were counted and {len(frame)} read", where=place(0), fix="check the quotes")
    return frame
