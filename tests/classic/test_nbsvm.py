"""NB-SVM: its ratios and mixed weights against the paper's formulas worked out plainly."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC

from tests.classic.making import Problem, again, problems, same, sparse
from textkit.classic.nbsvm import NBSVM, log_count_ratios

PROBLEMS = problems(kinds=(False,))


def plain(dense: np.ndarray, is_it: np.ndarray, config: Any, weights: np.ndarray | None) -> np.ndarray:
    """The decision values of one label against the rest, step by step, over a dense matrix."""
    features = (dense > 0).astype(float) if config.binary else dense
    counted = np.ones(len(dense)) if weights is None else weights
    seen = (features > 0).any(0)
    features = features[:, seen]
    p = config.alpha + (features[is_it] * counted[is_it, None]).sum(0)
    q = config.alpha + (features[~is_it] * counted[~is_it, None]).sum(0)
    ratio = np.log((p / p.sum()) / (q / q.sum()))
    scaled = features * ratio
    kind: Any = LinearSVC(random_state=7, tol=1e-10, max_iter=100000, C=config.C) if config.loss == "squared_hinge" else None
    kind = kind or LogisticRegression(solver="liblinear", tol=1e-10, max_iter=100000, C=config.C)
    kind.fit(scaled, is_it.astype(int), sample_weight=weights)
    w = kind.coef_[0]
    mixed = (1 - config.beta) * np.abs(w).sum() / len(w) + config.beta * w
    return np.asarray(scaled @ mixed + kind.intercept_)


@given(PROBLEMS, st.sampled_from([{}, {"binary": False}, {"loss": "log"}, {"beta": 1.0, "alpha": 0.1, "C": 0.1}, {"beta": 0.0}]))
@settings(max_examples=40, deadline=None)
def test_as_worked_out_plainly(problem: Problem, changes: dict[str, Any]) -> None:
    config = NBSVM.Config(**changes)
    model = again(NBSVM.fit(problem.x, problem.targets, problem.labels, config, 7, problem.weights))
    dense = problem.matrix.toarray()  # type: ignore[union-attr]
    labels = [1] if problem.labels == 2 else range(problem.labels)
    expected = np.stack([plain(dense, problem.targets == label, config, problem.weights) for label in labels], 1)
    expected = np.hstack([-expected, expected]) if problem.labels == 2 else expected
    np.testing.assert_allclose(model.scores(problem.x), expected, atol=0.02)  # the solvers stop at other places
    assert model.weights.shape[1] == len(labels)


def test_ratios_by_hand() -> None:
    """Feature 0 in 2 records of the label and none other, feature 1 in 1 and 1: p = 3, 2 and q = 1, 2."""
    features = np.array([[1.0, 1.0], [1.0, 0.0], [0.0, 1.0]])
    found = log_count_ratios(csr_matrix(features), np.array([1, 1, 0]), None, 1.0)
    np.testing.assert_allclose(found, np.log([(3 / 5) / (1 / 3), (2 / 5) / (2 / 3)]))


def test_a_model_by_hand() -> None:
    """With beta 0 the weights are mean |w| times the ratios, whatever the SVM thinks of single features."""
    x = sparse(np.array([[1.0, 1.0], [1.0, 0.0], [0.0, 1.0]]))
    model = NBSVM.fit(x, np.array([1, 1, 0]), 2, NBSVM.Config(beta=0.0), 1)
    assert model.weights[0, 0] / model.weights[1, 0] == pytest.approx(np.log(9 / 5) / np.log(3 / 5))


@given(PROBLEMS)
@settings(max_examples=10, deadline=None)
def test_binary_features_count_once_whatever_their_value(problem: Problem) -> None:
    model = NBSVM.fit(problem.x, problem.targets, problem.labels, NBSVM.Config(), 1)
    dense = problem.matrix.toarray()  # type: ignore[union-attr]
    same(model.scores(sparse(dense * 7)), model.scores(problem.x))
    same(model.scores(dense), model.scores(problem.x))


def test_a_feature_that_was_never_seen_says_nothing() -> None:
    dense, targets = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]), np.array([0, 1, 1])
    model = NBSVM.fit(sparse(np.insert(dense, 1, 0, axis=1)), targets, 2, NBSVM.Config(), 1)
    without = NBSVM.fit(sparse(dense), targets, 2, NBSVM.Config(), 1)
    np.testing.assert_array_equal(model.weights, np.insert(without.weights, 1, 0, axis=0))


@given(problems(kinds=(False,), multi=True))
@settings(max_examples=10, deadline=None)
def test_several_labels_are_models_of_their_own(problem: Problem) -> None:
    model = again(NBSVM.fit(problem.x, problem.targets, problem.labels, NBSVM.Config(), 7, problem.weights))
    for label in range(problem.labels):
        alone = NBSVM.fit(problem.x, problem.targets[:, label].astype(int), 2, NBSVM.Config(), 7, problem.weights)
        same(model.scores(problem.x)[:, label], alone.scores(problem.x)[:, 1])


@given(PROBLEMS)
@settings(max_examples=10, deadline=None)
def test_probabilities(problem: Problem) -> None:
    assert NBSVM.fit(problem.x, problem.targets, problem.labels, NBSVM.Config(), 1).probabilities(problem.x) is None
    for loss in ("squared_hinge", "log"):
        found = NBSVM.fit(problem.x, problem.targets, problem.labels, NBSVM.Config(loss=loss), 1, proba=True).probabilities(problem.x)  # type: ignore[arg-type]
        np.testing.assert_allclose(found.sum(1), 1)  # type: ignore[union-attr]
