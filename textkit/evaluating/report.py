"""All that was found, as numbers; how it looks is said in tables.py."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from typing import Any

from textkit.evaluating.comparing import Comparison
from textkit.evaluating.resampling import RESAMPLES
from textkit.evaluating.scores import Scores
from textkit.evaluating.several import SeveralReport
from textkit.metrics import Classification


@dataclass(frozen=True)
class Confidence:
    level: float
    seed: int
    intervals: dict[str, list[float]]  # metric -> [low, high]

    def to_json(self) -> dict[str, Any]:
        intervals = {name: [round(bound, 6) for bound in bounds] for name, bounds in self.intervals.items()}
        return {"level": self.level, "resamples": RESAMPLES, "seed": self.seed, "intervals": intervals}


@dataclass(frozen=True)
class Report:
    counted: Classification
    scores: Scores | None = None  # None: only the predicted labels are known
    confidence: Confidence | None = None
    comparison: Comparison | None = None
    worst: list[dict[str, Any]] | None = None

    @property
    def records(self) -> int:
        return self.counted.records

    @property
    def metrics(self) -> dict[str, float]:
        """What can be told of these predictions, rounded as it is printed."""
        scored = {} if self.scores is None else self.scores.summary()
        return {name: round(value, 6) for name, value in {**self.counted.summary(), **scored}.items()}

    def labels(self) -> dict[str, dict[str, float]]:
        """A row for each label."""
        found: Any = self.counted.to_json()["labels"]
        ranked = {} if self.scores is None else self.scores.per_label
        rows = {label: {name: round(value, 6) for name, value in ranked.get(label, {}).items()} for label in found}
        return {label: {**row, **rows[label]} for label, row in found.items()}

    def to_json(self) -> dict[str, Any]:
        parts = {"confidence": self.confidence, "compare": self.comparison}
        told = {name: part.to_json() for name, part in parts.items() if part is not None}
        worst = {} if self.worst is None else {"worst": self.worst}
        confusion = self.counted.to_json()["confusion"]
        return {"records": self.records, **self.metrics, "labels": self.labels(), "confusion": confusion, **told, **worst}


def print_json(report: Report | SeveralReport) -> None:
    sys.stdout.write(json.dumps(report.to_json(), ensure_ascii=False) + "\n")
