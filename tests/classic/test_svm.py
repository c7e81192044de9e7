"""The linear SVM: scikit-learn's decision values, and its probabilities where they were asked for."""

from __future__ import annotations

import signal
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.calibration import CalibratedClassifierCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.svm import LinearSVC

from tests.classic.making import Problem, again, decisions, problem, problems, same, sparse
from textkit.classic.svm import SVM, aside
from textkit.errors import UsageError

SETTINGS: list[dict[str, Any]] = [
    {}, {"C": 0.1, "class_weight": "balanced"}, {"loss": "hinge"}, {"penalty": "l1"}, {"dual": "true", "tol": 1e-2},
    {"dual": "false", "intercept_scaling": 5.0},
]  # fmt: skip


def oracle_of(changes: dict[str, Any]) -> LinearSVC:
    dual = {"auto": "auto", "true": True, "false": False}[changes.get("dual", "auto")]
    return LinearSVC(random_state=7, **{**changes, "dual": dual})


@given(problems(), st.sampled_from(SETTINGS))
@settings(max_examples=40, deadline=None)
def test_as_scikit_learn(problem: Problem, changes: dict[str, Any]) -> None:
    model = again(SVM.fit(problem.x, problem.targets, problem.labels, SVM.Config(**changes), 7, problem.weights))
    oracle = oracle_of(changes).fit(problem.matrix, problem.targets, sample_weight=problem.weights)
    same(model.scores(problem.x), decisions(oracle, problem.matrix))
    assert model.probabilities(problem.x) is None
    np.testing.assert_array_equal(model.scores(problem.x).argmax(1), oracle.predict(problem.matrix))


@given(problems(), st.sampled_from(SETTINGS))
@settings(max_examples=15, deadline=None)
def test_calibrated_as_scikit_learn(problem: Problem, changes: dict[str, Any]) -> None:
    model = again(SVM.fit(problem.x, problem.targets, problem.labels, SVM.Config(**changes), 7, problem.weights, proba=True))
    oracle = CalibratedClassifierCV(oracle_of(changes), cv=5, ensemble=False).fit(problem.matrix, problem.targets, sample_weight=problem.weights)
    same(model.probabilities(problem.x), oracle.predict_proba(problem.matrix))
    np.testing.assert_array_equal(model.probabilities(problem.x).argmax(1), oracle.predict(problem.matrix))


@given(problems(multi=True))
@settings(max_examples=8, deadline=None)
def test_several_labels_as_one_vs_rest(problem: Problem) -> None:
    model = again(SVM.fit(problem.x, problem.targets, problem.labels, SVM.Config(), 7, proba=True))
    oracle = OneVsRestClassifier(LinearSVC(random_state=7)).fit(problem.matrix, problem.targets.astype(int))
    same(model.scores(problem.x), oracle.decision_function(problem.matrix))
    np.testing.assert_array_equal(model.scores(problem.x) > 0, oracle.predict(problem.matrix))
    calibrated = CalibratedClassifierCV(LinearSVC(random_state=7), cv=5, ensemble=False)
    same(
        model.probabilities(problem.x), OneVsRestClassifier(calibrated).fit(problem.matrix, problem.targets.astype(int)).predict_proba(problem.matrix)
    )


def test_two_fits_at_once_are_as_two_in_turn() -> None:
    """liblinear has one generator of random numbers: the fits must not share its draws."""
    given = [problem(seed, 4, records=400) for seed in range(6)]
    config = SVM.Config(dual="true", loss="hinge", C=100.0, max_iter=100)

    def fit(one: Problem) -> np.ndarray:
        return SVM.fit(one.x, one.targets, 4, config, 1).weights

    with ThreadPoolExecutor(3) as pool:
        for found, expected in zip(list(pool.map(fit, given)), map(fit, given), strict=True):
            np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("counts", [[20, 20, 1], [20, 3, 2], [1, 20], [1, 1, 1], [1, 1], [3, 3], [4, 1, 1, 1]])
def test_rare_labels_are_calibrated_as_far_as_they_can_be(counts: list[int], capsys: pytest.CaptureFixture[str]) -> None:
    rng = np.random.default_rng(0)
    targets = np.repeat(np.arange(len(counts)), counts)
    x = sparse(rng.random((len(targets), 9)) + np.eye(9)[targets])
    model = SVM.fit(x, targets, len(counts), SVM.Config(), 1, proba=True)
    found = model.probabilities(x)
    assert found is not None
    np.testing.assert_allclose(found.sum(1), 1)
    alone = counts.count(1)
    told = {0: "", 1: "1 label has a single record: its"}.get(alone, f"{alone} labels have a single record: their")
    assert capsys.readouterr().err == (f"textkit: {told} probabilities are calibrated on other labels alone\n" if told else "")


def test_a_record_alone_has_the_sigmoid_of_all_columns() -> None:
    """All held-out values and answers of the three columns together, in one fit by hand."""
    targets = np.repeat([0, 1, 2], [30, 30, 1])
    dense = np.random.default_rng(0).random((61, 5)) + np.eye(5)[targets]
    model = SVM.fit(sparse(dense), targets, 3, SVM.Config(), 1, proba=True)
    assert model.platt is not None
    slope, offset = model.platt[:, 2]
    assert slope < 0  # the greater the decision value, the more probable
    assert not np.array_equal(model.platt[:, 0], model.platt[:, 2])
    assert np.isfinite(offset)


def test_empty_records_may_fill_a_fold() -> None:
    dense = np.zeros((20, 3))
    dense[0, 1] = 1
    found = SVM.fit(sparse(dense), np.arange(20) % 2, 2, SVM.Config(), 1, proba=True).probabilities(sparse(dense))
    assert found is not None
    assert np.isfinite(found).all()


@pytest.mark.parametrize("changes", [{"penalty": "l1", "loss": "hinge"}, {"penalty": "l1", "dual": "true"}, {"loss": "hinge", "dual": "false"}])
def test_settings_that_do_not_go_together(changes: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="goes with"):
        SVM.Config(**changes)


def test_a_signal_need_not_wait_for_the_solver() -> None:
    """As ^C while C code computes: the handler runs at once, and what was computed aside is left behind."""

    def stop(*_: object) -> None:
        raise InterruptedError

    before, started = signal.signal(signal.SIGALRM, stop), time.monotonic()
    signal.setitimer(signal.ITIMER_REAL, 0.05)
    try:
        with pytest.raises(InterruptedError):
            aside(lambda: time.sleep(3))
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert time.monotonic() - started < 2


def test_what_goes_wrong_aside_is_raised() -> None:
    with pytest.raises(ZeroDivisionError):
        aside(lambda: 1 // 0)
