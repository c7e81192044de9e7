"""Plain text: one record a line, an empty line is a record with empty text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

import polars as pl

from textkit.errors import InputError
from textkit.streams.batch import Batch, Position
from textkit.streams.bytesource import ByteSource
from textkit.streams.formats.base import Event, Reading, Writing
from textkit.streams.formats.lines import line_blocks

PREFERRED = ("prediction", "output", "tokens", "text")  # what a line shows, when no field is named


class Text:
    suffixes = (".txt", ".text")
    binary = False

    def proves(self, source: ByteSource) -> bool:
        return False

    def read(self, source: ByteSource, reading: Reading) -> Iterator[Event]:
        for lines, number in line_blocks(source, reading.faults):
            batch = Batch(pl.DataFrame({"text": lines}), Position(source.name, number), added=frozenset({"text"}))
            yield batch.filter(lines.is_not_null()) if lines.null_count() else batch

    def writer(self, out: BinaryIO, writing: Writing) -> TextWriter:
        return TextWriter(out, writing.field)


class TextWriter:
    """One field a line: the named one, else the first there is of PREFERRED. Lists are joined by a space."""

    marks_end = False

    def __init__(self, out: BinaryIO, field: str | None) -> None:
        self.out, self._named, self._field = out, field, ""

    def write(self, batch: Batch) -> None:
        if not len(batch):
            return
        self._field = self._field or self._choose(batch)
        column = (batch.require if self._named is None else batch.read)(self._field)[self._field]
        if isinstance(column.dtype, pl.List) and not column.dtype.inner.is_nested():  # type: ignore[union-attr]
            column = column.cast(pl.List(pl.String)).list.join(" ")
        elif column.dtype.is_nested():
            raise InputError(f"column {self._field!r} is not plain text", fix="use --to jsonl")
        # a record is a line, so a line feed inside a text becomes a space
        lines = column.cast(pl.String).fill_null("").str.replace_all("\n", " ", literal=True) + "\n"
        self.out.write(lines.str.join("").item().encode())

    def _choose(self, batch: Batch) -> str:
        if self._named is None:
            return next((name for name in PREFERRED if batch.has(name)), "text")
        if batch.read(self._named)[self._named].null_count() == len(batch):
            raise InputError(f"no record has a field {self._named!r}", where=batch.position(0), fix="see the names with --to jsonl")
        return self._named

    def finish(self, records: int, complete: bool) -> None:
        """Plain text has no end mark."""
