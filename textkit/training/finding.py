"""`train --find-lr`: the learning rate range test of Smith 2017 (arXiv 1506.01186).

A short training in which the rate rises by the same factor at each step. The loss stays, falls, and at last grows. A rate an
order of magnitude below the one at which it was lowest is a good peak for a training. The loss is measured after each step on
the same few hundred records: that of the steps' own batches is too noisy to tell where it is lowest.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import torch

from textkit.report import say, show
from textkit.training.batching import cells_of, sorted_batches
from textkit.training.devices import moved
from textkit.training.loop import Diverged, Trainer
from textkit.training.watching import curve

STEPS = 100
LOWEST, HIGHEST = 1e-6, 10.0  # rates
PROBED = 256  # records, at most
CELLS = 1 << 14  # tokens of them, at most: their loss is taken a hundred times
GROWN = 2.0  # times the loss before the first step: then it has seen enough
BELOW = 10.0  # the lowest point by how much
ROWS = 6  # of the picture


class Point(NamedTuple):
    lr: float
    loss: float


def find(trainer: Trainer) -> float:
    """Tells the curve and a rate, which is returned. The trainer is used up."""
    probe = Probe(trainer)
    first, points = probe.loss(), list[Point]()
    for lr in rates():
        try:
            trainer.advance(lr)
        except Diverged:
            break
        points.append(Point(lr, probe.loss()))
        if not points[-1].loss <= GROWN * first:  # or no number
            break
    shown = [point for point in points if math.isfinite(point.loss)]
    if not shown:
        raise Diverged(f"no learning rate to be found: the loss is beyond all bounds even at {LOWEST:g}", fix="scale the numbers that it reads")
    found = suggested(shown)
    show(picture(shown, found, GROWN * first))
    lowest = min(shown, key=lambda point: point.loss)
    facts = {"lr": found, "lowest": lowest.lr, "curve": [[point.lr, round(point.loss, 6)] for point in shown]}
    say(f"--lr {found:.2g} is a good start: the loss was lowest, {lowest.loss:.4f}, at {lowest.lr:.2g}, and a tenth of that is safe", **facts)
    return found


class Probe:
    """The loss of the network as it stands, on a few records to train on."""

    def __init__(self, trainer: Trainer) -> None:
        self._trainer = trainer
        rows = np.random.default_rng(trainer.settings.seed).permutation(trainer.rows)[:PROBED]
        lengths = trainer.problem.lengths
        while len(rows) > 1 and cells_of(rows, lengths) > CELLS:
            rows = rows[: len(rows) // 2]
        self._parts = [rows[part] for part in sorted_batches(lengths[rows], PROBED, CELLS)]

    @torch.no_grad()
    def loss(self) -> float:
        problem, model, device = self._trainer.problem, self._trainer.model.eval(), self._trainer.device
        weights = [float(getattr(problem, "weight", len)(rows)) for rows in self._parts]
        losses = [float(problem.loss(model, moved(problem.batch(rows), device))) for rows in self._parts]
        return float(np.average(losses, weights=weights))


def rates() -> list[float]:
    return [LOWEST * (HIGHEST / LOWEST) ** (step / (STEPS - 1)) for step in range(STEPS)]


def suggested(points: list[Point]) -> float:
    return float(f"{min(points, key=lambda point: point.loss).lr / BELOW:.2g}")


def picture(points: list[Point], found: float, most: float) -> list[str]:
    """The curve with its axis: rates grow to the right, and ^ is the one that is suggested. most: losses above it are cut off."""
    lines = curve([min(point.loss, most) for point in points], len(points), ROWS)
    at = sum(point.lr < found for point in points)
    axis = f"{points[0].lr:.0e}".ljust(len(points) - 5) + f"{points[-1].lr:.0e}"
    return [f"  {line}" for line in lines] + [f"  {axis}  learning rate", "  " + " " * at + f"^ {found:.2g}"]
