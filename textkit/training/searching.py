"""The search of `train --tune`: one candidate after the other is cross-validated, as long as there is time.

Folds are drawn by the seed, and which candidate is next follows from the results so far; the clock decides how many
there are, and leaves out what would not be done in time. What the best one needs to be trained on all records is kept
in reserve, and so is some time to measure the best few again: on the same folds the best of many is the luckiest, too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from textkit import config
from textkit.errors import InputError
from textkit.registry import ARCHS
from textkit.report import hushed, say
from textkit.training.candidates import SHAPES, WORDS, Candidate, next_one, space_of
from textkit.training.matrices import Clock
from textkit.training.run import Plan
from textkit.training.scoring import Records, Rows, Trial, folds_of, hopeless, size_of, standard_error

MANY = 20_000  # records from which 3 folds do
FEWER, FEW_FOLDS, FOLDS = 10, 3, 5  # FEWER: one in so many is held out where a fit takes long
SLOW = 20  # fits that a budget must have room for, or one part alone is held out
PROBE = 8  # a fit on one in so many records tells how long one of all takes
SLACK = 1.3  # a guess of seconds may fall short by so much
NEAR = 1.1  # the same of what was timed before
START = 0.3  # seconds that saving takes
TIE = 0.1  # standard errors that make no difference
WORTH = 0.5  # standard errors by which the best must beat the defaults, or these are taken
FINAL = 5  # of the best, to be measured again
ROUNDS = 4  # times, each on other folds
SEARCH = 0.75  # share of the budget after which that begins
# how long a fit takes beside one of svm, until one was timed
EFFORT = {"svm": 1.0, "nbsvm": 2.0, "nb": 0.2, "logreg": 6.0, "sgd": 2.0}


@dataclass
class Pace:
    """Seconds a value that fitting each model takes: a mean in which the last count most, since settings and the machine change."""

    rates: dict[str, float] = field(default_factory=dict)
    most: float = 0.0  # values that there were at once

    def saw(self, arch: str, values: float, seconds: float) -> None:
        rate = seconds / max(1.0, values)
        self.rates[arch] = (self.rates.get(arch, rate) + rate) / 2
        self.most = max(self.most, values)

    def expected(self, arch: str, values: float) -> float:
        guessed = max((rate * EFFORT[arch] / EFFORT[other] for other, rate in self.rates.items()), default=0.0)
        return values * self.rates.get(arch, guessed)


class Search:
    """The candidates that were tried, and how long that took. `tell` gets each one that is the best so far."""

    def __init__(
        self,
        records: Records,
        plan: Plan,
        budget: float,
        metric: str | None,
        clock: Clock,
        started: float,
        tell: Callable[[int, Candidate, Trial], None],
    ) -> None:
        self.records, self.budget = records, budget
        self._plan, self._clock, self._started, self._tell = plan, clock, started, tell
        self.metric = metric or ("f1_micro" if records.task.multi else "accuracy")
        shapes = () if records.made else SHAPES if records.about.text else tuple(shape for shape in SHAPES if shape[0] == WORDS)
        self._space = space_of(plan.arch, plan.settings, shapes, records.countable, records.about.cased)
        self.usual = self._space.first()[0]  # what is trained if nothing can be tried
        self.tried: dict[Candidate, Trial] = {}
        self._keys: set[Any] = set()
        self.skipped = 0  # candidates that would not have been done in time
        self.parts, self.folds = FOLDS, list[np.ndarray]()
        self._finalists: list[Candidate] = []  # those measured in more than one round
        self.rounds = 1
        self._pace = Pace()

    @property
    def seconds(self) -> float:
        """Since the start."""
        return self._clock() - self._started

    @property
    def left(self) -> float:
        return self.budget - self.seconds

    def run(self) -> None:
        """Try candidates until there is no time for another, or nothing to gain beside the best; then look at the best again."""
        if not self._settle():
            why = "there is no time to try anything" if self.folds else "each label has a single record, so none can be held out"
            say(f"{why}: trained by the defaults, not tuned", trials=0)
            return
        while (candidate := next_one(self._space, self._keys, self.ranked)) is not None:
            self._keys.add(candidate.key)
            if self.tried and self.left < self._reserve(self.best) + self._kept():
                break
            if self.tried and self._cost(candidate) + self._kept() > self.left:
                self.skipped += 1
            else:
                self._try(candidate)
        else:
            what = "nothing that takes less time" if self.skipped else "nothing"
            say(f"{what} is left to try beside the best", trials=len(self.tried), skipped=self.skipped)
        self._confirm()

    def _settle(self) -> bool:
        """Decide on the folds by how long a fit takes, told by one of few records. False: there is no time for any."""
        records, seed = self.records, self._plan.seed
        with hushed():
            inputs = records.inputs(self.usual)
        probes = folds_of(records.targets, PROBE, seed) if records.count >= 10 * PROBE else []
        rows = probes[0] if probes else np.arange(records.count)
        records.probe(self.usual, inputs, rows[: 10 * PROBE])  # libraries are loaded
        whole = records.probe(self.usual, inputs, rows) * records.count / len(rows)
        self._pace.saw(self.usual.arch, size_of(inputs), whole)
        self.parts = FEWER if whole * SLOW > self.budget else FOLDS if records.count < MANY else FEW_FOLDS
        self.folds = self._draw()
        return bool(self.folds) and self.left > whole * SLACK + self._reserve(self.usual)

    def _draw(self, number: int = 0) -> list[np.ndarray]:
        """The folds; where one fit takes long only one of them is held out."""
        return folds_of(self.records.targets, self.parts, self._plan.seed, number)[: 1 if self.parts == FEWER else self.parts]

    def _try(self, candidate: Candidate) -> None:
        before, best = self.seconds, self.best
        trial = self.tried[candidate] = Trial()
        try:
            self._measure(candidate, trial, self.tried[best].scores if best else None)
        except InputError as error:  # of this candidate alone: such as no term that is frequent enough
            trial.error = error.message
        trial.seconds = self.seconds - before
        if self.best == candidate:
            self._tell(len(self.tried), candidate, trial)

    def _measure(self, candidate: Candidate, trial: Trial, best: list[float] | None) -> None:
        inputs = self.records.inputs(candidate)
        trial.values, trial.width = size_of(inputs), inputs.shape[1] if isinstance(inputs, np.ndarray) else inputs.width
        tested = 0
        for held in self.folds:
            if trial.fits and self.left < max(trial.fits) * SLACK + self._reserve(candidate):
                trial.stopped = best is not None  # of the first one, what there is must do
                return
            trial.scores.append(self._score(candidate, inputs, held, trial))
            tested += len(held)
            if best and len(trial.scores) < len(self.folds) and hopeless(trial.scores, best, tested):
                trial.stopped = True
                return

    def _score(self, candidate: Candidate, inputs: Rows, held: np.ndarray, trial: Trial) -> float:
        before = self.seconds
        found = self.records.score(candidate, inputs, held, self.metric)
        trial.fits.append(self.seconds - before)
        self._pace.saw(candidate.arch, trial.values * (1 - len(held) / self.records.count), trial.fits[-1])
        return found

    def _kept(self) -> float:
        """Seconds to keep for that: none where they would not do for a round of two."""
        kept = (1 - SEARCH) * self.budget
        best = self.best
        return kept if best is None or NEAR * 2 * len(self.folds) * self.tried[best].mean_seconds <= kept else 0.0

    def _confirm(self) -> None:
        """Measure the best few on other folds."""
        ranked = [candidate for candidate in self.ranked() if self.tried[candidate].whole]
        usual = [self.usual] if self.usual in ranked else []
        finalists = [*dict.fromkeys([*ranked[:1], *usual, *ranked])][:FINAL]
        while len(finalists) > 1 and not self._affords(finalists):
            finalists.pop()
        for number in range(1, ROUNDS + 1):
            if len(finalists) < 2 or not self._affords(finalists):
                return
            found = {each: self._again(each, self._draw(number)) for each in finalists}
            for each, scores in found.items():
                self.tried[each].scores += scores
            self._finalists, self.rounds = finalists, number + 1

    def _affords(self, finalists: list[Candidate]) -> bool:
        """Whether there is time for one more round of these."""
        cost = sum(self.tried[each].mean_seconds * len(self.folds) for each in finalists)
        return NEAR * cost + max(map(self._reserve, finalists)) <= self.left

    def _again(self, candidate: Candidate, folds: list[np.ndarray]) -> list[float]:
        before, trial, inputs = self.seconds, self.tried[candidate], self.records.inputs(candidate)
        scores = [self._score(candidate, inputs, held, trial) for held in folds]
        trial.seconds += self.seconds - before
        return scores

    def _cost(self, candidate: Candidate) -> float:
        """Seconds that a candidate may take, and the training on all records after it."""
        made = 0.0 if candidate.features is None else self.records.matrices.expected(candidate.features)
        fits = len(self.folds) * self._pace.expected(candidate.arch, self._values(candidate))
        return SLACK * (made + fits) + max(self._reserve(self.best), self._reserve(candidate))

    def _reserve(self, candidate: Candidate | None) -> float:
        """Seconds to keep for making the features once more, training on all records, and saving."""
        if candidate is None:
            return 0.0
        made = 0.0 if candidate.features is None else self.records.matrices.effort(candidate.features)
        fit = self._pace.expected(candidate.arch, self._values(candidate))
        if (trial := self.tried.get(candidate)) is not None and trial.fits:
            fit = trial.mean_seconds * NEAR * self.records.count / max(1, self.records.count - len(self.folds[0]))
        return SLACK * (2 * made + self._fits(candidate) * fit) + START

    def _fits(self, candidate: Candidate) -> int:
        """How often the last step trains: once, for a held-out part again, for probabilities on 5 folds too."""
        arch = ARCHS.find(candidate.arch)
        calibrated = self._plan.proba and arch.link_of(config.override(arch.Config(), candidate.pairs)) == "none"
        return (5 if calibrated else 1) * (2 if self._plan.valid_split else 1)

    def _values(self, candidate: Candidate) -> float:
        """Of its matrix, or as many as any had so far."""
        sizes = {other.features: trial.values for other, trial in self.tried.items()}
        return sizes.get(candidate.features, max(sizes.values(), default=self._pace.most))

    @property
    def best(self) -> Candidate | None:
        """The best so far; of those that differ by nothing to speak of, the one of fewest values."""
        means = self._means()
        if not means:
            return None
        close = max(means.values()) - TIE * self._error(means)
        return min((candidate for candidate, mean in means.items() if mean >= close), key=lambda each: self.tried[each].values)

    @property
    def choice(self) -> Candidate:
        """What to train: the best, unless chance alone might have put it before the defaults."""
        means, best = self._means(), self.best
        if best is None or means.get(self.usual, -1.0) >= max(means.values()) - WORTH * self._error(means):
            return self.usual
        return best

    def _means(self) -> dict[Candidate, float]:
        """Of all that saw every fold, or of those that were measured again."""
        pool = self._finalists or self.tried
        return {candidate: self.tried[candidate].mean for candidate in pool if self.tried[candidate].whole}

    def _error(self, means: dict[Candidate, float]) -> float:
        """The standard error of the greatest: that of the different records that it was measured on."""
        tested = min(self.records.count, self.rounds * sum(map(len, self.folds)))
        return standard_error(max(means.values()), tested)

    def ranked(self) -> list[Candidate]:
        """The best first; what was stopped stands behind all that were not."""
        best = self.best
        order = sorted(self.tried, key=lambda each: (each != best, not self.tried[each].whole, -self.tried[each].mean))
        return [each for each in order if self.tried[each].error is None]
