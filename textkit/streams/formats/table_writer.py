"""Records as a table: a header line, then a line each (more where a quoted cell holds line ends).

Which columns there are is known from the user, from the first batch where a table or text came in, and else only
when all records were seen: then they wait in a spool.
"""

from __future__ import annotations

import json
from typing import BinaryIO

import polars as pl

from textkit.errors import InputError
from textkit.streams.batch import Batch
from textkit.streams.formats.base import Writing
from textkit.streams.spool import Spool
from textkit.streams.values import top_members, value_of

QUOTES_FIX = "add --quotes, or use --to csv"


class TableWriter:
    marks_end = False

    def __init__(self, out: BinaryIO, writing: Writing, mark: str, quotes: bool) -> None:
        self.out, self.mark, self.quotes = out, mark, quotes
        self.columns = None if writing.columns is None else [*dict.fromkeys(writing.columns)]
        self._fixed = self.columns is not None
        self._spool: Spool | None = None
        self._seen: dict[str, None] = {}  # the columns of the spool
        if self.columns is not None:
            self._head(self.columns)

    def write(self, batch: Batch) -> None:
        if self.columns is None and batch.raw is None and self._spool is None:
            self.columns = batch.frame.columns
            self._head(self.columns)
        if self.columns is None:
            self._spool = self._spool or Spool()
            self._spool.add(batch)
            self._seen |= dict.fromkeys(_names(batch))
        elif len(batch):
            self._demand_same(batch)
            self._rows(batch, self.columns)

    def finish(self, records: int, complete: bool) -> None:
        if self._spool is not None:
            columns = [*self._seen]
            self._head(columns)
            for batch in self._spool.batches():
                self._rows(batch, columns)

    def _demand_same(self, batch: Batch) -> None:
        """InputError if a table that is under way shows other columns than its header has."""
        if self._fixed or self.columns is None or (batch.raw is None and batch.frame.columns == self.columns):
            return
        other = {*_names(batch)} ^ {*self.columns}
        if other:
            message = f"the columns of this table are {', '.join(self.columns)}, but from here on {min(other)!r} is not in both"
            raise InputError(message, where=batch.position(0), fix="name the columns to write with --keep")

    def _head(self, columns: list[str]) -> None:
        names = pl.DataFrame({str(i): [name] for i, name in enumerate(columns)})
        if columns[:1] and columns[0].startswith("\ufeff") and not self.quotes:
            raise InputError("a column's name starts with a byte order mark", fix=QUOTES_FIX)
        if columns == [""] and not self.quotes:
            raise InputError("the only column has no name", fix=QUOTES_FIX)
        if columns:
            self._lines(names, lambda _, at: (f"the column name {columns[at]!r}", None))

    def _rows(self, batch: Batch, columns: list[str]) -> None:
        if columns and len(batch):
            cells = _cells(batch, columns)
            self._lines(pl.DataFrame(cells), lambda row, at: (repr(columns[at]), batch.position(row)))

    def _lines(self, cells: pl.DataFrame, place: Place) -> None:
        """Write rows of strings. `place` says what to call a cell and where its record is."""
        _demand_free(cells, "\x00", "a NUL character", place, "use --to jsonl, or --drop the field")
        if self.quotes:
            cells = _quoted(cells, self.mark)
        else:
            for character, what in ((self.mark, "a tab"), ("\n", "a newline")):
                _demand_free(cells, character, what, place, QUOTES_FIX)
            _demand_no_final_return(cells, place)
        lines = cells.select(pl.concat_str(pl.all(), separator=self.mark) + "\n").to_series()
        self.out.write(lines.str.join("").item().encode())


def _demand_free(cells: pl.DataFrame, character: str, what: str, place: Place, fix: str) -> None:
    """InputError at the first record with a cell that holds the character."""
    found = cells.select(pl.all().str.contains(character, literal=True))
    _raise_first(found, what, place, fix)


def _demand_no_final_return(cells: pl.DataFrame, place: Place) -> None:
    """A carriage return before the line end would be taken for a part of that."""
    found = cells.select(pl.lit(False).alias(name) for name in cells.columns[:-1]).with_columns(cells.to_series(-1).str.ends_with("\r"))
    _raise_first(found, "a carriage return at the end", place, QUOTES_FIX)
