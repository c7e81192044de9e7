"""Schedules against closed forms, and against torch's own where there is one."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn
from torch.optim.lr_scheduler import CosineAnnealingLR, LinearLR, ReduceLROnPlateau

from textkit.commands.train import SCHEDULES as TYPED
from textkit.training.schedules import HALVED, PATIENCE, SCHEDULES, factor, plateau, warmup_steps

TOTAL, WARM = 100, 10


def curve(schedule: str, warmup: int = 0) -> list[float]:
    return [factor(schedule, step, TOTAL, warmup) for step in range(TOTAL)]


def of_torch(make: object, steps: int = TOTAL) -> list[float]:
    optimizer = torch.optim.SGD(nn.Linear(1, 1).parameters(), lr=1.0)
    scheduler, found = make(optimizer), []  # type: ignore[operator]
    for _ in range(steps):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return found


def test_linear_and_cosine_are_torchs() -> None:
    assert curve("linear") == pytest.approx(of_torch(lambda it: LinearLR(it, 1.0, 0.0, TOTAL)))
    assert curve("cosine") == pytest.approx(of_torch(lambda it: CosineAnnealingLR(it, TOTAL)))
    assert curve("constant") == [1.0] * TOTAL


def test_noam_is_the_papers_formula_with_the_peak_at_1() -> None:
    """d^-0.5 min(s^-0.5, s w^-1.5), over its value at s = w."""
    d = 512
    paper = [d**-0.5 * min(s**-0.5, s * WARM**-1.5) for s in range(1, TOTAL + 1)]
    peak = d**-0.5 * WARM**-0.5
    assert curve("noam", WARM) == pytest.approx([value / peak for value in paper])
    assert curve("noam", WARM).index(1.0) == WARM - 1


def test_rsqrt_stands_at_the_peak_then_falls_as_the_root() -> None:
    found = curve("rsqrt", WARM)
    assert found[:WARM] == [1.0] * WARM
    assert found == pytest.approx([math.sqrt(WARM) / math.sqrt(max(s, WARM)) for s in range(1, TOTAL + 1)])


@pytest.mark.parametrize("schedule", ["constant", "linear", "cosine", "plateau"])
def test_warm_up_rises_in_even_steps_and_what_follows_begins_at_the_peak(schedule: str) -> None:
    found = curve(schedule, WARM)
    assert found[: WARM - 1] == pytest.approx([(step + 1) / WARM for step in range(WARM - 1)])
    assert found[WARM] == 1.0


@pytest.mark.parametrize("schedule", ["linear", "cosine"])
def test_after_a_warm_up_it_falls_as_over_a_shorter_training(schedule: str) -> None:
    shorter = [factor(schedule, step, TOTAL - WARM, 0) for step in range(TOTAL - WARM)]
    assert curve(schedule, WARM)[WARM:] == pytest.approx(shorter)


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("warmup", [0, 1, WARM, TOTAL, 2 * TOTAL])
def test_it_stays_between_0_and_1_also_past_the_end(schedule: str, warmup: int) -> None:
    assert all(0 <= factor(schedule, step, TOTAL, warmup) <= 1 for step in range(3 * TOTAL))
    assert factor(schedule, 0, TOTAL, warmup) > 0


@pytest.mark.parametrize(
    ("warmup", "schedule", "due"),
    [(0.1, "linear", 10), (10, "linear", 10), (0, "noam", 0), (None, "linear", 0), (None, "noam", 10), (None, "rsqrt", 10), (1, "cosine", 1)],
)
def test_warm_up_in_steps_or_as_a_share(warmup: float | None, schedule: str, due: int) -> None:
    assert warmup_steps(warmup, schedule, TOTAL) == due


@pytest.mark.parametrize("lower", [True, False])
def test_plateau_is_torchs(lower: bool) -> None:
    values = [5.0, 4.0, 4.0, 4.5, 4.1, 3.0, 3.0, 3.0, 3.0, 3.0, 2.0, 2.5]
    values = values if lower else [-value for value in values]
    optimizer = torch.optim.SGD(nn.Linear(1, 1).parameters(), lr=1.0)
    mode = "min" if lower else "max"
    oracle = ReduceLROnPlateau(optimizer, mode=mode, factor=HALVED, patience=PATIENCE, threshold=0.0)  # type: ignore[arg-type]
    for count, value in enumerate(values, 1):
        oracle.step(value)
        assert plateau(values[:count], lower) == optimizer.param_groups[0]["lr"]
    assert plateau([], lower) == 1.0


def test_names_are_those_of_the_command_line() -> None:
    assert SCHEDULES == TYPED
