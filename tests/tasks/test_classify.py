"""Classification as a task: labels, the split, the loss, what predictions look like."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from textkit.arrays import Ragged
from textkit.errors import InputError
from textkit.tasks.classify import Classify
from textkit.tasks.classify_neural import Classifying
from textkit.tasks.feeding import Feed
from textkit.training.examples import Examples

TASK = Classify(["bad", "good", "so-so"])
PROBABILITIES = np.array([[0.2, 0.7, 0.1], [0.5, 0.25, 0.25], [0.1234567891, 0.1, 0.7765432109]])


def examples(labels: list[str]) -> Examples:
    return Examples(strings={"label": pl.Series(labels)}, size=len(labels))


def columns(top: int | None = None, proba: bool = False, probabilities: np.ndarray = PROBABILITIES) -> dict[str, list[Any]]:
    return {column.name: column.to_list() for column in TASK.columns(probabilities, top, proba)}


def test_labels_are_sorted_and_targets_are_their_places() -> None:
    found = examples(["so-so", "bad", "good", "bad"])
    task = Classify.of(found)
    assert (task.labels, task.outputs) == (["bad", "good", "so-so"], 3)
    assert task.targets(found).tolist() == [2, 0, 1, 0]


def test_one_label_only_is_an_error() -> None:
    with pytest.raises(InputError, match="all 3 records have the label 'a'"):
        Classify.of(examples(["a"] * 3))


@given(st.lists(st.sampled_from("abc"), min_size=2, max_size=60).filter(lambda labels: len({*labels}) > 1), st.sampled_from([0.1, 0.3, 0.9]))
@settings(max_examples=60)
def test_the_split_takes_its_share_of_each_label(labels: list[str], share: float) -> None:
    found = examples(labels)
    train, valid = Classify.of(found).split(found, share, seed=3)
    assert sorted([*train, *valid]) == list(range(len(labels)))
    for label in {*labels}:
        held, of = sum(labels[row] == label for row in valid), labels.count(label)
        assert held == min(of - 1, max(1, round(share * of)))  # one record at least stays to train on


def test_the_split_is_the_seeds() -> None:
    found = examples(list("ab") * 50)
    task = Classify.of(found)
    first, again, other = (task.split(found, 0.2, seed)[1].tolist() for seed in (1, 1, 2))
    assert first == again != other
    assert task.split(found, 0.0, 1)[1].tolist() == []


@pytest.mark.parametrize("records", [1, 2, 5])
def test_of_several_labels_too_a_record_stays_to_train_on(records: int) -> None:
    found = Examples(strings={"labels": pl.Series([["a", "b"]] * records)}, size=records)
    train, valid = Classify.of(found).split(found, 0.9, seed=1)
    assert len(train) >= 1
    assert len(train) + len(valid) == records


class _Same(torch.nn.Module):
    """A network of which the logits are known."""

    def __init__(self, logits: torch.Tensor) -> None:
        super().__init__()
        self.logits = logits

    def forward(self, _: Any) -> torch.Tensor:
        return self.logits


def test_the_loss_is_the_mean_cross_entropy() -> None:
    problem = Classifying(TASK, Feed(Ragged.of(pl.Series([[0]], dtype=pl.List(pl.Int32))), 0), np.zeros(1))
    logits = torch.log(torch.tensor([[0.25, 0.5, 0.25], [0.125, 0.75, 0.125]]))
    assert float(problem.loss(_Same(logits), (None, torch.tensor([0, 1]), None))) == pytest.approx((math.log(4) - math.log(0.75)) / 2)


def test_metrics_as_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    probabilities, targets = rng.dirichlet(np.ones(3), 40), rng.integers(0, 3, 40)
    found = TASK.metrics(probabilities, targets)
    assert found["loss"] == pytest.approx(sk.log_loss(targets, probabilities, labels=range(3)), abs=1e-6)
    assert found["accuracy"] == pytest.approx(sk.accuracy_score(targets, probabilities.argmax(1)), abs=1e-6)
    assert found["f1_macro"] == pytest.approx(sk.f1_score(targets, probabilities.argmax(1), average="macro"), abs=1e-6)
    assert np.isfinite(TASK.metrics(np.array([[1.0, 0.0, 0.0]]), np.array([1]))["loss"])


def test_prediction_and_score_rounded_to_six_decimals() -> None:
    assert columns() == {"prediction": ["good", "bad", "so-so"], "score": [0.7, 0.5, 0.776543]}


def test_the_best_k_the_first_label_of_equals_first() -> None:
    ranking = columns(top=2)["predictions"]
    assert ranking[0] == [{"label": "good", "score": 0.7}, {"label": "bad", "score": 0.2}]
    assert ranking[1] == [{"label": "bad", "score": 0.5}, {"label": "good", "score": 0.25}]
    assert columns(top=9) | columns() == columns(proba=True)


def test_all_probabilities_sum_to_one() -> None:
    for row in columns(proba=True)["predictions"]:
        assert sum(entry["score"] for entry in row) == pytest.approx(1, abs=3e-6)
        assert row == sorted(row, key=lambda entry: -entry["score"])
        assert {entry["label"] for entry in row} == {*TASK.labels}


@pytest.mark.parametrize("top", [None, 1, 2])
def test_no_records_give_no_rows_and_the_same_columns(top: int | None) -> None:
    empty, full = TASK.columns(np.empty((0, 3)), top, False), TASK.columns(PROBABILITIES, top, False)
    assert [(column.name, column.dtype, len(column)) for column in empty] == [(column.name, column.dtype, 0) for column in full]


def test_its_description_rebuilds_it() -> None:
    assert Classify.from_json(TASK.to_json(), "here") == TASK
    for damaged in ({}, {"labels": "ab"}, {"labels": [1, 2]}):
        with pytest.raises(InputError, match=r"here.*no labels"):
            Classify.from_json(damaged, "here")
