"""What all linear models share: applying by hand, contributions, errors, and no heavy import."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.classic.making import Problem, problem, problems, sparse
from textkit.arrays import Sparse
from textkit.classic.linear import Linear
from textkit.classic.logreg import LogisticRegression
from textkit.classic.nb import NaiveBayes
from textkit.classic.nbsvm import NBSVM
from textkit.classic.sgd import SGD
from textkit.classic.svm import SVM
from textkit.errors import InputError

MODELS: list[Any] = [LogisticRegression, SVM, NaiveBayes, SGD, NBSVM]


def test_a_record_by_hand() -> None:
    """Values 2 and 1 times weights 0.5 and 1, bias -1: d = 1."""
    model = Linear(np.array([[0.5], [1.0]]), np.array([-1.0]), 2, link="sigmoid")
    x = sparse(np.array([[2.0, 1.0], [0.0, 0.0]]))
    np.testing.assert_allclose(model.scores(x), [[-1, 1], [1, -1]])
    odds = np.exp(1.0)
    np.testing.assert_allclose(model.probabilities(x), [[1 / (1 + odds), odds / (1 + odds)], [odds / (1 + odds), 1 / (1 + odds)]])  # type: ignore[arg-type]
    np.testing.assert_allclose(model.contributions(x, 1), [1, 1])
    np.testing.assert_allclose(model.contributions(x, 0), [-1, -1])
    assert model.scores(x.take(np.array([], int))).shape == (0, 2)


def test_large_values_do_not_overflow(recwarn: pytest.WarningsRecorder) -> None:
    x = np.array([[1.0], [-1.0]])
    for link in ("softmax", "sigmoid", "huber"):
        two, three = Linear(np.array([[1e4]]), np.zeros(1), 2, link=link), Linear(np.array([[1e4, 0, -1e4]]), np.zeros(3), 3, link=link)
        np.testing.assert_array_equal(two.probabilities(x), [[0, 1], [1, 0]])
        assert np.isfinite(three.probabilities(x)).all()  # type: ignore[arg-type]
    assert not recwarn.list


def test_labels_that_are_all_most_improbable_are_told_apart() -> None:
    model = Linear(np.array([[1.0, 2.0, 3.0]]), np.zeros(3), 3, link="sigmoid")
    np.testing.assert_allclose(model.probabilities(np.array([[-2000.0]])), [[1, 0, 0]])  # type: ignore[arg-type]
    odds = np.exp([-800.0, -801.0, -802.0] - np.array(-800.0))
    near = Linear(np.array([[1.0, 1.0, 1.0]]), np.array([0.0, -1.0, -2.0]), 3, link="sigmoid")
    np.testing.assert_allclose(near.probabilities(np.array([[-800.0]])), [odds / odds.sum()])  # type: ignore[arg-type]


def test_a_record_that_no_label_wants_is_shared_out() -> None:
    model = Linear(np.array([[1.0, 1.0, 1.0]]), np.zeros(3), 3, link="huber")
    np.testing.assert_allclose(model.probabilities(np.array([[-5.0]])), [[1 / 3] * 3])  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", MODELS)
@pytest.mark.parametrize("multi", [False, True])
@given(problems(kinds=(False,)), st.integers(0, 1))
@settings(max_examples=5, deadline=None)
def test_contributions_and_bias_sum_to_the_score(kind: Any, multi: bool, problem: Problem, column: int) -> None:
    assert isinstance(problem.x, Sparse)
    targets = np.eye(problem.labels, dtype=bool)[problem.targets] if multi else problem.targets
    model = kind.fit(problem.x, targets, problem.labels, kind.Config(), 1)
    rows = np.repeat(np.arange(len(problem.x)), problem.x.lengths)
    summed = np.bincount(rows, weights=model.contributions(problem.x, column), minlength=len(problem.x))
    scores = model.scores(problem.x)
    np.testing.assert_allclose(scores[:, column], summed + scores[0, column], atol=1e-9)  # record 0 is empty: the bias alone


@pytest.mark.parametrize("kind", MODELS)
def test_what_cannot_be_learned_is_told(kind: Any) -> None:
    x, config = sparse(np.eye(4)), kind.Config()
    with pytest.raises(InputError, match="all 4 records have the same label: a classifier needs two or more"):
        kind.fit(x, np.zeros(4, int), 2, config, 1)
    with pytest.raises(InputError, match="have the same labels"):
        kind.fit(x, np.ones((4, 2), bool), 2, config, 1)
    with pytest.raises(InputError, match="same label"):  # the others count nothing
        kind.fit(x, np.array([0, 0, 1, 1]), 2, config, 1, weights=np.array([1.0, 1.0, 0.0, 0.0]))
    with pytest.raises(InputError, match="no record has a feature"):
        kind.fit(sparse(np.zeros((4, 3))), np.array([0, 0, 1, 1]), 2, config, 1)
    with pytest.raises(InputError, match="not a finite number"):
        kind.fit(np.array([[1.0], [np.nan]]), np.array([0, 1]), 2, config, 1)
    with pytest.raises(InputError, match=r"a feature of 1e\+100 is too large"):  # liblinear would not come to an end
        kind.fit(np.array([[1.0], [1e100]]), np.array([0, 1]), 2, config, 1)
    with pytest.raises(InputError, match="weight of a record"):
        kind.fit(x, np.array([0, 0, 1, 1]), 2, config, 1, weights=np.array([1.0, -1.0, 1.0, 1.0]))
    with pytest.raises(InputError, match="no record has a weight"):
        kind.fit(x, np.array([0, 0, 1, 1]), 2, config, 1, weights=np.zeros(4))


@pytest.mark.parametrize("kind", MODELS)
def test_a_label_that_all_have_or_none_keeps_its_odds(kind: Any) -> None:
    given = problem(3, 3, multi=True)
    given.targets[:, 0], given.targets[:, 1] = True, False
    model = kind.fit(given.x, given.targets, 3, kind.Config(), 1, proba=True)
    scores = model.scores(given.x)
    assert (scores[:, 0] > 0).all() and (scores[:, 1] < 0).all()
    if kind is not SGD:
        np.testing.assert_allclose(scores[:, 0], np.log(41))
        np.testing.assert_allclose(model.probabilities(given.x)[:, :2], [[41 / 42, 1 / 42]] * 40)


@pytest.mark.parametrize("kind", MODELS)
def test_records_of_weight_0_are_as_good_as_none(kind: Any) -> None:
    given = problem(1, 3)
    weights = np.ones(40)
    weights[30:] = 0
    assert isinstance(given.x, Sparse)
    fitted = kind.fit(given.x, given.targets, 3, kind.Config(), 1, weights, True)
    alone = kind.fit(given.x.take(np.arange(30)), given.targets[:30], 3, kind.Config(), 1, np.ones(30), True)
    if kind is not SGD:  # whose order is drawn over all
        np.testing.assert_array_equal(fitted.scores(given.x), alone.scores(given.x))


def test_negative_features_are_told_what_to_do() -> None:
    for kind in (NaiveBayes, NBSVM):
        with pytest.raises(InputError, match="as vectors are; train logreg or svm on vectors, or give it features: textkit vectorize"):
            kind.fit(np.array([[1.0], [-1.0]]), np.array([0, 1]), 2, kind.Config(), 1)


@pytest.mark.parametrize("change", [{"features": "3"}, {"link": "magic"}, {"multi": 1}, {"outputs": None}])
def test_a_manifest_that_is_none_is_told(change: dict[str, Any]) -> None:
    manifest = {"features": 3, "outputs": 2, "multi": False, "link": "none", "presence": False}
    assert Linear.due(manifest, "m") == {"weights": ("float64", (3, 1)), "bias": ("float64", (1,))}
    with pytest.raises(InputError, match="m: the manifest does not say what the model is"):
        Linear.due({**manifest, **change}, "m")


def test_applying_imports_nothing_heavy() -> None:
    modules = ", ".join(kind.__module__ for kind in MODELS)
    code = f"import sys, {modules}; assert not {{'sklearn', 'scipy'}} & sys.modules.keys()"
    subprocess.run([sys.executable, "-c", code], check=True)
