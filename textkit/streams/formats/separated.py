"""Rows of lines that are cut at every separator, whatever stands around it, and what all tables share about widths."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from textkit.errors import InputError
from textkit.streams.batch import Position
from textkit.streams.bytesource import ByteSource
from textkit.streams.faults import Fault, Faults
from textkit.streams.formats.lines import line_blocks

# Columns of strings, null in the rows of empty lines, and the line (or lines) where the records start. No columns, if
# all records so far are empty lines.
Rows = tuple[pl.DataFrame, int | pl.Series]

MARKS = {"\t": "tabs", ",": "commas", ";": "semicolons"}


def wrong_width(count: int, width: int, where: str, mark: str) -> InputError:
    fix = f"see that line's {MARKS.get(mark, f'{mark!r} characters')}, or read it as --from text"
    return InputError(f"{count} field{'s' * (count != 1)} where {width} are due", where=where, fix=fix)


def plain_rows(source: ByteSource, mark: str, faults: Faults) -> Iterator[Rows]:
    width = 0
    for lines, number in line_blocks(source, faults):
        at: int | pl.Series = number
        if lines.null_count():  # those that are no text
            at = pl.Series(range(number, number + len(lines)), dtype=pl.Int64).filter(lines.is_not_null())
            lines = lines.drop_nulls()
        blank = lines == ""
        counts = lines.str.count_matches(mark, literal=True) + 1
        if not width and not blank.all():
            width = counts.filter(~blank)[0]
        good = blank | (counts == width)
        if not good.all():
            faults.take(_faults(lines, counts, ~good, width, Position(source.name, at), mark))
            at = at.filter(good) if isinstance(at, pl.Series) else good.arg_true().cast(pl.Int64) + at
            lines, blank = lines.filter(good), blank.filter(good)
        yield _cut(lines, blank, width, mark), at if width or isinstance(at, pl.Series) else pl.Series(range(at, at + len(lines)), dtype=pl.Int64)


def _faults(lines: pl.Series, counts: pl.Series, wrong: pl.Series, width: int, place: Position, mark: str) -> Iterator[Fault]:
    rows = wrong.arg_true()
    for row, line, count in zip(rows, lines.gather(rows), counts.gather(rows), strict=True):  # a loop over records: the bad ones
        yield Fault(line.encode(), wrong_width(count, width, place(row), mark))


def _cut(lines: pl.Series, blank: pl.Series, width: int, mark: str) -> pl.DataFrame:
    if not width:
        return pl.DataFrame()
    frame = lines.str.split_exact(mark, width - 1).struct.unnest()
    return frame.with_columns(pl.when(~blank).then(pl.all())) if blank.any() else frame


def joined_start(rows: Iterator[Rows]) -> Iterator[Rows]:
    """The same, where the empty lines before the first record go with it: only that says how many columns they have."""
    early = pl.Series(dtype=pl.Int64)
    for frame, lines in rows:
        if not frame.width:
            assert isinstance(lines, pl.Series)
            early = pl.concat([early, lines.cast(pl.Int64)])
            continue
        if len(early):
            lines = lines if isinstance(lines, pl.Series) else pl.Series(range(lines, lines + len(frame)), dtype=pl.Int64)
            empty = pl.DataFrame({name: pl.Series([None], dtype=pl.String).new_from_index(0, len(early)) for name in frame.columns})
            frame, lines, early = pl.concat([empty, frame]), pl.concat([early, lines.cast(pl.Int64)]), early[:0]
        yield frame, lines
    if len(early):
        yield pl.DataFrame({"": pl.Series([None], dtype=pl.String).new_from_index(0, len(early))}), early
