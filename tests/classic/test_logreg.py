"""Logistic regression: scikit-learn's own answers, without scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression as Sklearn
from sklearn.multiclass import OneVsRestClassifier

from tests.classic.making import Problem, again, decisions, problem, problems, same, sparse
from textkit.classic.logreg import LogisticRegression

CONFIG = LogisticRegression.Config()


@given(problems(), st.sampled_from(["none", "balanced"]), st.sampled_from([0.1, 1.0, 10.0]))
@settings(max_examples=40, deadline=None)
def test_as_scikit_learn(problem: Problem, class_weight: str, C: float) -> None:
    config = LogisticRegression.Config(C, class_weight=class_weight)  # type: ignore[arg-type]
    model = again(LogisticRegression.fit(problem.x, problem.targets, problem.labels, config, 1, problem.weights))
    oracle = Sklearn(C=C, max_iter=1000, class_weight=None if class_weight == "none" else class_weight)
    oracle.fit(problem.matrix, problem.targets, sample_weight=problem.weights)
    same(model.scores(problem.x), decisions(oracle, problem.matrix))
    same(model.probabilities(problem.x), oracle.predict_proba(problem.matrix))
    np.testing.assert_array_equal(model.scores(problem.x).argmax(1), oracle.predict(problem.matrix))
    np.testing.assert_array_equal(model.probabilities(problem.x).argmax(1), oracle.predict(problem.matrix))


@given(problems(multi=True))
@settings(max_examples=20, deadline=None)
def test_several_labels_as_one_vs_rest(problem: Problem) -> None:
    model = again(LogisticRegression.fit(problem.x, problem.targets, problem.labels, CONFIG, 1))
    oracle = OneVsRestClassifier(Sklearn(C=10, max_iter=1000)).fit(problem.matrix, problem.targets.astype(int))
    same(model.scores(problem.x), oracle.decision_function(problem.matrix))
    same(model.probabilities(problem.x), oracle.predict_proba(problem.matrix))
    np.testing.assert_array_equal(model.scores(problem.x) > 0, oracle.predict(problem.matrix))


@given(problems(multi=True))
@settings(max_examples=10, deadline=None)
def test_several_labels_and_weights_are_models_of_their_own(problem: Problem) -> None:
    model = LogisticRegression.fit(problem.x, problem.targets, problem.labels, CONFIG, 1, problem.weights)
    for label in range(problem.labels):
        oracle = Sklearn(C=10, max_iter=1000).fit(problem.matrix, problem.targets[:, label], sample_weight=problem.weights)
        same(model.scores(problem.x)[:, label], oracle.decision_function(problem.matrix))


@given(problems(kinds=(False,)))
@settings(max_examples=10, deadline=None)
def test_features_that_no_record_has_weigh_nothing(problem: Problem) -> None:
    dense = np.insert(problem.matrix.toarray(), [0, 1, 1], 0, axis=1)  # type: ignore[union-attr]
    model = LogisticRegression.fit(sparse(dense), problem.targets, problem.labels, CONFIG, 1)
    oracle = Sklearn(C=10, max_iter=1000).fit(csr_matrix(dense), problem.targets)
    assert not model.weights[[0, 2, 3]].any()
    np.testing.assert_allclose(model.probabilities(sparse(dense)), oracle.predict_proba(dense), atol=1e-6)  # type: ignore[arg-type]


def test_two_labels_are_one_column_and_several_have_one_each() -> None:
    for labels, multi, columns in ((2, False, 1), (3, False, 3), (2, True, 2)):
        given = problem(0, labels, multi=multi)
        model = LogisticRegression.fit(given.x, given.targets, labels, CONFIG, 1)
        assert model.weights.shape == (given.matrix.shape[1], columns)


def test_it_says_that_it_did_not_converge(capsys: pytest.CaptureFixture[str], recwarn: pytest.WarningsRecorder) -> None:
    given = problem(0, 3)
    LogisticRegression.fit(given.x, given.targets, 3, LogisticRegression.Config(1e6, max_iter=2), 1)
    assert capsys.readouterr().err.endswith("the solver stopped before it converged: raise -s max_iter=, or lower -s C=\n")
    assert not recwarn.list
    given = problem(0, 3, multi=True)
    LogisticRegression.fit(given.x, given.targets, 3, LogisticRegression.Config(1e6, max_iter=2), 1)
    assert "converged for 3 of 3 labels: " in capsys.readouterr().err
