"""From a stream of records to arrays: labels and predictions as codes, and each record's scores."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

import numpy as np
import polars as pl

from textkit.errors import InputError
from textkit.evaluating.scores import Scores, are_probabilities
from textkit.streams.batch import Batch
from textkit.streams.members import BadRecords

FIXES = {"label": "name the label with --label-field", "prediction": "predictions come from textkit predict"}
MOST = 5000  # labels: the confusion matrix has the square of it


class Codes:
    """Labels as numbers, in the order in which they turn up."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}

    def __call__(self, column: pl.Series) -> np.ndarray:
        if not len(column):
            return np.empty(0, np.int64)
        names = column.unique().to_list()
        codes = [self.numbers.setdefault(name, len(self.numbers)) for name in names]
        if len(self.numbers) > MOST:
            raise InputError(f"there are more than {MOST} different labels", fix="see whether the labels are in that field")
        return column.replace_strict(names, codes, return_dtype=pl.Int64).to_numpy()

    def sorted(self) -> tuple[list[str], np.ndarray]:
        """The labels in order, and the place of each code among them."""
        names = sorted(self.numbers)
        places = np.empty(len(names), np.int64)
        places[[self.numbers[name] for name in names]] = np.arange(len(names))
        return names, places


@dataclass(frozen=True)
class Answers:
    """All records. gold, predicted, other: (N,) positions in `labels`, which all occur in one of them."""

    labels: list[str]
    gold: np.ndarray
    predicted: np.ndarray
    other: np.ndarray | None  # of the model to compare with
    scores: Scores | None


class Collector:
    """Takes the batches one by one and keeps the numbers of their records."""

    def __init__(self, probable: bool | None = None) -> None:
        self._codes = Codes()
        self._columns: dict[str, list[np.ndarray]] = {"gold": [], "predicted": [], "other": []}
        self._confidence: list[np.ndarray] | None = []  # `score` of each record, until one has none
        self._table = Table(self._codes)
        self._probable = probable

    def add(self, batch: Batch, label: pl.Series, other: pl.Series | None) -> np.ndarray | None:
        """Returns (B,) the scores of the records' own labels, NaN where there is none; None if not all labels have scores."""
        gold = self._codes(label)
        self._columns["gold"].append(gold)
        self._columns["predicted"].append(self._codes(batch.read_ours("prediction")["prediction"]))
        if other is not None:
            self._columns["other"].append(self._codes(other))
        if self._confidence is not None:
            whole = batch.has_whole("score")
            self._confidence = [*self._confidence, batch.ours("score").to_numpy()] if whole else None
        return self._table.add(batch, gold)

    def finish(self) -> Answers:
        names, places = self._codes.sorted()
        gold, predicted, other = (places[np.concatenate(parts or [np.empty(0, np.int64)])] for parts in self._columns.values())
        occurring = np.unique(np.concatenate([gold, predicted, other]))
        labels = [names[place] for place in occurring]
        gold, predicted, other = (np.searchsorted(occurring, codes) for codes in (gold, predicted, other))
        scores = self._scores(labels, gold, predicted)
        return Answers(labels, gold, predicted, other if self._columns["other"] else None, scores)

    def _scores(self, labels: list[str], gold: np.ndarray, predicted: np.ndarray) -> Scores | None:
        table = self._table.finish()
        if table is None:
            return self._of_two(labels, gold, predicted)
        names, values = table
        column = {name: number for number, name in enumerate(names)}
        places = np.array([column.get(label, -1) for label in labels])
        probable = are_probabilities(values) if self._probable is None else self._probable
        return Scores(names, values, places[gold], gold == predicted, probable)

    def _of_two(self, labels: list[str], gold: np.ndarray, predicted: np.ndarray) -> Scores | None:
        """Of two labels the score of one tells that of the other: as probabilities, or as margins on two sides of 0.

        A probability below one half says that there are more labels than these two.
        """
        if len(labels) != 2 or self._confidence is None:
            return None
        score = np.concatenate(self._confidence)
        margins = self._probable is False or score.max() > 1
        if score.min() < (0 if margins else 0.5):
            return None
        probable = not margins
        other = 1 - score if probable else -score
        second = np.where(predicted == 1, score, other)
        first = np.where(predicted == 0, score, other)
        return Scores(labels, np.stack([first, second], 1), gold, gold == predicted, probable)


class Table:
    """Each record's scores of all labels, from `predictions`: as long as every record has the same labels there."""

    def __init__(self, codes: Codes) -> None:
        self._codes = codes
        self._labels: np.ndarray | None = None  # codes, in order
        self._parts: list[np.ndarray] | None = []

    def add(self, batch: Batch, gold: np.ndarray) -> np.ndarray | None:
        """As `Collector.add`."""
        found = self._read(batch) if self._parts is not None else None
        if found is None or self._parts is None or self._labels is None:
            self._parts = None
            return None
        self._parts.append(found)
        place = np.minimum(np.searchsorted(self._labels, gold), len(self._labels) - 1)
        own = found[np.arange(len(gold)), place]
        return np.where(self._labels[place] == gold, own, np.nan)

    def _read(self, batch: Batch) -> np.ndarray | None:
        """(B, L), a column for each label."""
        if not batch.has_whole("predictions"):
            return None
        column = batch.ours("predictions")
        width = int(column.list.len().max() or 0)  # type: ignore[arg-type]
        if width < 2 or column.list.len().min() != width:
            return None
        pairs = column.explode().struct
        codes = self._codes(pairs.field("label")).reshape(-1, width)
        if self._labels is None:
            self._labels = np.unique(codes[0])
        order = np.argsort(codes, axis=1)
        if not np.array_equal(np.take_along_axis(codes, order, 1), np.broadcast_to(self._labels, (len(codes), len(self._labels)))):
            return None
        return np.take_along_axis(pairs.field("score").to_numpy().reshape(-1, width), order, 1)

    def finish(self) -> tuple[list[str], np.ndarray] | None:
        """The labels in order, and (N, L)."""
        if not self._parts or self._labels is None:
            return None
        names = [*self._codes.numbers]
        labels = [names[code] for code in self._labels]
        order = sorted(range(len(labels)), key=labels.__getitem__)
        return [labels[place] for place in order], np.concatenate(self._parts)[:, order]


def demand(batch: Batch, due: tuple[str, ...]) -> None:
    """BadRecords where a column of `due` is missing, or a score is no number to work with."""
    for name in due:
        batch.require(name, fix=FIXES.get(name))
    with suppress(BadRecords):  # fields of the user's own by these names; else one reading does for both
        batch.read("score", "predictions")
    if batch.has("score"):
        rows = (~batch.ours("score").is_finite()).fill_null(False).arg_true()
        _tell(batch, rows.to_list(), "the score is not a number to work with")
    check_predictions(batch)


def check_predictions(batch: Batch) -> None:
    """BadRecords where one of `predictions` is not whole."""
    if not batch.has("predictions"):
        return
    column = batch.ours("predictions")
    lengths = column.list.len().fill_null(0)
    pairs = column.filter(lengths > 0).explode().struct
    wrong = pairs.field("label").is_null() | ~pairs.field("score").is_finite().fill_null(False)
    rows = np.repeat(np.arange(len(column)), lengths.to_numpy())[wrong.to_numpy()]
    _tell(batch, np.unique(rows).tolist(), "one of the predictions lacks its label, or a score that is a number")


def _tell(batch: Batch, rows: list[int], message: str) -> None:
    if rows:
        raise BadRecords([(row, InputError(message, where=batch.position(row))) for row in rows])
