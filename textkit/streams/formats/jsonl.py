"""JSON Lines: one object a line, blank lines skipped; textkit's header and end lines are objects too."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterator
from typing import BinaryIO

import polars as pl

from textkit.errors import InputError, UsageError
from textkit.streams import edits, members
from textkit.streams.batch import Batch, Position, Untouched
from textkit.streams.bytesource import ByteSource
from textkit.streams.formats.base import ASIDE, End, Event, Reading, Writing
from textkit.streams.formats.lines import to_lines
from textkit.streams.lineage import CONTROL, CONTROL_KEY, Lineage, control_line, end_line

HEAD = 4096  # bytes in which the first member of an object that is spread over lines shows


class JsonLines:
    suffixes = (".jsonl", ".ndjson", ".json")
    binary = False

    def read(self, source: ByteSource, reading: Reading) -> Iterator[Event]:
        fields = Fields(reading)
        number, left_out = 1, 0
        for block in source.blocks():
            position = Position(source.name, number)
            if not reading.wanted and CONTROL_KEY not in block and (objects := members.all_objects(block)) is not None:
                yield from fields.of(Untouched(block, objects, position))
                number += len(objects)
                continue
            lines = to_lines(block, number, source.name, reading.faults)
            left_out += lines.null_count()
            for piece in pieces(lines, position):
                if isinstance(piece, Batch):
                    for event in fields.of(piece):
                        left_out += len(piece) - len(event) if isinstance(event, Batch) else 0
                        yield event
                else:
                    yield End(piece.records - left_out) if isinstance(piece, End) and piece.records is not None else piece
                    left_out = 0 if isinstance(piece, End) else left_out
            number += len(lines)
        fields.demand()

    def proves(self, source: ByteSource) -> bool:
        first = source.first_line().strip()
        if first == b"{":  # an object over several lines, which is told of as such
            return re.match(rb'\s*\{\s*"(?:[^"\\]|\\.)*"\s*:', source.peek(HEAD)) is not None
        return first.startswith(b"{") and _is_object(first)

    def writer(self, out: BinaryIO, writing: Writing) -> JsonLinesWriter:
        return JsonLinesWriter(out, writing.lineage)


def _is_object(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def pieces(lines: pl.Series, position: Position) -> Iterator[Lineage | End | Batch]:
    """Runs of records, and the header and end lines between them."""
    numbers: int | pl.Series = position.line
    blank = (lines.str.strip_chars(" \t\r") == "").fill_null(True)
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


class Fields:
    """Our name -> the user's, for one input: `mapping` holds those the user gave, for all of its records, and a usual
    name for the text from the first batch on that shows one, if none showed `text` before. So the borders of batches,
    which may depend on timing, hardly matter.
    """

    def __init__(self, reading: Reading) -> None:
        if len({*reading.names.values()}) < len(reading.names):
            raise UsageError("one field is named for two of ours", fix="name another field for one of them")
        self.mapping = {our: user for our, user in reading.names.items() if our != user}
        self._reading = reading
        self._unseen = list(self.mapping.values())
        self._open = [our for our in {"text": "text", **reading.usual} if our not in reading.names]
        self._start: str | None = None  # where the records begin

    def of(self, batch: Batch) -> Iterator[Event]:
        """A batch of raw JSON lines with our names, after the mapping if that is news. Every line is known to be an object then."""
        if self.news(_finder(batch), batch.position(0)):
            yield {**self.mapping}
        yield self._reading.faults.attempt(self._ready, batch)

    def _ready(self, batch: Batch) -> Batch:
        renamed = _renamed(batch, self.mapping, {*self._reading.names, *self._reading.usual})
        if self._reading.wanted:
            renamed.read(*self._reading.wanted)
        elif not isinstance(renamed, Untouched) and renamed.raw is not None:
            members.parse(renamed.raw, (), renamed.position)
        return renamed

    def news(self, found: Callable[[str], bool], where: str) -> bool:
        """Look at a batch; whether `mapping` is other than before."""
        before = {} if self._start is None else {**self.mapping}
        self._start = self._start or where
        self._unseen = [user for user in self._unseen if not found(user)]
        for our in self._open:
            usual = self._reading.usual.get(our)
            if usual and usual not in self.mapping.values() and found(usual):
                self.mapping[our] = usual
        self._open = [our for our in self._open if our not in self.mapping and not found(our) and not (our == "text" and found("tokens"))]
        for our in self._open:
            alias = self._reading.alias(our, found)
            self.mapping |= {our: alias} if alias and alias not in self.mapping.values() else {}
        self._open = [our for our in self._open if our not in self.mapping]
        return self.mapping != before

    def demand(self) -> None:
        """InputError if a field that the user named was in no record."""
        if self._start and self._unseen:
            raise InputError(f"no record has a field {self._unseen[0]!r}", where=self._start, fix="see the names with head -n 2")


def _finder(batch: Batch) -> Callable[[str], bool]:
    return lambda name: batch.raw is not None and members.has_key(batch.raw, name)


def _renamed(batch: Batch, mapping: dict[str, str], given: Collection[str]) -> Batch:
    """`given` are our names for which the user named a field: what has such a name already steps aside."""
    raw = batch.raw
    if not mapping or raw is None:
        return batch
    members.parse(raw, (), batch.position)  # a line that is no object is told of as such
    aside = {our: f"{ASIDE}{our}" for our in mapping if our in given}
    names = aside | {user: our for our, user in mapping.items()}
    return Batch(pl.DataFrame(), batch.position, raw=edits.rename(raw, names, batch.position))


class JsonLinesWriter:
    def __init__(self, out: BinaryIO, lineage: Lineage | None) -> None:
        self.out, self.lineage, self.marks_end = out, lineage, lineage is not None
        if lineage is not None:
            out.write(lineage.header().encode() + b"\n")

    def write(self, batch: Batch) -> None:
        if len(batch):
            self.out.write(batch.to_bytes())

    def finish(self, records: int, complete: bool) -> None:
        if self.lineage is not None and complete:
            self.out.write(end_line(records).encode() + b"\n")
