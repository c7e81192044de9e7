"""`--explain`: its steps lead to the tokens that the stage gives, for every method, and can be read."""

from __future__ import annotations

import io
import json
import unicodedata
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console
from tokenizers import Tokenizer, models

from tests.conftest import Textkit
from tests.making import run
from tests.tokenizers.test_stage import each_method, learned, methods
from textkit.registry import TOKENIZERS
from textkit.showing.explanation import draw, visible
from textkit.tokenizers.applying import Applying
from textkit.tokenizers.explaining import explain
from textkit.tokenizers.paths import path
from textkit.tokenizers.stage import Tokenize

TEXTS = [
    "",
    "the film 재밌게 봤다, zebra!",
    unicodedata.normalize("NFD", "재밌다 café"),
    "a\u200b\x1b[0m\x00 b",
    "👩‍👩‍👧 ﬁ ㅋㅋ <s> [UNK]",
    " \t ",
    "x" * 300,
]


@each_method
def test_the_steps_end_in_the_tokens_of_the_stage(method: str, tmp_path: Path) -> None:
    learned(method, tmp_path / "tok")
    for applying in (Applying(), Applying(max_tokens=5, stop_words=("the",), add_bos_eos=True)):
        stage = Tokenize.load(tmp_path / "tok", applying)
        for text in TEXTS:
            told = explain(stage, text)
            batch = next(run([text], stage).batches)
            assert told["tokens"] == batch.read("tokens")["tokens"].to_list()[0]
            assert told["ids"] == batch.read("ids")["ids"].to_list()[0]
            json.dumps(told)
            draw(told, Console(file=io.StringIO(), width=120))


@each_method
def test_the_pieces_tokens_are_those_of_the_text(method: str, tmp_path: Path) -> None:
    stage = learned(method, tmp_path / "tok")
    for text in TEXTS:
        told = explain(stage, text)
        (segment,) = [step for step in told["steps"] if step["step"] == "segment"] or [{"pieces": []}]
        assert stage.vocabulary is not None
        known = [stage.vocabulary.tokens[i] for i in told["ids"]]
        assert [token for piece in segment["pieces"] for token in piece["tokens"]] == known or method == "morphs"
        assert all("path" in piece for piece in segment["pieces"] if len(piece["piece"]) < 200)


@pytest.mark.parametrize("method", [name for name in methods() if not TOKENIZERS.find(name).must_learn])
def test_methods_without_a_vocabulary_tell_what_they_cut(method: str) -> None:
    told = explain(Tokenize.of(method), "the film")
    assert "ids" not in told
    (cut,) = [step for step in told["steps"] if step["step"] == "pre-tokenize"]
    assert [piece["piece"] for piece in cut["pieces"]] == told["tokens"]


def test_longest_match_by_hand() -> None:
    vocabulary = {"[UNK]": 0, "un": 1, "##aff": 2, "##able": 3}
    model = {"type": "WordPiece", "vocab": vocabulary, "unk_token": "[UNK]", "continuing_subword_prefix": "##", "max_input_chars_per_word": 9}
    assert path(model, "unaffable") == (
        ["un", "##aff", "##able"],
        [
            {"tried": ["unaffable", "unaffabl", "unaffab", "unaffa", "unaff", "unaf", "una"], "found": "un"},
            {"tried": ["##affable", "##affabl", "##affab", "##affa"], "found": "##aff"},
            {"tried": [], "found": "##able"},
        ],
    )
    assert path(model, "unx") == (["[UNK]"], [{"tried": ["unx"], "found": "un"}, {"tried": ["##x"], "found": None}])
    assert path(model, "u" * 10) == (["[UNK]"], [{"longer_than": 9}])


def test_merges_by_hand_in_the_order_in_which_they_were_learned() -> None:
    """Sennrich et al. 2016: of e+s, es+t, l+o, lo+w comes lowest = low + est."""
    vocabulary = {piece: i for i, piece in enumerate(["l", "o", "w", "e", "s", "t", "es", "est", "lo", "low"])}
    model = {"type": "BPE", "vocab": vocabulary, "merges": [["e", "s"], ["es", "t"], ["l", "o"], "lo w"], "unk_token": None}
    tokens, way = path(model, "lowest") or ([], [])
    assert tokens == ["low", "est"]
    assert [(step["merged"], step["rank"]) for step in way[1:]] == [(["e", "s"], 0), (["es", "t"], 1), (["l", "o"], 2), (["lo", "w"], 3)]


PIECES = st.text("abcd가", min_size=1, max_size=8)


@given(
    st.lists(st.tuples(st.text("abcd", min_size=1, max_size=3), st.floats(-9, -0.1)), unique_by=lambda one: one[0], max_size=12),
    PIECES,
    st.booleans(),
)
@settings(max_examples=150)
def test_the_most_likely_pieces_are_the_librarys(learned_pieces: list[tuple[str, float]], text: str, falls_back: bool) -> None:
    extra = [("<0xEA>", -8.0), ("<0xB0>", -8.0), ("<0x80>", -8.0)] if falls_back else []
    library = models.Unigram([("[UNK]", 0.0), *learned_pieces, *extra], unk_id=0, byte_fallback=falls_back)
    tokenizer = Tokenizer(library)
    model = json.loads(tokenizer.to_str())["model"]
    tokens, _ = path(model, text) or ([], [])
    assert [tokenizer.token_to_id(token) for token in tokens] == [token.id for token in library.tokenize(text)]


@given(st.data(), PIECES, st.booleans(), st.booleans(), st.booleans())
@settings(max_examples=150)
def test_the_merges_are_the_librarys(data: st.DataObject, text: str, fuse: bool, knows: bool, ignores: bool) -> None:
    pieces = ["a", "b", "c"]
    merges: list[tuple[str, str]] = []
    for _ in range(data.draw(st.integers(0, 8))):
        pair = data.draw(st.sampled_from(pieces)), data.draw(st.sampled_from(pieces))
        if pair not in merges:
            merges.append(pair)
            pieces += ["".join(pair)] if "".join(pair) not in pieces else []
    vocabulary = {piece: i for i, piece in enumerate(["[UNK]", *pieces])}
    library = models.BPE(vocabulary, merges, unk_token="[UNK]" if knows else None, fuse_unk=fuse, ignore_merges=ignores)
    model: dict[str, Any] = json.loads(Tokenizer(library).to_str())["model"]
    tokens, _ = path(model, text) or ([], [])
    assert [vocabulary[token] for token in tokens] == [token.id for token in library.tokenize(text)]


def drawn(told: dict[str, Any]) -> list[str]:
    out = io.StringIO()
    draw(told, Console(file=out, width=100))
    return out.getvalue().splitlines()


def test_columns_line_up_in_korean() -> None:
    lines = drawn(explain(Tokenize.of("words"), "재밌게 a 봤다, 정말"))
    table = lines[next(i for i, line in enumerate(lines) if "token" in line) + 2 :]
    starts = {cell_len(line[: line.index(line.split()[1])]) for line in table}
    texts = {cell_len(line[: line.rindex(" ") + 1]) for line in table}
    assert len(starts) == len(texts) == 1
    assert [line.split()[1] for line in table] == ["재밌게", "a", "봤다", ",", "정말"]


def test_what_one_does_not_see_is_spelt_out() -> None:
    lines = "\n".join(drawn(explain(Tokenize.of("words"), unicodedata.normalize("NFD", "가\u200b\x1b"))))
    assert "decomposed at 0: U+1100 HANGUL CHOSEONG KIYEOK + U+1161 HANGUL JUNGSEONG A" in lines
    assert "invisible at 2: U+200B ZERO WIDTH SPACE" in lines
    assert "\x1b" not in lines and "⟨001B⟩" in lines
    assert visible("a b", spaces=True) == "a␣b"
    assert visible("\u0301x") == "◌\u0301x"


def test_the_command_explains_its_arguments_and_the_lines_of_stdin(textkit: Textkit) -> None:
    shown = textkit("tokenize", "--explain", "The", "film").stdout
    assert "The│film" in shown and "\x1b" not in shown
    lines = [
        json.loads(line) for line in textkit("tokenize", "--explain", "--to", "jsonl", "--lowercase", stdin="The film\n재밌다\n").stdout.splitlines()
    ]
    assert [line["tokens"] for line in lines] == [["the", "film"], ["재밌다"]]
    assert lines[0]["steps"][0] == {"step": "normalize", "by": "Lowercase", "before": "The film", "after": "the film"}
    assert "--load DIR" in textkit("tokenize", "--method", "bpe", "--explain", "x", code=2).stderr
    assert "does not go with it" in textkit("tokenize", "--explain", "--limit", 3, "x", code=2).stderr
    assert "UTF-8" in textkit("tokenize", "--explain", stdin=b"\xff\n", code=3).stderr


def test_words_of_a_saved_vocabulary_are_looked_up(tmp_path: Path) -> None:
    stage = learned("words", tmp_path / "tok")
    (segment,) = [step for step in explain(stage, "film zebra")["steps"] if step["step"] == "segment"]
    assert [(piece["path"][0]["look_up"], piece["path"][0]["found"]) for piece in segment["pieces"]] == [("film", True), ("zebra", False)]
    assert pl.Series(segment["pieces"][1]["tokens"]).to_list() == ["[UNK]"]
