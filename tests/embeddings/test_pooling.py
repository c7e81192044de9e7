"""Pooling: one vector of many, by hand, as a loop does it, and as gensim does."""

from __future__ import annotations

from itertools import accumulate, pairwise

import numpy as np
import polars as pl
import pytest
from gensim.models import KeyedVectors
from hypothesis import given, settings
from hypothesis import strategies as st

from textkit.embeddings import pooling
from textkit.embeddings.pooling import Pooling, as_lists, look_up, pooled, token_vectors, unit
from textkit.embeddings.subwords import Subwords
from textkit.embeddings.table import Table
from textkit.embeddings.weighing import learn
from textkit.errors import UsageError
from textkit.streams.members import BadRecords
from textkit.tokenizers.vocabulary import SPECIALS, Vocabulary

WORDS = ["a", "b", "c", "unseen"]
A, B, C = (np.array(vector, np.float32) for vector in ([1, 2, -3], [4, -6, 1], [-2, 0.5, 8]))
RECORDS = [["a", "b", "a"], [], ["x", "[PAD]", "unseen"], ["b", "x"], ["c"]]
ZERO = np.zeros(3)
MEAN = (A + B + C) / 3
UNWEIGHED = ("mean", "max", "sum")


def table(subwords: Subwords | None = None) -> Table:
    vectors = np.zeros((len(SPECIALS) + len(WORDS), 3), np.float32)
    vectors[len(SPECIALS) :] = [A, B, C, [99, 99, 99]]
    return Table(Vocabulary([*SPECIALS, *WORDS]), vectors, np.array([0] * len(SPECIALS) + [5, 4, 3, 0], np.int64), subwords)


def column(records: list[list[str]]) -> pl.Series:
    return pl.Series("tokens", records, dtype=pl.List(pl.String))


def pool(records: list[list[str]], how: str, oov: str = "skip", mine: Table | None = None) -> np.ndarray:
    mine = mine or table()
    weighing = learn(mine, [column(RECORDS * 3)], Pooling(how, oov)) if how in ("sif", "tfidf") else None
    return pooled(look_up(mine, column(records), oov), how, weighing)


@pytest.mark.parametrize(
    ("how", "oov", "due"),
    [
        ("mean", "skip", [(A + B + A) / 3, ZERO, ZERO, B, C]),
        ("mean", "zero", [(A + B + A) / 3, ZERO, ZERO, B / 2, C]),
        ("mean", "mean", [(A + B + A) / 3, ZERO, MEAN, (B + MEAN) / 2, C]),
        ("sum", "skip", [A + B + A, ZERO, ZERO, B, C]),
        ("sum", "mean", [A + B + A, ZERO, 3 * MEAN, B + MEAN, C]),
        ("max", "skip", [[4, 2, 1], ZERO, ZERO, B, C]),
        ("max", "zero", [[4, 2, 1], ZERO, ZERO, [4, 0, 1], C]),
        ("max", "mean", [[4, 2, 1], ZERO, MEAN, np.maximum(B, MEAN), C]),
    ],
)
def test_by_hand(how: str, oov: str, due: list[np.ndarray]) -> None:
    """Special tokens, unknown words and those that were never seen have no vector."""
    np.testing.assert_allclose(pool(RECORDS, how, oov), due, rtol=1e-6)


def test_words_without_a_vector_are_made_of_their_subwords() -> None:
    ngrams = np.random.default_rng(0).normal(size=(50, 3)).astype(np.float32)
    mine = table(Subwords(ngrams, 3, 4))
    made, known = mine.subwords.vectors_of(pl.Series(["word", "", "unseen"]))  # type: ignore[union-attr]
    assert known.tolist() == [True, False, True]
    records = [["a", "word", "word"], [""], ["unseen", ""], ["b"]]
    np.testing.assert_allclose(pool(records, "mean", "subword", mine), [(A + 2 * made[0]) / 3, ZERO, made[2], B], rtol=1e-5)
    np.testing.assert_allclose(pool(records, "max", "subword", mine)[0], np.maximum(A, made[0]), rtol=1e-6)
    np.testing.assert_allclose(pool(records, "mean", "skip", mine), [A, ZERO, ZERO, B])
    assert look_up(mine, column(records), "subword").unknown == 2
    assert Pooling("mean").settled(mine).oov == "subword"
    assert Pooling("mean").settled(table()).oov == "skip"


def test_what_a_table_cannot_do_is_told() -> None:
    with pytest.raises(UsageError, match="subwords"):
        Pooling("mean", "subword").settled(table())
    with pytest.raises(UsageError, match="documents"):
        Pooling("doc").settled(table())


def test_each_record_with_an_unknown_token_is_named() -> None:
    with pytest.raises(BadRecords, match="'x'") as caught:
        look_up(table(), column([["a"], ["a", "x", "y"], [], ["unseen"], ["b"], ["z"]]), "error", lambda row: f"f:{row + 1}")
    told = [(row, error.message, error.where) for row, error in caught.value.faults]
    assert told == [(row, f"no vector for the token {token!r}", f"f:{row + 1}") for row, token in [(1, "x"), (3, "unseen"), (5, "z")]]
    np.testing.assert_array_equal(pool([["a"], []], "sum", "error"), [A, ZERO])


records_of_words = st.lists(st.lists(st.sampled_from([*WORDS, "x", "[PAD]"]), max_size=6), max_size=7)


@given(records_of_words, st.sampled_from(UNWEIGHED), st.sampled_from(["skip", "zero", "mean"]))
@settings(max_examples=150)
def test_as_a_loop_does_it(records: list[list[str]], how: str, oov: str) -> None:
    rows = {"a": A, "b": B, "c": C}
    other = {"skip": None, "zero": ZERO, "mean": MEAN}[oov]
    found = pool(records, how, oov)
    assert (found.shape, found.dtype) == ((len(records), 3), np.float32)
    for vector, record in zip(found, records, strict=True):
        mine = [rows.get(token, other) for token in record]
        counted = np.array([one for one in mine if one is not None])
        due = getattr(np, how)(counted, 0) if len(counted) else ZERO
        np.testing.assert_allclose(vector, due, rtol=1e-5, atol=1e-6)


def test_means_are_those_of_gensim() -> None:
    random = np.random.default_rng(3)
    words = [f"w{i}" for i in range(200)]
    vectors = random.normal(size=(200, 20)).astype(np.float32)
    theirs = KeyedVectors(20)
    theirs.add_vectors(words, vectors)
    mine = Table(Vocabulary(words), vectors, np.ones(200, np.int64))
    records = [[str(word) for word in random.choice([*words, "x", "y"], random.integers(1, 40))] for _ in range(100)]
    due = [theirs.get_mean_vector(record, pre_normalize=False, ignore_missing=True) for record in records]
    np.testing.assert_allclose(pool(records, "mean", mine=mine), due, rtol=1e-4, atol=1e-6)
    due = [theirs.get_mean_vector(record, pre_normalize=False, post_normalize=True, ignore_missing=True) for record in records]
    np.testing.assert_allclose(unit(pool(records, "mean", mine=mine)), due, rtol=1e-4, atol=1e-6)


def random_records(count: int) -> tuple[Table, list[list[str]]]:
    random = np.random.default_rng(5)
    words = [f"w{i}" for i in range(300)]
    mine = Table(Vocabulary(words), random.normal(size=(300, 17)).astype(np.float32), random.integers(0, 50, 300))
    return mine, [[str(word) for word in random.choice([*words, "x"], random.integers(0, 60))] for _ in range(count)]


@pytest.mark.parametrize("oov", ["skip", "zero", "mean"])
@pytest.mark.parametrize("how", [*UNWEIGHED, "sif", "tfidf"])
def test_records_beside_it_change_no_bit_of_a_record(how: str, oov: str) -> None:
    mine, records = random_records(60)
    weighing = learn(mine, [column(records)], Pooling(how, oov)) if how in ("sif", "tfidf") else None
    whole = pooled(look_up(mine, column(records), oov), how, weighing)
    for sizes in ([1] * 60, [7, 50, 3], [0, 60, 0]):
        parts = [records[start:stop] for start, stop in pairwise([0, *accumulate(sizes)])]
        found = [pooled(look_up(mine, column(part), oov), how, weighing) for part in parts]
        np.testing.assert_array_equal(np.concatenate(found), whole)


def test_a_maximum_over_more_tokens_than_are_gathered_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    mine, records = random_records(30)
    due = pool(records, "max", mine=mine)
    for most in (1, 17 * 5, 17 * 64):
        monkeypatch.setattr(pooling, "MOST", most)
        np.testing.assert_array_equal(pool(records, "max", mine=mine), due)


def test_vectors_of_tokens_stand_where_the_tokens_do() -> None:
    found = token_vectors(look_up(table(), column(RECORDS), "skip"), False)
    assert (found.name, found.dtype) == ("token_vectors", pl.List(pl.List(pl.Float32)))
    assert found.to_list() == [[A.tolist(), B.tolist(), A.tolist()], [], [ZERO.tolist()] * 3, [B.tolist(), ZERO.tolist()], [C.tolist()]]
    assert token_vectors(look_up(table(), column([[], []]), "skip"), True).to_list() == [[], []]
    of_unit = token_vectors(look_up(table(), column([["x", "c"]]), "skip"), True).to_list()[0]
    np.testing.assert_allclose(of_unit, [ZERO, C / np.linalg.norm(C)], rtol=1e-6)


def test_length_one_and_zeros_stay_zeros() -> None:
    np.testing.assert_allclose(unit(np.array([A, ZERO, 1e-30 * A], np.float32)), [A / np.linalg.norm(A), ZERO, A / np.linalg.norm(A)], rtol=1e-6)


def test_no_records_are_a_column_of_the_same_type() -> None:
    for vectors in (np.zeros((0, 3), np.float32), np.ones((2, 3), np.float32)):
        assert as_lists(vectors).dtype == pl.List(pl.Float32)
        assert len(as_lists(vectors)) == len(vectors)
