"""Cross-validation of candidates on a stream that was read once: folds, what is learned from all but one, and its score."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import numpy as np

from textkit import config
from textkit.arrays import Sparse
from textkit.errors import InputError
from textkit.registry import ARCHS, STAGES, TASKS
from textkit.report import hushed
from textkit.stage import connect
from textkit.streams.batch import Batch
from textkit.streams.policy import screened
from textkit.streams.spool import Spool
from textkit.streams.stream import Stream
from textkit.training.candidates import Candidate
from textkit.training.examples import collect
from textkit.training.matrices import Clock, Matrices, narrowed
from textkit.training.run import Plan, classic_input, taken

Rows: TypeAlias = Sparse | np.ndarray


def folds_of(targets: np.ndarray, count: int, seed: int, number: int = 0) -> list[np.ndarray]:
    """`count` sets of rows, each label dealt out evenly over them; the `number`th draw.

    Where a label has one record alone it is in none of them: it is always learned from.
    """
    rng = np.random.default_rng([seed, number])
    order = rng.permutation(len(targets))
    if targets.ndim == 1:
        order = order[np.argsort(targets[order], kind="stable")]
        order = order[np.bincount(targets)[targets[order]] > 1]
    folds = [np.sort(order[start::count]) for start in range(count)]
    return [fold for fold in folds if len(fold)]


def parted(inputs: Rows, held: np.ndarray) -> tuple[np.ndarray, Rows, Rows]:
    """(rows to learn from, those, the others). Of these, terms that are in none of those are left out, as predicting would."""
    rows = np.setdiff1d(np.arange(len(inputs)), held)
    train, test = taken(inputs, rows), taken(inputs, held)
    if isinstance(train, Sparse) and isinstance(test, Sparse):
        known = np.zeros(train.width, bool)
        known[train.indices] = True
        test = narrowed(test, known)
    return rows, train, test


def size_of(inputs: Rows) -> int:
    """Values in it: how much there is to compute."""
    return len(inputs.values) if isinstance(inputs, Sparse) else inputs.size


def hopeless(scores: list[float], best: list[float], tested: int) -> bool:
    """Whether the mean so far is more than 2 standard errors below that of the best on the same folds.

    tested: the records that the mean is over. The error is that of a share, which accuracy is and F1 is like.
    """
    mean, other = float(np.mean(scores)), float(np.mean(best[: len(scores)]))
    return mean < other - 2 * standard_error(other, tested)


def standard_error(share: float, tested: int) -> float:
    return float(np.sqrt(max(share * (1 - share), 1e-4) / max(1, tested)))


@dataclass
class Trial:
    """What a candidate scored on the folds that it saw."""

    scores: list[float] = field(default_factory=list)
    fits: list[float] = field(default_factory=list)  # seconds of each
    seconds: float = 0.0  # in all
    values: int = 0  # of the matrix
    width: int = 0  # its columns
    stopped: bool = False  # hopeless after some folds
    error: str | None = None

    @property
    def mean(self) -> float:
        return float(np.mean(self.scores)) if self.scores else 0.0

    @property
    def deviation(self) -> float | None:
        """Of the folds' scores; None of one fold."""
        return float(np.std(self.scores, ddof=1)) if len(self.scores) > 1 else None

    @property
    def mean_seconds(self) -> float:
        """Of a fit."""
        return float(np.mean(self.fits))

    @property
    def whole(self) -> bool:
        return not self.stopped and self.error is None and bool(self.scores)

    def in_words(self) -> str:
        return f"{self.mean:.4f}" if self.deviation is None else f"{self.mean:.4f} +- {self.deviation:.4f}"


class Records:
    """All records, read once and kept on disk; labels and weights as training has them."""

    def __init__(self, stream: Stream, plan: Plan, clock: Clock) -> None:
        self._plan, self._clock = plan, clock
        task_class = TASKS.find(plan.task)
        first = stream.peek()
        if first is None:
            stream.ending.demand()
            raise InputError("nothing to train on: there are no records")
        strings = task_class.strings(first)
        first.require(*strings, fix="name the column with --label-field")
        self.made = first.has("vector") or first.has("features")  # whether there is nothing to make of texts
        self._read(stream, "tokens" if first.has("tokens") else "text")
        columns = classic_input(self.stream())[1] if self.made else {}
        examples = collect(self.stream(), strings=strings, weight=plan.weight, **columns)
        self.task = task_class.of(examples)
        self.targets, self.weights, self.count = self.task.targets(examples), examples.weights, len(examples)
        self._inputs: Rows | None = None
        if self.made:
            self._inputs = examples.dense["vector"] if examples.dense else examples.sparse["features"]

    def _read(self, stream: Stream, words: str) -> None:
        first = stream.peek()
        assert first is not None, "the caller has seen a record"
        if not self.made and words == "text" and not first.has("text"):
            first.require("text", fix="name the column with --text-field")
        if stream.faults.skip and not self.made:
            stream = screened(stream, (words,))
        self.about = About(words)
        self._spool = Spool(replace(stream, batches=self.about.watched(stream.batches)))
        stream.ending.demand()
        self._tokens = self._spool if words == "tokens" else None
        self.matrices = Matrices(self._spool, self._tokenized, self._clock)

    def stream(self) -> Stream:
        """All of them once more, as they came."""
        return self._spool.stream()

    def _tokenized(self) -> Spool:
        """The records with tokens, made once."""
        self._tokens = self._tokens or Spool(connect(self.stream(), STAGES.find("tokenize").of("words")))
        return self._tokens

    @property
    def countable(self) -> bool:
        """Whether no feature is below 0."""
        if self._inputs is None:
            return True
        return bool(((self._inputs.values if isinstance(self._inputs, Sparse) else self._inputs) >= 0).all())

    def inputs(self, candidate: Candidate) -> Rows:
        if self._inputs is not None:
            return self._inputs
        assert candidate.features is not None, "there is text"
        return self.matrices.of(candidate.features)

    def score(self, candidate: Candidate, inputs: Rows, held: np.ndarray, metric: str) -> float:
        """On the records held out, by a model of all others."""
        rows, known, unknown = parted(inputs, held)
        model = self._fit(candidate, known, self.targets[rows], self.task.outputs, rows)
        found = self.task.metrics(None, self.targets[held], model.scores(unknown))
        return float(found[metric])

    def probe(self, candidate: Candidate, inputs: Rows, rows: np.ndarray) -> float:
        """Seconds that a fit on these rows takes; 0 where they are too few for one."""
        before = self._clock()
        targets, labels = self.targets[rows], self.task.outputs
        if not self.task.multi:
            there, targets = np.unique(targets, return_inverse=True)
            labels = len(there)
        try:
            self._fit(candidate, taken(inputs, rows), targets, labels, rows)
        except InputError:  # such as records of one label: all of them will tell
            return 0.0
        return self._clock() - before

    def _fit(self, candidate: Candidate, x: Rows, y: np.ndarray, labels: int, rows: np.ndarray) -> Any:
        arch = ARCHS.find(candidate.arch)
        weights = None if self.weights is None else self.weights[rows]
        with hushed():
            return arch.fit(x, y, labels, config.override(arch.Config(), candidate.pairs), self._plan.seed, weights)


@dataclass
class About:
    """What the search must know of the texts, found while they are read."""

    column: str
    text: bool = True  # whether all records have one
    cased: bool = False  # whether lower-casing changes any

    def watched(self, batches: Iterator[Batch]) -> Iterator[Batch]:
        for batch in batches:
            if len(batch):
                self.text = self.text and batch.has_whole("text")
                self.cased = self.cased or self._changes(batch)
            yield batch

    def _changes(self, batch: Batch) -> bool:
        if not batch.has(self.column):
            return False
        column = batch.ours(self.column).drop_nulls()
        flat = column.explode().drop_nulls() if self.column == "tokens" else column
        return bool((flat != flat.str.to_lowercase()).any())
