"""What a format is: a way to read events from bytes and to write them. One file each; see `registry.FORMATS`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Protocol
from unicodedata import normalize

from textkit.streams.batch import Batch
from textkit.streams.bytesource import ByteSource
from textkit.streams.columns import KNOWN_NAMES, TEXT_ALIASES
from textkit.streams.faults import Faults
from textkit.streams.lineage import Lineage

ASIDE = "old_"  # a field that has the name of ours, where the user said that another one is meant


@dataclass(frozen=True)
class Reading:
    """How the user wants input to be read."""

    header: bool | None = None  # of a table; None: see whether its first line has a known name
    columns: tuple[str, ...] = ()  # names of a table's columns, in order
    names: dict[str, str] = field(default_factory=dict)  # our name -> the user's, from --text-field and the like
    usual: dict[str, str] = field(default_factory=dict)  # our name -> what a model's training data called it: taken if it is there
    quotes: bool = False  # of TSV: whether fields may be quoted, as in CSV
    delimiter: str | None = None  # of CSV: "," if not said
    wanted: tuple[str, ...] = ("text",)  # what the stages will read
    faults: Faults = field(default_factory=Faults)  # what is done with bad records

    def known(self, cells: Iterable[str]) -> bool:
        """Whether one of these names is a column's that textkit knows, or one that the user or the model gave."""
        cells = list(cells)
        given = {normalize("NFC", name) for name in (*self.names.values(), *self.usual.values())}
        return bool({cell.strip().lower() for cell in cells} & {*KNOWN_NAMES} or {normalize("NFC", cell) for cell in cells} & given)

    def alias(self, our: str, found: Callable[[str], bool]) -> str | None:
        """The name that goes for ours, of those for which `found` holds."""
        candidates = (self.usual.get(our, our), *(TEXT_ALIASES if our == "text" else (our,)))
        return next((name for name in candidates if found(name)), None)


@dataclass(frozen=True)
class End:
    """The end line of a stream: how many records it had. None where the format's end mark does not count."""

    records: int | None


@dataclass(frozen=True)
class Cut:
    """A stream that stops short of its end mark."""

    reason: str


Event = Lineage | dict[str, str] | Batch | End | Cut  # a header, a mapping of column names, records, an end


@dataclass(frozen=True)
class Writing:
    """How the user wants output to be written."""

    lineage: Lineage | None = None  # what to write of it; None: neither header nor end line
    field: str | None = None  # of --to text
    columns: tuple[str, ...] | None = None  # of a table, in order; None: all that occur
    quotes: bool = False  # of TSV
    typed: bool = False  # whether Arrow shall give the user's own fields types: else they travel as JSON
    delimiter: str | None = None  # of CSV: "," if not said


class Format(Protocol):
    suffixes: tuple[str, ...]
    binary: bool  # not for a terminal

    def proves(self, source: ByteSource) -> bool:
        """Whether the first bytes can hardly be anything else. May wait for the first line, not for more."""

    def read(self, source: ByteSource, reading: Reading) -> Iterator[Any]: ...

    def writer(self, out: BinaryIO, writing: Writing) -> Writer: ...


class Writer(Protocol):
    marks_end: bool  # whether a reader of the output can tell a whole stream from one cut short

    def write(self, batch: Batch) -> None: ...

    def finish(self, records: int, complete: bool) -> None:
        """Write the end mark, unless the stream is incomplete."""
