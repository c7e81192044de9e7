"""A batch: some records of a stream, as typed columns and raw JSON lines.

`raw` holds each record's own JSON text, or None where the input had none (plain text, tables). `frame` holds the
columns that were parsed from it or added. Of these, `added` are not in `raw` and are written out; the others are
views of what `raw` already says.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, fields, replace
from typing import Any

import polars as pl

from textkit.errors import InputError
from textkit.streams import edits, members
from textkit.streams.columns import dtype_of


@dataclass(frozen=True)
class Position:
    """Where a batch's records stand in the input: `line` is the first one's line, or one per record."""

    path: str
    line: int | pl.Series = 1

    def __call__(self, row: int) -> str:
        line = self.line + row if isinstance(self.line, int) else self.line[row]
        return f"{self.path}:{line}"


@dataclass
class Batch:
    frame: pl.DataFrame
    position: Position
    raw: pl.Series | None = None
    added: frozenset[str] = frozenset()
    plain: dict[str, pl.Series] = field(default_factory=dict)  # per view: rows safe to cut fast

    def __len__(self) -> int:
        return len(self.raw) if self.raw is not None else len(self.frame)

    def has(self, name: str) -> bool:
        """Whether any record has the member or column; of a name of ours, as the type that textkit gives it."""
        return self._may_have(name) and self.ours(name).null_count() < len(self)

    def has_whole(self, name: str) -> bool:
        """Whether every record has it so."""
        return self._may_have(name) and self.ours(name).null_count() == 0

    def _may_have(self, name: str) -> bool:
        return name in self.frame.columns or (self.raw is not None and members.contains_key(self.raw, name))

    def shows(self, name: str) -> bool:
        """Whether any record has a member or column of this name, of whatever type."""
        return name in self.frame.columns or (self.raw is not None and members.has_key(self.raw, name))

    def ours(self, name: str) -> pl.Series:
        """As `read`, and null too where a record holds another type than ours: a field of the user's own by that name."""
        due = dtype_of(name)
        try:
            column = self.read(name)[name]
        except members.BadRecords:
            if due is None or self.raw is None:
                raise
            column = members.parse(self.raw, (name,), self.position, lenient=True)[0][name]
        return column if due in (None, column.dtype) else pl.Series(name, [None], dtype=due).new_from_index(0, len(self))

    def read(self, *names: str) -> pl.DataFrame:
        """The named columns, null where a record lacks one. Reads them from the raw lines at first use."""
        missing = tuple(name for name in names if name not in self.frame.columns)
        if missing and self.raw is not None:
            views, plain = members.parse(self.raw, missing, self.position)
            self.frame = self.frame.hstack(views) if self.frame.width else views
            self.plain |= plain
        elif missing:
            nulls = [pl.lit(None, dtype=dtype_of(name) or pl.String).alias(name) for name in missing]
            return self.frame.with_columns(nulls).select(names)
        return self.frame.select(names)

    def read_ours(self, *names: str) -> pl.DataFrame:
        """As `read`, but InputError where a table has a column of ours as another type."""
        frame = self.read(*names)
        for name, found in frame.schema.items():
            due = dtype_of(name)
            if due not in (None, found):
                fix = f"leave the column out (--drop {name}), or give the records as JSON Lines"
                raise InputError(f"{name!r} should be {members.described(due)}", where=self.position(0), fix=fix)
        return frame

    def require(self, *names: str, fix: str | None = None) -> pl.DataFrame:
        """As `read`, but InputError at the first record that lacks one of them or holds another type."""
        frame = self.read_ours(*names)
        for name in names:
            if frame[name].null_count():
                rows = frame[name].is_null().arg_true()
                raise members.BadRecords([(row, InputError(f"the record has no {name!r}", where=self.position(row), fix=fix)) for row in rows])
        return frame

    def filter(self, mask: pl.Series) -> Batch:
        """The records where `mask` (B,) is true."""
        line = self.position.line
        rows = pl.Series(range(len(self)), dtype=pl.Int64).filter(mask)
        position = replace(self.position, line=rows + line if isinstance(line, int) else line.filter(mask))
        raw = None if self.raw is None else self.raw.filter(mask)
        frame = self.frame.filter(mask) if self.frame.width else self.frame
        return self._but(frame=frame, raw=raw, position=position, plain={name: where.filter(mask) for name, where in self.plain.items()})

    def without(self, rows: list[int]) -> Batch:
        return self.filter(~pl.Series(range(len(self)), dtype=pl.UInt32).is_in(rows))

    def head(self, count: int) -> Batch:
        """The first `count` records."""
        return self.filter(pl.Series(range(len(self)), dtype=pl.UInt32) < count) if count < len(self) else self

    def put(self, *columns: pl.Series) -> Batch:
        """A batch with these columns added, or replaced where the records had them."""
        names = [column.name for column in columns]
        raw = self._cut(names)
        kept = self.frame.drop(names, strict=False)  # replaced columns go to the end, as they do in raw lines
        frame = kept.with_columns(columns) if kept.width else pl.DataFrame(columns)
        return self._but(frame=frame, raw=raw, added=self.added | set(names), plain=dict(self.plain))

    def drop(self, names: Iterable[str]) -> Batch:
        """A batch without these columns."""
        names = list(names)
        frame = self.frame.drop(names, strict=False)
        raw = _some(self._cut(names), frame, len(self))
        return self._but(frame=frame, raw=raw, added=self.added - set(names), plain=dict(self.plain))

    def keep(self, names: tuple[str, ...]) -> Batch:
        """A batch with these columns only."""
        frame = self.frame.select(name for name in self.frame.columns if name in names)
        raw = _some(None if self.raw is None else edits.keep(self.raw, names), frame, len(self))
        return self._but(frame=frame, raw=raw, added=self.added & set(names), plain={})

    def _cut(self, names: Iterable[str]) -> pl.Series | None:
        raw = self.raw
        for name in names:
            if raw is not None and name not in self.added and members.contains_key(raw, name):
                if dtype_of(name) is not None:
                    self.read(name)
                nothing_plain = pl.Series([False]).new_from_index(0, len(raw))
                raw = edits.cut(raw, name, self.plain.get(name, nothing_plain))
        return raw

    def _but(self, **changes: Any) -> Batch:
        return Batch(**{each.name: getattr(self, each.name) for each in fields(Batch)} | changes)

    def lines(self) -> pl.Series:
        """Each record as one line of JSON."""
        if self.raw is None:
            return members.to_json(self.frame)
        return members.splice(self.raw, self.frame.select(name for name in self.frame.columns if name in self.added))

    def to_bytes(self) -> bytes:
        """The lines, each with its end."""
        block: bytes = self.lines().str.join("\n").cast(pl.Binary).item()
        return block + b"\n"


def _some(raw: pl.Series | None, frame: pl.DataFrame, records: int) -> pl.Series | None:
    """Raw lines: those, or where there is nothing else that tells how many records there are, empty objects."""
    return pl.Series(["{}"]).new_from_index(0, records) if raw is None and not frame.width else raw


class Untouched(Batch):
    """A block of lines that are known to be JSON objects, and need not be joined again if they are written as they are."""

    def __init__(self, block: bytes, lines: pl.Series, position: Position) -> None:
        super().__init__(pl.DataFrame(), position, raw=lines)
        self._block = block

    def to_bytes(self) -> bytes:
        return self._block
