"""MurmurHash3 against scikit-learn's compiled one."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.utils import murmurhash3_32

from textkit.vectorizers import murmur
from textkit.vectorizers.murmur import murmur3


def due(strings: list[str]) -> list[int]:
    return [int(murmurhash3_32(string.encode(), seed=0, positive=False)) for string in strings]


def hashed(strings: list[str]) -> list[int]:
    found = murmur3(pl.Series(strings, dtype=pl.String))
    assert found.dtype == np.int32
    return [int(number) for number in found]


def test_published_values() -> None:
    """Of the empty string, and those that other implementations' tests give for seed 0."""
    strings = ["", "test", "Hello, world!", "The quick brown fox jumps over the lazy dog"]
    assert [number % 2**32 for number in hashed(strings)] == [0, 0xBA6BD213, 0xC0363E43, 0x2E4FF723]


@pytest.mark.parametrize("few", [0, 1, 32])
@pytest.mark.parametrize("size", range(41))
def test_every_length(size: int, few: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(murmur, "FEW", few)
    strings = ["x" * size, "abcdefghij" * 4, "é" * size, "", "0123456789" * 4]
    cut = [*strings, *(string[:size] for string in strings)]
    assert hashed(cut) == due(cut)


@settings(max_examples=200, deadline=None)
@given(strings=st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=40), max_size=80), many=st.integers(1, 100))
def test_any_strings(strings: list[str], many: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(murmur, "MANY", many)
        assert hashed(strings) == due(strings)


def test_long_strings_among_short_ones() -> None:
    strings = ["감", "긴 줄" * 2000, "", "w" * 10_000, "b" * 9_999, *(str(number) * 30 for number in range(100))]
    assert hashed(strings) == due(strings)


def test_a_slice_of_a_column_is_hashed_as_itself() -> None:
    column = pl.Series([f"word{number}" for number in range(100)])
    assert murmur3(column[40:60]).tolist() == due(column[40:60].to_list())
    assert murmur3(pl.concat([column[:3], column[50:53]], rechunk=False)).tolist() == due(column[:3].to_list() + column[50:53].to_list())
