"""Spellings: letters and their numbers, jamo, odd tokens."""

from __future__ import annotations

import json
import unicodedata
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from textkit.errors import InputError
from textkit.nn.settings import Reading
from textkit.tasks.spelling import BEGIN, END, LONGEST, UNKNOWN, Spelling


def learn(words: list[str], **given: Any) -> Spelling:
    spelling = Spelling.learn(Reading(**{"chars": "cnn", **given}), [pl.Series(["", *words])])
    assert spelling is not None
    return spelling


def rows(spelling: Spelling, *words: str) -> list[list[int]]:
    found = spelling.rows(pl.Series(["", *words]))
    assert found.offsets[:2].tolist() == [0, 0]  # padding has no letters
    return [found.flat[start:end].tolist() for start, end in zip(found.offsets[1:-1], found.offsets[2:], strict=True)]


def test_letters_between_marks_and_rare_ones_unknown() -> None:
    spelling = learn(["ab", "ba", "ac"])
    letters = [letter for letter in spelling.alphabet if letter.isalpha()]
    a, b = (4 + spelling.alphabet.index(letter) for letter in "ab")
    assert letters == ["a", "b"]
    assert rows(spelling, "ab", "cz", "") == [[BEGIN, a, b, END], [BEGIN, UNKNOWN, UNKNOWN, END], [BEGIN, END]]
    assert max(a, b) < spelling.kinds == 4 + len(spelling.alphabet)


def test_hangul_is_spelled_by_its_jamo_where_there_is_any() -> None:
    spelling = learn(["가", "각", "a"])
    assert spelling.jamo
    assert not learn(["a", "b"]).jamo
    assert not learn(["가", "각"], char_unit="char").jamo
    (one, other) = rows(learn(["가", "각", "가각"], char_unit="jamo"), "가", "각")
    assert (len(one), len(other)) == (5, 5)  # three letters and two marks
    assert one[:3] == other[:3]
    assert one[3] != other[3]
    decomposed = unicodedata.normalize("NFD", "각")
    assert rows(spelling, decomposed) == rows(spelling, "각")


def test_of_a_long_token_the_middle_is_left_out() -> None:
    spelling = learn(["ab", "ba"])
    (long,) = rows(spelling, "a" * 10_000 + "b")
    assert len(long) == LONGEST + 2
    assert long[-2] == rows(spelling, "b")[0][1]


@given(st.lists(st.text(), unique=True), st.sampled_from(["cnn", "ngrams"]), st.sampled_from(["auto", "jamo", "char"]))
@settings(max_examples=60, deadline=None)
def test_any_token_has_numbers_in_range_and_json_keeps_the_spelling(words: list[str], chars: str, unit: str) -> None:
    spelling = learn(words[::2], chars=chars, char_unit=unit)
    found = spelling.rows(pl.Series(["", *words]))
    assert len(found.lengths) == len(words) + 1
    assert ((found.flat > 0) & (found.flat < spelling.kinds)).all()
    again = Spelling.from_json(json.loads(json.dumps(spelling.to_json())), "here")
    assert again == spelling
    np.testing.assert_array_equal(again.rows(pl.Series(["", *words])).flat, found.flat)


def test_no_characters_asked_for_no_spelling() -> None:
    assert Spelling.learn(Reading(), [pl.Series(["", "a"])]) is None
    for damaged in (None, {"jamo": 1}, {"letters": "a"}):
        with pytest.raises(InputError, match="here"):
            Spelling.from_json(damaged, "here")
