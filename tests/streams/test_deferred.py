"""Columns that come later are those that would have been put at once."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from textkit.streams.batch import Batch, Position
from textkit.streams.deferred import Deferred

IDS = pl.Series("ids", [[1, 2], [], [3]], dtype=pl.List(pl.Int32))


def batch(**columns: list[Any]) -> Batch:
    return Batch(pl.DataFrame(columns), Position("f"), added=frozenset(columns))


class Numbers:
    names = ("ids",)

    def __init__(self) -> None:
        self.asked = 0

    def columns(self) -> list[pl.Series]:
        self.asked += 1
        return [IDS]

    def members(self) -> pl.Series:
        return pl.Series(['"ids":[1,2]', '"ids":[]', '"ids":[3]'])


def raw(*lines: str) -> Batch:
    return Batch(pl.DataFrame(), Position("f"), raw=pl.Series(lines))


BATCHES = {
    "text": batch(text=["a b", "", "c"]),
    "raw": raw('{"text":"a b","n":1e400}', "{ }", '{"text":"c" } \t'),
    "raw and added": raw('{"text":"a"}', "{}", '{"text":"c"}').put(pl.Series("tokens", [["a"], [], ["c"]])),
    "replaced": raw('{"ids":[9],"text":"a"}', '{"text":"b","ids":[]}', '{"text":"c"}'),
    "replaced column": batch(ids=[[7], [8], []], text=["a", "b", "c"]),
}


@pytest.mark.parametrize("name", BATCHES)
def test_lines_are_those_of_columns_put_at_once(name: str) -> None:
    later = Numbers()
    deferred = Deferred(BATCHES[name], later)
    due = BATCHES[name].put(IDS)
    assert deferred.to_bytes() == due.to_bytes()
    assert later.asked == 0
    assert len(deferred) == 3
    assert deferred.frame.select(due.frame.columns).equals(due.frame)
    assert deferred.to_bytes() == due.to_bytes()
    assert later.asked == 1


def test_everything_else_goes_by_the_columns() -> None:
    deferred, due = (Deferred(BATCHES["raw"], Numbers()), BATCHES["raw"].put(IDS))
    assert deferred.shows("ids") and deferred.shows("n") and not deferred.shows("m")
    assert deferred.has("ids") and deferred.ours("ids").to_list() == [[1, 2], [], [3]]
    assert deferred.filter(pl.Series([True, False, True])).to_bytes() == due.filter(pl.Series([True, False, True])).to_bytes()
    assert deferred.head(1).to_bytes() == due.head(1).to_bytes()
    for change in (lambda one: one.keep(("ids", "n")), lambda one: one.drop(["text"]), lambda one: one.put(pl.Series("ids", [[5], [6], [7]]))):
        assert change(Deferred(BATCHES["raw"], Numbers())).to_bytes() == change(BATCHES["raw"].put(IDS)).to_bytes()
