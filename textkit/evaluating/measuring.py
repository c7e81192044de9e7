"""Measuring: all records of a stream, once, then all that was asked for."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from textkit.errors import InputError, UsageError
from textkit.evaluating.beside import Beside, gold_file, predictions_file
from textkit.evaluating.collecting import Answers, Collector, demand
from textkit.evaluating.comparing import Comparison, compare
from textkit.evaluating.models import OTHER
from textkit.evaluating.report import Confidence, Report
from textkit.evaluating.resampling import Cells, intervals
from textkit.evaluating.several import SeveralReport, may_be_several, measure_several
from textkit.evaluating.several import demand as demand_several
from textkit.evaluating.tags import demand_tags, may_be_tags, measure_tags
from textkit.evaluating.worst import Worst
from textkit.metrics import averages, classification
from textkit.report import say
from textkit.streams.batch import Batch
from textkit.streams.source import Inputs
from textkit.streams.stream import Stream


@dataclass(frozen=True)
class Wishes:
    """What is asked for besides the metrics."""

    confidence: float | None = None  # level of the intervals
    worst: int | None = None
    names: tuple[str, str] | None = None  # this model and the one to compare it with
    gold: Inputs | None = None  # where the labels are, if not with the records
    other: Inputs | None = None  # predictions to compare with, if not from a model
    seed: int = 42
    several: bool = False  # whether the model gives several labels a record; streams of such show it by themselves
    tagged: bool = False  # whether it gives a tag a word; likewise
    probable: bool | None = None  # whether scores are probabilities; None: see by themselves

    @property
    def due(self) -> tuple[str, ...]:
        """What each record must have."""
        return ("prediction",) if self.gold else ("label", "prediction")

    def check(self, batch: Batch) -> None:
        """BadRecords tells of those that cannot be measured."""
        if self.tagged or may_be_tags(batch):
            demand_tags(batch, self.gold is not None)
        elif self.several or may_be_several(batch):
            demand_several(batch)
        else:
            demand(batch, self.due)

    @property
    def of_single(self) -> str | None:
        """An option that records of several labels do not know."""
        given = {"--confidence": self.confidence, "--compare": self.names, "--worst": self.worst, "--gold": self.gold}
        return next((flag for flag, value in given.items() if value is not None), None)


def measure_any(stream: Stream, known: Collection[str] | None, wishes: Wishes) -> Report | SeveralReport:
    """As `measure`, and of records with several labels what can be told of those."""
    first = stream.peek()
    if wishes.tagged or (first is not None and may_be_tags(first)):
        if wishes.of_single not in (None, "--gold"):
            raise UsageError(f"{wishes.of_single} is for records of one label, and these have a tag for each word")
        return measure_tags(stream, known, wishes.gold)
    if not wishes.several and (first is None or not may_be_several(first)):
        return measure(stream, known, wishes)
    if wishes.of_single is not None:
        raise UsageError(f"{wishes.of_single} is for records of one label, and these have several")
    return measure_several(stream, known or ())


def measure(stream: Stream, known: Collection[str] | None = None, wishes: Wishes | None = None) -> Report:
    """Compare `prediction` with `label` over all records. `known`: the labels that the model was trained with."""
    wishes = wishes or Wishes()
    collector = Collector(wishes.probable)
    worst = None if wishes.worst is None else Worst(wishes.worst)
    sides = Sides(wishes)
    for batch in stream.batches:
        wishes.check(batch)
        gold, other = sides.of(batch)
        own = collector.add(batch, gold, other)
        if worst is not None:
            worst.add(batch, gold, own)
    stream.ending.demand()
    answers = collector.finish()
    if not len(answers.gold):
        raise InputError("nothing to evaluate: there are no records")
    sides.finish()
    _tell_unseen(answers, known)
    counted = classification(answers.gold, answers.predicted, answers.labels)
    probable = answers.scores is not None and answers.scores.probable
    rows = None if worst is None else worst.rows(probable)
    return Report(counted, answers.scores, _confidence(answers, wishes), _comparison(answers, wishes), rows)


class Sides:
    """Labels and a second model's predictions, wherever they come from."""

    def __init__(self, wishes: Wishes) -> None:
        self._gold = _opened(wishes.gold, gold_file)
        self._other = _opened(wishes.other, predictions_file)

    def of(self, batch: Batch) -> tuple[pl.Series, pl.Series | None]:
        gold = batch.read_ours("label")["label"] if self._gold is None else self._gold.take(batch)["label"]
        if self._other is None:
            return gold, batch.frame[OTHER] if OTHER in batch.frame.columns else None
        taken = self._other.take(batch)
        self._other.compare_labels(batch, gold, taken["label"])
        return gold, taken["prediction"]

    def finish(self) -> None:
        for side in (self._gold, self._other):
            if side is not None:
                side.finish()


def _opened(inputs: Inputs | None, opener: Callable[[Inputs], Beside]) -> Beside | None:
    return None if inputs is None else opener(inputs)


def _tell_unseen(answers: Answers, known: Collection[str] | None) -> None:
    if known is None:
        return
    unseen = [code for code in np.unique(answers.gold) if answers.labels[code] not in {*known}]
    if unseen:
        names = [answers.labels[code] for code in unseen]
        count = int(np.isin(answers.gold, unseen).sum())
        total = f"{count} of {len(answers.gold)} records"
        say(f"{total} have a label that the model was not trained with: {', '.join(names)}", unseen=names)


def _confidence(answers: Answers, wishes: Wishes) -> Confidence | None:
    if wishes.confidence is None:
        return None
    cells = Cells.of(answers.gold, answers.predicted, labels=len(answers.labels))
    found = intervals(cells, lambda drawn: averages(cells.tally(drawn)), wishes.confidence, wishes.seed)
    return Confidence(wishes.confidence, wishes.seed, found)


LEVEL = 0.95  # of what a comparison says, unless --confidence says another


def _comparison(answers: Answers, wishes: Wishes) -> Comparison | None:
    if wishes.names is None:
        return None
    assert answers.other is not None, "a stage or a file gave them"
    settings: Any = (len(answers.labels), wishes.names, wishes.confidence or LEVEL, wishes.seed)
    return compare(answers.gold, answers.predicted, answers.other, *settings)
