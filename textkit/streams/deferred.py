"""Columns that are made when somebody asks: until then their JSON is known, which most often is all that is wanted."""

from __future__ import annotations

from typing import Protocol

import polars as pl

from textkit.streams import members
from textkit.streams.batch import Batch


class Later(Protocol):
    """Columns to come."""

    names: tuple[str, ...]

    def columns(self) -> list[pl.Series]:
        """The columns, (B,) each."""

    def members(self) -> pl.Series:
        """(B,) the same as members of JSON objects, `"ids":[1,2],"mask":[1,1]`."""


class Deferred(Batch):
    """A batch with columns added, or replaced where its records had them, that are yet to be made."""

    def __init__(self, batch: Batch, later: Later) -> None:
        before = batch.drop(name for name in later.names if batch.shows(name))
        self._before, self._later = before, later
        self._made: pl.DataFrame | None = None
        self.position, self.raw, self.plain = before.position, before.raw, before.plain
        self.added = before.added | {*later.names}

    def __len__(self) -> int:
        return len(self._before)

    @property
    def frame(self) -> pl.DataFrame:  # type: ignore[override]
        if self._made is None:
            columns = self._later.columns()
            self._made = self._before.frame.with_columns(columns) if self._before.frame.width else pl.DataFrame(columns)
        return self._made

    @frame.setter
    def frame(self, made: pl.DataFrame) -> None:
        self._made = made

    def shows(self, name: str) -> bool:
        return name in self._later.names or self._before.shows(name)

    def lines(self) -> pl.Series:
        if self._made is not None:
            return super().lines()
        return members.insert(self._before.lines(), self._later.members() + "}")
