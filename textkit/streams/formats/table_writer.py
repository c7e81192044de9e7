"""Records as a table: a header line, then a line each (more where a quoted cell holds line ends).

Which columns there are is known from the user, from the first batch where a table or text came in, and else only
when all records were seen: then they wait in a spool.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import BinaryIO

import polars as pl

from textkit.errors import InputError
from textkit.streams.batch import Batch
from textkit.streams.formats.base import Writing
from textkit.streams.formats.cells import cells_of, column_names_of
from textkit.streams.spool import Spool

QUOTES_FIX = "add --quotes, or use --to csv"
Place = Callable[[int, int], tuple[str, str | None]]  # (row, column) -> what to call the cell, "file:line"


class TableWriter:
    marks_end = False

    def __init__(self, out: BinaryIO, writing: Writing, mark: str, quotes: bool) -> None:
        self.out, self.mark, self.quotes = out, mark, quotes
        self.columns = None if writing.columns is None else [*dict.fromkeys(writing.columns)]
        self._named = self.columns is not None  # by the user
        self._spool: Spool | None = None
        self._seen: dict[str, None] = {}  # the columns of the spool
        if self.columns is not None:
            self._head(self.columns)

    def write(self, batch: Batch) -> None:
        if self.columns is None and self._spool is None and batch.raw is None:
            self.columns = batch.frame.columns
            self._head(self.columns)
        if self.columns is None:
            self._spool = self._spool or Spool()
            self._spool.add(batch)
            self._seen |= dict.fromkeys(column_names_of(batch))
        elif len(batch):
            self._demand_same(batch, self.columns)
            self._rows(batch, self.columns)

    def finish(self, records: int, complete: bool) -> None:
        if self._spool is not None:
            self._head([*self._seen])
            for batch in self._spool.batches():
                self._rows(batch, [*self._seen])

    def _demand_same(self, batch: Batch, columns: list[str]) -> None:
        """InputError if a table that is under way shows other columns than its header has."""
        found = batch.frame.columns if batch.raw is None else column_names_of(batch)
        if not self._named and {*found} != {*columns}:
            message = f"columns {', '.join(found)} in a table whose header is written with {', '.join(columns)}"
            raise InputError(message, where=batch.position(0), fix="name the columns to write with --keep")

    def _head(self, columns: list[str]) -> None:
        if not self.quotes and (columns == [""] or (columns and columns[0].startswith("\ufeff"))):
            raise InputError(f"a header cannot be just {columns[0]!r}, or start with it", fix=QUOTES_FIX)
        if columns:
            names = pl.DataFrame({str(at): [name] for at, name in enumerate(columns)})
            # a comma or semicolon in a name could be taken for what stands between the names
            self._lines(names, lambda _, at: (f"the column name {columns[at]!r}", None), self.mark + ",;")

    def _rows(self, batch: Batch, columns: list[str]) -> None:
        if columns and len(batch):
            cells = cells_of(batch, columns)
            self._lines(cells, lambda row, at: (repr(columns[at]), batch.position(row)), self.mark)

    def _lines(self, cells: pl.DataFrame, place: Place, marks: str) -> None:
        """Write rows of strings, one column or more. With quotes, what holds one of `marks` gets them."""
        refuse(cells, "\x00", "a NUL character", place, "use --to jsonl, or --drop the field")
        if self.quotes:
            cells = quoted(cells, marks)
        else:
            refuse(cells, "\t", "a tab", place, QUOTES_FIX)
            refuse(cells, "\n", "a newline", place, QUOTES_FIX)
            refuse(cells.select(pl.nth(-1)), "\r$", "a carriage return", lambda row, _: place(row, cells.width - 1), QUOTES_FIX)
        lines = cells.select(pl.concat_str([pl.concat_str(pl.all(), separator=self.mark), pl.lit("\n")])).to_series()
        self.out.write(lines.str.join("").item().encode())


def refuse(cells: pl.DataFrame, pattern: str, what: str, place: Place, fix: str) -> None:
    """InputError at the first record with a cell in which the pattern is found."""
    found = cells.select(pl.all().str.contains(pattern))
    rows = found.select(pl.any_horizontal(pl.all())).to_series().arg_true()
    if len(rows):
        name, where = place(rows[0], found.row(rows[0]).index(True))
        raise InputError(f"{what} in {name}", where=where, fix=fix)


def quoted(cells: pl.DataFrame, marks: str) -> pl.DataFrame:
    """Quotes around the cells that need them: those with a separator, a quote or a line end, and one that would leave its line empty."""
    need = rf'^\x{{feff}}|[{re.escape(marks)}"\n\r]' + (r"|^$" if cells.width == 1 else "")
    if not cells.select(pl.any_horizontal(pl.all().str.contains(need).any())).item():
        return cells
    return cells.select(_quoted(pl.col(name), need).alias(name) for name in cells.columns)


def _quoted(cell: pl.Expr, need: str) -> pl.Expr:
    whole = pl.concat_str([pl.lit('"'), cell.str.replace_all('"', '""', literal=True), pl.lit('"')])
    return pl.when(cell.str.contains(need)).then(whole).otherwise(cell)
