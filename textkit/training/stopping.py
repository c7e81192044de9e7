"""Which evaluation is the best, and when it is time to stop: told from the history alone, so that a resumed run decides the same."""

from __future__ import annotations

from typing import Any

LOWER = ("loss", "perplexity", "error", "error_rate")  # metrics that are the better the lower they are

Entry = dict[str, Any]


def lower_is_better(metric: str) -> bool:
    return metric.endswith(LOWER)


def best_epoch(history: list[Entry], metric: str) -> Entry:
    """The entry with the best validation metric, of equals the one with the lowest loss; without validation the last."""
    key = f"valid_{metric}"
    if key not in history[-1]:
        return history[-1]
    sign = -1 if lower_is_better(metric) else 1
    return max(history, key=lambda entry: (sign * entry[key], -entry.get("valid_loss", 0.0)))


def is_best(history: list[Entry], metric: str) -> bool:
    return best_epoch(history, metric) is history[-1]


def stale(history: list[Entry], metric: str) -> int:
    """Evaluations since the best one."""
    best = best_epoch(history, metric) if history else None
    return next((back for back, entry in enumerate(reversed(history)) if entry is best), 0)


def watched(history: list[Entry], metric: str) -> tuple[list[float], bool]:
    """What a schedule may look at: the metric of each evaluation, without validation the training loss; and whether lower is better."""
    key = f"valid_{metric}"
    if all(key in entry for entry in history):
        return [entry[key] for entry in history], lower_is_better(metric)
    return [entry["train_loss"] for entry in history], True
