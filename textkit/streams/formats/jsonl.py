"""JSON Lines: one object a line, blank lines skipped; textkit's header and end lines are objects too."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import BinaryIO

import polars as pl

from textkit.errors import InputError
from textkit.streams import members
from textkit.streams.batch import Batch, Position
from textkit.streams.bytesource import ByteSource
from textkit.streams.formats.base import End, Event, Reading
from textkit.streams.formats.lines import line_blocks
from textkit.streams.lineage import CONTROL, Lineage, control_line, end_line


class JsonLines:
    suffixes = (".jsonl", ".ndjson", ".json")
    binary = False

    def read(self, source: ByteSource, reading: Reading) -> Iterator[Event]:
        mapping: dict[str, str] | None = None
        for lines, number in line_blocks(source):
            for piece in _pieces(lines, Position(source.name, number)):
                if isinstance(piece, Batch):
                    if mapping is None:
                        mapping = map_fields(_finder(piece), reading, piece.position(0))
                        if mapping:
                            yield mapping
                    piece = _renamed(piece, mapping)
                    piece.read(*reading.wanted or ("text",))  # so that every line is known to be an object
                yield piece

    def writer(self, out: BinaryIO, lineage: Lineage | None, field: str | None) -> JsonLinesWriter:
        return JsonLinesWriter(out, lineage)


def _pieces(lines: pl.Series, position: Position) -> Iterator[Lineage | End | Batch]:
    """Runs of records, and the header and end lines between them."""
    numbers: int | pl.Series = position.line
    blank = lines.str.strip_chars(" \t\r") == ""
    if blank.any():
        numbers = pl.Series(range(len(lines)), dtype=pl.Int64).filter(~blank) + position.line
        lines = lines.filter(~blank)
    place = Position(position.path, numbers)
    start = 0
    for at in lines.str.contains(CONTROL).arg_true().to_list():
        found = control_line(lines[at], place(at))
        if found is not None:
            yield from _records(lines, place, start, at)
            yield found if isinstance(found, Lineage) else End(found)
            start = at + 1
    yield from _records(lines, place, start, len(lines))


def _records(lines: pl.Series, place: Position, start: int, end: int) -> Iterator[Batch]:
    if end > start:
        line = place.line + start if isinstance(place.line, int) else place.line[start:end]
        yield Batch(pl.DataFrame(), Position(place.path, line), raw=lines[start:end])


def map_fields(found: Callable[[str], bool], reading: Reading, where: str) -> dict[str, str]:
    """Our name -> the user's: those the user gave, and a usual name for the text if there is no `text`."""
    mapping = {our: user for our, user in reading.names.items() if our != user}
    for user in mapping.values():
        if not found(user):
            raise InputError(f"no record has a field {user!r}", where=where, fix="see the names with head -n 2")
    for our in {"text": "text", **reading.usual}:
        if our not in reading.names and not found(our) and not (our == "text" and found("tokens")):
            alias = reading.alias(our, found)
            mapping |= {our: alias} if alias and alias not in mapping.values() else {}
    return mapping


def _finder(batch: Batch) -> Callable[[str], bool]:
    return lambda name: batch.raw is not None and members.has_key(batch.raw, name)


def _renamed(batch: Batch, mapping: dict[str, str]) -> Batch:
    raw = batch.raw
    for our, user in mapping.items():
        if raw is not None:
            members.parse(raw, (our,), batch.position)  # a line that is no object is told of as such
            raw = members.rename(raw, user, our, batch.position)
    return Batch(pl.DataFrame(), batch.position, raw=raw) if mapping else batch


class JsonLinesWriter:
    def __init__(self, out: BinaryIO, lineage: Lineage | None) -> None:
        self.out, self.lineage, self.marks_end = out, lineage, lineage is not None
        if lineage is not None:
            out.write(lineage.header().encode() + b"\n")

    def write(self, batch: Batch) -> None:
        if len(batch):
            self.out.write((batch.lines() + "\n").str.join("").item().encode())

    def finish(self, records: int, complete: bool) -> None:
        if self.lineage is not None and complete:
            self.out.write(end_line(records).encode() + b"\n")
