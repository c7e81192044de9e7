"""Metrics: the numbers of scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from textkit.metrics import classification

LABELS = ["a", "b", "c", "d"]
PAIRS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=30)


@given(PAIRS)
@settings(max_examples=60)
def test_per_label_and_confusion_as_scikit_learn(pairs: list[tuple[int, int]]) -> None:
    gold, predicted = np.array(pairs).T
    found = classification(gold, predicted, LABELS)
    precision, recall, f1, support = sk.precision_recall_fscore_support(gold, predicted, labels=range(4), zero_division=0)
    np.testing.assert_allclose(found.precision, precision)
    np.testing.assert_allclose(found.recall, recall)
    np.testing.assert_allclose(found.f1, f1)
    np.testing.assert_array_equal(found.support, support)
    np.testing.assert_array_equal(found.confusion, sk.confusion_matrix(gold, predicted, labels=range(4)))


@given(PAIRS)
@settings(max_examples=60)
def test_summary_as_scikit_learn_over_the_labels_that_occur(pairs: list[tuple[int, int]]) -> None:
    """Labels in neither gold nor predictions do not pull the macro average down: scikit-learn does not know them."""
    gold, predicted = np.array(pairs).T
    found = classification(gold, predicted, LABELS)
    assert found.accuracy == pytest.approx(sk.accuracy_score(gold, predicted), abs=1e-12)
    means = {"balanced_accuracy": sk.recall_score(gold, predicted, labels=np.unique(gold), average="macro", zero_division=0)}
    for mean in ("macro", "micro", "weighted"):
        three = sk.precision_recall_fscore_support(gold, predicted, average=mean, zero_division=0)
        means |= {f"{name}_{mean}": value for name, value in zip(("precision", "recall", "f1"), three, strict=False)}
    assert found.summary() == pytest.approx({"accuracy": found.accuracy, **means}, abs=1e-12)
    assert (found.f1_macro, found.f1_micro) == (found.summary()["f1_macro"], found.accuracy)


def test_json_by_hand() -> None:
    """gold a a a b, predicted a a b b: of a 2 of 2 predicted are right and 2 of 3 found, of b 1 of 2 and 1 of 1."""
    found = classification(np.array([0, 0, 0, 1]), np.array([0, 0, 1, 1]), ["a", "b"]).to_json()
    macro = {"f1_macro": 0.733333, "precision_macro": 0.75, "recall_macro": 0.833333}
    micro = {"f1_micro": 0.75, "precision_micro": 0.75, "recall_micro": 0.75}
    weighted = {"f1_weighted": 0.766667, "precision_weighted": 0.875, "recall_weighted": 0.75}
    assert found == {
        "records": 4,
        "accuracy": 0.75,
        "balanced_accuracy": 0.833333,
        **macro,
        **micro,
        **weighted,
        "labels": {
            "a": {"precision": 1.0, "recall": 0.666667, "f1": 0.8, "support": 3},
            "b": {"precision": 0.5, "recall": 1.0, "f1": 0.666667, "support": 1},
        },
        "confusion": {"labels": ["a", "b"], "matrix": [[2, 1], [0, 1]]},
    }


def test_a_label_nobody_has_is_zero_not_nan() -> None:
    found = classification(np.array([0, 0]), np.array([0, 0]), ["a", "b"])
    assert found.precision.tolist() == found.recall.tolist() == found.f1.tolist() == [1.0, 0.0]
    assert found.f1_macro == 1.0
