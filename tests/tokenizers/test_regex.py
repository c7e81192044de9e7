"""Regex: the matches of the user's own pattern, and what is said of a pattern that cannot be."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from textkit.errors import InputError, UsageError
from textkit.tokenizers.regex import ALIKE, DEFAULT, Regex


def split(pattern: str, text: str, **config: object) -> list[str]:
    return list(Regex(Regex.Config(pattern=pattern, **config)).split(pl.Series([text], dtype=pl.String))[0])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("pattern", "text", "tokens"),
    [
        (DEFAULT, "Don't stop!? 재밌게 9점", ["Don", "'", "t", "stop", "!?", "재밌게", "9점"]),
        (r"\w+|[^\w\s]+", "Don't stop!? 재밌게 9점", ["Don", "'", "t", "stop", "!?", "재밌게", "9점"]),
        (r"[가-힣]+", "재밌게 봤다 film 大韓 ㅋㅋ", ["재밌게", "봤다"]),
        (r"\d", "3.14 ٣", ["3", "1", "4", "٣"]),
        (r"(?<=-)\w+", "a-b-c d", ["b", "c"]),  # looks around, as polars' patterns cannot
        (r"(\w)\1", "aab ccc", ["aa", "cc"]),
        (r"\X", "👩‍👩‍👧‍👦👍🏽", ["👩‍👩‍👧‍👦", "👍🏽"]),
        (r"[^,]+", "a b,\u3000c,,d\n", ["a b", "\u3000c", "d\n"]),
        (r"\p{Han}+", "大韓民國 Korea 映画は", ["大韓民國", "映画"]),
        (r"\[[A-Z]+\]|<\w+>", "[PAD] [ABC] <s> <b>", ["[", "PAD]", "[ABC]", "<", "s>", "<b>"]),  # special tokens are text
        (r"x", "", []),
        (r"x", "abc", []),
    ],
)
def test_tokens_by_hand(pattern: str, text: str, tokens: list[str]) -> None:
    assert split(pattern, text) == tokens


def test_the_pattern_sees_normalized_text() -> None:
    assert split(r"[가-힣]", "\u1112\u1161\u11ab") == ["한"]
    assert split(r"[a-z]+", "ÉT", lowercase=True, strip_accents=True) == ["et"]


@pytest.mark.parametrize("pattern", ["(", "[a", "a)", "*", "\\", "(?<n>a"])
def test_a_bad_pattern_is_an_error_of_usage(pattern: str) -> None:
    with pytest.raises(UsageError, match="setting pattern is no regular expression"):
        Regex(Regex.Config(pattern=pattern))


@pytest.mark.parametrize("pattern", ["", "a*", "x?", "a|", r"\P{M}|", r"\b", r"(?=\w)", "^", "$", r"(?<=a)", "(?:ab)*"])
def test_a_pattern_that_matches_the_empty_text_is_one_too(pattern: str) -> None:
    with pytest.raises(UsageError, match="matches the empty text"):
        Regex(Regex.Config(pattern=pattern))


def test_a_pattern_that_takes_for_ever_is_told_of() -> None:
    with pytest.raises(InputError, match="too many attempts at the text 'aaaa"):
        split("(a+)+b", "a" * 100)


ATOMS = [
    "a",
    "b",
    " ",
    "가",
    "-",
    "~",
    "&",
    r"\.",
    r"\-",
    r"\\",
    r"\s",
    r"\S",
    r"\d",
    r"\p{L}",
    r"\P{M}",
    "[ab]",
    "[^a가]",
    r"[^\s\p{L}]",
    r"[a-c\].]",
    "[가-힣_]",
]
REPEATS = ["", "", "+", "*", "?", "+?", "*?", "??"]
PATTERNS = st.lists(
    st.tuples(st.sampled_from(ATOMS), st.sampled_from(REPEATS), st.sampled_from(["", "", "", "|"])).map("".join), min_size=1, max_size=5
)


@given(PATTERNS.map("".join), st.text("abc가각 .-~&\\_1\n\u0301é<s>", max_size=20) | st.text(max_size=15))
@settings(max_examples=300, deadline=None)
def test_patterns_that_polars_reads_too_give_the_same_by_columns(pattern: str, text: str) -> None:
    try:
        regex = Regex(Regex.Config(pattern=pattern, normalize="none"))
    except UsageError:
        return  # it matches the empty text
    assert ALIKE.fullmatch(pattern)
    assert regex.split(pl.Series([text]))[0].to_list() == regex._matches(text)


@pytest.mark.parametrize(
    "pattern",
    [
        "a++",
        "a*+",
        "a?+",
        "(a)",
        "(?i)a",
        "a{2}",
        r"\w",
        r"\b",
        "^a",
        "a$",
        "a.",
        "[[:alpha:]]",
        "[a&&b]",
        "[a--b]",
        "[a~~b]",
        r"\p{Han}",
        r"[\w]",
        r"\h",
        "[",
    ],
)
def test_patterns_that_may_mean_something_else_are_left_to_the_library(pattern: str) -> None:
    assert not ALIKE.fullmatch(pattern)


def test_the_pattern_counts_without_a_vocabulary_too() -> None:
    assert "pattern" in Regex.applied
