"""Logistic regression: scikit-learn's own probabilities, without scikit-learn."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from scipy.sparse import csr_matrix
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.linear_model import LogisticRegression as Sklearn

from textkit.arrays import Ragged
from textkit.classic.logreg import LogisticRegression

FEATURES = 12
CONFIG = LogisticRegression.Config(C=3.0)


def bags(records: int, seed: int) -> list[list[int]]:
    rng = np.random.default_rng(seed)
    return [rng.integers(0, FEATURES, rng.integers(0, 9)).tolist() for _ in range(records)]


def ragged(lists: list[list[int]]) -> Ragged:
    return Ragged.of(pl.Series(lists, dtype=pl.List(pl.Int32)))


def counts(lists: list[list[int]]) -> csr_matrix:
    return csr_matrix(np.array([np.bincount(np.array(row, int), minlength=FEATURES) for row in lists]))


@pytest.mark.parametrize("labels", [2, 4])
@pytest.mark.parametrize("class_weight", ["none", "balanced"])
def test_bags_as_scikit_learn_on_its_tfidf_matrix(labels: int, class_weight: str) -> None:
    train, test = bags(80, 1), [*bags(30, 2), [], [3]]
    targets = np.arange(80) % labels
    targets[:20] = 0
    model = LogisticRegression.fit_ids(ragged(train), targets, FEATURES, LogisticRegression.Config(3.0, class_weight=class_weight), seed=1)  # type: ignore[arg-type]
    tfidf = TfidfTransformer().fit(counts(train))
    oracle = Sklearn(C=3.0, max_iter=1000, class_weight=None if class_weight == "none" else class_weight)
    oracle.fit(tfidf.transform(counts(train)), targets)
    assert model.idf is not None
    np.testing.assert_allclose(model.idf, tfidf.idf_)
    np.testing.assert_allclose(model.predict_ids(ragged(test)), oracle.predict_proba(tfidf.transform(counts(test))), atol=1e-6)


@pytest.mark.parametrize("labels", [2, 3])
def test_vectors_as_scikit_learn(labels: int) -> None:
    x = np.random.default_rng(0).normal(size=(60, 5)).astype(np.float32)
    targets = np.arange(60) % labels
    model = LogisticRegression.fit_vectors(x, targets, CONFIG, seed=1)
    oracle = Sklearn(C=3.0, max_iter=1000).fit(x, targets)
    np.testing.assert_allclose(model.predict_vectors(x), oracle.predict_proba(x), atol=1e-6)


def test_an_empty_record_gets_what_the_bias_says() -> None:
    model = LogisticRegression(np.ones((FEATURES, 2)), np.array([0.0, np.log(3)]), np.ones(FEATURES))
    np.testing.assert_allclose(model.predict_ids(ragged([[], []])), [[0.25, 0.75]] * 2)
    assert model.predict_ids(ragged([])).shape == (0, 2)


def test_a_record_by_hand() -> None:
    """Ids 0 0 1 with idf 1 and 2 are counts 2 and 1, values 2 and 2, scaled by 1 / sqrt(8): logits 0 and 1 / sqrt(2)."""
    model = LogisticRegression(np.array([[0.0, 1.0], [0.0, 0.0]]), np.zeros(2), np.array([1.0, 2.0]))
    odds = np.exp(1 / np.sqrt(2))
    np.testing.assert_allclose(model.predict_ids(ragged([[0, 0, 1]])), [[1 / (1 + odds), odds / (1 + odds)]])


def test_large_logits_do_not_overflow() -> None:
    model = LogisticRegression(np.array([[-1e4, 1e4]]), np.zeros(2), None)
    np.testing.assert_array_equal(model.predict_vectors(np.array([[1.0], [-1.0]])), [[0, 1], [1, 0]])


@pytest.mark.parametrize("dense", [False, True])
def test_its_tensors_are_all_it_needs(dense: bool) -> None:
    x, targets = np.random.default_rng(0).normal(size=(20, 3)), np.arange(20) % 2
    lists = bags(20, 3)
    fitted = (
        LogisticRegression.fit_vectors(x, targets, CONFIG, 1) if dense else LogisticRegression.fit_ids(ragged(lists), targets, FEATURES, CONFIG, 1)
    )
    again = LogisticRegression.from_tensors(fitted.tensors())
    assert set(fitted.tensors()) == {"weights", "bias"} | (set() if dense else {"idf"})
    if dense:
        np.testing.assert_array_equal(again.predict_vectors(x), fitted.predict_vectors(x))
    else:
        np.testing.assert_array_equal(again.predict_ids(ragged(lists)), fitted.predict_ids(ragged(lists)))
