"""Tables: TSV without quoting unless the user says so, and CSV as RFC 4180 has it.

A header line is taken for one if it has a name that textkit knows or that the user gave. Fields are counted in every
record: a reader that fills short rows with nulls loses data in silence.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import BinaryIO
from unicodedata import normalize

import polars as pl

from textkit.errors import InputError, UsageError
from textkit.report import say
from textkit.streams.batch import Batch, Position
from textkit.streams.bytesource import ByteSource
from textkit.streams.formats.base import ASIDE, Event, Reading, Writer, Writing
from textkit.streams.formats.quoted import quoted_rows
from textkit.streams.formats.separated import Rows, joined_start, plain_rows
from textkit.streams.formats.table_writer import TableWriter

OURS = ("text", "label", "target", "pair")  # the columns of a table that textkit reads


def looks_like_header(cells: list[str], reading: Reading) -> bool:
    """Whether a first line names columns: `--header` says so, or a cell is a known name or one the user gave."""
    if reading.header is not None:
        return reading.header
    if reading.columns:
        return False
    return reading.known(cells)


def column_names(cells: list[str], reading: Reading, where: str) -> tuple[list[str], dict[str, str], bool]:
    """(names, mapping of ours to the user's, whether `cells` was a header) from the first record."""
    header = looks_like_header(cells, reading)
    names = list(reading.columns) or (cells if header else ["text"] if len(cells) == 1 else [])
    if not names:
        shown = ", ".join(cell[:20] for cell in cells[:6])
        fix = f"if that line is a header, say --text-field NAME (and --label-field NAME); if not, name all {len(cells)} with --columns"
        raise InputError(f"cannot tell which of the {len(cells)} columns ({shown}) is the text", where=where, fix=fix)
    if len(names) != len(cells):
        raise InputError(f"{len(cells)} field{'s' * (len(cells) != 1)}, but --columns names {len(names)}", where=where)
    if len({*names}) < len(names):
        raise InputError(f"the header repeats a name ({', '.join(names)})", where=where, fix="give --columns with --header")
    mapping = map_names(names, reading, where)
    ours = {user: our for our, user in mapping.items()}
    aside = {our: f"{ASIDE}{our}" for our in mapping}  # --label-field topic, and there is a column label too
    return [ours.get(name, aside.get(name, name)) for name in names], mapping, header


def map_names(names: list[str], reading: Reading, where: str) -> dict[str, str]:
    """Our name -> the user's, where they differ."""
    same = {normalize("NFC", name): name for name in names}  # macOS writes names in NFD, and they are typed in NFC
    given = {our: user if user in names else same.get(normalize("NFC", user), user) for our, user in reading.names.items()}
    remembered = {our: user for our, user in reading.usual.items() if user in names}
    mapping: dict[str, str] = {}
    for our, user in {**remembered, **given}.items():
        if user not in names:
            raise InputError(f"no column is called {user!r}", where=where, fix=f"the columns are {', '.join(names)}")
        if our in given and user in [given[other] for other in mapping if other in given]:
            raise InputError(f"the column {user!r} is named for two fields", where=where, fix="name another column for one of them")
        mapping[our] = user
    lower = {name.strip().lower(): name for name in names if name not in mapping.values()}
    for our in OURS:
        alias = reading.alias(our, lambda name: name in lower or name in names)
        if alias and our not in mapping and our not in names:
            mapping[our] = alias if alias in names else lower[alias]
    return {our: user for our, user in mapping.items() if our != user}


class Tsv:
    suffixes: tuple[str, ...] = (".tsv", ".tab")
    binary = False

    def proves(self, source: ByteSource) -> bool:
        return False

    def read(self, source: ByteSource, reading: Reading) -> Iterator[Event]:
        names: list[str] = []
        title: tuple[str | None, ...] | None = None  # the header, as long as it is not seen again
        for frame, lines in joined_start(self.rows(source, reading)):
            if not names:
                place, first = Position(source.name, lines), _first_record(frame)
                names, mapping, header = column_names([cell or "" for cell in frame.row(first)], reading, place(first))
                if mapping:
                    yield mapping
                title = frame.row(first) if header else None
                if header:  # and the empty lines before it
                    frame = frame[first + 1 :]
                    lines = lines + first + 1 if isinstance(lines, int) else lines[first + 1 :]
            if title and (frame.to_series(0) == title[0]).any() and (again := _repeated(frame, title)) is not None:
                say(f"{Position(source.name, lines)(again)} repeats the header: is this several files joined?")
                title = None
            frame.columns = names
            filled = names if len(names) == 1 else [name for name in names if name == "text"]  # an empty line has no other fields
            yield Batch(frame.with_columns(pl.col(filled).fill_null("")), Position(source.name, lines), added=frozenset(names))

    def rows(self, source: ByteSource, reading: Reading) -> Iterator[Rows]:
        return quoted_rows(source, "\t", reading.faults) if reading.quotes else plain_rows(source, "\t", reading.faults)

    def writer(self, out: BinaryIO, writing: Writing) -> Writer:
        return TableWriter(out, writing, "\t", quotes=writing.quotes)


class Csv(Tsv):
    suffixes = (".csv",)

    def rows(self, source: ByteSource, reading: Reading) -> Iterator[Rows]:
        return quoted_rows(source, separator(reading.delimiter) or _seen_separator(source, reading), reading.faults)

    def writer(self, out: BinaryIO, writing: Writing) -> Writer:
        return TableWriter(out, writing, separator(writing.delimiter) or ",", quotes=True)


def separator(mark: str | None) -> str | None:
    """What the user says stands between columns, if anything; UsageError if it cannot."""
    if mark is not None and (len(mark) != 1 or not mark.isascii() or mark in '"\r\n\x00'):
        raise UsageError(f"{mark!r} cannot stand between columns", fix="give --delimiter one ASCII character, for example ';'")
    return mark


def _seen_separator(source: ByteSource, reading: Reading) -> str:
    """A comma, unless only cells between semicolons show a name that is known, or are as many as the user's names."""
    first = source.first_line().decode("utf-8", "replace").rstrip("\r")
    cells = {mark: _cells(first, mark) for mark in ",;"}
    shown = {mark: reading.known(found) or len(found) == len(reading.columns) for mark, found in cells.items()}
    if len(cells[","]) == 1 < len(cells[";"]) and not any(shown.values()):
        names = ", ".join(cell[:20] for cell in cells[";"][:6])
        fix = "say --delimiter ';' and --text-field NAME (and --label-field NAME); if it is one column, --delimiter ,"
        message = f"cannot tell whether these are {len(cells[';'])} columns ({names}), and which is the text"
        raise InputError(message, where=f"{source.name}:1", fix=fix)
    if len(cells[";"]) < 2 or not shown[";"] or shown[","]:
        return ","
    say(f"{source.name}: the columns are taken to stand between semicolons; --delimiter , if not")
    return ";"


def _cells(first: str, mark: str) -> list[str]:
    """The cells of a first line: a separator in a quoted one is none."""
    try:
        return next(csv.reader([first], delimiter=mark), [])
    except csv.Error:  # a cell too long for that reader: no header
        return []


def _repeated(frame: pl.DataFrame, title: tuple[str | None, ...]) -> int | None:
    """The first row that is the same as the header."""
    rows = frame.select(pl.all_horizontal(pl.nth(at).eq_missing(pl.lit(cell)) for at, cell in enumerate(title))).to_series().arg_true()
    return rows[0] if len(rows) else None


def _first_record(frame: pl.DataFrame) -> int:
    """The first row that is no empty line; 0 if all are."""
    rows = frame.select(~pl.all_horizontal(pl.all().is_null())).to_series().arg_true()
    return rows[0] if len(rows) else 0
