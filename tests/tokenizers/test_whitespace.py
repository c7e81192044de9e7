"""Whitespace: what stands between white space of any kind."""

from __future__ import annotations

import polars as pl
import pytest

from textkit.tokenizers.vocabulary import SPECIALS
from textkit.tokenizers.whitespace import Whitespace


def split(text: str, **config: object) -> list[str]:
    return list(Whitespace(Whitespace.Config(**config)).split(pl.Series([text], dtype=pl.String))[0])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("Don't stop, 3.14 times!", ["Don't", "stop,", "3.14", "times!"]),
        ("재밌게 봤다!\t9점", ["재밌게", "봤다!", "9점"]),
        ("大韓民國은 Korea다", ["大韓民國은", "Korea다"]),
        ("a\u3000b\xa0c\u2028d\x85e\r\nf", ["a", "b", "c", "d", "e", "f"]),
        ("a\u200bb\ufeffc\x1cd", ["a\u200bb\ufeffc\x1cd"]),  # no white space in Unicode, whatever Python thinks of \x1c
        ("👩‍👩‍👧‍👦 👍🏽🇰🇷 ﾡﾢ", ["👩‍👩‍👧‍👦", "👍🏽🇰🇷", "ﾡﾢ"]),
        (" \u0301a", ["\u0301a"]),
        (" \t\u3000", []),
        ("", []),
    ],
)
def test_tokens_by_hand(text: str, tokens: list[str]) -> None:
    assert split(text) == tokens


def test_the_settings_of_normalization_count() -> None:
    assert split("\u1112\u1161\u11ab ﬁn É") == ["한", "ﬁn", "É"]
    assert split("\u1112\u1161\u11ab ﬁn É", normalize="nfkc", lowercase=True, strip_accents=True) == ["한", "fin", "e"]
    assert split("한", normalize="nfd") == split("\u1112\u1161\u11ab", normalize="none") == ["\u1112\u1161\u11ab"]


def test_a_special_token_that_a_text_spells_is_cut_in_two() -> None:
    """So no id of a special token comes out of somebody's text; what only contains one stays whole."""
    assert split("<s> a [PAD] [PAD]. x</s> </s>") == ["<", "s>", "a", "[", "PAD]", "[PAD].", "x</s>", "<", "/s>"]
    assert split("<user> <s>", add_special=("<user>",)) == ["<", "user>", "<", "s>"]


def test_ids_are_by_frequency_and_the_rare_are_unknown() -> None:
    whitespace = Whitespace(Whitespace.Config(vocab_size=9))
    whitespace.fit([pl.Series(["b a b", "c a b"]), pl.Series(["c c rare c"])])
    assert whitespace.vocabulary is not None
    assert whitespace.vocabulary.tokens == [*SPECIALS, "c", "b"]
    tokens, ids = whitespace.encode(pl.Series(["a b c", ""]))
    assert ids is not None
    assert (tokens.to_list(), ids.to_list()) == ([["a", "b", "c"], []], [[1, 8, 7], []])
