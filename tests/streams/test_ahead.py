"""Batches that another thread makes are the same, in order, with the error that ends them."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import polars as pl
import pytest

from textkit.errors import InputError
from textkit.streams.ahead import ahead
from textkit.streams.batch import Batch, Position


def batch(**columns: list[Any]) -> Batch:
    return Batch(pl.DataFrame(columns), Position("f"), added=frozenset(columns))


def some(count: int, log: list[int]) -> Iterator[Batch]:
    for number in range(count):
        log.append(number)
        yield batch(text=[str(number)])


def test_the_same_batches_in_order() -> None:
    assert [one.frame["text"][0] for one in ahead(some(20, []))] == [str(number) for number in range(20)]
    assert [*ahead(iter([]))] == []


def test_no_more_than_two_are_made_ahead() -> None:
    log: list[int] = []
    batches = ahead(some(20, log))
    next(batches)
    time.sleep(0.2)
    assert len(log) <= 3  # the one taken, the one that waits, the one that would like to
    batches.close()  # type: ignore[attr-defined]


def test_an_error_comes_after_what_was_made_before_it() -> None:
    def broken() -> Iterator[Batch]:
        yield batch(text=["a"])
        raise InputError("bad", where="f:2")

    batches = ahead(broken())
    assert next(batches).frame["text"].to_list() == ["a"]
    with pytest.raises(InputError, match="f:2: bad"):
        next(batches)


def test_nothing_is_made_for_a_user_who_left() -> None:
    before, log = threading.active_count(), list[int]()
    batches = ahead(some(1000, log))
    next(batches)
    batches.close()  # type: ignore[attr-defined]
    for _ in range(50):
        if threading.active_count() <= before:
            break
        time.sleep(0.1)
    assert threading.active_count() <= before
    assert len(log) < 10
