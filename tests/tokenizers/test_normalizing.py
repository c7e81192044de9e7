"""Normalization by columns is that of the `tokenizers` library."""

from __future__ import annotations

import itertools
import unicodedata

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from textkit.tokenizers.normalizing import Normalizing, normalized, normalizer

COMBINATIONS = [Normalizing(*values) for values in itertools.product(("nfc", "nfkc", "nfd", "none"), (False, True), (False, True))]
each_combination = pytest.mark.parametrize("combination", COMBINATIONS, ids=lambda c: f"{c.normalize}-{c.lowercase:d}{c.strip_accents:d}")
PECULIAR = [
    "ΟΔΟΣ",
    "İ",
    "ﬁ",
    "Å",
    "\u1112\u1161\u11ab",
    "\uffa1",
    "한",
    "\u0301",
    "\u0323",
    "e\u0301",
    "\u1df9",
    "㈎",
    " ",
    "a",
    "🏽",
    "\u200d",
    "\u0345",
]


def code_points() -> list[str]:
    """All that are letters, marks or the like, and some of the many that are neither assigned nor alike; none ends a line."""
    every = (chr(c) for c in range(0x110000) if not 0xD800 <= c < 0xE000 and c != 0x0A)
    plain = ("Cn", "Co", "Lo")  # by far the most, without case
    return [c for c in every if unicodedata.category(c) not in plain or unicodedata.decomposition(c) or ord(c) < 0x3400 or ord(c) % 17 == 0]


@pytest.fixture(scope="module")
def texts() -> pl.Series:
    """Each code point alone, with two marks behind it, and between a mark and a syllable."""
    points = code_points()
    return pl.Series("text", [*points, *(f"a{c}\u0323\u0301" for c in points), *(f"\u0301{c}가" for c in points)])


@each_combination
def test_every_code_point_comes_out_as_from_the_library(combination: Normalizing, texts: pl.Series) -> None:
    # line by line in one text, as nothing of it acts across the end of a line
    due = normalizer(combination).normalize_str("\n".join(texts)).split("\n")
    found = normalized(texts, combination).to_list()
    assert [(text, got) for text, got, want in zip(texts, found, due, strict=True) if got != want] == []


@given(st.lists(st.lists(st.sampled_from(PECULIAR) | st.text(max_size=3)).map("".join), max_size=5))
@settings(max_examples=60)
def test_whole_texts_come_out_as_from_the_library(lines: list[str]) -> None:
    for combination in COMBINATIONS:
        library = normalizer(combination)
        assert normalized(pl.Series(lines, dtype=pl.String), combination).to_list() == [library.normalize_str(line) for line in lines]


@each_combination
def test_the_texts_given_stay_as_they_are(combination: Normalizing) -> None:
    text = pl.Series("text", PECULIAR)
    assert normalized(text, combination).name == "text"
    assert text.to_list() == PECULIAR


@pytest.mark.parametrize(
    ("combination", "due"),
    [
        (Normalizing(), "Éclair 한 ﬁ"),
        (Normalizing("nfkc"), "Éclair 한 fi"),
        (Normalizing("nfd"), "E\u0301clair \u1112\u1161\u11ab ﬁ"),
        (Normalizing("none"), "E\u0301clair \u1112\u1161\u11ab ﬁ"),
        (Normalizing(lowercase=True), "éclair 한 ﬁ"),
        (Normalizing(strip_accents=True), "Eclair 한 ﬁ"),
        (Normalizing("nfkc", True, True), "eclair 한 fi"),
        (Normalizing("nfd", False, True), "Eclair \u1112\u1161\u11ab ﬁ"),
    ],
)
def test_by_hand(combination: Normalizing, due: str) -> None:
    assert normalized(pl.Series(["E\u0301clair \u1112\u1161\u11ab ﬁ"]), combination).to_list() == [due]
