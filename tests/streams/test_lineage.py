"""Lineages: what makes two equal, and how a difference is told."""

from __future__ import annotations

import json

import pytest

from textkit.errors import InputError
from textkit.streams.lineage import Entry, Lineage, control_line, end_line, from_json

TOKENIZE = Entry("tokenize", "wordpiece", {"vocab_size": 100}, "tok", "a" * 64)
PAD = Entry("pad", None, {"length": 32})
BOTH = Lineage((TOKENIZE, PAD))


def test_a_header_reads_back() -> None:
    lineage = Lineage((TOKENIZE, PAD), {"text": "본문"})
    back = control_line(lineage.header(), "f:1")
    assert isinstance(back, Lineage)
    assert (back.stages, back.columns) == (lineage.stages, lineage.columns)
    assert "본문" in lineage.header()


def test_an_end_line_is_its_count() -> None:
    assert end_line(7) == '{"textkit":{"end":7}}'
    assert control_line(end_line(7), "f:9") == 7


@pytest.mark.parametrize(
    ("other", "equal"),
    [
        (Lineage((TOKENIZE, PAD)), True),
        (Lineage((Entry("tokenize", "wordpiece", {"vocab_size": 100}, "/elsewhere", "a" * 64), PAD)), True),
        (Lineage((TOKENIZE, PAD), {"text": "document"}), True),
        (Lineage((Entry("tokenize", "wordpiece", {"vocab_size": 100}, "tok", "b" * 64), PAD)), False),
        (Lineage((Entry("tokenize", "wordpiece", {"vocab_size": 101}, "tok", "a" * 64), PAD)), True),  # how it was learned
        (Lineage((Entry("tokenize", "wordpiece", {"vocab_size": 100, "pool": "mean"}, "tok", "a" * 64), PAD)), False),
        (Lineage((Entry("tokenize", "words", {"vocab_size": 100}, "tok", "a" * 64), PAD)), False),
        (Lineage((PAD, TOKENIZE)), False),
        (Lineage((TOKENIZE,)), False),
        (Lineage(), False),
    ],
)
def test_equality_is_what_changes_the_bytes(other: Lineage, equal: bool) -> None:
    assert (other == BOTH) is equal
    assert (hash(other) == hash(BOTH)) is equal


def test_the_order_of_settings_does_not_count() -> None:
    assert Lineage((Entry("pad", None, {"a": 1, "b": 2}),)) == Lineage((Entry("pad", None, {"b": 2, "a": 1}),))


@pytest.mark.parametrize(
    ("other", "difference"),
    [
        (Lineage((TOKENIZE, Entry("pad", None, {"length": 64}))), "stage 2 differs: pad with length=32 against 64"),
        (Lineage((Entry("tokenize", "words"), PAD)), "stage 1 differs: tokenize wordpiece against tokenize words"),
        (
            Lineage((Entry("tokenize", "wordpiece", {"vocab_size": 100}, "new", "b" * 64), PAD)),
            "stage 1 differs: tokenize wordpiece with artifact tok@aaaaaaaaaaaa against new@bbbbbbbbbbbb",
        ),
        (Lineage((TOKENIZE,)), "only the first has pad"),
        (Lineage((TOKENIZE, PAD, Entry("embed", "word2vec"), PAD)), "only the second has embed word2vec, pad"),
        (Lineage((TOKENIZE, PAD)), "they are equal"),
    ],
)
def test_a_difference_in_words(other: Lineage, difference: str) -> None:
    assert BOTH.difference(other) == difference


def test_a_difference_in_a_long_list_is_told_in_short() -> None:
    mine, theirs = (Lineage((Entry("tokenize", "words", {"stop_words": words}),)) for words in (["a"], ["a", "an", "the", "of"]))
    assert mine.difference(theirs) == "stage 1 differs: tokenize words with stop_words=['a'] against ['a', 'an', 'the', … 4 in all]"


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        "x",
        {"version": 1},
        {"stages": []},
        {"version": "1", "stages": []},
        {"version": True, "stages": []},
        {"version": 1, "stages": 5},
        {"version": 1, "stages": {"stage": "pad"}},
        {"version": 1, "stages": ["pad"]},
        {"version": 1, "stages": [{"method": "words"}]},
        {"version": 1, "stages": [{"stage": 1}]},
        {"version": 1, "stages": [{"stage": "pad", "config": []}]},
        {"version": 1, "stages": [{"stage": "pad", "sha256": 5}]},
        {"version": 1, "stages": [{"stage": "pad", "sha256": "../" + "a" * 61}]},
        {"version": 1, "stages": [{"stage": "pad", "sha256": "a" * 64 + "\n"}]},
        {"version": 1, "stages": [{"stage": "\ud800"}]},
        {"version": 1, "stages": [{"stage": "pad", "config": {"a": ["\ud800"]}}]},
        {"version": 1, "stages": [], "columns": {"text": "\ud800"}},
        {"version": 1, "stages": [], "columns": ["text"]},
    ],
)
def test_a_damaged_header_is_told_of(value: object) -> None:
    with pytest.raises(InputError, match="f:1: the lineage header is damaged"):
        from_json(value, "f:1")


def test_a_newer_version_says_what_to_do() -> None:
    with pytest.raises(InputError, match=r"of version 2, this textkit reads up to 1; update textkit"):
        control_line('{"textkit":{"version":2,"stages":[],"news":{}}}', "f:1")


def test_the_header_holds_no_nulls() -> None:
    assert json.loads(Lineage((PAD,)).header()) == {"textkit": {"version": 1, "stages": [{"stage": "pad", "config": {"length": 32}}]}}
