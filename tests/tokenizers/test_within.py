"""Records whose tokens have tags: these are cut up, and each keeps its place."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.making import REVIEWS, records_of, run, stream_of
from textkit.artifacts.store import Store
from textkit.registry import TOKENIZERS
from textkit.stage import connect, restore
from textkit.tokenizers.applying import Applying
from textkit.tokenizers.stage import Tokenize

TAGGED: list[dict[str, Any]] = [
    {"text": "unused", "tokens": review["text"].split(), "tags": ["X"] * len(review["text"].split())} for review in REVIEWS
]
words = st.lists(st.sampled_from(["film", "films", "greatly", "한국어", "", " ", "\u200b", "a b", "!?", "x" * 300]), max_size=6)


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("tok")
    for method in ("wordpiece", "bpe", "unigram", "byte-bpe"):
        settings = TOKENIZERS.find(method).Config(vocab_size=300, min_frequency=1)
        records_of(run(TAGGED, Tokenize.of(method, settings, Store(str(folder / method)))))
    return {path.name: path for path in folder.iterdir()}


def cut(stage: Tokenize, records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return records_of(run(records, stage))


def test_a_worked_example() -> None:
    records: list[dict[str, Any]] = [{"tokens": ["don't", "stop", "!?"], "tags": ["A", "B", "C"]}, {"tokens": [], "tags": []}]
    first, second = cut(Tokenize.of("words"), records)
    pieces = cut(Tokenize.of("words"), [{"text": token} for token in records[0]["tokens"]])
    counts = [len(piece["tokens"]) for piece in pieces]
    assert first["tokens"] == [token for piece in pieces for token in piece["tokens"]]
    assert first["word_starts"] == [0, counts[0], counts[0] + counts[1]]
    assert first["tags"] == ["A", "B", "C"]
    assert (second["tokens"], second["word_starts"]) == ([], [])


@settings(max_examples=40)
@given(records=st.lists(words, min_size=1, max_size=4))
@pytest.mark.parametrize("method", ["wordpiece", "bpe", "unigram", "byte-bpe"])
def test_each_word_is_cut_by_itself_and_has_its_start(learned: dict[str, Path], method: str, records: list[list[str]]) -> None:
    made = cut(Tokenize.load(learned[method]), [{"tokens": tokens, "tags": ["X"] * len(tokens)} for tokens in records])
    alone = Tokenize.load(learned[method])
    for tokens, record in zip(records, made, strict=True):
        if not any(records):  # nothing has a tag: texts are due
            continue
        pieces = cut(alone, [{"text": token} for token in tokens])
        assert record["tokens"] == [piece for one in pieces for piece in one["tokens"]]
        assert record["ids"] == [piece for one in pieces for piece in one["ids"]]
        assert record["word_starts"] == [sum(len(one["tokens"]) for one in pieces[:place]) for place in range(len(tokens))]


def test_without_tags_the_text_is_cut() -> None:
    made = cut(Tokenize.of("words"), [{"text": "a b", "tokens": ["other"], "word_starts": [0]}])
    assert (made[0]["tokens"], "word_starts" in made[0]) == (["a", "b"], False)


def test_the_lineage_says_so_and_restores_it(learned: dict[str, Path]) -> None:
    stream = connect(stream_of(TAGGED), Tokenize.load(learned["wordpiece"]))
    due, entry = records_of(stream), stream.lineage.stages[0]
    assert entry.config["words"] is True
    again: Any = restore(entry, folder=learned["wordpiece"])
    assert again.applying == Applying(words=True)
    untagged = [{"tokens": record["tokens"]} for record in TAGGED]
    made = [json.loads(line) for batch in stream_of(untagged).batches for line in again.apply(batch).lines()]
    assert [(one["tokens"], one["word_starts"]) for one in made] == [(one["tokens"], one["word_starts"]) for one in due]
