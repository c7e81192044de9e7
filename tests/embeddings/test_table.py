"""A table of vectors: alignment to another vocabulary, looking words up, file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

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


def test_words_are_looked_up_in_any_order_and_as_often_as_they_come() -> None:
    mine = table()
    words = pl.Series(["c", "x", "[PAD]", "a", "unseen", "a", None], dtype=pl.String)
    first = len(SPECIALS)
    assert mine.rows_of(words).tolist() == [first + 2, -1, -1, first, -1, first, -1]
    vectors, known = mine.vectors_of(words)
    assert known.tolist() == [True, False, False, True, False, True, False]
    np.testing.assert_array_equal(vectors[[0, 3, 5]], mine.vectors[[first + 2, first, first]])
    assert not vectors[[1, 2, 4, 6]].any()


def test_half_as_many_bytes_are_read_back_as_they_were_rounded(tmp_path: Path) -> None:
    mine = table(dim=64)
    rounded = mine.stored_as("float16")
    np.testing.assert_allclose(rounded.vectors, mine.vectors, rtol=2**-11)
    again = Table.load(saved(tmp_path / "half", rounded))
    assert again.vectors.dtype == np.float32
    assert again.store == "float16"
    np.testing.assert_array_equal(again.vectors, rounded.vectors)
    saved(tmp_path / "full", again.stored_as("float32"))
    sizes = [(tmp_path / name / FILE).stat().st_size for name in ("half", "full")]
    assert sizes[1] - sizes[0] == mine.vectors.size * 2
    np.testing.assert_array_equal(Table.load(tmp_path / "full").vectors, rounded.vectors)


def test_numbers_too_great_for_the_type_are_told() -> None:
    mine = table()
    mine.vectors[8, 1] = 70_000
    with pytest.raises(InputError, match="float16 cannot hold"):
        mine.stored_as("float16")


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
