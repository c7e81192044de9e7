"""The embed stage: what it adds to records and lineage, and what a bundle keeps of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.conftest import Textkit
from tests.making import records_of, run
from textkit.artifacts.store import Store
from textkit.cli import group
from textkit.embeddings.stage import Embed
from textkit.embeddings.table import Table
from textkit.embeddings.word2vec import Word2Vec
from textkit.errors import InputError, UsageError
from textkit.stage import ids_owner, restore
from textkit.tokenizers.stage import Tokenize

TEXTS = ["a b c a", "c b a b", "", "b c"] * 5
SETTINGS = Word2Vec.Config(dim=6, min_count=1)


def learner(save: Path | None = None, pool: str = "none") -> Embed:
    return Embed("word2vec", SETTINGS, pool, learner=Word2Vec(SETTINGS), store=Store(str(save) if save else None))


def test_tokens_without_ids_get_those_of_the_embedding() -> None:
    stage = learner()
    stream = run(TEXTS, Tokenize.of("words"), stage)
    first, *_ = records_of(stream)
    assert stage.vocabulary is not None
    assert first["ids"] == [stage.vocabulary.tokens.index(token) for token in first["tokens"]]
    assert "vector" not in first
    assert ids_owner(stream.lineage) == stream.lineage.stages[1]


def test_ids_that_are_there_stay_and_keep_their_owner() -> None:
    tokenizer = Tokenize.of("words", store=Store())
    with_ids = records_of(run(TEXTS, tokenizer))
    stream = run(TEXTS, Tokenize.of("words", store=Store()), learner())
    assert records_of(stream) == with_ids
    assert ids_owner(stream.lineage) == stream.lineage.stages[0]


def test_raw_text_is_tokenized_as_words_first(capsys: pytest.CaptureFixture[str]) -> None:
    stream = run(TEXTS, learner())
    assert [entry.label for entry in stream.lineage.stages] == ["tokenize words", "embed word2vec"]
    assert "tokenizing its text as words" in capsys.readouterr().err


def test_a_pooled_vector_is_the_mean_of_the_saved_rows(tmp_path: Path) -> None:
    records = records_of(run(TEXTS, learner(tmp_path / "vec", pool="mean")))
    table = Table.load(tmp_path / "vec")
    for record in records:
        rows = [table.vectors[table.vocabulary.tokens.index(token)] for token in record["tokens"]]
        np.testing.assert_allclose(record["vector"], np.mean(rows, 0) if rows else np.zeros(6), rtol=1e-5, atol=1e-7)
    assert records_of(run(TEXTS, Embed.load(tmp_path / "vec", "mean"))) == records


@pytest.mark.parametrize(
    ("pool", "files"), [("none", {"manifest.json", "vocab.txt"}), ("mean", {"manifest.json", "vocab.txt", "vectors.safetensors"})]
)
def test_a_copy_for_predicting_holds_vectors_only_to_pool_them(tmp_path: Path, pool: str, files: set[str]) -> None:
    stream = run(TEXTS, learner(tmp_path / "vec", pool))
    entry, due = stream.lineage.stages[1], records_of(stream)
    restore(entry).copy_to(tmp_path / "copy")
    assert {file.name for file in (tmp_path / "copy").iterdir()} == files
    assert records_of(run(TEXTS, restore(entry, folder=tmp_path / "copy"))) == due


def test_no_records_is_an_error() -> None:
    with pytest.raises(InputError, match="there are no records"):
        run([], learner())


def test_the_share_of_unknown_tokens_is_told(textkit: Textkit) -> None:
    known = '{"tokens":["a","b","a","b"]}\n' * 5
    learned = textkit("embed", "--dim", "2", "--save", "vec", "--progress", "json", stdin=known)
    assert '"tokens": 20, "unknown": 0' in learned.stderr
    applied = textkit("embed", "--load", "vec", stdin='{"tokens":["a","x","y","z"]}\n')
    assert "75.0 % of 4 tokens are not in the vocabulary" in applied.stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--subword", "jamo"], "word2vec has no --subword; it goes with --method fasttext"),
        (["--method", "lsa", "--lr", "1"], "lsa has no --lr; it goes with --method word2vec or fasttext or doc2vec"),
        (["--method", "lsa", "--threads", "2"], "lsa is not learned in threads"),
        (["--method", "onehot", "--threads", "2"], "onehot is not learned in threads"),
        (["--lr", "0.00001"], "would rise from lr=1e-05 to min_lr=0.0001"),
        (["-s", "ns_exponent=-500"], "ns_exponent is at least -10"),
        (["--method", "fasttext", "--min-n", "5", "--max-n", "3"], "min_n=5 is more than max_n=3"),
        (["--method", "fasttext", "--max-n", "0", "--subword", "jamo"], "max_n=0 means none"),
        (["--method", "fasttext", "--max-n", "0", "--oov", "subword", "--pool", "mean"], "fasttext with max_n=0 has no subwords"),
        (["--method", "fasttext", "-s", "syllables=2"], "syllables is about n-grams of Hangul; add --subword jamo"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_options_that_would_do_nothing_or_cannot_be_are_refused(
    tmp_path: Path, arguments: list[str], told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.txt").write_text("a b\n")
    with pytest.raises(UsageError) as caught:
        group.main(["embed", *arguments, "a.txt"], standalone_mode=False)
    assert told in str(caught.value)


def test_the_words_alone_do_not_travel_by_reference(textkit: Textkit) -> None:
    note = "the vectors travel by reference"
    assert note in textkit("embed", "--dim", "2", stdin="a b\n").stderr
    assert note not in textkit("embed", "--dim", "2", "--words", stdin="a b\n").stderr
