"""The bootstrap over counts is the bootstrap over records."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from textkit.evaluating import resampling
from textkit.evaluating.resampling import Cells, intervals
from textkit.metrics import averages, classification

TRIPLES = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=30)


@given(TRIPLES, st.integers(0, 1000))
@settings(max_examples=60)
def test_each_resample_is_measured_as_its_records(triples: list[tuple[int, int, int]], seed: int) -> None:
    """What is drawn are counts of cells: written out as records they have the metrics that scikit-learn gives."""
    gold, one, two = np.array(triples).T
    cells = Cells.of(gold, one, two, labels=4)
    drawn = np.concatenate([*cells.draws(seed, resamples=3)])
    assert (drawn.sum(1) == len(triples)).all()
    for model, predicted in enumerate(cells.predictions):
        found = averages(cells.tally(drawn, model))
        for row, counts in enumerate(drawn):
            truth, guess = np.repeat(cells.gold, counts), np.repeat(predicted, counts)
            assert found["accuracy"][row] == pytest.approx(sk.accuracy_score(truth, guess), abs=1e-12)
            assert found["f1_macro"][row] == pytest.approx(sk.f1_score(truth, guess, average="macro", zero_division=0), abs=1e-12)


@given(TRIPLES)
@settings(max_examples=60)
def test_the_records_themselves_have_the_metrics_of_the_confusion_matrix(triples: list[tuple[int, int, int]]) -> None:
    gold, predicted, _ = np.array(triples).T
    cells = Cells.of(gold, predicted, labels=4)
    found = averages(cells.tally(cells.counts[None]))
    assert {name: values[0] for name, values in found.items()} == pytest.approx(classification(gold, predicted, [*"abcd"]).summary())


def test_the_interval_is_that_of_resampled_records() -> None:
    """10,000 resamples of 200 records, drawn one by one: both have the same quantiles but for chance (standard error 0.0006)."""
    draw = np.random.default_rng(0)
    gold = draw.integers(0, 2, 200)
    predicted = np.where(draw.random(200) < 0.8, gold, 1 - gold)
    cells = Cells.of(gold, predicted, labels=2)
    found = intervals(cells, lambda drawn: averages(cells.tally(drawn)), 0.9, seed=1)
    rows = draw.integers(0, 200, (10_000, 200))
    plain = np.quantile((gold[rows] == predicted[rows]).mean(1), [0.05, 0.95])
    assert found["accuracy"] == pytest.approx(plain, abs=0.011)
    assert found["f1_macro"][0] < averages(cells.tally(cells.counts[None]))["f1_macro"][0] < found["f1_macro"][1]


def test_the_same_seed_gives_the_same_whatever_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    gold, predicted = np.random.default_rng(3).integers(0, 5, (2, 100))
    cells = Cells.of(gold, predicted, labels=5)
    whole = intervals(cells, lambda drawn: averages(cells.tally(drawn)), 0.95, seed=7)
    monkeypatch.setattr(resampling, "BLOCK", 100)
    assert intervals(cells, lambda drawn: averages(cells.tally(drawn)), 0.95, seed=7) == whole
    assert intervals(cells, lambda drawn: averages(cells.tally(drawn)), 0.95, seed=8) != whole


def test_all_right_has_no_width() -> None:
    gold = np.array([0, 0, 1, 2])
    cells = Cells.of(gold, gold, labels=3)
    assert intervals(cells, lambda drawn: averages(cells.tally(drawn)), 0.95, seed=7)["f1_macro"] == [1.0, 1.0]
