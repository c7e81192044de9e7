"""Limits that metrics must keep: what makes a run end with a code of its own."""

from __future__ import annotations

import math
from collections.abc import Iterable

from textkit.errors import InputError, QualityError

COUNTED = ("accuracy", "balanced_accuracy", *(f"{name}_{mean}" for name in ("f1", "precision", "recall") for mean in ("macro", "micro", "weighted")))
SCORED = ("roc_auc", "average_precision", "log_loss", "ece")
SEVERAL = ("subset_accuracy", "hamming_loss", "f1_samples")  # of records with several labels
TAGS = ("tag_accuracy", "sentence_accuracy", "f1_entity")  # of records with a tag for each word
LOSSES = ("log_loss", "ece", "hamming_loss")  # the lower the better
METRICS = (*COUNTED, *SCORED, *SEVERAL, *TAGS)
VECTORS = ("analogies", "analogies_all", "spearman", "spearman_all", "pearson", "pearson_all")  # of an embedding
EVERY = (*METRICS, *VECTORS)


def parsed(pair: str) -> tuple[str, float]:
    """`f1_macro=0.8`. ValueError says what is wrong with it."""
    name, _, number = pair.partition("=")
    if name not in EVERY:
        raise ValueError(f"no metric is called {name!r}; the metrics are {', '.join(EVERY)}.")
    try:
        limit = float(number)
    except ValueError:
        limit = math.nan
    if not math.isfinite(limit):
        raise ValueError(f"takes a metric and its limit: {name}=0.8.")
    return name, limit


def check(metrics: dict[str, float], limits: Iterable[tuple[str, float]]) -> None:
    """QualityError if a metric does not keep its limit; InputError if these predictions do not allow it."""
    limits = list(limits)
    for name, _ in limits:
        if name not in metrics:
            raise InputError(f"{name} cannot be told{_takes(name)}", fix="see predict --proba" if name in SCORED else None)
    failed = [_told(name, metrics[name], limit) for name, limit in limits if _fails(name, metrics[name], limit)]
    if failed:
        raise QualityError("; ".join(failed))


def _fails(name: str, value: float, limit: float) -> bool:
    return value > limit if name in LOSSES else value < limit


def _told(name: str, value: float, limit: float) -> str:
    return f"{name} is {value:.6g}, {'over' if name in LOSSES else 'under'} the limit of {limit:.6g}"


def _takes(name: str) -> str:
    if name in VECTORS:
        file = "--analogies FILE, with known words" if name in VECTORS[:2] else "--pairs FILE, with two known pairs or more"
        return f": it takes an embedding and {file}"
    if name in TAGS:
        return ": it takes a tag for each word" + (", and tags that mark entities, as B-PER" if name == "f1_entity" else "")
    what = {"roc_auc": "scores", "average_precision": "scores", "log_loss": "probabilities", "ece": "probabilities"}
    more = ", and records of two labels or more" if what.get(name) == "scores" else ""
    return f": it takes the {what[name]} of all labels{more}" if name in what else " of these records"
