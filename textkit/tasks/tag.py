"""Tagging: a label for each word. What it needs, its metrics, and what predictions look like.

A word is a token, unless a tokenizer cut the words up: then `word_starts` says where the first token of each stands,
and the tag is read there. torch is imported only by the functions that a network calls.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from textkit import config
from textkit.arrays import Ragged
from textkit.config import setting
from textkit.errors import InputError
from textkit.metrics import per_label
from textkit.ragged import flatten, nest
from textkit.tasks.tag_schemes import keeps_to, matched, scheme_of
from textkit.training.examples import NO_TAGS, Examples

if TYPE_CHECKING:
    from textkit.streams.batch import Batch
    from textkit.tasks.feeding import Feed
    from textkit.tasks.tag_neural import Tagging

USUAL = ("hidden=200", "word_dropout=0.1", "dropout=0.3", "chars=lstm+ngrams", "char_hidden=100")
TRAINING: dict[str, Any] = {"batch_size": 16, "epochs": 10, "lr": 3e-3}
TAGS, GOLD, STARTS = "tags", "gold_tags", "word_starts"


@dataclass(frozen=True)
class Settings:
    crf: bool = setting(False, "a conditional random field on top: labels are scored with those beside them")


@dataclass
class Tag:
    labels: list[str]
    scheme: str | None = None  # of labels that mark entities: what may follow what when they are predicted
    settings: Settings = field(default_factory=Settings)
    losses = ()
    Config = Settings
    gold = TAGS
    lacking = NO_TAGS
    wordwise = True
    arch = "lstm"
    ignores = ("readout",)
    usual = USUAL
    training = TRAINING

    @property
    def metric(self) -> str:
        """Which epoch is the best."""
        return "tag_accuracy" if self.scheme is None else "f1_entity"

    @staticmethod
    def strings(first: Batch) -> tuple[str, ...]:
        """The columns that training reads besides the model's input."""
        return (TAGS,)

    @classmethod
    def of(cls, examples: Examples, settings: Settings) -> Tag:
        """The task of these examples. InputError unless they have two labels or more."""
        flat, lengths = flatten(examples.strings[TAGS])
        labels = flat.unique().sort().to_list()
        if len(labels) < 2:
            told = f"all {len(flat)} words have the tag {labels[0]!r}: a tagger needs two or more" if labels else "no record has a word"
            raise InputError(told)
        scheme = scheme_of(labels)
        if scheme is not None and not keeps_to(scheme, labels, _codes(flat, labels), lengths.to_numpy()):
            scheme = None
        return cls(labels, scheme, settings)

    @property
    def outputs(self) -> int:
        """C, the labels of a word."""
        return len(self.labels)

    def targets(self, examples: Examples) -> Ragged:
        """(N, words) positions in `labels`."""
        flat, lengths = flatten(examples.strings[TAGS])
        return Ragged(_codes(flat, self.labels), np.concatenate([[0], np.cumsum(lengths.to_numpy(), dtype=np.int64)]))

    def split(self, examples: Examples, share: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """(training rows, validation rows): `share` of the records, drawn with the seed, are for validation; one record at least is for training."""
        held = np.zeros(len(examples), bool)
        count = min(len(examples) - 1, max(1, round(share * len(examples)))) if share else 0
        held[np.random.default_rng(seed).permutation(len(examples))[:count]] = True
        return np.flatnonzero(~held), np.flatnonzero(held)

    def network(self, encoder: Any) -> Any:
        """The encoder of an architecture with what the task puts on it."""
        from textkit.nn.tagging import Tagger

        return Tagger(encoder, self.outputs, self.settings.crf)

    def problem(self, examples: Examples, feed: Feed, trained: np.ndarray) -> Tagging:
        """What the training loop works on. trained: the rows to train on."""
        from textkit.tasks.tag_neural import Tagging, Words

        return Tagging(self, Words(feed, examples.ragged.get(STARTS)), self.targets(examples))

    def metrics(self, predicted: np.ndarray, gold: np.ndarray, lengths: np.ndarray) -> dict[str, float]:
        """predicted, gold: positions in `labels` of the words of all records, whose lengths are (N,)."""
        found = {"tag_accuracy": float((predicted == gold).mean()) if len(gold) else 0.0}
        if self.scheme is not None:
            counts, _ = matched(gold, predicted, lengths, self.labels)
            found["f1_entity"] = float(per_label(counts.total())["f1"][0])
        return {name: round(value, 6) for name, value in found.items()}

    def predict(self, model: Any, batch: Batch, manifest: dict[str, Any], top: int | None, proba: bool) -> list[pl.Series]:
        """The columns that a bundle's model adds to a batch that went through its chain: `tags`, and `scores` with proba.

        Tags that a record had are kept as `gold_tags`, unless it has such already.
        """
        gold = [batch.ours(TAGS).alias(GOLD)] if batch.has(TAGS) and not batch.has(GOLD) else []
        return [*gold, *self.columns(*self._found(model, batch, manifest, proba))]

    def _found(self, model: Any, batch: Batch, manifest: dict[str, Any], proba: bool) -> tuple[Ragged, np.ndarray | None]:
        if not len(batch):
            return Ragged(np.empty(0, np.int64), np.zeros(1, np.int64)), np.empty(0) if proba else None
        from textkit.tasks.feeding import Feed
        from textkit.tasks.tag_neural import Words, decoded

        if manifest.get(STARTS) and not batch.has_whole(STARTS):
            fix = "give raw text, or lists of whole words as tokens"
            raise InputError("the tokens are pieces of words, and nothing says where words start", where=batch.position(0), fix=fix)
        starts = Ragged.of(batch.require(STARTS)[STARTS]) if batch.has_whole(STARTS) else None
        feed = Feed.of_batch(batch, manifest)
        return decoded(self, model, Words(feed, starts), np.arange(len(batch)), proba)

    def columns(self, codes: Ragged, scores: np.ndarray | None) -> list[pl.Series]:
        """What predicting adds to a batch. scores: of all words; rounded to 6 decimals, as more depend on how records are batched."""
        lengths = pl.Series(codes.lengths, dtype=pl.UInt32)
        columns = [nest(pl.Series(self.labels, dtype=pl.String).gather(codes.flat), lengths).alias(TAGS)]
        if scores is not None:
            columns.append(nest(pl.Series(scores.astype(np.float64).round(6)), lengths).alias("scores"))
        return columns

    def summary(self) -> str:
        return f"{len(self.labels)} tags" + (f" ({self.scheme})" if self.scheme else "")

    def to_json(self) -> dict[str, Any]:
        return {"labels": self.labels, "scheme": self.scheme, "task_config": config.to_json(self.settings)}

    @classmethod
    def from_json(cls, manifest: dict[str, Any], where: str) -> Tag:
        labels, scheme = manifest.get("labels"), manifest.get("scheme")
        if not isinstance(labels, list) or not all(isinstance(label, str) and label for label in labels):
            raise InputError("the manifest has no labels", where=where)
        if scheme not in (None, scheme_of(labels)):
            raise InputError(f"the manifest's scheme {scheme!r} is not that of its labels", where=where)
        return cls(labels, scheme, config.from_json(Settings, manifest.get("task_config") or {}, where))


def _codes(flat: pl.Series, labels: list[str]) -> np.ndarray:
    return flat.cast(pl.Enum(labels)).to_physical().cast(pl.Int64).to_numpy()
