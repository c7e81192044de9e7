"""Ragged columns: flatten and nest undo each other."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from textkit import ragged
from textkit.ragged import flatten, nest

LISTS = st.lists(st.lists(st.integers(-5, 5), max_size=4), max_size=8)


@given(LISTS)
@settings(max_examples=60)
def test_flatten_and_nest_undo_each_other(lists: list[list[int]]) -> None:
    column = pl.Series(lists, dtype=pl.List(pl.Int32))
    values, lengths = flatten(column)
    assert values.to_list() == [value for row in lists for value in row]
    assert lengths.to_list() == [len(row) for row in lists]
    again = nest(values, lengths)
    assert again.to_list() == lists
    assert again.dtype == column.dtype


@pytest.mark.parametrize("dtype", [pl.String, pl.Int32, pl.Float32])
@pytest.mark.parametrize("lists", [[], [[]], [[], [], []]], ids=["no rows", "one empty row", "only empty rows"])
def test_nothing_but_empty_lists_keeps_rows_and_type(lists: list[list[int]], dtype: type[pl.DataType]) -> None:
    values, lengths = flatten(pl.Series(lists, dtype=pl.List(dtype)))
    assert len(values) == 0
    assert values.dtype == dtype
    again = nest(values, lengths)
    assert again.to_list() == lists
    assert again.dtype == pl.List(dtype)


def test_a_missing_list_counts_as_empty() -> None:
    values, lengths = flatten(pl.Series([["a"], None, [], ["b", "c"]], dtype=pl.List(pl.String)))
    assert values.to_list() == ["a", "b", "c"]
    assert nest(values, lengths).to_list() == [["a"], [], [], ["b", "c"]]


def test_empty_lists_at_both_ends_stay_where_they_are() -> None:
    assert nest(pl.Series([1, 2, 3]), pl.Series([0, 2, 0, 0, 1, 0])).to_list() == [[], [1, 2], [], [], [3], []]


@pytest.mark.parametrize("dtype", [pl.String, pl.Int32, pl.Float32, pl.UInt8])
def test_many_values_are_nested_just_the_same(dtype: type[pl.DataType], monkeypatch: pytest.MonkeyPatch) -> None:
    lists = [[], [1, 2, 3], [], [4], [5, 6] * 50, []]
    values, lengths = flatten(pl.Series(lists, dtype=pl.List(pl.Int32)))
    few = nest(values.cast(dtype), lengths)
    monkeypatch.setattr(ragged, "LARGE", 3)
    many = nest(values.cast(dtype), lengths)
    assert many.dtype == few.dtype == pl.List(dtype)
    assert many.to_list() == few.to_list()
