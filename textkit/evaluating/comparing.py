"""Two models on the same records: which is better, and whether that can be chance."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from textkit.evaluating.resampling import Cells, intervals
from textkit.metrics import averages

COMPARED = ("accuracy", "f1_macro")
FEW = 25  # records on which one is right and the other wrong: below that the exact test


class McNemar(NamedTuple):
    """Whether two models are right equally often, from the records on which only one of them is."""

    method: str
    p: float


def mcnemar(only_one: int, only_other: int) -> McNemar:
    """Two-sided: binomial where there are few such records, else chi-square with continuity correction."""
    total = only_one + only_other
    if total < FEW:
        tail = sum(math.comb(total, k) for k in range(min(only_one, only_other) + 1))
        return McNemar("exact binomial", min(1.0, 2 * tail / 2**total))
    statistic = max(0, abs(only_one - only_other) - 1) ** 2 / total
    return McNemar("chi-square", math.erfc(math.sqrt(statistic / 2)))


@dataclass(frozen=True)
class Comparison:
    """`values` are (this, other) of each metric; intervals are of other - this, by the paired bootstrap."""

    name: str
    other: str
    level: float
    values: dict[str, tuple[float, float]]
    intervals: dict[str, list[float]]
    only_this: int  # records that only the first has right
    only_other: int
    test: McNemar

    @property
    def significant(self) -> bool:
        """Whether the accuracies differ by more than chance would explain."""
        return self.test.p < 1 - self.level

    @property
    def better(self) -> str | None:
        """By accuracy."""
        this, other = self.values["accuracy"]
        return None if this == other else self.name if this > other else self.other

    def to_json(self) -> dict[str, Any]:
        differences = {
            name: {"this": round(this, 6), "other": round(other, 6), "difference": round(other - this, 6), "interval": _rounded(self.intervals[name])}
            for name, (this, other) in self.values.items()
        }
        test = {"method": self.test.method, "only_this_right": self.only_this, "only_other_right": self.only_other, "p": float(f"{self.test.p:.6g}")}
        ends = {"better": self.better, "significant": self.significant}
        return {"this": self.name, "other": self.other, "confidence": self.level, **differences, "mcnemar": test, **ends}

    def verdict(self) -> str:
        """One sentence."""
        p = f"McNemar p = {self.test.p:.3g}"
        if self.better is None:
            return f"Both have the same accuracy ({p})."
        if self.significant:
            return f"{self.better} is better, and that is hardly chance ({p})."
        return f"{self.better} has the higher accuracy here, but that cannot be told from chance ({p})."


def _rounded(bounds: list[float]) -> list[float]:
    return [round(bound, 6) for bound in bounds]


def compare(gold: np.ndarray, this: np.ndarray, other: np.ndarray, labels: int, names: tuple[str, str], level: float, seed: int) -> Comparison:
    """gold, this, other: (N,) codes below `labels`."""
    cells = Cells.of(gold, this, other, labels=labels)

    def both(drawn: np.ndarray) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        return averages(cells.tally(drawn, 0)), averages(cells.tally(drawn, 1))

    def differences(drawn: np.ndarray) -> dict[str, np.ndarray]:
        one, two = both(drawn)
        return {name: two[name] - one[name] for name in COMPARED}

    one, two = both(cells.counts[None])
    values = {name: (float(one[name][0]), float(two[name][0])) for name in COMPARED}
    right, other_right = this == gold, other == gold
    only_this, only_other = int((right & ~other_right).sum()), int((other_right & ~right).sum())
    found = intervals(cells, differences, level, seed)
    return Comparison(*names, level, values, found, only_this, only_other, mcnemar(only_this, only_other))
