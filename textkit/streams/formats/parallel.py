"""Two files whose lines belong together: a text in the first, its target in the second."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from textkit.errors import InputError
from textkit.streams.batch import Batch, Position
from textkit.streams.bytesource import ByteSource
from textkit.streams.faults import Faults
from textkit.streams.formats.lines import line_blocks


class _Lines:
    """The lines of one file, of which as many are taken as the other file has ready."""

    def __init__(self, source: ByteSource, faults: Faults) -> None:
        self._blocks = line_blocks(source, faults)
        self._rest = pl.Series(dtype=pl.String)
        self.name, self.taken = source.name, 0

    def ready(self) -> int:
        """How many lines there are before more is read; 0 at the end of the file."""
        while not len(self._rest):
            block = next(self._blocks, None)
            if block is None:
                return 0
            self._rest = block[0]
        return len(self._rest)

    def take(self, count: int) -> pl.Series:
        lines, self._rest = self._rest[:count], self._rest[count:]
        self.taken += count
        return lines

    def count(self) -> int:
        """How many lines the file has. Reads it to its end."""
        while ready := self.ready():
            self.take(ready)
        return self.taken


def read_parallel(first: ByteSource, second: ByteSource, faults: Faults) -> Iterator[Batch]:
    """Batches of text and target; a record's position is that in the first file. InputError if one file ends before the other."""
    texts, targets = _Lines(first, faults), _Lines(second, faults)
    while count := min(texts.ready(), targets.ready()):
        line = texts.taken + 1
        frame = pl.DataFrame({"text": texts.take(count), "target": targets.take(count)})
        batch = Batch(frame, Position(first.name, line), added=frozenset({"text", "target"}))
        whole = frame["text"].is_not_null() & frame["target"].is_not_null()  # null: a line that is no text
        yield batch if whole.all() else batch.filter(whole)
    if texts.ready() or targets.ready():
        message = f"{first.name} has {_lines(texts.count())} and {second.name} {targets.count()}"
        raise InputError(message, fix="give two files of which each line belongs to the other's line of the same number")


def _lines(count: int) -> str:
    return f"{count} line{'s' * (count != 1)}"
