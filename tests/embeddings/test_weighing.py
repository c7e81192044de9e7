"""What words weigh: SIF as its paper has it, idf as scikit-learn has it, and neither depends on how the stream is cut."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer

from textkit.embeddings import weighing
from textkit.embeddings.pooling import Pooling, look_up, pooled
from textkit.embeddings.table import Table
from textkit.embeddings.weighing import Weighing, facts_of, learn
from textkit.errors import InputError
from textkit.tokenizers.vocabulary import Vocabulary

WORDS = [f"w{i}" for i in range(80)]
RANDOM = np.random.default_rng(1)
COUNTS = RANDOM.integers(1, 500, 80)
RECORDS = [[str(w) for w in RANDOM.choice([*WORDS, "x", "y"], RANDOM.integers(1, 20), p=RANDOM.dirichlet(np.ones(82)))] for _ in range(150)]
SIF = Pooling("sif", "skip")


def table(counts: np.ndarray = COUNTS) -> Table:
    return Table(Vocabulary(WORDS), np.random.default_rng(2).normal(0.3, 1, (80, 12)).astype(np.float32), counts)


def column(records: list[list[str]]) -> pl.Series:
    return pl.Series("tokens", records, dtype=pl.List(pl.String))


def arora(mine: Table, records: list[list[str]], a: float, probability: dict[str, float], zero: bool = False) -> np.ndarray:
    """Algorithm 1 of the paper, a sentence at a time."""
    place = {word: row for row, word in enumerate(WORDS)}
    out = np.zeros((mine.dim, len(records)))
    for i, record in enumerate(records):
        weighed = [a / (a + probability[word]) * mine.vectors[place[word]].astype(float) for word in record if word in place]
        size = len(record) if zero else len(weighed)
        out[:, i] = np.sum(weighed, 0) / size if weighed else 0
    u = np.linalg.svd(out)[0][:, :1]
    return (out - u @ u.T @ out).T


@pytest.mark.parametrize("a", [1e-3, 1e-2])
@pytest.mark.parametrize("oov", ["skip", "zero"])
def test_sif_is_that_of_the_paper(a: float, oov: str) -> None:
    mine, asked = table(), Pooling("sif", oov, sif_a=a)
    found = pooled(look_up(mine, column(RECORDS), oov), "sif", learn(mine, [column(RECORDS)], asked))
    due = arora(mine, RECORDS, a, dict(zip(WORDS, COUNTS / COUNTS.sum(), strict=True)), oov == "zero")
    np.testing.assert_allclose(found, due, rtol=1e-4, atol=1e-6)


def test_of_a_table_without_counts_the_records_tell_how_often_words_occur() -> None:
    mine = table(np.ones(80, np.int64))
    found = pooled(look_up(mine, column(RECORDS), "skip"), "sif", learn(mine, [column(RECORDS[:70]), column(RECORDS[70:])], SIF))
    flat = [word for record in RECORDS for word in record]
    probability = {word: flat.count(word) / len(flat) for word in WORDS}
    np.testing.assert_allclose(found, arora(mine, RECORDS, 1e-3, probability), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("block", [1, 16, 4096])
def test_the_component_does_not_depend_on_batches(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weighing, "BLOCK", block)
    mine = table()
    due = learn(mine, [column(RECORDS)], SIF).component
    assert np.linalg.norm(due) == pytest.approx(1, abs=1e-6)
    for size in (1, 7, 16, 149):
        parts = [column(RECORDS[start : start + size]) for start in range(0, 150, size)]
        np.testing.assert_array_equal(learn(mine, [column([]), *parts], SIF).component, due)


def test_nothing_is_taken_out_of_one_record() -> None:
    """It would be all there is of it."""
    mine = table()
    for records in ([["w1", "w2"]], [["w1", "w2"], [], ["x"]], [[], ["x"]]):
        found = learn(mine, [column(records)], SIF)
        assert not found.component.any()
        assert pooled(look_up(mine, column([["w1"]]), "skip"), "sif", found).any()


def test_idf_is_that_of_scikit_learn() -> None:
    mine = table()
    found = learn(mine, [column(RECORDS[:50]), column([]), column(RECORDS[50:])], Pooling("tfidf", "skip"))
    theirs = TfidfVectorizer(analyzer=lambda record: record, vocabulary=WORDS, norm=None).fit(RECORDS)
    np.testing.assert_allclose(found.weights[:-1], theirs.idf_, rtol=1e-6)
    assert found.weights[-1] == pytest.approx(np.log(151) + 1)
    shares = theirs.transform(RECORDS).toarray()
    shares /= np.maximum(shares.sum(1, keepdims=True), 1e-9)
    np.testing.assert_allclose(pooled(look_up(mine, column(RECORDS), "skip"), "tfidf", found), shares @ mine.vectors, rtol=1e-4, atol=1e-5)


def test_a_mean_of_weights_that_unknown_words_share() -> None:
    """With --oov zero an unknown word weighs as one that no record had, and adds nothing."""
    mine = table()
    found = learn(mine, [column(RECORDS)], Pooling("tfidf", "zero"))
    one, other = found.weights[3], found.weights[-1]
    vector = pooled(look_up(mine, column([["w3", "new"], []]), "zero"), "tfidf", found)
    np.testing.assert_allclose(vector, [mine.vectors[3] * one / (one + other), np.zeros(12)], rtol=1e-5)


def test_saved_and_loaded_it_is_the_same(tmp_path: Path) -> None:
    mine = table()
    found = learn(mine, [column(RECORDS)], SIF)
    found.save(tmp_path)
    again = Weighing.load(tmp_path, facts_of(SIF), mine)
    assert again.told == {"pool": "sif", "oov": "skip", "sif_a": 1e-3}
    np.testing.assert_array_equal(again.weights, found.weights)
    np.testing.assert_array_equal(again.component, found.component)
    with pytest.raises(InputError, match="tensor weights"):
        Weighing.load(tmp_path, facts_of(SIF), Table(Vocabulary(WORDS[1:]), mine.vectors[1:], COUNTS[1:]))
