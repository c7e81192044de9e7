"""`tokenize --vocab`: the whole vocabulary with its ids and how often each token occurs."""

from __future__ import annotations

import io
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.making import records_of, run, stream_of
from textkit.artifacts.store import Store
from textkit.registry import TOKENIZERS
from textkit.stage import connect
from textkit.streams.sink import Outputs, Written
from textkit.tokenizers.listing import Listing, listing
from textkit.tokenizers.stage import Tokenize

TEXTS = ["the film was great", "the film", "the cast", "", "재밌다 the"] * 2


@pytest.fixture(scope="module")
def tok(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("listing") / "tok"
    run(TEXTS, Tokenize.of("words", TOKENIZERS.find("words").Config(vocab_size=10), Store(str(folder))))
    return folder


def listed(texts: list[str], stage: Tokenize) -> list[dict[str, Any]]:
    return records_of(run(texts, listing(stage, Outputs(format="jsonl"))[0]))


def test_all_tokens_in_the_order_of_their_ids(tok: Path) -> None:
    stage = Tokenize.load(tok)
    vocabulary = stage.vocabulary
    assert vocabulary is not None
    found = listed(["the film", "the cast the", ""], stage)
    assert [record["id"] for record in found] == list(range(len(vocabulary)))
    assert [record["token"] for record in found] == vocabulary.tokens
    count = {record["token"]: record["count"] for record in found}
    assert (count["the"], count["film"], count["[PAD]"]) == (3, 1, 0)
    assert sum(count.values()) == 5  # the words that it does not have are [UNK]


@settings(max_examples=30)
@given(texts=st.lists(st.text("the film x\t\n", max_size=20), max_size=20))
def test_counts_are_those_of_the_ids(tok: Path, texts: list[str]) -> None:
    ids = Counter(i for record in records_of(run(texts, Tokenize.load(tok))) for i in record["ids"])
    assert {record["id"]: record["count"] for record in listed(texts, Tokenize.load(tok)) if record["count"]} == dict(ids)


def test_without_a_vocabulary_the_distinct_tokens_by_count() -> None:
    assert listed(["b a b", "c a b"], Tokenize.of("words")) == [{"token": t, "count": n} for t, n in (("b", 3), ("a", 2), ("c", 1))]
    assert listed([], Tokenize.of("words")) == []


def test_what_is_learned_now_is_listed_and_kept(tmp_path: Path) -> None:
    stage = Tokenize.of("words", store=Store(str(tmp_path / "tok")))
    assert {record["token"] for record in listed(TEXTS, stage)} >= {"[PAD]", "the", "film"}
    assert Tokenize.load(tmp_path / "tok").vocabulary is not None


def test_ids_without_a_token_are_left_out(tmp_path: Path) -> None:
    from tokenizers import Tokenizer, models, pre_tokenizers

    tokenizer = Tokenizer(models.WordLevel({"a": 0, "b": 5, "?": 7}, unk_token="?"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    found = listed(["b b x"], Tokenize.load(tmp_path / "tokenizer.json"))
    assert [(record["token"], record["id"], record["count"]) for record in found] == [("a", 0, 0), ("b", 5, 2), ("?", 7, 1)]


def written(stage: Tokenize, texts: list[str], outputs: Outputs) -> str:
    lister, outputs = listing(stage, outputs)
    stream = connect(stream_of(texts), lister)
    out = io.BytesIO()
    writer = Written(out, outputs, stream.lineage)
    for batch in stream.batches:
        writer.write(batch)
    writer.finish(complete=True)
    return out.getvalue().decode()


class Spaces:
    """A method whose tokens hold what a line of a table cannot."""

    vocabulary = None
    config = None

    def encode(self, text: Any) -> tuple[Any, None]:
        return text.str.split("|").alias("tokens"), None


def spaces(monkeypatch: pytest.MonkeyPatch) -> Tokenize:
    stage = Tokenize("spaces", Spaces())
    monkeypatch.setattr(Listing, "entry", lambda self: Tokenize.of("words").entry())
    return stage


def test_as_tsv_unless_another_format_is_meant(tok: Path, tmp_path: Path) -> None:
    for outputs in (Outputs(), Outputs(format="tsv"), Outputs(path=str(tmp_path / "x.tsv")), Outputs(path=str(tmp_path / "x"))):
        assert written(Tokenize.load(tok), ["the"], outputs).splitlines()[:2] == ["token\tid\tcount", "[PAD]\t0\t0"]
    for outputs in (Outputs(format="jsonl"), Outputs(path=str(tmp_path / "x.jsonl"))):
        assert written(Tokenize.load(tok), ["the"], outputs).splitlines()[0] == '{"token":"[PAD]","id":0,"count":0}'
    assert written(Tokenize.load(tok), ["the"], Outputs(format="csv")).splitlines()[1] == "[PAD],0,0"


def test_a_tab_in_a_token_is_escaped_in_a_table(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    stage = spaces(monkeypatch)
    texts = ["a\tb|a\tb|\n|\n|\\t|\r", "a\tb"]
    assert written(stage, texts, Outputs()) == "token\tcount\na\\tb\t3\n\\n\t2\n\\r\t1\n\\\\t\t1\n"
    assert "3 tokens hold a tab or a line end" in capsys.readouterr().err
    assert written(stage, texts, Outputs(format="jsonl")).splitlines()[0] == r'{"token":"a\tb","count":3}'
    assert written(stage, texts, Outputs(quotes=True)).splitlines()[1] == '"a\tb"\t3'


def test_backslashes_stay_where_nothing_is_escaped(monkeypatch: pytest.MonkeyPatch) -> None:
    assert written(spaces(monkeypatch), ["\\t"], Outputs()) == "token\tcount\n\\t\t1\n"
