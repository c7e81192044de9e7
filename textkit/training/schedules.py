"""The learning rate over the steps of a training, as a share of its peak.

Warm-up: it rises in even steps to the peak (Goyal et al. 2017), but for rsqrt.

    constant   1
    linear     falls in even steps to 0 at the end
    cosine     (1 + cos(pi x)) / 2 for x from 0 to 1 (Loshchilov and Hutter 2017)
    noam       min(s / w, sqrt(w / s)): Vaswani et al. 2017, scaled so that the peak is 1
    rsqrt      sqrt(w / max(s, w)): the peak for the whole warm-up, then as noam (Raffel et al. 2020)
    plateau    halved each time that the metric has not become better for two evaluations
"""

from __future__ import annotations

import math
from collections.abc import Sequence

SCHEDULES = ("constant", "linear", "cosine", "noam", "rsqrt", "plateau")
NEED_WARMUP = ("noam", "rsqrt")
USUAL_WARMUP = 0.1  # of those that need one
HALVED = 0.5
PATIENCE = 1  # evaluations without an improvement that plateau puts up with


def warmup_steps(warmup: float | None, schedule: str, total: int) -> int:
    """warmup: steps, or below 1 a share of all steps; None: what the schedule needs."""
    if warmup is None:
        warmup = USUAL_WARMUP if schedule in NEED_WARMUP else 0
    return round(warmup * total) if warmup < 1 else int(warmup)


def factor(schedule: str, step: float, total: int, warmup: int) -> float:
    """Of the learning rate at this step, counted from 0. total: steps of the training; warmup: those of its beginning."""
    now, warm = step + 1, max(1, warmup)
    if schedule == "noam":
        return min(now / warm, math.sqrt(warm / now))
    if schedule == "rsqrt":
        return math.sqrt(warm / max(now, warm))
    if now < warmup:
        return now / warmup
    left = min(1.0, max(0.0, (total - step) / max(1, total - warmup)))
    if schedule == "linear":
        return left
    return (1 - math.cos(math.pi * left)) / 2 if schedule == "cosine" else 1.0


def plateau(values: Sequence[float], lower: bool) -> float:
    """The factor after these values of the metric, one an evaluation. lower: whether the lower is the better."""
    found, best, waited = 1.0, math.inf, 0
    for value in values:
        cost = value if lower else -value
        best, waited = (cost, 0) if cost < best else (best, waited + 1)
        if waited > PATIENCE:
            found, waited = found * HALVED, 0
    return found
