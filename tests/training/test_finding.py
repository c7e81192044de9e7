"""The learning rate range test: the loss is measured alike at each step, and the rate told lies below where it was lowest."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from textkit.training import finding
from textkit.training.loop import Diverged, Settings, Trainer

torch.set_num_threads(1)


class Quadratic:
    """The mean of (w x - 3 x)^2 / 2 over records x of 1: of curvature 1, so that plain descent diverges past a rate of 2."""

    metric = "loss"

    def __init__(self, records: int = 64) -> None:
        self.lengths = np.ones(records, np.int64)

    def batch(self, rows: np.ndarray) -> Tensor:
        return torch.ones(len(rows), 1)

    def loss(self, model: nn.Module, batch: Any) -> Tensor:
        return (model(batch) - 3 * batch).square().mean() / 2

    def evaluate(self, model: nn.Module, rows: np.ndarray) -> dict[str, float]:
        raise AssertionError("nothing is validated")


def weight() -> nn.Module:
    model = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(model.weight)
    return model


def trainer(records: int = 64) -> Trainer:
    settings = Settings(epochs=None, max_steps=finding.STEPS, batch_size=8, optimizer="sgd", clip=0.0, precision="fp32", device="cpu")
    return Trainer(weight, Quadratic(records), (np.arange(records), np.arange(0)), settings)


def test_rates_grow_by_the_same_factor_from_the_lowest_to_the_highest() -> None:
    rates = finding.rates()
    factors = [after / before for before, after in pairwise(rates)]
    assert (rates[0], rates[-1], len(rates)) == (finding.LOWEST, pytest.approx(finding.HIGHEST), finding.STEPS)
    assert max(factors) == pytest.approx(min(factors))


def test_the_curve_is_that_of_the_rates_by_hand(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Each step takes (1 - lr) of the way to 3 away; the loss is half the square of what is left."""
    told: dict[str, Any] = {}
    monkeypatch.setattr(finding, "say", lambda message, **facts: told.update(facts))
    found = finding.find(trainer())
    left, due = 3.0, []
    for lr in finding.rates():
        left *= 1 - lr
        due.append([lr, left**2 / 2])
        if due[-1][1] > finding.GROWN * 4.5:
            break
    assert len(told["curve"]) == len(due)
    np.testing.assert_allclose(told["curve"], due, rtol=0.1, atol=1e-5)  # what is left near the end is rounding
    assert found == told["lr"] == pytest.approx(told["lowest"] / finding.BELOW, rel=0.05)
    assert found < 2, "past which it diverges"
    assert "^" in capsys.readouterr().err


def test_without_any_finite_loss_there_is_no_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    def diverge(self: Trainer, lr: float) -> None:
        raise Diverged("the loss is 2e+09")

    monkeypatch.setattr(Trainer, "advance", diverge)
    with pytest.raises(Diverged, match="no learning rate to be found"):
        finding.find(trainer())


def test_it_goes_on_over_several_epochs_of_few_records() -> None:
    assert 0 < finding.find(trainer(records=9)) < 2


def test_the_picture_marks_the_rate_under_its_axis() -> None:
    points = [finding.Point(lr, abs(math.log10(lr) + 2) + 1) for lr in finding.rates()]
    *_, axis, mark = finding.picture(points, 1e-3, 9.0)
    assert axis.split()[:2] == ["1e-06", "1e+01"]
    at = mark.index("^") - 2
    assert points[at - 1].lr < 1e-3 <= points[at].lr
