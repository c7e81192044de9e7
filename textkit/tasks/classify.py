"""Classification: one label for a record. What it needs, its loss, its metrics, and what predictions look like.

torch is imported only by the functions that a neural architecture calls.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from textkit.arrays import Ragged
from textkit.errors import InputError
from textkit.metrics import classification
from textkit.padding import real_ids
from textkit.training.examples import Examples

if TYPE_CHECKING:
    from textkit.streams.batch import Batch
    from textkit.tasks.classify_neural import LabelsFromIds

LABEL = "label"


@dataclass
class Classify:
    labels: list[str]
    strings = (LABEL,)  # the columns that training reads besides the model's input
    metric = "accuracy"  # which epoch is the best

    @classmethod
    def of(cls, examples: Examples) -> Classify:
        """The task of these examples. InputError unless they have two labels or more."""
        labels = examples.strings[LABEL].unique().sort().to_list()
        if len(labels) < 2:
            raise InputError(f"all {len(examples)} records have the label {labels[0]!r}: a classifier needs two or more")
        return cls(labels)

    @property
    def outputs(self) -> int:
        """C, the width of the logits."""
        return len(self.labels)

    def targets(self, examples: Examples) -> np.ndarray:
        """(N,) int64 positions in `labels`."""
        codes = examples.strings[LABEL].cast(pl.Enum(self.labels)).cat.physical()
        return codes.cast(pl.Int64).to_numpy()

    def split(self, examples: Examples, share: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """(training rows, validation rows): `share` of each label's records, drawn with the seed, are for validation."""
        rng = np.random.default_rng(seed)
        targets = self.targets(examples)
        held = np.zeros(len(targets), bool)
        for label in range(self.outputs):
            rows = rng.permutation(np.flatnonzero(targets == label))
            held[rows[: min(len(rows) - 1, max(1, round(share * len(rows))))] if share else rows[:0]] = True
        return np.flatnonzero(~held), np.flatnonzero(held)

    def problem(self, examples: Examples, pad_id: int) -> LabelsFromIds:
        """What the training loop works on."""
        from textkit.tasks.classify_neural import LabelsFromIds

        return LabelsFromIds(self, examples.ragged["ids"], self.targets(examples), pad_id)

    def metrics(self, probabilities: np.ndarray, targets: np.ndarray) -> dict[str, float]:
        """probabilities: (N, C), targets: (N,)."""
        found = classification(targets, probabilities.argmax(1), self.labels)
        picked = np.clip(probabilities[np.arange(len(targets)), targets], 1e-12, 1)
        loss = round(float(-np.log(picked).mean()), 6)
        return {"loss": loss, "accuracy": round(found.accuracy, 6), "f1_macro": round(found.f1_macro, 6)}

    def predict(self, model: Any, batch: Batch, manifest: dict[str, Any], top: int | None, proba: bool) -> list[pl.Series]:
        """The columns that a bundle's model adds to a batch that went through its chain."""
        return self.columns(self.probabilities(model, batch, manifest), top, proba)

    def probabilities(self, model: Any, batch: Batch, manifest: dict[str, Any]) -> np.ndarray:
        """(B, C), from vectors or ids as the model was trained. InputError where they do not fit it."""
        if not len(batch):
            return np.empty((0, self.outputs))
        if manifest["input"] == "vector":
            return model.predict_vectors(known_vectors(batch, manifest["sizes"]["features"]))  # type: ignore[no-any-return]
        ids = known_ids(batch, manifest["sizes"]["vocabulary"])
        if model.engine == "classic":
            return model.predict_ids(ids)  # type: ignore[no-any-return]
        from textkit.tasks.classify_neural import probabilities

        return probabilities(model, ids, np.arange(len(batch)), manifest["pad_id"])

    def columns(self, probabilities: np.ndarray, top: int | None, proba: bool) -> list[pl.Series]:
        """What predicting adds to a batch: prediction and score, and `predictions` for -k or --proba.

        probabilities: (B, C). Scores are rounded to 6 decimals: beyond that they depend on how records are batched.
        """
        names = pl.Series(self.labels)
        best = probabilities.argmax(1)
        scores = probabilities[np.arange(len(best)), best].astype(np.float64).round(6)
        columns = [names.gather(best).alias("prediction"), pl.Series("score", scores, dtype=pl.Float64)]
        if top or proba:
            columns.append(self._ranking(probabilities, len(self.labels) if proba else min(top or 1, len(self.labels))))
        return columns

    def _ranking(self, probabilities: np.ndarray, k: int) -> pl.Series:
        """(B, k) of {label, score}, the best first."""
        order = np.argsort(-probabilities, axis=1, kind="stable")[:, :k]
        scores = np.take_along_axis(probabilities, order, 1).astype(np.float64).round(6)
        flat = pl.DataFrame({"label": pl.Series(self.labels).gather(order.ravel()), "score": scores.ravel()})
        rows = pl.Series(np.repeat(np.arange(len(order)), k))
        nested = flat.select(rows.alias("row"), pl.struct("label", "score").alias("predictions"))
        return nested.group_by("row", maintain_order=True).agg("predictions")["predictions"]

    def summary(self) -> str:
        return f"{len(self.labels)} labels"

    def to_json(self) -> dict[str, Any]:
        return {"labels": self.labels}

    @classmethod
    def from_json(cls, manifest: dict[str, Any], where: str) -> Classify:
        labels = manifest.get("labels")
        if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
            raise InputError("the manifest has no labels", where=where)
        return cls(labels)


def known_ids(batch: Batch, vocabulary: int) -> Ragged:
    """A batch's ids without padding; InputError if one is not in the vocabulary of this size."""
    ids = Ragged.of(real_ids(batch))
    if len(ids.flat) and (ids.flat.min() < 0 or ids.flat.max() >= vocabulary):
        raise InputError(f"an id is outside the model's vocabulary of {vocabulary}", where=batch.position(0))
    return ids


def known_vectors(batch: Batch, width: int) -> np.ndarray:
    """A batch's vectors, (B, width); InputError if one has another width."""
    vectors = batch.require("vector")["vector"]
    if not (vectors.list.len() == width).all():
        raise InputError(f"a vector is not {width} wide", where=batch.position(0))
    return vectors.list.to_array(width).to_numpy()
