"""What all linear models share: applying them with numpy alone, saving them, and one model a label where records have several.

A model of two labels is one column of weights: its decision value d speaks for the second label, -d for the first.
Each model says in `solve` how one problem of two or more labels is fitted; everything else is here.

Shapes: B records, F features, C labels, K columns (1 for two labels, else C).
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

import numpy as np

from textkit.errors import InputError

if TYPE_CHECKING:
    from typing import Self

    from textkit.arrays import Sparse
    from textkit.classic.fitting import Matrix, Solve, Solved

    Rows: TypeAlias = Sparse | np.ndarray

Shapes: TypeAlias = dict[str, tuple[str, tuple[int | None, ...]]]
LINKS = ("none", "softmax", "sigmoid", "huber", "platt")  # how decision values become probabilities


class Linear:
    """A fitted model: decision values are x @ weights + bias. Each record's labels exclude one another, unless `multi`."""

    engine = "classic"
    inputs = "any"  # features, or a vector where the records have one
    tells = False  # whether `fit` takes `tell`, for what is to be known while it learns
    calibrates = True  # whether probabilities that it does not have can be learned apart
    Config: ClassVar[type]

    def __init__(
        self,
        weights: np.ndarray,  # (F, K)
        bias: np.ndarray,  # (K,)
        outputs: int,  # C
        multi: bool = False,  # each label is a yes or no of its own
        link: str = "none",
        platt: np.ndarray | None = None,  # (2, K): probability 1 / (1 + exp(platt[0] * d + platt[1]))
        presence: bool = False,  # features count as there or not
    ) -> None:
        self.weights, self.bias, self.outputs, self.multi = weights, bias, outputs, multi
        self.link, self.platt, self.presence = link, platt, presence

    @classmethod
    def fit(cls, x: Rows, targets: np.ndarray, labels: int, config: Any, seed: int, weights: np.ndarray | None = None, proba: bool = False) -> Self:
        """Fit on features or (N, F) vectors.

        targets: (N,) codes in range(labels), or (N, labels) bool where records may have several labels.
        weights: (N,), what a record counts. proba: probabilities will be asked for, which some models learn apart.
        """
        from textkit.classic import calibration, fitting

        matrix, targets, weights = fitting.ready(x, targets, weights)

        solve: Solve = partial(cls.solve, config=config, seed=seed)
        link, presence = cls.link_of(config), cls.presence_of(config)
        if proba and link == "none":
            link, solve = "platt", calibration.calibrated(solve, presence)
        with fitting.ONE_THREAD:
            solved = fitting.solve_labels(solve, matrix, targets, labels, weights)
        platt = solved.platt if link == "platt" else None
        return cls(solved.weights, solved.bias, labels, targets.ndim == 2, link, platt, presence)

    @classmethod
    def solve(cls, matrix: Matrix, codes: np.ndarray, weights: np.ndarray | None, config: Any, seed: int) -> Solved:
        """The columns of one problem. codes: (N,), every label of range(max + 1) is there."""
        raise NotImplementedError

    @classmethod
    def link_of(cls, config: Any) -> str:
        """One of LINKS; `none` can be calibrated to `platt`."""
        return "softmax"

    @classmethod
    def presence_of(cls, config: Any) -> bool:
        return False

    def scores(self, x: Rows) -> np.ndarray:
        """(B, C) decision values. The greatest is the prediction; where there may be several labels, each above 0."""
        found = self._decisions(x)
        return np.hstack([-found, found]) if self._paired else found

    def probabilities(self, x: Rows) -> np.ndarray | None:
        """(B, C), or None where the model has none."""
        if self.link == "none":
            return None
        return probabilities(self._decisions(x), self.link, self.multi, self.platt)

    def contributions(self, x: Sparse, labels: np.ndarray | int) -> np.ndarray:
        """What each value of each record adds to the decision value of a label, in the order of `x.values`.

        labels: the label, or (B,) that of each record.
        """
        each = np.repeat(np.broadcast_to(labels, len(x)), x.lengths)
        if self._paired:
            return np.where(each == 0, -1.0, 1.0) * self.counted(x.values) * self.weights[x.indices, 0]  # type: ignore[no-any-return]
        return self.counted(x.values) * self.weights[x.indices, each]  # type: ignore[no-any-return]

    def counted(self, values: np.ndarray) -> np.ndarray:
        """Values of features as the model takes them."""
        return present(values) if self.presence else values

    def biases(self) -> np.ndarray:
        """(C,) what is added to the decision value of each label."""
        return np.array([-self.bias[0], self.bias[0]]) if self._paired else self.bias

    def _decisions(self, x: Rows) -> np.ndarray:
        """(B, K)."""
        if isinstance(x, np.ndarray):
            return (present(x) if self.presence else x) @ self.weights + self.bias  # type: ignore[no-any-return]
        rows = type(x)(x.indices, present(x.values), x.offsets, x.width) if self.presence else x
        return rows.dot(self.weights) + self.bias  # type: ignore[no-any-return]

    @property
    def _paired(self) -> bool:
        return self.outputs == 2 and not self.multi

    def tensors(self) -> dict[str, np.ndarray]:
        return {"weights": self.weights, "bias": self.bias} | ({} if self.platt is None else {"platt": self.platt})

    def manifest(self) -> dict[str, Any]:
        """What `due` and `from_tensors` need besides the tensors."""
        sizes = {"features": len(self.weights), "outputs": self.outputs}
        return {**sizes, "multi": self.multi, "link": self.link, "presence": self.presence}

    @staticmethod
    def due(manifest: dict[str, Any], where: str) -> Shapes:
        """Dtypes and shapes of the tensors of a saved model. InputError if its manifest is none."""
        kinds = {"features": int, "outputs": int, "multi": bool, "link": str, "presence": bool}
        if any(type(manifest.get(name)) is not kind for name, kind in kinds.items()) or manifest["link"] not in LINKS:
            raise InputError("the manifest does not say what the model is", where=where, fix="train the model again")
        columns = 1 if manifest["outputs"] == 2 and not manifest["multi"] else manifest["outputs"]
        shapes: Shapes = {"weights": ("float64", (manifest["features"], columns)), "bias": ("float64", (columns,))}
        return shapes | ({"platt": ("float64", (2, columns))} if manifest["link"] == "platt" else {})

    @classmethod
    def from_tensors(cls, tensors: dict[str, np.ndarray], manifest: dict[str, Any]) -> Self:
        about = {name: manifest[name] for name in ("outputs", "multi", "link", "presence")}
        return cls(tensors["weights"], tensors["bias"], platt=tensors.get("platt"), **about)


def probabilities(decisions: np.ndarray, link: str, multi: bool, platt: np.ndarray | None = None) -> np.ndarray:
    """(B, K) decision values -> (B, C), as scikit-learn makes them of one column, of one model a label or of a softmax."""
    paired = decisions.shape[1] == 1 and not multi
    if link == "softmax" and not paired and not multi:
        return _softmax(decisions)
    if link == "huber":
        each = (np.clip(decisions, -1, 1) + 1) / 2
    else:
        odds = decisions if platt is None else -(platt[0] * decisions + platt[1])
        if not paired and not multi:  # as shares of the sigmoids, which may all be too small to tell from 0
            return _softmax(-np.logaddexp(0, -odds))
        each = sigmoid(odds)
    if paired:
        return np.hstack([1 - each, each])
    return each if multi else _shares(each)


def _softmax(logits: np.ndarray) -> np.ndarray:
    exponents = np.exp(logits - logits.max(1, keepdims=True))
    return exponents / exponents.sum(1, keepdims=True)  # type: ignore[no-any-return]


def sigmoid(x: np.ndarray) -> np.ndarray:
    small = np.exp(-np.abs(x))  # never overflows
    return np.where(x >= 0, 1, small) / (1 + small)  # type: ignore[no-any-return]


def _shares(each: np.ndarray) -> np.ndarray:
    """Each row scaled to sum 1; all the same where all are 0."""
    total = each.sum(1, keepdims=True)
    return np.divide(each, total, out=np.full_like(each, 1 / each.shape[1]), where=total != 0)  # type: ignore[no-any-return]


def present(values: np.ndarray) -> np.ndarray:
    """1 for each value that is not 0."""
    return (values != 0).astype(np.float64)  # type: ignore[no-any-return]
