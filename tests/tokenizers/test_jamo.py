"""Jamo: Hangul taken apart, all else as in chars, and back by composition."""

from __future__ import annotations

import unicodedata

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from textkit.tokenizers.jamo import Jamo


def split(text: str, **config: object) -> list[str]:
    return list(Jamo(Jamo.Config(**config)).split(pl.Series([text], dtype=pl.String))[0])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("한글", ["\u1112", "\u1161", "\u11ab", "\u1100", "\u1173", "\u11af"]),
        ("\u1112\u1161\u11ab", ["\u1112", "\u1161", "\u11ab"]),
        ("밖에", ["\u1107", "\u1161", "\u11a9", "\u110b", "\u1166"]),  # ㄲ below is one jamo
        ("봤다 ok", ["\u1107", "\u116a", "\u11bb", "\u1103", "\u1161", " ", "o", "k"]),
        ("ㅋㅏ", ["ㅋ", "ㅏ"]),  # letters that stand alone are none that conjoin
        ("ﾡￂ", ["ﾡ", "ￂ"]),
        ("大韓 9점", ["大", "韓", " ", "9", "\u110c", "\u1165", "\u11b7"]),
        ("é!", ["e\u0301", "!"]),
        ("👩‍👩‍👧‍👦👍🏽🇰🇷\n", ["👩‍👩‍👧‍👦", "👍🏽", "🇰🇷", "\n"]),
        ("가\u302e", ["\u1100", "\u1161\u302e"]),  # a tone mark of old Hangul
        ("", []),
    ],
)
def test_tokens_by_hand(text: str, tokens: list[str]) -> None:
    assert split(text) == tokens


def test_normalization_goes_before() -> None:
    assert split("ﾡㄱ한", normalize="nfkc") == ["\u1100", "\u1100", "\u1112", "\u1161", "\u11ab"]
    assert split("É한", lowercase=True, strip_accents=True) == ["e", "\u1112", "\u1161", "\u11ab"]
    for form in ("nfc", "nfd", "none"):
        assert split("각É", normalize=form) == ["\u1100", "\u1161", "\u11a8", "E\u0301"]


@given(st.text(max_size=30) | st.text("가각힣ㄱ\u1100\u1161\u11a8 a\u0301", max_size=12))
@settings(max_examples=60)
def test_the_tokens_composed_are_the_text_composed(text: str) -> None:
    (joined, whole) = pl.Series(["".join(split(text)), text], dtype=pl.String).str.normalize("NFC")
    assert joined == whole


def test_it_says_how_text_comes_back_and_the_library_puts_it_together() -> None:
    text = "재밌게 봤다, café 👍🏽"
    jamo = Jamo(Jamo.Config(min_frequency=1))
    jamo.fit([pl.Series([text])])
    _, ids = jamo.encode(pl.Series([text]))
    assert ids is not None
    assert (jamo.joiner, jamo.composed) == ("", True)
    assert unicodedata.normalize("NFC", Tokenizer.from_str(jamo.to_json()).decode(ids[0].to_list())) == text
