"""One model or two as a stage: each predicts the same records."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from textkit.predicting import Predict
from textkit.stage import Stage
from textkit.streams.batch import Batch
from textkit.streams.lineage import Entry
from textkit.streams.stream import Stream

OTHER = "other_prediction"  # column of the second model's predictions
ALL = 2**31 - 1  # of the best labels: all


class Models(Stage):
    """`first`, if there is one, adds what predicting adds; of `second` only the prediction is kept."""

    def __init__(self, first: Predict | None, second: Predict | None) -> None:
        self.first, self.second = first, second

    def start(self, stream: Stream) -> tuple[Stage, Stream]:
        started = [None if model is None else model.start(stream)[0] for model in (self.first, self.second)]
        return Models(*started), stream

    def apply(self, batch: Batch) -> Batch:
        found = batch if self.first is None else self.first.apply(batch)
        if self.second is None:
            return found
        return found.put(self.second.apply(batch).frame["prediction"].alias(OTHER))

    def entry(self) -> Entry:
        model = self.first or self.second
        assert model is not None, "a stage of no model is not made"
        return model.entry()

    @classmethod
    def restore(cls, entry: Entry, folder: Path | None) -> Stage:
        return cls(Predict.restore(entry, folder), None)


def loaded(folder: str) -> Predict:
    """A model that gives the scores of all labels; of records with several labels only those that it chooses."""
    model = Predict.load(folder, ALL)
    return Predict(model.bundle) if of_several(model) else model


def of_several(model: Predict | None) -> bool:
    return model is not None and model.bundle.manifest.get("multi") is True


def of_words(model: Predict | None) -> bool:
    """Whether it tags words."""
    return model is not None and model.task.wordwise


def probable(manifest: dict[str, Any]) -> bool | None:
    """False for a model that has decision scores only, as a linear SVM; None: see by the scores."""
    return False if manifest.get("model", {}).get("link") == "none" else None
