"""Records that may have several labels, or none: `labels` against the labels in `predictions`."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from textkit.errors import InputError
from textkit.evaluating.collecting import Codes, check_predictions
from textkit.metrics import Counts, averaged, per_label
from textkit.streams.batch import Batch
from textkit.streams.stream import Stream

FIX = "predictions come from textkit predict"


def may_be_several(batch: Batch) -> bool:
    """Whether these are such records: they have no `prediction`."""
    return batch.has("labels") and not batch.has("prediction")


def demand(batch: Batch) -> None:
    """BadRecords where a record lacks its labels or its predictions, or one of these is not whole."""
    batch.require("labels", "predictions", fix=FIX)
    check_predictions(batch)


@dataclass(frozen=True)
class SeveralReport:
    """What was found. Macro is the mean over the labels that occur in gold or predictions."""

    records: int
    names: list[str]
    counts: Counts
    own: dict[str, float]  # what only such records have
    words: int | None = None  # of records with a tag for each

    @property
    def metrics(self) -> dict[str, float]:
        means = {name: float(value) for name, value in averaged(self.counts).items()}
        return {name: round(value, 6) for name, value in {**self.own, **means}.items()}

    def labels(self) -> dict[str, dict[str, float]]:
        table = {name: values.round(6).tolist() for name, values in per_label(self.counts).items()}
        table["support"] = self.counts.support.tolist()
        return {label: {name: values[row] for name, values in table.items()} for row, label in enumerate(self.names)}

    def to_json(self) -> dict[str, Any]:
        words = {} if self.words is None else {"words": self.words}
        return {"records": self.records, **words, **self.metrics, "labels": self.labels()}


def measure_several(stream: Stream, known: Collection[str] = ()) -> SeveralReport:
    """Compare over all records. `known`: the model's labels, which may be wrong on a record whether they occur or not."""
    codes, gold, predicted = Codes(), Pairs(), Pairs()
    codes(pl.Series([*known], dtype=pl.String))
    for batch in stream.batches:
        demand(batch)
        frame = batch.read_ours("labels", "predictions")
        gold.add(codes, frame["labels"])
        predicted.add(codes, frame["predictions"])
    stream.ending.demand()
    names, places = codes.sorted()
    chosen = predicted.keys(places) if known else predicted.chosen(places)  # a model at hand lists only what it chooses
    return _report(names, gold.keys(places), chosen, gold.records)


class Pairs:
    """(record, label) of all records, as arrays; and the score of each, if it has one."""

    def __init__(self) -> None:
        self.records = 0
        self._rows: list[np.ndarray] = []
        self._codes: list[np.ndarray] = []
        self._scores: list[np.ndarray] = []

    def add(self, codes: Codes, column: pl.Series) -> None:
        """column: (B,) lists of labels, or of {label, score}."""
        lengths = column.list.len().to_numpy()
        flat = column.filter(column.list.len() > 0).explode()
        if flat.dtype != pl.String:
            self._scores.append(flat.struct.field("score").to_numpy())
            flat = flat.struct.field("label")
        self._rows.append(np.repeat(np.arange(len(column)) + self.records, lengths))
        self._codes.append(codes(flat))
        self.records += len(column)

    def keys(self, places: np.ndarray) -> np.ndarray:
        """Each pair once, as one number: record * labels + label."""
        rows, codes = (np.concatenate(parts or [np.empty(0, np.int64)]) for parts in (self._rows, self._codes))
        return np.unique(rows * max(1, len(places)) + places[codes])

    def chosen(self, places: np.ndarray) -> np.ndarray:
        """As `keys`: all labels that are listed, but where every record lists the same (`predict --proba`) those with a
        probability of one half or more, or with a decision score above 0."""
        keys = self.keys(places)
        listed = len(np.unique(keys % max(1, len(places))))
        if not listed or len(keys) < self.records * listed:
            return keys
        scores = np.concatenate(self._scores)
        probable = scores.min() >= 0 and scores.max() <= 1
        kept = scores >= 0.5 if probable else scores > 0
        rows, codes = np.concatenate(self._rows), np.concatenate(self._codes)
        return np.unique(rows[kept] * len(places) + places[codes[kept]])


def _report(names: list[str], gold: np.ndarray, predicted: np.ndarray, records: int) -> SeveralReport:
    """gold, predicted: the pairs as keys."""
    if not records:
        raise InputError("nothing to evaluate: there are no records")
    if not names:
        raise InputError("nothing to evaluate: no record has a label, and none is predicted")
    width = len(names)
    both = np.intersect1d(gold, predicted, assume_unique=True)
    counts = Counts(*(np.bincount(keys % width, minlength=width) for keys in (both, gold, predicted)))
    right, due, given = (np.bincount(keys // width, minlength=records) for keys in (both, gold, predicted))
    wrong = due + given - 2 * right  # labels that a record has too many or too few
    f1 = np.divide(2 * right, due + given, out=np.zeros(records), where=due + given > 0)
    own = {
        "subset_accuracy": float((wrong == 0).mean()),
        "hamming_loss": float(wrong.sum() / (records * width)),
        "f1_samples": float(f1.mean()),
    }
    occurs = np.flatnonzero(counts.support + counts.predicted)
    return SeveralReport(records, [names[place] for place in occurs], Counts(*(column[occurs] for column in counts)), own)
