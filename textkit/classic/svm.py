"""Linear support vector machine, fitted by liblinear through scikit-learn, one label against the rest."""

from __future__ import annotations

import threading
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
        dual = {"auto": "auto", "true": True, "false": False}[config.dual]
        rest = {"loss": config.loss, "penalty": config.penalty, "tol": config.tol, "intercept_scaling": config.intercept_scaling}
        common = {"C": config.C, "max_iter": config.max_iter, "class_weight": config.class_weight}
        return liblinear(matrix, codes, weights, seed, dual=dual, **common, **rest)

    @classmethod
    def link_of(cls, config: Any) -> str:
        return "none"


def liblinear(matrix: Matrix, codes: np.ndarray, weights: np.ndarray | None, seed: int, *, class_weight: str, max_iter: int, **rest: Any) -> Solved:
    """The columns that LinearSVC finds."""
    from sklearn.svm import LinearSVC

    from textkit.classic import fitting

    if not isinstance(matrix, np.ndarray) and matrix.nnz > np.iinfo(np.int32).max:
        raise InputError(f"{matrix.nnz} values are more than liblinear can index", fix="use --arch sgd or logreg")
    model = LinearSVC(class_weight=fitting.class_weight(class_weight), max_iter=max_iter, random_state=seed, **rest)
    with ONE_AT_A_TIME:
        model.fit(matrix, codes, sample_weight=weights)
    return fitting.Solved(model.coef_.T, model.intercept_, bool(model.n_iter_ < max_iter))
