"""Classification: one label for a record, or several. What it needs, its loss, its metrics, and what predictions look like.

torch is imported only by the functions that a neural architecture calls.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from textkit.arrays import Sparse
from textkit.errors import InputError
from textkit.metrics import classification
from textkit.ragged import flatten, nest
from textkit.streams.formats.sparse import rows_of
from textkit.training.examples import Examples

if TYPE_CHECKING:
    from textkit.classic.explaining import Explainer
    from textkit.streams.batch import Batch
    from textkit.tasks.classify_neural import Classifying
    from textkit.tasks.feeding import Feed

LABEL, LABELS = "label", "labels"
NO_CHANGES: dict[str, Any] = {}


@dataclass(frozen=True)
class Settings:
    """It has none of its own."""


@dataclass
class Classify:
    labels: list[str]
    multi: bool = False  # whether a record may have several labels, or none
    pairs: bool = False  # whether a record is two texts, for a network
    losses = ("class_weight", "label_smoothing")  # what the loss can be told
    Config = Settings
    gold = LABEL  # what predictions are measured against
    lacking = "name the column with --label-field"
    wordwise = False  # whether it says something of each word
    arch = None  # which one does it best; None: it depends
    ignores = ()  # settings of architectures that it has no use for
    usual = ()  # settings that an architecture begins with here, if it has them
    training = NO_CHANGES  # settings of the training loop that it begins with here

    @staticmethod
    def strings(first: Batch) -> tuple[str, ...]:
        """The columns that training reads besides the model's input: a label, or where there are none lists of labels."""
        return (LABELS,) if not first.has(LABEL) and first.has(LABELS) else (LABEL,)

    @classmethod
    def of(cls, examples: Examples, settings: Settings = Settings()) -> Classify:
        """The task of these examples. InputError unless they have two labels or more."""
        multi = LABELS in examples.strings
        column = examples.strings[LABELS].explode() if multi else examples.strings[LABEL]
        labels = column.drop_nulls().unique().sort().to_list()
        if not labels:
            raise InputError("no record has a label")
        if len(labels) < 2 and not multi:
            raise InputError(f"all {len(examples)} records have the label {labels[0]!r}: a classifier needs two or more")
        return cls(labels, multi, "pair_ids" in examples.ragged)

    @property
    def metric(self) -> str:
        """Which epoch is the best."""
        return "f1_micro" if self.multi else "accuracy"

    @property
    def outputs(self) -> int:
        """C, the width of the logits."""
        return len(self.labels)

    def targets(self, examples: Examples) -> np.ndarray:
        """(N,) int64 positions in `labels`; (N, C) whether a record has each label, where it may have several."""
        if self.multi:
            lists = examples.strings[LABELS]
            flat, lengths = flatten(lists)
            marks = np.zeros((len(lists), len(self.labels)), bool)
            marks[np.repeat(np.arange(len(lists)), lengths.to_numpy()), flat.cast(pl.Enum(self.labels)).to_physical().to_numpy()] = True
            return marks
        codes = examples.strings[LABEL].cast(pl.Enum(self.labels)).cat.physical()
        return codes.cast(pl.Int64).to_numpy()

    def split(self, examples: Examples, share: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """(training rows, validation rows): `share` of each label's records, drawn with the seed, are for validation."""
        rng = np.random.default_rng(seed)
        targets = self.targets(examples)
        held = np.zeros(len(targets), bool)
        if self.multi:
            held[rng.permutation(len(targets))[: min(len(targets) - 1, round(share * len(targets)))]] = True
            return np.flatnonzero(~held), np.flatnonzero(held)
        for label in range(self.outputs):
            rows = rng.permutation(np.flatnonzero(targets == label))
            held[rows[: min(len(rows) - 1, max(1, round(share * len(rows))))] if share else rows[:0]] = True
        return np.flatnonzero(~held), np.flatnonzero(held)

    def network(self, encoder: Any) -> Any:
        """The encoder of an architecture with what the task puts on it."""
        from textkit.tasks.classify_neural import network

        return network(self, encoder)

    def problem(
        self, examples: Examples, feed: Feed, trained: np.ndarray, *, class_weight: str | None = None, label_smoothing: float = 0.0
    ) -> Classifying:
        """What the training loop works on. trained: the rows to train on. class_weight: None, or balanced."""
        from textkit.tasks.classify_neural import Classifying, weights_of

        targets = self.targets(examples)
        return Classifying(self, feed, targets, weights_of(targets, self.outputs, examples.weights, class_weight, trained), label_smoothing)

    def metrics(self, probabilities: np.ndarray | None, targets: np.ndarray, scores: np.ndarray | None = None) -> dict[str, float]:
        """probabilities: (N, C), None of a model that has only scores, (N, C); targets as `targets` gives them."""
        best = probabilities if scores is None else scores
        assert best is not None, "one of the two"
        if self.multi:
            loss = {} if scores is not None else {"loss": _log_loss_of_several(best, targets)}
            return {**loss, **self._metrics_of_several(best > 0 if scores is not None else best >= 0.5, targets)}
        found = classification(targets, best.argmax(1), self.labels)
        loss = {}
        if probabilities is not None:
            picked = np.clip(probabilities[np.arange(len(targets)), targets], 1e-12, 1)
            loss = {"loss": round(float(-np.log(picked).mean()), 6)}
        return {**loss, "accuracy": round(found.accuracy, 6), "f1_macro": round(found.f1_macro, 6)}

    def _metrics_of_several(self, predicted: np.ndarray, targets: np.ndarray) -> dict[str, float]:
        """Subset accuracy and F1 over labels, as scikit-learn gives them (0 where there is nothing to divide by)."""
        both, either = (predicted & targets).sum(0), predicted.sum(0) + targets.sum(0)
        macro = np.divide(2 * both, either, out=np.zeros(len(both)), where=either > 0).mean()
        micro = 2 * both.sum() / max(1, either.sum())
        accuracy = (predicted == targets).all(1).mean()
        return {"accuracy": round(float(accuracy), 6), "f1_macro": round(float(macro), 6), "f1_micro": round(float(micro), 6)}

    def predict(self, model: Any, batch: Batch, manifest: dict[str, Any], top: int | None, proba: bool) -> list[pl.Series]:
        """The columns that a bundle's model adds to a batch that went through its chain."""
        if model.engine != "classic":
            found = self.probabilities(model, batch, manifest)
            return [self._several(found, found >= 0.5, top, proba)] if self.multi else self.columns(found, top, proba)
        rows = inputs_of(batch, manifest) if len(batch) else None
        nothing = np.empty((0, self.outputs))
        scores = nothing if rows is None else model.scores(rows)
        found = nothing if rows is None else model.probabilities(rows)
        if self.multi:
            return [self._several(scores if found is None else found, scores > 0, top, proba)]
        if found is None:
            return self.columns(scores, top, proba)
        # where two labels are equally probable the decision value tells which it is; calibrated ones decide by themselves
        return self.columns(found, top, proba, None if model.link == "platt" else scores.argmax(1))

    def explained(self, explainer: Explainer, batch: Batch, manifest: dict[str, Any], columns: list[pl.Series]) -> pl.Series:
        """(B,) JSON: why each record got its label; where it may have several, a list of why it got each of `predictions`.

        columns: what `predict` gave for the batch.
        """
        rows = inputs_of(batch, manifest)
        assert isinstance(rows, Sparse), "vectors are not explained"
        if not self.multi:
            return explainer.explain(rows, self._codes(columns[0]))
        found, lengths = flatten(columns[0])
        record = np.repeat(np.arange(len(batch)), lengths.to_numpy())
        each = explainer.explain(rows.take(record), self._codes(found.struct.field("label")))
        return "[" + nest(each, lengths).list.join(",") + "]"

    def _codes(self, labels: pl.Series) -> np.ndarray:
        return labels.cast(pl.Enum(self.labels)).to_physical().to_numpy()

    def probabilities(self, model: Any, batch: Batch, manifest: dict[str, Any]) -> np.ndarray:
        """(B, C) of a network. InputError if the records do not fit it."""
        if not len(batch):
            return np.empty((0, self.outputs))
        from textkit.tasks.classify_neural import probabilities
        from textkit.tasks.feeding import Feed

        return probabilities(model, Feed.of_batch(batch, manifest), np.arange(len(batch)), self.multi)

    def columns(self, probabilities: np.ndarray, top: int | None, proba: bool, best: np.ndarray | None = None) -> list[pl.Series]:
        """What predicting adds to a batch: prediction and score, and `predictions` for -k or --proba.

        probabilities: (B, C). Scores are rounded to 6 decimals: beyond that they depend on how records are batched.
        """
        names = pl.Series(self.labels)
        best = probabilities.argmax(1) if best is None else best
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

    def _several(self, values: np.ndarray, chosen: np.ndarray, top: int | None, proba: bool) -> pl.Series:
        """(B, k) of {label, score}, the best first: those that were chosen, or the best `top`, or all."""
        order = np.argsort(-values, axis=1, kind="stable")
        if proba or top:
            order = order[:, : len(self.labels) if proba else top]
            kept = np.ones(order.shape, bool)
        else:
            kept = np.take_along_axis(chosen, order, 1)
        scores = np.take_along_axis(values, order, 1).astype(np.float64).round(6)[kept]
        flat = pl.DataFrame({"label": pl.Series(self.labels).gather(order[kept]), "score": scores}).to_struct("predictions")
        return nest(flat, pl.Series(kept.sum(1).astype(np.uint32))).alias("predictions")

    def summary(self) -> str:
        return f"{len(self.labels)} labels"

    def to_json(self) -> dict[str, Any]:
        return {"labels": self.labels, **({"multi": True} if self.multi else {}), **({"pairs": True} if self.pairs else {})}

    @classmethod
    def from_json(cls, manifest: dict[str, Any], where: str) -> Classify:
        labels = manifest.get("labels")
        if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
            raise InputError("the manifest has no labels", where=where)
        return cls(labels, manifest.get("multi") is True, manifest.get("pairs") is True)


def _log_loss_of_several(probabilities: np.ndarray, targets: np.ndarray) -> float:
    """The mean over records and labels, in nats."""
    picked = np.clip(np.where(targets, probabilities, 1 - probabilities), 1e-12, 1)
    return round(float(-np.log(picked).mean()), 6)


def inputs_of(batch: Batch, manifest: dict[str, Any]) -> Sparse | np.ndarray:
    """What a linear model reads of a batch: vectors or features. BadRecords or InputError where they do not fit it."""
    width = manifest["model"]["features"]
    if manifest["input"] == "vector":
        return known_vectors(batch, width)
    rows = rows_of(batch, width)
    return Sparse(rows.indices.to_numpy(), rows.values.to_numpy(), np.concatenate([[0], np.cumsum(rows.lengths.to_numpy(), dtype=np.int64)]), width)


def known_vectors(batch: Batch, width: int) -> np.ndarray:
    """A batch's vectors, (B, width); InputError if one has another width."""
    vectors = batch.require("vector")["vector"]
    if not (vectors.list.len() == width).all():
        raise InputError(f"a vector is not {width} wide", where=batch.position(0))
    return vectors.list.to_array(width).to_numpy()
