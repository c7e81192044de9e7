"""Chars: what a reader sees as one character, and the text back from the tokens."""

from __future__ import annotations

import unicodedata

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from textkit.tokenizers.chars import Chars


def split(text: str, **config: object) -> list[str]:
    return list(Chars(Chars.Config(**config)).split(pl.Series([text], dtype=pl.String))[0])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("It's 3!", ["I", "t", "'", "s", " ", "3", "!"]),
        ("재밌다 9점", ["재", "밌", "다", " ", "9", "점"]),
        ("\u1112\u1161\u11ab\u1100\u1173\u11af", ["한", "글"]),
        ("大韓民國 ㅋㅋ ﾡﾢ", ["大", "韓", "民", "國", " ", "ㅋ", "ㅋ", " ", "ﾡ", "ﾢ"]),
        ("q\u0323\u0301x", ["q\u0323\u0301", "x"]),  # nothing is composed of them
        ("\u0301a", ["\u0301", "a"]),
        (" \u0301\n\u0301", [" \u0301", "\n", "\u0301"]),  # a mark belongs to a space, but to no control character
        ("\u1112\u119e\u11ab", ["\u1112\u119e\u11ab"]),  # a syllable of old Hangul
        ("\u1100\u1112", ["\u1100", "\u1112"]),
        ("👩‍👩‍👧‍👦👍🏽👍", ["👩‍👩‍👧‍👦", "👍🏽", "👍"]),
        ("❤️‍🔥1️⃣🙂‍↔️", ["❤️‍🔥", "1️⃣", "🙂‍↔️"]),
        ("🇰🇷🇫🇷🇰", ["🇰🇷", "🇫🇷", "🇰"]),
        ("🏴󠁧󠁢󠁥󠁮󠁧󠁿!", ["🏴󠁧󠁢󠁥󠁮󠁧󠁿", "!"]),
        ("हिन्दी น้ำ ｶﾞ", ["हि", "न्", "दी", " ", "น้ำ", " ", "ｶﾞ"]),
        ("می‌خ", ["م", "ی‌", "خ"]),
        ("a\r\n\tb\u3000", ["a", "\r", "\n", "\t", "b", "\u3000"]),
        ("<s>", ["<", "s", ">"]),
        ("", []),
    ],
)
def test_tokens_by_hand(text: str, tokens: list[str]) -> None:
    assert split(text) == tokens


def test_decomposed_hangul_is_a_syllable_still() -> None:
    assert split("한글 é", normalize="nfd") == ["\u1112\u1161\u11ab", "\u1100\u1173\u11af", " ", "e\u0301"]
    assert split("\u1112\u1161\u11abx", normalize="none") == ["\u1112\u1161\u11ab", "x"]


@given(st.text(max_size=40))
@settings(max_examples=60)
def test_nothing_is_lost(text: str) -> None:
    assert "".join(split(text, normalize="none")) == text
    assert "".join(split(text)) == pl.Series([text], dtype=pl.String).str.normalize("NFC")[0]


def test_ids_become_the_text_again_in_the_library() -> None:
    text = "재밌다, it's 👩‍👩‍👧‍👦!\r\n\u3000end"
    chars = Chars(Chars.Config(min_frequency=1))
    chars.fit([pl.Series([text])])
    _, ids = chars.encode(pl.Series([unicodedata.normalize("NFD", text)]))
    assert ids is not None
    assert Tokenizer.from_str(chars.to_json()).decode(ids[0].to_list()) == text
