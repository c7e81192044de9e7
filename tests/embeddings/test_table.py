"""A table of vectors: alignment to another vocabulary, pooling, file."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from textkit.artifacts import folder, tensors
from textkit.embeddings.table import FILE, KIND, Table, describe
from textkit.errors import InputError
from textkit.tokenizers.vocabulary import SPECIALS, Vocabulary

WORDS = ["a", "b", "c", "unseen"]


def table(dim: int = 3) -> Table:
    vocabulary = Vocabulary([*SPECIALS, *WORDS])
    vectors = np.random.default_rng(1).normal(size=(len(vocabulary), dim)).astype(np.float32)
    counts = np.array([0] * len(SPECIALS) + [5, 4, 3, 0], np.int64)
    return Table(vocabulary, vectors * (counts > 0)[:, None], counts)


def saved(path: Path, found: Table) -> Path:
    path.mkdir()
    found.save(path)
    folder.seal(path, {"kind": KIND, **describe(found)})
    return path


def test_rows_follow_the_other_vocabulary_by_token() -> None:
    mine, other = table(), Vocabulary(["c", "new", "[PAD]", "a", "unseen", "[UNK]"])
    rows = mine.rows_for(other, seed=3)
    assert rows.shape == (6, 3)
    assert rows.dtype == np.float32
    np.testing.assert_array_equal(rows[0], mine.vectors[len(SPECIALS) + 2])
    np.testing.assert_array_equal(rows[3], mine.vectors[len(SPECIALS)])
    assert not rows[2].any()
    for unknown in (1, 4, 5):
        assert rows[unknown].any()


def test_rows_without_a_vector_are_small_and_seeded() -> None:
    mine, other = table(dim=50), Vocabulary([*SPECIALS, *map(str, range(200))])
    rows = mine.rows_for(other, seed=3)
    np.testing.assert_array_equal(rows, mine.rows_for(other, seed=3))
    assert not np.array_equal(rows, mine.rows_for(other, seed=4))
    assert rows[7:].std() == pytest.approx(0.1 * mine.vectors[7:10].std(), rel=0.05)


def test_pooling_by_hand() -> None:
    """Tokens without a vector (unknown, special, unseen) do not count; a record of none of them is zeros."""
    mine = table()
    a, b = mine.vectors[len(SPECIALS)], mine.vectors[len(SPECIALS) + 1]
    records = [["a", "b", "a"], [], ["x", "[PAD]", "unseen"], ["b", "x"]]
    pooled = mine.pool(pl.Series("tokens", records, dtype=pl.List(pl.String)))
    due = [(a + b + a) / 3, np.zeros(3), np.zeros(3), b]
    assert (pooled.name, pooled.dtype) == ("vector", pl.List(pl.Float32))
    np.testing.assert_allclose(np.array(pooled.to_list()), np.array(due), rtol=1e-6)


@given(st.lists(st.lists(st.sampled_from([*WORDS, "x", "[PAD]"]), max_size=6), max_size=7))
@settings(max_examples=60)
def test_pooling_as_a_loop_does_it(records: list[list[str]]) -> None:
    mine = table()
    rows = dict(zip(mine.vocabulary.tokens, mine.vectors, strict=True))
    known = [[rows[token] for token in record if token in "abc"] for record in records]
    pooled = mine.pool(pl.Series("tokens", records, dtype=pl.List(pl.String)))
    assert pooled.dtype == pl.List(pl.Float32)
    assert len(pooled) == len(records)
    for found, vectors in itertools.zip_longest(pooled, known):
        np.testing.assert_allclose(found.to_numpy(), np.mean(vectors, 0) if vectors else np.zeros(3), rtol=1e-5, atol=1e-6)


def test_saved_and_loaded_it_is_the_same(tmp_path: Path) -> None:
    mine = table()
    again = Table.load(saved(tmp_path / "vec", mine))
    assert again.vocabulary.tokens == mine.vocabulary.tokens
    np.testing.assert_array_equal(again.vectors, mine.vectors)
    np.testing.assert_array_equal(again.counts, mine.counts)


@pytest.mark.parametrize("damage", ["rows", "width", "dtype", "name"])
def test_a_matrix_that_does_not_fit_its_vocabulary_is_refused(tmp_path: Path, damage: str) -> None:
    mine = table()
    vectors = {"rows": mine.vectors[1:], "width": mine.vectors[:, 1:], "dtype": mine.vectors.astype(np.float64), "name": mine.vectors}[damage]
    place = tmp_path / "vec"
    place.mkdir()
    mine.save(place)
    tensors.save(place / FILE, {"vector" if damage == "name" else "vectors": vectors, "counts": mine.counts})
    folder.seal(place, {"kind": KIND, **describe(mine)})
    with pytest.raises(InputError, match="tensor"):
        Table.load(place)
