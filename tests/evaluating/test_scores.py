"""Metrics of scores: the numbers of scikit-learn, and those by hand."""

from __future__ import annotations

import math
import warnings
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from textkit.evaluating.scores import PRINTED_ZERO, Scores, are_probabilities, calibration_error, log_loss, ranked

# Few different scores, so that many are equal.
TIED = st.lists(st.tuples(st.booleans(), st.integers(-3, 3)), min_size=1, max_size=40)
ANY = st.lists(st.tuples(st.booleans(), st.floats(-1e6, 1e6)), min_size=1, max_size=40)


def scores(values: np.ndarray, gold: np.ndarray, probable: bool = True) -> Scores:
    return Scores([chr(97 + i) for i in range(values.shape[1])], values, gold, values.argmax(1) == gold, probable)


@given(st.one_of(TIED, ANY))
@settings(max_examples=150)
def test_ranking_as_scikit_learn_with_ties(pairs: list[tuple[bool, float]]) -> None:
    positive = np.array([flag for flag, _ in pairs])
    values = np.array([float(score) for _, score in pairs])
    if 0 < positive.sum() < len(positive):
        found = ranked(positive, values)
        assert found["roc_auc"] == pytest.approx(sk.roc_auc_score(positive, values), abs=1e-12)
        assert found["average_precision"] == pytest.approx(sk.average_precision_score(positive, values), abs=1e-12)


def simplex(count: int, labels: int, seed: int, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """(N, L) probabilities with many ties and no zeros, (N,) labels."""
    draw = np.random.default_rng(seed)
    weights = draw.integers(1, steps + 1, (count, labels)).astype(float)
    return weights / weights.sum(1, keepdims=True), draw.integers(0, labels, count)


@given(st.integers(1, 40), st.integers(2, 5), st.integers(0, 10**6), st.integers(1, 6))
@settings(max_examples=150)
def test_summary_as_scikit_learn(count: int, labels: int, seed: int, steps: int) -> None:
    """The mean over the labels that some records have and some have not: scikit-learn has nothing to say of others."""
    values, gold = simplex(count, labels, seed, steps)
    found = scores(values, gold).summary()
    assert found["log_loss"] == pytest.approx(sk.log_loss(gold, values, labels=range(labels)), abs=1e-12)
    both = [label for label in range(labels) if 0 < (gold == label).sum() < count]
    if not both:
        assert found.keys() == {"log_loss", "ece"}
        return
    areas = [sk.roc_auc_score(gold == label, values[:, label]) for label in both]
    precisions = [sk.average_precision_score(gold == label, values[:, label]) for label in both]
    assert found["roc_auc"] == pytest.approx(np.mean(areas), abs=1e-12)
    assert found["average_precision"] == pytest.approx(np.mean(precisions), abs=1e-12)
    if len(both) == labels:
        whole = sk.roc_auc_score(gold, values[:, 1]) if labels == 2 else sk.roc_auc_score(gold, values, multi_class="ovr")
        assert found["roc_auc"] == pytest.approx(whole, abs=1e-12)
        ones = np.eye(labels, dtype=int)[gold]
        assert found["average_precision"] == pytest.approx(sk.average_precision_score(ones, values, average="macro"), abs=1e-12)


@given(st.integers(1, 40), st.integers(0, 10**6))
def test_one_label_only_is_nothing_to_rank(count: int, seed: int) -> None:
    values, _ = simplex(count, 3, seed, 4)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = scores(values, np.zeros(count, np.int64))
        assert found.summary().keys() == {"log_loss", "ece"}
        assert found.per_label == {}


def test_a_label_the_model_does_not_know_has_no_probability() -> None:
    """Its record is one of the rest for all the others."""
    found = scores(np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]]), np.array([0, 1, -1]))
    assert found.own.tolist() == [0.9, 0.8, 0.0]
    assert found.summary()["log_loss"] == pytest.approx(-(math.log(0.9) + math.log(0.8) + math.log(PRINTED_ZERO)) / 3)
    assert found.per_label == {"a": {"roc_auc": 1.0, "average_precision": 1.0}, "b": {"roc_auc": 1.0, "average_precision": 1.0}}


def test_decision_scores_rank_and_no_more() -> None:
    margins = np.array([[-2.0, 2.0], [0.3, -0.3], [-0.1, 0.1], [1.5, -1.5]])
    assert not are_probabilities(margins)
    found = scores(margins, np.array([1, 0, 0, 1]), probable=False).summary()
    assert found.keys() == {"roc_auc", "average_precision"}
    assert found["roc_auc"] == pytest.approx(sk.roc_auc_score([1, 0, 0, 1], margins[:, 1]))


def test_a_probability_printed_as_zero_is_not_quite_that() -> None:
    assert log_loss(np.array([0.0, 1.0])) == pytest.approx(-math.log(PRINTED_ZERO) / 2)


def test_calibration_error_by_hand() -> None:
    """Bins of 1/15: 0.9 and 0.92 share one (13/15 to 14/15): one of two right, 0.91 on average; 0.5 alone and right."""
    found = calibration_error(np.array([0.9, 0.92, 0.5]), np.array([True, False, True]))
    assert found == pytest.approx(2 / 3 * abs(0.5 - 0.91) + 1 / 3 * 0.5)


@given(st.lists(st.tuples(st.one_of(st.floats(0, 1), st.integers(0, 15).map(lambda n: n / 15)), st.booleans()), min_size=1, max_size=40))
def test_calibration_error_as_its_definition(pairs: list[tuple[float, bool]]) -> None:
    edges = np.linspace(0, 1, 16)
    expected = 0.0
    for low, high in pairwise(edges):
        inside = [(top, right) for top, right in pairs if low < top <= high or (top == 0 and low == 0)]
        if inside:
            gap = abs(np.mean([right for _, right in inside]) - np.mean([top for top, _ in inside]))
            expected += len(inside) / len(pairs) * gap
    tops, rights = map(np.array, zip(*pairs, strict=True))
    assert calibration_error(tops, rights) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ("values", "due"),
    [([[0.5, 0.5]], True), ([[0.33, 0.33, 0.33]], True), ([[0.9, 0.4]], False), ([[-0.1, 1.1]], False), ([[0.5, 0.5], [0.0, 0.2]], False)],
)
def test_what_probabilities_are(values: list[list[float]], due: bool) -> None:
    assert are_probabilities(np.array(values)) is due
