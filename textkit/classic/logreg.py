"""Logistic regression, fitted by scikit-learn: softmax over all labels at once, or a sigmoid a label where records have several."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from textkit.classic.linear import Linear
from textkit.config import setting

if TYPE_CHECKING:
    from textkit.classic.fitting import Matrix, Solved


class LogisticRegression(Linear):
    @dataclass(frozen=True)
    class Config:
        C: float = setting(10.0, "inverse of the strength of the L2 penalty", above=0)
        max_iter: int = setting(1000, "iterations of the solver at the most", least=1)
        class_weight: Literal["none", "balanced"] = setting("none", "balanced: labels count the same, however rare")
        tol: float = setting(1e-4, "the solver stops where the gradient is below this", above=0)

    @classmethod
    def solve(cls, matrix: Matrix, codes: np.ndarray, weights: np.ndarray | None, config: Any, seed: int) -> Solved:
        from sklearn.linear_model import LogisticRegression as Sklearn

        from textkit.classic import fitting

        seen = fitting.seen(matrix)
        model = Sklearn(C=config.C, max_iter=config.max_iter, class_weight=fitting.class_weight(config.class_weight), tol=config.tol)
        model.fit(matrix if seen.all() else matrix[:, seen], codes, sample_weight=weights)  # L-BFGS: its time is that of its columns
        columns = np.zeros((len(seen), len(model.coef_)))
        columns[seen] = model.coef_.T
        return fitting.Solved(columns, model.intercept_, bool(model.n_iter_.max() < config.max_iter))
