"""From the inputs that a user names to one stream: which format each is, whether their lineages agree, where it ends."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import polars as pl

from textkit.errors import InputError, LineageError
from textkit.registry import FORMATS
from textkit.streams.batch import Batch, Position
from textkit.streams.bytesource import DIRECTORY_FIX, ByteSource, plain_suffix
from textkit.streams.formats.base import Cut, End, Event, Reading
from textkit.streams.formats.parallel import read_parallel
from textkit.streams.lineage import Lineage
from textkit.streams.stream import Ending, Opened, Stream


@dataclass(frozen=True)
class Inputs:
    """What the shared input options say."""

    paths: tuple[str, ...] = ()  # none: stdin
    format: str | None = None
    encoding: str = "utf-8"
    reading: Reading = field(default_factory=Reading)
    parallel: tuple[tuple[str, str], ...] = ()  # pairs of files, instead of paths
    texts: tuple[str, ...] = ()  # records of the command line, instead of paths
    limit: int | None = None  # records, from the first on
    sample: int | None = None  # records, at random
    seed: int = 42  # of the sample
    skip: bool = False  # leave bad records out, and tell how many
    reject: str | None = None  # where to keep them
    partial: bool = False  # accept a stream that was cut short
    unbuffered: bool = False  # pass on each line at once


def sniff(source: ByteSource, reading: Reading) -> str:
    """The format's name. Content decides what it proves, then the suffix; a table on stdin shows a known header."""
    formats = {name: entry.load()() for name, entry in FORMATS.items()}
    for name, form in formats.items():
        if form.proves(source):
            return name
    if source.path is not None:
        suffix = plain_suffix(source.path)
        # .txt proves little: a table with a known header is still read as one
        for name, form in formats.items():
            if name != "text" and suffix in form.suffixes:
                return name
    return "csv" if reading.delimiter is not None else _sniff_table(source.first_line().strip().decode("utf-8", "replace"), reading)


def _sniff_table(first: str, reading: Reading) -> str:
    """What a first line tells: a header with a known name, or a table in any case if the user spoke of columns."""
    tabbed = first.split("\t")
    if len(tabbed) > 1 and reading.known(tabbed):
        return "tsv"
    commas, semicolons = ([cell.removeprefix('"').removesuffix('"') for cell in first.split(mark)] for mark in ",;")
    for cells in (commas, semicolons):
        if len(cells) > 1 and reading.known(cells) and all(cell and cell == cell.strip() for cell in cells):
            return "csv"
    if reading.header is not None or reading.columns or reading.names:
        return "csv" if len(commas) > 1 and len(tabbed) == 1 else "tsv"
    return "text"


def open_stream(inputs: Inputs, wanted: tuple[str, ...] = ()) -> Stream:
    """The inputs as one stream. Reads as far as the first header or record, so that the lineage is known."""
    if inputs.texts:
        return Stream(Lineage(), iter([Batch(pl.DataFrame({"text": inputs.texts}), Position("query", 1))]))
    reading = replace(inputs.reading, wanted=wanted)
    ending = Ending()
    opened: list[Opened] = []
    joined = _Joiner(ending)
    batches = joined.join(_parallel(inputs, reading) if inputs.parallel else _each(inputs, reading, opened))
    first = next(batches, None)
    near = tuple(dict.fromkeys(Path(path).parent for path in named_files(inputs)))
    return Stream(joined.lineage, _again(first, batches), ending, near, opened)


def named_files(inputs: Inputs) -> list[str]:
    """All files of the input."""
    paths = [path for pair in inputs.parallel for path in pair] or inputs.paths
    return [path for path in paths if path != "-"]


def _source(path: str, inputs: Inputs) -> ByteSource:
    return ByteSource(None if path == "-" else path, inputs.encoding, unbuffered=inputs.unbuffered)


def _each(inputs: Inputs, reading: Reading, opened: list[Opened]) -> Iterator[tuple[ByteSource, Iterator[Event]]]:
    """One file after the other, of which one is open at a time."""
    for path in inputs.paths or ("-",):
        source = _source(path, inputs)
        yield source, _events(source, inputs.format, reading, opened)


def _parallel(inputs: Inputs, reading: Reading) -> Iterator[tuple[ByteSource, Iterator[Event]]]:
    for pair in inputs.parallel:
        first, second = (_source(path, inputs) for path in pair)
        try:
            yield first, read_parallel(first, second, reading.faults)
        finally:
            first.close()
            second.close()


def _events(source: ByteSource, format: str | None, reading: Reading, opened: list[Opened]) -> Iterator[Event]:
    try:
        if source.peek(1):
            opened.append(Opened(source.name, format or sniff(source, reading), source.compression))
            yield from FORMATS.find(opened[-1].format)().read(source, reading)
    finally:
        source.close()


def _again(first: Batch | None, rest: Iterator[Batch]) -> Iterator[Batch]:
    if first is not None:
        yield first
    yield from rest


class _Joiner:
    """Joins the events of all inputs to batches, and watches that headers agree and every header has its end."""

    def __init__(self, ending: Ending) -> None:
        self.ending = ending
        self.lineage = Lineage()
        self._named: str | None = None  # the input that the lineage is from
        self._headed = False  # whether that input had a header
        self._columns: dict[str, str] = {}

    def join(self, inputs: Iterator[tuple[ByteSource, Iterator[Event]]]) -> Iterator[Batch]:
        for source, events in inputs:
            records: int | None = None  # since the last header, if one is open
            for event in events:
                if isinstance(event, Lineage):
                    self._missing_end(source.name, records)
                    self._agree(event, True, source.name)
                    records = 0
                elif isinstance(event, dict):
                    self._columns = event
                    if records is not None:
                        self.lineage = replace(self.lineage, columns={**self.lineage.columns, **event})
                elif isinstance(event, End):
                    self._count(source.name, event.records, records)
                    records = None
                elif isinstance(event, Cut):
                    self.ending.problem = f"{source.name}: {event.reason}"
                    records = None
                elif isinstance(event, Batch):
                    if records is None:
                        self._agree(Lineage(columns=self._columns), False, source.name)
                    else:
                        records += len(event)
                    yield event
            self._missing_end(source.name, records)

    def _agree(self, lineage: Lineage, headed: bool, name: str) -> None:
        if self._named is None:
            self.lineage, self._headed, self._named = lineage, headed, name
        elif headed != self._headed:
            fix = "give streams of one kind, and keep their order (no sort or shuf)"
            made, plain = (name, self._named) if headed else (self._named, name)
            raise LineageError(f"{made} has records that textkit made and {plain} records that it did not", fix=fix)
        elif headed and lineage != self.lineage:
            difference = self.lineage.difference(lineage)
            raise LineageError(f"{self._named} and {name} were made by different chains: {difference}", fix="make both with the same artifacts")

    def _missing_end(self, name: str, records: int | None) -> None:
        if records is not None:
            self.ending.problem = f"{name} stops after {records} records without its end line: what wrote it was stopped"

    def _count(self, name: str, due: int | None, records: int | None) -> None:
        if due is None:  # an end mark that does not count
            return
        if records is None:
            self.ending.problem = f"{name} has an end line without a header"
        elif due != records:
            self.ending.problem = f"{name} should hold {due} records by its end line, {records} came"


def check_exist(inputs: Inputs) -> None:
    """InputError now rather than after a long run, if a named file is missing or no file."""
    for path in named_files(inputs):
        try:
            mode = Path(path).stat().st_mode
        except OSError as error:
            message = "no such file" if isinstance(error, FileNotFoundError) else (error.strerror or "cannot be read").lower()
            raise InputError(message, where=path) from None
        if stat.S_ISDIR(mode):
            raise InputError("is a directory", where=path, fix=DIRECTORY_FIX)
