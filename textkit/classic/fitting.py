"""Fitting linear models: what the solvers get, one problem a label, and what they may not print."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from textkit.errors import InputError
from textkit.report import say

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

    from textkit.classic.linear import Rows

    Matrix: TypeAlias = csr_matrix | np.ndarray
    Solve: TypeAlias = Callable[[Matrix, np.ndarray, np.ndarray | None], "Solved"]


LARGEST = 1e30  # feature: its square and sums of those are far from the largest float
PIECE = 1 << 22  # values that are looked at at once: they may be more than memory holds


@dataclass
class Solved:
    """The columns that a solver found: weights (F, K), bias (K,).

    platt: (2, K), where they were calibrated. alone: labels of one record, of which none could be held out for that.
    """

    weights: np.ndarray
    bias: np.ndarray
    converged: bool = True
    platt: np.ndarray = field(default_factory=lambda: np.empty((2, 0)))
    alone: int = 0

    def __post_init__(self) -> None:
        self.weights, self.bias = np.ascontiguousarray(self.weights, np.float64), np.ascontiguousarray(self.bias, np.float64)


def ready(x: Rows, targets: np.ndarray, weights: np.ndarray | None) -> tuple[Matrix, np.ndarray, np.ndarray | None]:
    """The records that count, as scikit-learn takes them. InputError if there is nothing to learn from."""
    check(x, weights)
    if not (x if isinstance(x, np.ndarray) else x.values).any():
        raise InputError("nothing to train on: no record has a feature")
    if weights is not None and not weights.any():
        raise InputError("nothing to train on: no record has a weight above 0")
    if weights is not None and not weights.all():  # a record of weight 0 is as good as none
        rows = np.flatnonzero(weights)
        x, targets, weights = (x[rows] if isinstance(x, np.ndarray) else x.take(rows)), targets[rows], weights[rows]
    if targets.ndim == 1 and len(np.unique(targets)) < 2:
        raise InputError(f"all {len(targets)} records have the same label: a classifier needs two or more")
    if targets.ndim == 2 and (targets == targets[:1]).all():
        raise InputError(f"all {len(targets)} records have the same labels: there is nothing to tell apart")
    hush()
    return as_matrix(x), targets, weights


def check(x: Rows, weights: np.ndarray | None) -> None:
    """InputError if a number is none, or one that solvers overflow with or never come to an end."""
    values = x if isinstance(x, np.ndarray) else x.values
    step = max(1, PIECE * len(values) // max(1, values.size))
    greatest = [np.abs(values[start : start + step]).max(initial=0) for start in range(0, len(values), step)]
    if not np.isfinite(greatest).all():
        raise InputError("a feature is not a finite number")
    if max(greatest, default=0) > LARGEST:
        raise InputError(f"a feature of {max(greatest):g} is too large to compute with", fix="scale the features: about 1 is best")
    if weights is not None and (not np.isfinite(weights).all() or (weights < 0).any()):
        raise InputError("the weight of a record is not a number of 0 or more")


def as_matrix(x: Rows) -> Matrix:
    return x.astype(np.float64, copy=False) if isinstance(x, np.ndarray) else filled(x.csr())


def filled(matrix: Matrix) -> Matrix:
    """The same with one value at least, be it 0: the compiled solvers read the first without asking."""
    if isinstance(matrix, np.ndarray) or matrix.nnz:
        return matrix
    return type(matrix)((np.zeros(1), (np.zeros(1, np.int32), np.zeros(1, np.int32))), shape=matrix.shape)


def not_negative(matrix: Matrix, model: str) -> None:
    """InputError if a feature is below 0."""
    if ((matrix if isinstance(matrix, np.ndarray) else matrix.data) < 0).any():
        fix = "train logreg or svm on vectors, or give it features: textkit vectorize"
        raise InputError(f"{model} counts features, and some are below 0, as vectors are", fix=fix)


def hush() -> None:
    """Keep Python's warnings of the solvers from stderr: `Solved.converged` says in words what matters.

    For good, and not by catch_warnings: two models may be fitted at once, and that would swap filters under the other.
    """
    for module in ("sklearn", "scipy", "textkit.classic"):  # the last is blamed for some of the first
        warnings.filterwarnings("ignore", module=module)


class OneThread:
    """While it is entered, linear algebra uses one core: waiting for each other costs the threads far more than L-BFGS gains.

    The limit is one of the process, which the last of the fits under way takes off. OpenBLAS hears it from the main
    thread alone: whoever fits in threads enters this around them.
    """

    def __init__(self) -> None:
        self._guard, self._fits = threading.Lock(), 0
        self._limit: Any = None

    def __enter__(self) -> None:
        import sklearn.linear_model  # noqa: F401 (loads what is to be limited)
        from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

        with self._guard:
            if not self._fits:
                self._limit = threadpool_limits(1, user_api="blas")
            self._fits += 1

    def __exit__(self, *_: object) -> None:
        with self._guard:
            self._fits -= 1
            if not self._fits and self._limit is not None:
                self._limit.restore_original_limits()


ONE_THREAD = OneThread()


def solve_labels(solve: Solve, matrix: Matrix, targets: np.ndarray, labels: int, weights: np.ndarray | None) -> Solved:
    """One problem of all labels, or one of yes and no a label; lines say what did not go well."""
    if targets.ndim == 1:
        absent = np.setdiff1d(np.arange(labels), targets)
        if len(absent):
            raise InputError(f"{len(absent)} of {labels} labels have no record to learn from")
        solved = solve(matrix, targets, weights)
        stuck, alone = int(not solved.converged), solved.alone
    else:  # a loop over labels: each is a fit of its own
        each = [_solve_label(solve, matrix, targets[:, label].astype(np.int64), weights) for label in range(labels)]
        stuck, alone = sum(not one.converged for one in each), sum(one.alone > 0 for one in each)
        columns = (np.hstack([one.weights for one in each]), np.concatenate([one.bias for one in each]))
        solved = Solved(*columns, not stuck, np.hstack([one.platt for one in each]))
    if stuck:
        of = f" for {stuck} of {labels} labels" if targets.ndim == 2 else ""
        say(f"the solver stopped before it converged{of}: raise -s max_iter=, or lower -s C=", stuck=stuck)
    if alone:
        labels_have, their = ("1 label has", "its") if alone == 1 else (f"{alone} labels have", "their")
        say(f"{labels_have} a single record: {their} probabilities are calibrated on other labels alone", alone=alone)
    return solved


def _solve_label(solve: Solve, matrix: Matrix, codes: np.ndarray, weights: np.ndarray | None) -> Solved:
    """Yes or no. A label that all records have, or none, keeps its odds, smoothed, whatever the features."""
    yes = int(codes.sum())
    if 0 < yes < len(codes):
        return solve(matrix, codes, weights)
    odds = np.log((yes + 1) / (len(codes) - yes + 1))
    return Solved(np.zeros((matrix.shape[1], 1)), np.array([odds]), platt=np.array([[-1.0], [0.0]]))


def seen(matrix: Matrix) -> np.ndarray:
    """(F,) bool: the features that a record has."""
    if isinstance(matrix, np.ndarray):
        return (matrix != 0).any(0)  # type: ignore[no-any-return]
    return np.bincount(matrix.indices[matrix.data != 0], minlength=matrix.shape[1]) > 0  # type: ignore[no-any-return]


def class_weight(setting: str) -> str | None:
    """As scikit-learn calls it."""
    return None if setting == "none" else setting
