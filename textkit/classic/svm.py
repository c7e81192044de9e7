"""Linear support vector machine, fitted by liblinear through scikit-learn, one label against the rest."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from textkit.classic.linear import Linear
from textkit.config import setting
from textkit.errors import InputError, UsageError

if TYPE_CHECKING:
    from textkit.classic.fitting import Matrix, Solved

# liblinear draws from one generator of the process, and every fit seeds it: two at once would spoil each other's draws.
ONE_AT_A_TIME = threading.Lock()


class SVM(Linear):
    @dataclass(frozen=True)
    class Config:
        C: float = setting(1.0, "inverse of the strength of the penalty", above=0)
        class_weight: Literal["none", "balanced"] = setting("none", "balanced: labels count the same, however rare")
        loss: Literal["squared_hinge", "hinge"] = setting("squared_hinge", "what a record inside the margin costs")
        penalty: Literal["l2", "l1"] = setting("l2", "l1: most weights become 0")
        dual: Literal["auto", "true", "false"] = setting("auto", "which form of the problem is solved; auto: what fits the data")
        tol: float = setting(1e-4, "the solver stops where it gains less than this", above=0)
        max_iter: int = setting(1000, "iterations of the solver at the most", least=1)
        intercept_scaling: float = setting(1.0, "the higher, the less the intercept is penalized", above=0)

        def __post_init__(self) -> None:
            if self.penalty == "l1" and (self.loss == "hinge" or self.dual == "true"):
                raise UsageError("penalty l1 goes with loss=squared_hinge and dual=false or auto alone")
            if self.loss == "hinge" and self.dual == "false":
                raise UsageError("loss hinge goes with dual=true or auto alone")

    @classmethod
    def solve(cls, matrix: Matrix, codes: np.ndarray, weights: np.ndarray | None, config: Any, seed: int) -> Solved:
        from sklearn.svm import LinearSVC

        from textkit.classic.fitting import class_weight

        settings = {name: getattr(config, name) for name in ("C", "loss", "penalty", "tol", "max_iter", "intercept_scaling")}
        dual = {"auto": "auto", "true": True, "false": False}[config.dual]
        model = LinearSVC(dual=dual, class_weight=class_weight(config.class_weight), random_state=seed, **settings)
        return liblinear(model, matrix, codes, weights)

    @classmethod
    def link_of(cls, config: Any) -> str:
        return "none"


def liblinear(model: Any, matrix: Matrix, codes: np.ndarray, weights: np.ndarray | None) -> Solved:
    """The columns that an estimator of scikit-learn finds by liblinear."""
    from textkit.classic.fitting import Solved

    if not isinstance(matrix, np.ndarray) and matrix.nnz > np.iinfo(np.int32).max:
        raise InputError(f"{matrix.nnz} values are more than liblinear can index", fix="use --arch sgd or logreg")
    with ONE_AT_A_TIME:
        aside(lambda: model.fit(matrix, codes, sample_weight=weights))
    return Solved(model.coef_.T, model.intercept_, bool(np.max(model.n_iter_) < model.max_iter))


def aside(function: Callable[[], Any]) -> None:
    """Do it in a thread of its own: a signal waits for what the main thread computes in C, and ^C should end the run at once."""
    failures: list[BaseException] = []

    def work() -> None:
        try:
            function()
        except BaseException as error:  # raised again where the caller waits
            failures.append(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join()
    if failures:
        raise failures[0]
