"""One-hot vectors: a column a word, and a message where there are more words than columns."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from textkit.embeddings.onehot import OneHot
from textkit.tokenizers.vocabulary import SPECIALS

FIRST = len(SPECIALS)
ROWS = pl.Series([["a", "b", "a", "c"], ["a", "b"], []], dtype=pl.List(pl.String))


def test_each_word_has_a_column_of_its_own() -> None:
    table = OneHot(OneHot.Config()).fit([ROWS])
    assert table.vocabulary.tokens[FIRST:] == ["a", "b", "c"]
    np.testing.assert_array_equal(table.vectors[FIRST:], np.eye(3))
    assert not table.vectors[:FIRST].any()
    assert table.counts.tolist()[FIRST:] == [3, 2, 1]


def test_summed_up_they_count() -> None:
    vectors, known = OneHot(OneHot.Config()).fit([ROWS]).vectors_of(pl.Series(["a", "a", "x", "c"]))
    assert vectors.sum(0).tolist() == [2, 0, 1]
    assert known.tolist() == [True, True, False, True]


def test_of_more_words_than_columns_the_most_frequent_have_one(capsys: pytest.CaptureFixture[str]) -> None:
    table = OneHot(OneHot.Config(dim=2)).fit([ROWS])
    assert table.vocabulary.tokens[FIRST:] == ["a", "b"]
    assert table.vectors.shape == (FIRST + 2, 2)
    assert "3 words, of which the 2 most frequent get a column" in capsys.readouterr().err
