"""LSA: the decomposition is numpy's, of scikit-learn's TF-IDF."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer

from textkit.embeddings.lsa import LSA
from textkit.embeddings.table import Table
from textkit.tokenizers.vocabulary import SPECIALS

FIRST = len(SPECIALS)
RNG = np.random.default_rng(3)
WORDS = [f"w{i}" for i in range(60)]
WEIGHTS = 1 / np.arange(1, 61)
ROWS = [RNG.choice(WORDS, RNG.integers(0, 15), p=WEIGHTS / WEIGHTS.sum()).tolist() for _ in range(200)]


def column(*rows: list[str]) -> pl.Series:
    return pl.Series("tokens", rows, dtype=pl.List(pl.String))


def learn(*parts: list[list[str]], **config: Any) -> Table:
    return LSA(LSA.Config(**{"min_count": 1, **config})).fit([column(*rows) for rows in parts])


@pytest.mark.parametrize("sublinear", [True, False])
@pytest.mark.parametrize("dim", [5, 20])
def test_vectors_of_words_and_records_are_those_of_an_exact_decomposition(dim: int, sublinear: bool) -> None:
    table = learn(ROWS[:77], ROWS[77:], dim=dim, sublinear_tf=sublinear, iterations=60)
    vectorizer = TfidfVectorizer(analyzer=lambda row: row, sublinear_tf=sublinear)
    rows = vectorizer.fit_transform(ROWS).toarray()
    left, singular, right = np.linalg.svd(rows, full_matrices=False)
    sign = np.sign(right[np.arange(dim), np.abs(right[:dim]).argmax(1)])
    order = [table.vocabulary.tokens.index(word) for word in vectorizer.get_feature_names_out()]
    np.testing.assert_allclose(table.vectors[order], (right[:dim].T * singular[:dim] * sign), atol=2e-4)
    assert table.documents is not None
    np.testing.assert_allclose(table.documents.vectors_of(column(*ROWS)), left[:, :dim] * singular[:dim] * sign, atol=2e-4)


def test_few_passes_are_near_enough() -> None:
    near, exact = (learn(ROWS, dim=5, iterations=n).vectors for n in (5, 60))
    assert np.abs(near - exact).max() < 0.05 * np.abs(exact).max()


def test_directions_that_are_not_there_are_zeros(capsys: pytest.CaptureFixture[str]) -> None:
    table = learn([["a", "b"], ["a", "b"], ["c"]], dim=5)
    assert table.vectors.shape == (FIRST + 3, 5)
    assert (np.abs(table.vectors).max(0) > 0).tolist() == [True, True, False, False, False]
    assert "2 independent directions" in capsys.readouterr().err
    assert table.documents is not None
    assert np.isfinite(table.documents.vectors_of(column(["a"], ["x"]))).all()
