"""Word2Vec: nothing of the corpus is lost on the way to gensim, and the vectors are gensim's."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from gensim.models import Word2Vec as Gensim
from hypothesis import given, settings
from hypothesis import strategies as st

from textkit.embeddings import corpus as corpora_
from textkit.embeddings.corpus import write_corpus
from textkit.embeddings.table import Table
from textkit.embeddings.word2vec import Word2Vec
from textkit.errors import InputError
from textkit.tokenizers.vocabulary import SPECIALS, Vocabulary

FIRST = len(SPECIALS)


def column(*rows: list[str]) -> pl.Series:
    return pl.Series("tokens", rows, dtype=pl.List(pl.String))


def learn(*rows: list[str], **config: object) -> Table:
    settings_ = Word2Vec.Config(**{"dim": 8, "min_count": 1, "epochs": 2, "subsample": 0.0, **config})  # type: ignore[arg-type]
    return Word2Vec(settings_, threads=1).fit([column(*rows)])


def row_of(table: Table, token: str) -> np.ndarray:
    return np.asarray(table.vectors[table.vocabulary.tokens.index(token)])


# Counts are all different, so that the library's own order of the vocabulary is ours.
CORPUS = [["e", "d", "c", "b", "a"], ["e", "d", "c", "b"], ["e", "d", "c"], ["e", "d"], ["e", "e"]] * 20


@pytest.mark.parametrize("sg", [True, False], ids=["skip-gram", "CBOW"])
def test_vectors_are_those_gensim_learns_from_the_same_integers(sg: bool, tmp_path: Path) -> None:
    table = learn(*CORPUS, sg=sg, seed=7, epochs=3, lr=0.05)
    file = tmp_path / "corpus"
    file.write_text("".join(" ".join(str(table.vocabulary.tokens.index(t)) for t in row) + "\n" for row in CORPUS))
    oracle = Gensim(corpus_file=str(file), vector_size=8, min_count=1, epochs=3, sample=0, sg=int(sg), seed=7, workers=1, alpha=0.05)
    for token in "abcde":
        np.testing.assert_array_equal(row_of(table, token), oracle.wv[str(table.vocabulary.tokens.index(token))])


def test_special_tokens_have_no_vector_and_words_have_one() -> None:
    table = learn(*CORPUS)
    assert table.vectors.shape == (FIRST + 5, 8)
    assert table.vectors.dtype == np.float32
    assert not table.vectors[:FIRST].any()
    assert np.abs(table.vectors[FIRST:]).sum(1).all()
    assert table.counts.tolist() == [0] * FIRST + [120, 80, 60, 40, 20]


def test_white_space_inside_tokens_does_not_split_them() -> None:
    """gensim cuts its corpus file at any Unicode space."""
    odd = ["a b", "a\u3000b", "a\xa0b", "a\u2028b", "a\x85b", "a\x1cb", "a\tb"]
    table = learn(*[[*odd, "a", "b"]] * 5)
    assert {*odd, "a", "b"} == {*table.vocabulary.tokens[FIRST:]}
    assert (table.counts[FIRST:] == 5).all()
    assert len(np.unique(table.vectors[FIRST:], axis=0)) == 9


def test_long_records_are_cut_into_pieces_and_no_token_is_lost() -> None:
    """gensim reads 10,000 tokens of a line and drops the rest in silence."""
    vocabulary = Vocabulary([*SPECIALS, "a", "b"])
    lengths = [25_000, 10_000, 20_000, 3, 10_001]
    file = io.BytesIO()
    found = write_corpus(file, vocabulary, [column(*(["a", "b"] * (n // 2) + ["a"] * (n % 2) for n in lengths))])
    lines = [line.split() for line in file.getvalue().decode().splitlines()]
    assert (found.words, found.lines, found.longest) == (sum(lengths), 9, 10_000)
    assert [len(line) for line in lines] == [10_000, 10_000, 5_000, 10_000, 10_000, 10_000, 3, 10_000, 1]
    assert {*lines[0]} == {"7", "8"}
    assert learn(["a", "b"] * 6_000 + ["last"]).counts.tolist()[FIRST:] == [6_000, 6_000, 1]


@given(st.lists(st.lists(st.sampled_from("abxy"), max_size=9), max_size=8))
@settings(max_examples=60)
def test_the_corpus_holds_the_known_words_of_each_record(rows: list[list[str]]) -> None:
    file = io.BytesIO()
    found = write_corpus(file, Vocabulary([*SPECIALS, "a", "b"]), [column(*rows), column()])
    known = [[str(FIRST + "ab".index(token)) for token in row if token in "ab"] for row in rows]
    assert file.getvalue().decode() == "".join(" ".join(row) + "\n" for row in known if row)
    lengths = [*map(len, known)]
    assert (found.words, found.lines, found.longest) == (sum(lengths), sum(n > 0 for n in lengths), max([0, *lengths]))


def test_a_corpus_without_frequent_words_takes_all(capsys: pytest.CaptureFixture[str]) -> None:
    table = learn(["x", "y", "z"], min_count=5)
    assert table.vocabulary.tokens[FIRST:] == ["x", "y", "z"]
    assert "min_count=1" in capsys.readouterr().err


@pytest.mark.parametrize("rows", [[["x", "x"]], [["x", "y"]], [["x"], ["y", "x"]]], ids=str)
@pytest.mark.parametrize("subsample", [0.0, 0.001])
def test_a_handful_of_words_is_not_left_at_its_random_start(rows: list[list[str]], subsample: float) -> None:
    """gensim thins a small corpus out, trains on no word at all without an error and returns its random start."""
    table = learn(*rows, subsample=subsample)
    start = Gensim(vector_size=8, min_count=1, seed=42, workers=1, sorted_vocab=0)
    start.build_vocab_from_freq({str(i): int(n) for i, n in enumerate(table.counts) if n})
    for i in range(FIRST, len(table.vocabulary)):
        assert not np.array_equal(table.vectors[i], start.wv[str(i)])


@pytest.mark.parametrize("rows", [[["x"]], [["x"], ["y"], []]], ids=str)
def test_words_without_a_neighbour_are_refused(rows: list[list[str]]) -> None:
    with pytest.raises(InputError, match="no record has two words"):
        learn(*rows)


@pytest.mark.parametrize("rows", [[], [[]], [["[PAD]", "<s>"] * 9], [["\n"] * 9]], ids=["no records", "no tokens", "special tokens", "line feeds"])
def test_nothing_to_learn_from_is_an_error(rows: list[list[str]]) -> None:
    with pytest.raises(InputError, match="nothing to learn word vectors from"):
        learn(*rows, min_count=5)


def test_a_rate_too_small_to_change_anything_is_an_error() -> None:
    with pytest.raises(InputError, match="nothing was learned"):
        learn(*CORPUS, lr=1e-20, min_lr=0.0)


def test_words_of_one_topic_are_nearer_than_those_of_two() -> None:
    rng = np.random.default_rng(0)
    topics = [["cat", "dog", "horse", "cow"], ["red", "green", "blue", "pink"]]
    table = learn(*(rng.permutation(topics[i % 2]).tolist() for i in range(600)), epochs=10, dim=16, window=3)
    unit = {t: row_of(table, t) / np.linalg.norm(row_of(table, t)) for topic in topics for t in topic}
    within = [unit[a] @ unit[b] for topic in topics for a in topic for b in topic if a < b]
    across = [unit[a] @ unit[b] for a in topics[0] for b in topics[1]]
    assert min(within) > max(across)


def test_threads_by_the_size_of_the_corpus() -> None:
    assert corpora_.choose_threads(corpora_.SMALL - 1) == 1
    assert corpora_.choose_threads(corpora_.SMALL) == len(os.sched_getaffinity(0))


LEARN = """
import sys, polars as pl
from textkit.embeddings.word2vec import Word2Vec
rows = [line.split() for line in sys.stdin.buffer.read().decode().split("\\n")]
table = Word2Vec(Word2Vec.Config(dim=16, min_count=2)).fit([pl.Series(rows, dtype=pl.List(pl.String))])
sys.stdout.buffer.write("\\n".join(table.vocabulary.tokens).encode() + table.vectors.tobytes())
"""


def test_every_process_learns_the_same_bytes(corpora: Path) -> None:
    corpus = (corpora / "reviews_en_test.tsv").read_bytes()
    learned = {
        subprocess.run(
            [sys.executable, "-c", LEARN], input=corpus, capture_output=True, check=True, env={**os.environ, "PYTHONHASHSEED": seed}
        ).stdout
        for seed in ("0", "1")
    }
    assert len(learned) == 1
    assert len(learned.pop()) > 1000
