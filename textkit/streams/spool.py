"""A spool: a whole stream on disk, for the jobs that must see all of it before their first output.

The file has no name (unlinked on opening), so nothing is left behind however the process ends.
"""

from __future__ import annotations

import io
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace

import polars as pl

from textkit.streams.batch import Batch, Position
from textkit.streams.stream import Stream

RAW = "\x00raw"
LINE = "\x00line"


class Spool:
    """All batches of a stream, or those added; `batches()` can be called any number of times. Memory: one batch."""

    def __init__(self, stream: Stream | None = None) -> None:
        self._file = tempfile.TemporaryFile(prefix="textkit-")
        self._index: list[tuple[int, int, Batch]] = []  # (offset, size, batch without its data)
        self._stream = stream
        self.records = 0
        for batch in () if stream is None else stream.batches:
            self.add(batch)

    def add(self, batch: Batch) -> None:
        frame = batch.frame.select(name for name in batch.frame.columns if name in batch.added)  # views are read again
        if batch.raw is not None:
            raw = batch.raw.alias(RAW).to_frame()
            frame = frame.hstack(raw) if frame.width else raw
        if isinstance(batch.position.line, pl.Series):
            frame = frame.with_columns(batch.position.line.alias(LINE))
        memory = io.BytesIO()
        frame.write_ipc(memory)
        offset = self._file.seek(0, io.SEEK_END)
        self._file.write(memory.getbuffer())
        position = batch.position if isinstance(batch.position.line, int) else Position(batch.position.path)  # its lines are in the file
        self._index.append((offset, memory.tell(), Batch(pl.DataFrame(), position, added=batch.added)))
        self.records += len(batch)

    def batches(self) -> Iterator[Batch]:
        for offset, size, batch in self._index:
            self._file.seek(offset)
            frame = pl.read_ipc(io.BytesIO(self._file.read(size)))
            raw = frame[RAW] if RAW in frame.columns else None
            line = frame[LINE] if LINE in frame.columns else batch.position.line
            frame = frame.drop(RAW, LINE, strict=False)
            yield replace(batch, frame=frame, raw=raw, position=Position(batch.position.path, line), plain={})

    def stream(self) -> Stream:
        assert self._stream is not None  # of batches that were added there is none
        assert self._stream is not None
        return replace(self._stream, batches=self.batches())

    def column(self, name: str, fix: str | None = None) -> Column:
        """One column of all batches, which may be gone through as often as need be."""
        return Column(self, name, fix)


@dataclass(frozen=True)
class Column:
    spool: Spool
    name: str
    fix: str | None

    def __iter__(self) -> Iterator[pl.Series]:
        for batch in self.spool.batches():
            yield batch.require(self.name, fix=self.fix)[self.name]
