"""Linear models by stochastic gradient descent: batch after batch, in memory that does not grow with the records."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from textkit.classic import linear
from textkit.classic.linear import Linear
from textkit.config import setting
from textkit.errors import InputError

if TYPE_CHECKING:
    from typing import Self

    from sklearn.linear_model import SGDClassifier

    from textkit.classic.fitting import Matrix
    from textkit.classic.linear import Rows

    Piece = tuple[Rows, np.ndarray, np.ndarray | None]  # features, targets, weights

BATCH = 1024  # records that `fit` learns at a time
MOST = -np.log(1e-12)  # that a record costs
LINK = {"log_loss": "sigmoid", "modified_huber": "huber", "hinge": "none"}


class SGD(Linear):
    tells, calibrates = True, False

    @dataclass(frozen=True)
    class Config:
        loss: Literal["log_loss", "hinge", "modified_huber"] = setting("log_loss", "log_loss: logistic regression, hinge: SVM (no probabilities)")
        alpha: float = setting(1e-5, "strength of the penalty", above=0)
        penalty: Literal["l2", "l1", "elasticnet"] = setting("l2", "l1: most weights become 0; elasticnet: both")
        l1_ratio: float = setting(0.15, "elasticnet: how much of it is l1", least=0, most=1)
        learning_rate: Literal["optimal", "constant", "invscaling"] = setting(
            "optimal", "optimal: 1 / (alpha * (t0 + t)), invscaling: eta0 / t^power_t"
        )
        eta0: float = setting(0.01, "the rate of constant and invscaling at the start", above=0)
        power_t: float = setting(0.5, "exponent of invscaling", least=0)
        average: bool = setting(False, "keep the mean of the weights of all steps")
        passes: int = setting(5, "times that all records are learned", least=1)
        class_weight: Literal["none", "balanced"] = setting("none", "balanced: labels count the same, however rare; not for a stream")

    @classmethod
    def fit(
        cls,
        x: Rows,
        targets: np.ndarray,
        labels: int,
        config: Any,
        seed: int,
        weights: np.ndarray | None = None,
        proba: bool = False,
        tell: Callable[[dict[str, Any]], None] | None = None,
    ) -> Self:
        """Learn the records in an order drawn with the seed, anew in each pass. They may be mapped from disk.

        `tell` gets how well each batch was known before it was learned, after 1, 2, 4, 8 ... batches and at the end of the
        first pass (later on no record is new): batches, records, loss (the mean since the start), loss_since, accuracy.
        """
        from textkit.classic import fitting

        fitting.ready(x, targets, weights)
        rng = np.random.default_rng(seed)

        def pieces() -> Iterator[Piece]:
            order = rng.permutation(len(targets))
            for rows in (order[start : start + BATCH] for start in range(0, len(order), BATCH)):
                yield x[rows] if isinstance(x, np.ndarray) else x.take(rows), targets[rows], None if weights is None else weights[rows]

        class_weights = balanced(targets, labels) if config.class_weight == "balanced" else None
        learner = Learner(labels, targets.ndim == 2, config, seed, class_weights)
        for number in range(config.passes):
            learner.learn_all(pieces(), tell if number == 0 else None)
        return cls._of(learner)

    @classmethod
    def _of(cls, learner: Learner) -> Self:
        weights, bias = learner.columns()
        return cls(np.ascontiguousarray(weights), bias, learner.labels, learner.multi, LINK[learner.config.loss])

    @classmethod
    def link_of(cls, config: Any) -> str:
        return LINK[config.loss]


class Learner:
    """The models that learn batches: one, or one a label where records have several."""

    def __init__(self, labels: int, multi: bool, config: Any, seed: int, class_weights: list[dict[int, float]] | None) -> None:
        from sklearn.linear_model import SGDClassifier

        from textkit.classic import fitting

        fitting.hush()
        self.labels, self.multi, self.config = labels, multi, config
        penalty = {"penalty": config.penalty, "alpha": config.alpha, "l1_ratio": config.l1_ratio}
        rate = {"learning_rate": config.learning_rate, "eta0": config.eta0, "power_t": config.power_t, "average": config.average}
        count = labels if multi else 1
        each: list[Any] = class_weights or [None] * count
        self.models = [SGDClassifier(loss=config.loss, class_weight=one, random_state=seed, **penalty, **rate) for one in each]

    def learn_all(self, batches: Iterable[Piece], tell: Callable[[dict[str, Any]], None] | None) -> None:
        """Learn batches one after the other; tell how well each was known before."""
        progress = None if tell is None else Progress(tell)
        for x, targets, weights in batches:
            if progress is not None:
                progress.add(*self.measure(x, targets, weights), len(targets))
            self.learn(x, targets, weights)
        if progress is not None:
            progress.end()

    def learn(self, x: Rows, targets: np.ndarray, weights: np.ndarray | None) -> None:
        matrix = _matrix(x, weights)
        codes = targets.T.astype(np.int64) if self.multi else [targets]
        if len(targets) and (weights is None or weights.any()):
            for model, column in zip(self.models, codes, strict=True):  # a loop over labels
                self._step(model, matrix, column, weights)

    def _step(self, model: SGDClassifier, matrix: Matrix, codes: np.ndarray, weights: np.ndarray | None) -> None:
        try:
            model.partial_fit(matrix, codes, classes=np.arange(2 if self.multi else self.labels), sample_weight=weights)
        except ValueError as error:
            if "overflow" not in str(error):
                raise
            raise InputError("the weights grew without bounds", fix="lower -s eta0=, or scale the features") from None

    def columns(self) -> tuple[np.ndarray, np.ndarray]:
        """(F, K) weights and (K,) bias."""
        if not hasattr(self.models[0], "coef_"):
            raise InputError("nothing to train on: no record counts")
        return np.vstack([model.coef_ for model in self.models]).T, np.concatenate([model.intercept_ for model in self.models])

    def _decisions(self, x: Rows) -> np.ndarray:
        """(B, K), by the weights of the features that the batch has: all of them may be far more."""
        bias = np.concatenate([model.intercept_ for model in self.models])
        if isinstance(x, np.ndarray):
            return np.hstack([x @ model.coef_.T for model in self.models]) + bias  # type: ignore[no-any-return]
        there, indices = np.unique(x.indices, return_inverse=True)
        part = np.vstack([model.coef_[:, there] for model in self.models]).T
        return type(x)(indices, x.values, x.offsets, len(there)).dot(part) + bias  # type: ignore[no-any-return]

    def measure(self, x: Rows, targets: np.ndarray, weights: np.ndarray | None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Loss and correctness of each record by what was learned so far, and what each counts. All (B,)."""
        columns = self.labels if self.multi or self.labels > 2 else 1
        decisions = np.zeros((len(targets), columns))
        if hasattr(self.models[0], "coef_"):
            decisions = self._decisions(x)
        is_it = targets if self.multi else targets[:, None] == (np.ones(1, int) if columns == 1 else np.arange(columns))
        right = ((decisions > 0) == is_it).all(1) if self.multi or columns == 1 else decisions.argmax(1) == targets
        loss = losses(decisions, is_it.astype(bool), self.config.loss, self.multi)
        return loss, right, np.ones(len(targets)) if weights is None else weights


class Progress:
    """Tells means over records after 1, 2, 4, 8 ... batches, as Vowpal Wabbit does: soon, and seldom later on."""

    def __init__(self, tell: Callable[[dict[str, Any]], None]) -> None:
        self._tell = tell
        self._sums = self._told = np.zeros(3)  # weight, loss, right
        self._batches = self._records = self._last = 0

    def add(self, loss: np.ndarray, right: np.ndarray, weight: np.ndarray, records: int) -> None:
        self._sums = self._sums + np.array([weight.sum(), weight @ loss, weight @ right])
        self._batches, self._records = self._batches + 1, self._records + records
        if self._batches & (self._batches - 1) == 0:
            self._line()

    def end(self) -> None:
        if self._batches != self._last:
            self._line()

    def _line(self) -> None:
        weight, loss, right = self._sums
        since = self._sums - self._told
        facts = {"loss": loss / max(weight, 1e-300), "loss_since": since[1] / max(since[0], 1e-300), "accuracy": right / max(weight, 1e-300)}
        self._told, self._last = self._sums, self._batches
        self._tell({"batches": self._batches, "records": self._records, **{name: round(float(value), 6) for name, value in facts.items()}})


def losses(decisions: np.ndarray, is_it: np.ndarray, loss: str, multi: bool) -> np.ndarray:
    """(B,) what each record costs: -log of its label's probability; of the other losses, the mean over the models of labels.

    decisions, is_it: (B, K). Where records may have several labels, the mean over the labels of any loss.
    """
    if loss == "log_loss" and not multi and decisions.shape[1] > 1:
        picked = linear.probabilities(decisions, "sigmoid", False)[is_it]
        return np.minimum(-np.log(np.maximum(picked, 1e-300)), MOST)  # type: ignore[no-any-return]
    margin = np.where(is_it, decisions, -decisions)
    if loss == "log_loss":
        each = np.minimum(np.logaddexp(0, -margin), MOST)
    elif loss == "hinge":
        each = np.maximum(0, 1 - margin)
    else:
        each = np.where(margin >= -1, np.maximum(0, 1 - margin) ** 2, -4 * margin)
    return each.mean(1)  # type: ignore[no-any-return]


def balanced(targets: np.ndarray, labels: int) -> list[dict[int, float]]:
    """The class weights that scikit-learn calls balanced, for each model."""

    def of(codes: np.ndarray, classes: int) -> dict[int, float]:
        counts = np.bincount(codes, minlength=classes)
        return dict(enumerate(len(codes) / (classes * np.maximum(counts, 1))))

    return [of(column.astype(np.int64), 2) for column in targets.T] if targets.ndim == 2 else [of(targets, labels)]


def _matrix(x: Rows, weights: np.ndarray | None) -> Matrix:
    from textkit.classic import fitting

    fitting.check(x, weights)
    return x.astype(np.float64, copy=False) if isinstance(x, np.ndarray) else x.csr()
