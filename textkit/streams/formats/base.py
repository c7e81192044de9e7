"""What a format is: a way to read events from bytes and to write them. One file each; see `registry.FORMATS`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Protocol

from textkit.streams.batch import Batch
from textkit.streams.bytesource import ByteSource
from textkit.streams.lineage import Lineage


@dataclass(frozen=True)
class Reading:
    """How the user wants input to be read."""

    header: bool | None = None  # of a table; None: see whether its first line has a known name
    columns: tuple[str, ...] = ()  # names of a table's columns, in order
    names: dict[str, str] = field(default_factory=dict)  # our name -> the user's, from --text-field and the like
    wanted: tuple[str, ...] = ("text",)  # what the stages will read


@dataclass(frozen=True)
class End:
    """The end line of a stream: how many records it had. None where the format's end mark does not count."""

    records: int | None


@dataclass(frozen=True)
class Cut:
    """A stream that stops short of its end mark."""

    reason: str


Event = Lineage | dict[str, str] | Batch | End | Cut  # a header, a mapping of column names, records, an end


class Format(Protocol):
    suffixes: tuple[str, ...]
    binary: bool

    def read(self, source: ByteSource, reading: Reading) -> Iterator[Any]: ...

    def writer(self, out: BinaryIO, lineage: Lineage | None, field: str | None) -> Writer: ...


class Writer(Protocol):
    def write(self, batch: Batch) -> None: ...

    def finish(self, records: int, complete: bool) -> None:
        """Write the end mark, unless the stream is incomplete."""
