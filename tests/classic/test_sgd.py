"""Stochastic gradient descent: scikit-learn's partial_fit over the same batches, and what it tells on the way."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import SGDClassifier
from sklearn.utils.class_weight import compute_class_weight

from tests.classic.making import Problem, again, decisions, problem, problems, same
from textkit.arrays import Sparse
from textkit.classic import sgd
from textkit.classic.sgd import SGD, Learner
from textkit.errors import InputError

SETTINGS: list[dict[str, Any]] = [
    {}, {"loss": "hinge"}, {"loss": "modified_huber", "alpha": 1e-3}, {"penalty": "elasticnet", "average": True},
    {"learning_rate": "constant", "eta0": 0.1}, {"learning_rate": "invscaling", "penalty": "l1"},
]  # fmt: skip


def oracle_of(config: Any, class_weight: Any = None) -> SGDClassifier:
    names = ("loss", "alpha", "penalty", "l1_ratio", "learning_rate", "eta0", "power_t", "average")
    return SGDClassifier(**{name: getattr(config, name) for name in names}, random_state=7, class_weight=class_weight)


def batches(problem: Problem, size: int) -> Iterator[tuple[Any, np.ndarray, np.ndarray | None]]:
    for start in range(0, len(problem.targets), size):
        rows = np.arange(start, min(start + size, len(problem.targets)))
        x = problem.x.take(rows) if isinstance(problem.x, Sparse) else problem.x[rows]
        yield x, problem.targets[rows], None if problem.weights is None else problem.weights[rows]


def streamed(batches: Iterator[Any], labels: int, config: Any, tell: Any = None) -> SGD:
    """What is learned of these batches in this order."""
    first = next(batches)
    learner = Learner(labels, first[1].ndim == 2, config, 7, None)
    learner.learn_all(chain([first], batches), tell)
    return SGD._of(learner)


def compare(model: Any, oracle: SGDClassifier, problem: Problem, loss: str) -> None:
    same(model.scores(problem.x), decisions(oracle, problem.matrix))
    np.testing.assert_array_equal(model.scores(problem.x).argmax(1), oracle.predict(problem.matrix))
    if loss == "hinge":
        assert model.probabilities(problem.x) is None
    else:
        # scikit-learn calls labels alike where all their sigmoids are 0 to it
        told = (model.scores(problem.x).max(1) > -700) | (loss == "modified_huber")
        found = model.probabilities(problem.x)
        same(found[told], oracle.predict_proba(problem.matrix)[told])
        np.testing.assert_array_equal(found[~told].argmax(1), oracle.predict(problem.matrix)[~told])


@given(problems(), st.sampled_from(SETTINGS), st.integers(1, 20))
@settings(max_examples=40, deadline=None)
def test_a_stream_as_partial_fit(problem: Problem, changes: dict[str, Any], size: int) -> None:
    config, told = SGD.Config(**changes), []
    model = again(streamed(batches(problem, size), problem.labels, config, told.append))
    oracle = oracle_of(config)
    for x, targets, weights in batches(problem, size):
        oracle.partial_fit(x.csr() if isinstance(x, Sparse) else x, targets, classes=np.arange(problem.labels), sample_weight=weights)
    compare(model, oracle, problem, config.loss)
    number = -(-40 // size)
    assert [line["batches"] for line in told] == sorted({2**power for power in range(6) if 2**power <= number} | {number})
    assert told[-1]["records"] == 40


@given(problems(), st.sampled_from(["none", "balanced"]))
@settings(max_examples=15, deadline=None)
def test_a_fit_as_partial_fit_over_rows_drawn_with_the_seed(problem: Problem, class_weight: Any) -> None:
    config = SGD.Config(passes=2, class_weight=class_weight)
    model = SGD.fit(problem.x, problem.targets, problem.labels, config, 7, problem.weights)
    labels, rng = np.arange(problem.labels), np.random.default_rng(7)
    balanced = dict(enumerate(compute_class_weight("balanced", classes=labels, y=problem.targets)))
    oracle = oracle_of(config, balanced if class_weight == "balanced" else None)
    for order in (rng.permutation(40) for _ in range(2)):
        oracle.partial_fit(problem.matrix[order], problem.targets[order], labels, None if problem.weights is None else problem.weights[order])
    compare(model, oracle, problem, config.loss)


def test_a_fit_learns_batch_by_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    given = problem(0, 3)
    whole = SGD.fit(given.x, given.targets, 3, SGD.Config(passes=1), 7)
    monkeypatch.setattr(sgd, "BATCH", 16)
    parts = SGD.fit(given.x, given.targets, 3, SGD.Config(passes=1), 7)
    order = np.random.default_rng(7).permutation(40)
    oracle = oracle_of(SGD.Config(passes=1))
    for start in (0, 16, 32):
        rows = order[start : start + 16]
        oracle.partial_fit(given.matrix[rows], given.targets[rows], np.arange(3))
    same(parts.scores(given.x), decisions(oracle, given.matrix))
    assert not np.array_equal(whole.weights, parts.weights)


@given(problems(multi=True), st.sampled_from(SETTINGS))
@settings(max_examples=10, deadline=None)
def test_several_labels_are_models_of_their_own(problem: Problem, changes: dict[str, Any]) -> None:
    config = SGD.Config(**changes)
    model = again(streamed(batches(problem, 9), problem.labels, config))
    for label in range(problem.labels):
        oracle = oracle_of(config)
        for x, targets, weights in batches(problem, 9):
            oracle.partial_fit(x.csr() if isinstance(x, Sparse) else x, targets[:, label], classes=[False, True], sample_weight=weights)
        same(model.scores(problem.x)[:, label], oracle.decision_function(problem.matrix))
        if config.loss != "hinge":
            same(model.probabilities(problem.x)[:, label], oracle.predict_proba(problem.matrix)[:, 1])


@pytest.mark.parametrize("labels", [2, 3])
@pytest.mark.parametrize("weighted", [False, True])
def test_the_loss_is_that_before_the_batch_was_learned(labels: int, weighted: bool) -> None:
    given = problem(2, labels, weighted=weighted)
    told: list[dict[str, Any]] = []
    streamed(batches(given, 8), labels, SGD.Config(), told.append)
    oracle, loss, right, weight = oracle_of(SGD.Config()), [], [], []
    for number, (x, targets, weights) in enumerate(batches(given, 8)):
        matrix = x.csr() if isinstance(x, Sparse) else x
        known = oracle.predict_proba(matrix) if number else np.full((8, labels), 1 / labels)
        loss.append(-np.log(np.clip(known[np.arange(8), targets], 1e-12, 1)))
        right.append((oracle.predict(matrix) if number else np.zeros(8)) == targets)
        weight.append(np.ones(8) if weights is None else weights)
        oracle.partial_fit(matrix, targets, classes=np.arange(labels), sample_weight=weights)

    def mean(values: list[Any], first: int, last: int) -> float:
        return float(np.average(np.concatenate(values[first:last]), weights=np.concatenate(weight[first:last])))

    ends = [1, 2, 4, 5]
    assert [line["batches"] for line in told] == ends
    for start, end, line in zip([0, *ends], ends, told, strict=False):
        assert line["records"] == 8 * end
        assert line["loss"] == pytest.approx(mean(loss, 0, end), abs=1e-6)
        assert line["loss_since"] == pytest.approx(mean(loss, start, end), abs=1e-6)
        assert line["accuracy"] == pytest.approx(mean(right, 0, end), abs=1e-6)


@pytest.mark.parametrize(
    ("loss", "expected"), [("hinge", [0, 0.5, 4]), ("modified_huber", [0, 0.25, 12]), ("log_loss", np.logaddexp(0, [-2, -0.5, 3]))]
)
def test_losses_by_hand(loss: str, expected: list[float]) -> None:
    found = sgd.losses(np.array([[2.0], [-0.5], [-3.0]]), np.array([[True], [False], [True]]), loss, False)
    np.testing.assert_allclose(found, expected)


def test_a_stream_of_odd_batches() -> None:
    """Batches without records, without features, and of one label are learned as any other."""
    given = problem(0, 2)
    assert isinstance(given.x, Sparse)
    pieces = [(given.x.take(rows), given.targets[rows], None) for rows in (np.array([], int), np.array([0]), np.arange(40), np.array([0, 0]))]
    model = streamed(iter(pieces), 2, SGD.Config())
    assert np.isfinite(model.scores(given.x)).all()
    pieces = [(given.x.take(np.arange(40)), given.targets, np.zeros(40))]
    with pytest.raises(InputError, match="nothing to train on"):
        streamed(iter(pieces), 2, SGD.Config())


def test_weights_that_grow_without_bounds_are_told() -> None:
    given = problem(0, 2, dense=True)
    with pytest.raises(InputError, match="grew without bounds"):
        SGD.fit(given.x * 1e29, given.targets, 2, SGD.Config(learning_rate="constant", eta0=1e300, passes=5), 7)
