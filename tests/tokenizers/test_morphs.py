"""Morphs: Korean morphemes by Kiwi, which is imported only where they are asked for."""

from __future__ import annotations

import subprocess
import sys
import unicodedata

import polars as pl
import pytest

from textkit.errors import UsageError
from textkit.tokenizers import morphs
from textkit.tokenizers.morphs import Morphs


def split(*texts: str, **config: object) -> list[list[str]]:
    pytest.importorskip("kiwipiepy")
    return Morphs(Morphs.Config(**config)).split(pl.Series(texts, dtype=pl.String)).to_list()  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("재밌게 봤다!", ["재밌", "게", "보", "었", "다", "!"]),
        ("꽃이 핀다", ["꽃", "이", "피", "\u11ab다"]),  # an ending of which a part is written below the stem
        ("대한민국은 大韓民國", ["대한민국", "은", "大韓民國"]),
        ("the film was 3.14", ["the", "film", "was", "3.14"]),
        ("👩‍👩‍👧‍👦 👍🏽", ["👩‍👩‍👧‍👦", "👍🏽"]),
        ("[PAD] <s>", ["[", "PAD", "]", "<", "s", ">"]),
        (" \t\u3000", []),
        ("", []),
    ],
)
def test_tokens_as_a_grammar_has_them(text: str, tokens: list[str]) -> None:
    assert split(text) == [tokens]


def test_decomposed_text_is_composed_for_the_analyser() -> None:
    apart = unicodedata.normalize("NFD", "꽃이 봤다")
    assert split(apart) == split("꽃이 봤다") == [["꽃", "이", "보", "었", "다"]]
    assert split(apart, normalize="nfd") == [[unicodedata.normalize("NFD", form) for form in ("꽃", "이", "보", "었", "다")]]


def test_a_form_with_white_space_is_cut_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """The file of the tokenizer takes text with spaces between morphemes, so none may be inside of one."""
    monkeypatch.setattr(morphs, "analysed", lambda text: pl.Series(["가 나\u3000다 <s>"]))
    assert Morphs(Morphs.Config()).split(pl.Series(["x"])).to_list() == [["가", "나", "다", "<", "s>"]]


def test_without_the_analyser_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "kiwipiepy", None)
    morphs._kiwi.cache_clear()
    with pytest.raises(UsageError) as caught:
        Morphs(Morphs.Config()).split(pl.Series(["봤다"]))
    assert str(caught.value) == "the method morphs needs the analyser Kiwi; pip install textkit[ko]"


def test_the_analyser_is_imported_only_when_a_text_is_cut() -> None:
    code = "import sys; from textkit.tokenizers.morphs import Morphs; Morphs(Morphs.Config()); print('kiwipiepy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
