"""Naive Bayes over features that count, fitted by scikit-learn: a log-probability a feature and label, which is a linear model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from textkit.classic.linear import Linear
from textkit.config import setting

if TYPE_CHECKING:
    from textkit.classic.fitting import Matrix, Solved


class NaiveBayes(Linear):
    @dataclass(frozen=True)
    class Config:
        kind: Literal["multinomial", "complement"] = setting("complement", "complement: each label by what the others have, fair to rare labels")
        alpha: float = setting(1.0, "added to each count: smooths, the smaller the less", above=0)
        fit_prior: bool = setting(True, "multinomial: count how frequent the labels are (complement never does)")

    @classmethod
    def solve(cls, matrix: Matrix, codes: np.ndarray, weights: np.ndarray | None, config: Any, seed: int) -> Solved:
        from sklearn.naive_bayes import ComplementNB, MultinomialNB

        from textkit.classic import fitting

        fitting.not_negative(matrix, "naive Bayes")
        kind = MultinomialNB if config.kind == "multinomial" else ComplementNB
        model = kind(alpha=config.alpha, fit_prior=config.fit_prior).fit(matrix, codes, sample_weight=weights)
        columns = model.feature_log_prob_.T
        bias = model.class_log_prior_ if config.kind == "multinomial" else np.zeros(columns.shape[1])
        if len(bias) == 2:
            return fitting.Solved(columns[:, 1:] - columns[:, :1], bias[1:] - bias[:1])
        return fitting.Solved(columns, bias)
