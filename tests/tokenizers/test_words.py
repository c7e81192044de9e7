"""Words: what is one token in which script, and the same ids from the `tokenizers` library."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from textkit.tokenizers.vocabulary import SPECIALS
from textkit.tokenizers.words import Words


def split(text: str, lowercase: bool = False) -> list[str]:
    return list(Words(Words.Config(lowercase=lowercase)).split(pl.Series([text], dtype=pl.String))[0])


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("Don't stop.", ["Don't", "stop", "."]),
        ("it’s rock'n'roll 'quoted'", ["it’s", "rock'n'roll", "'", "quoted", "'"]),
        ("pi is 3.14, not 1,000 at 10:30", ["pi", "is", "3.14", ",", "not", "1,000", "at", "10:30"]),
        ("What?! No... ok~~", ["What", "?!", "No", "...", "ok", "~~"]),
        ("snake_case 3rd x2", ["snake_case", "3rd", "x2"]),
        ("재밌게 봤다! 9점", ["재밌게", "봤다", "!", "9점"]),
        ("映画は面白い。", ["映画は面白い", "。"]),
        ("مُحَمَّدٌ كتب", ["مُحَمَّدٌ", "كتب"]),
        ("می‌خواهم بروم", ["می‌خواهم", "بروم"]),  # a zero-width non-joiner stands inside Persian words
        ("क्‍ष हिन्दी", ["क्‍ष", "हिन्दी"]),
        ("👩‍👩‍👧‍👦👍🏽", ["👩‍👩‍👧‍👦", "👍🏽"]),
        ("🇰🇷🇫🇷", ["🇰🇷", "🇫🇷"]),
        ("🏴󠁧󠁢󠁥󠁮󠁧󠁿!", ["🏴󠁧󠁢󠁥󠁮󠁧󠁿", "!"]),
        ("❤️‍🔥 1️⃣", ["❤️‍🔥", "1️⃣"]),
        ("50% (a+b)=$3", ["50", "%", "(", "a", "+", "b", ")", "=", "$", "3"]),
        ("a\x00b\x07", ["a", "\x00", "b", "\x07"]),
        ("<s> [PAD]", ["<", "s", ">", "[", "PAD", "]"]),
        (" \t\u3000\xa0\u2028", []),
        ("", []),
    ],
)
def test_tokens_by_hand(text: str, tokens: list[str]) -> None:
    assert split(text) == tokens


def test_decomposed_text_gives_composed_tokens() -> None:
    assert split("\u1112\u1161\u11ab cafe\u0301") == ["한", "café"]


def test_lowercase_is_that_of_the_library() -> None:
    """A final sigma stays a plain one, as the saved tokenizer.json has it."""
    assert split("ΟΔΟΣ Straße", lowercase=True) == ["οδοσ", "straße"]


@given(st.text(max_size=40))
@settings(max_examples=60)
def test_only_white_space_is_lost(text: str) -> None:
    composed = pl.Series([text], dtype=pl.String).str.normalize("NFC")[0]
    assert "".join(split(text)) == pl.Series([composed]).str.replace_all(r"\s", "")[0]


CORPUS = ["the film, the FILM", "ΟΔΟΣ οδοσ", "재밌게 봤다 !", "don't 3.14 👍🏽 🇰🇷", "<s> [PAD] [ ] < >", "é É ß"] * 2
TEXTS = st.text(max_size=30) | st.lists(st.sampled_from([*" \t\u3000.,'!?~[]<>", *CORPUS[:6], "\u0301", "\u200d", "\u200c", "🏽", "🇰"])).map("".join)


@pytest.fixture(scope="module", params=[False, True], ids=["cased", "lowercase"])
def both(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Words, Tokenizer]:
    """A learned tokenizer, and what the library makes of its file."""
    words = Words(Words.Config(lowercase=request.param))
    words.fit([pl.Series(CORPUS)])
    file: Path = tmp_path_factory.mktemp("words") / "tokenizer.json"
    file.write_text(words.to_json(), encoding="utf-8")
    library = Tokenizer.from_file(str(file))
    library.encode_special_tokens = True  # a text that spells a special token is text
    return words, library


@given(TEXTS)
@settings(max_examples=60)
@example("ΟΔΟΣ ΟΔΟΣ.")
@example("[PAD] <s> [UNK]")
@example("İ ﬁ K Å \u1112\u1161\u11ab")
@example("a\x00\x1c\x85\u2028\ufeffb")
def test_ids_are_those_of_the_library(both: tuple[Words, Tokenizer], text: str) -> None:
    words, library = both
    tokens, ids = words.encode(pl.Series([text], dtype=pl.String))
    assert ids is not None
    assert ids[0].to_list() == library.encode(text).ids
    known = [token if token in library.get_vocab() else "[UNK]" for token in tokens[0]]
    assert known == library.encode(text).tokens


def test_a_text_that_spells_special_tokens_gets_none_of_their_ids(both: tuple[Words, Tokenizer]) -> None:
    _, ids = both[0].encode(pl.Series([" ".join(SPECIALS)]))
    assert ids is not None
    assert {0, *range(2, len(SPECIALS))}.isdisjoint(ids[0].to_list())
