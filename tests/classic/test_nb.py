"""Naive Bayes: scikit-learn's own answers, from one linear model."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import ComplementNB, MultinomialNB

from tests.classic.making import Problem, again, problems, same
from textkit.classic.nb import NaiveBayes

KINDS: dict[str, Any] = {"multinomial": MultinomialNB, "complement": ComplementNB}


def counts(problem: Problem) -> Problem:
    """The same, dense ones without their negative values."""
    if isinstance(problem.x, np.ndarray):
        problem.x = problem.matrix = np.abs(problem.x)
    return problem


@given(problems().map(counts), st.sampled_from(list(KINDS)), st.sampled_from([0.01, 1.0]), st.booleans())
@settings(max_examples=50, deadline=None)
def test_as_scikit_learn(problem: Problem, kind: Any, alpha: float, fit_prior: bool) -> None:
    config = NaiveBayes.Config(kind, alpha, fit_prior)
    model = again(NaiveBayes.fit(problem.x, problem.targets, problem.labels, config, 1, problem.weights))
    oracle = KINDS[kind](alpha=alpha, fit_prior=fit_prior).fit(problem.matrix, problem.targets, sample_weight=problem.weights)
    same(model.probabilities(problem.x), oracle.predict_proba(problem.matrix))
    joint = oracle.predict_joint_log_proba(problem.matrix)
    same(model.scores(problem.x), joint if problem.labels > 2 else (joint[:, 1] - joint[:, 0])[:, None] * [-1, 1])
    clear = np.ptp(np.sort(joint, 1)[:, -2:], axis=1) > 1e-9  # an empty record is a tie, which rounding decides
    np.testing.assert_array_equal(model.scores(problem.x).argmax(1)[clear], oracle.predict(problem.matrix)[clear])


@given(problems(multi=True).map(counts), st.sampled_from(list(KINDS)))
@settings(max_examples=20, deadline=None)
def test_several_labels_as_one_vs_rest(problem: Problem, kind: Any) -> None:
    model = again(NaiveBayes.fit(problem.x, problem.targets, problem.labels, NaiveBayes.Config(kind), 1))
    oracle = OneVsRestClassifier(KINDS[kind]()).fit(csr_matrix(problem.matrix), problem.targets.astype(int))
    same(model.probabilities(problem.x), oracle.predict_proba(problem.matrix))
