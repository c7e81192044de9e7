"""Ragged arrays: rows come out as they went in, in any order, padded or not."""

from __future__ import annotations

import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from textkit.arrays import Ragged

LISTS = st.lists(st.lists(st.integers(0, 9), max_size=5), min_size=1, max_size=8)


def ragged(lists: list[list[int]]) -> Ragged:
    return Ragged.of(pl.Series(lists, dtype=pl.List(pl.Int32)))


def rows_of(array: Ragged) -> list[list[int]]:
    return [array.flat[start:end].tolist() for start, end in zip(array.offsets[:-1], array.offsets[1:], strict=True)]


@given(LISTS)
@settings(max_examples=60)
def test_of_keeps_every_row(lists: list[list[int]]) -> None:
    assert rows_of(ragged(lists)) == lists
    assert ragged(lists).lengths.tolist() == [len(row) for row in lists]


@given(LISTS, st.data())
@settings(max_examples=60)
def test_take_and_padded_give_these_rows_in_this_order(lists: list[list[int]], data: st.DataObject) -> None:
    rows = data.draw(st.lists(st.integers(0, len(lists) - 1), max_size=6))
    chosen = [lists[row] for row in rows]
    index = np.array(rows, np.int64)
    assert rows_of(ragged(lists).take(index)) == chosen
    padded, lengths = ragged(lists).padded(index, pad_id=7)
    width = max([1, *map(len, chosen)])
    assert padded.tolist() == [row + [7] * (width - len(row)) for row in chosen]
    assert lengths.tolist() == [len(row) for row in chosen]


def test_a_batch_of_empty_records_is_one_wide() -> None:
    padded, lengths = ragged([[], []]).padded(np.array([0, 1]), pad_id=3)
    assert padded.tolist() == [[3], [3]]
    assert lengths.tolist() == [0, 0]


def test_no_rows() -> None:
    nothing = ragged([])
    assert rows_of(nothing) == []
    assert nothing.padded(np.array([], np.int64), 0)[0].shape == (0, 1)
    assert rows_of(nothing.take(np.array([], np.int64))) == []
