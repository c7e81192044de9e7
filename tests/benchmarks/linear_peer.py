"""The peer of linear.py: the same models as a script with scikit-learn makes them, from a raw file to a fitted model.

    python tests/benchmarks/linear_peer.py TRAIN TEST ANALYZERS MIN_DF MODEL NAME=VALUE...     (tables of label<tab>text)

ANALYZERS is word:1,2+char_wb:2,4 or a part of it, MODEL svm, logreg, nb or nbsvm. Prints the seconds to fit and to predict, and the accuracy.
"""

from __future__ import annotations

import sys
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import ComplementNB
from sklearn.pipeline import make_union
from sklearn.svm import LinearSVC

WORD = r"[^\W_]+(?:'[^\W_]+)*|[^\w\s]+|_+"


class NBSVM:
    """Wang and Manning 2012, one label against the rest."""

    def __init__(self, C: float, beta: float, alpha: float = 1.0) -> None:
        self.C, self.beta, self.alpha = C, beta, alpha

    def fit(self, x: Any, labels: list[str]) -> NBSVM:
        self.classes_, codes = np.unique(labels, return_inverse=True)
        x = (x > 0).astype(float)
        wanted = range(len(self.classes_)) if len(self.classes_) > 2 else [1]
        found = [self._one(x, codes == code) for code in wanted]
        self.weights, self.bias = np.stack([weights for weights, _ in found], axis=1), np.array([bias for _, bias in found])
        return self

    def _one(self, x: Any, mine: np.ndarray) -> tuple[np.ndarray, float]:
        p, q = (self.alpha + np.asarray(x[rows].sum(0)).ravel() for rows in (mine, ~mine))
        ratio = np.log((p / p.sum()) / (q / q.sum()))
        model = LinearSVC(C=self.C, random_state=42).fit(x.multiply(ratio).tocsr(), mine)
        weights = model.coef_.ravel()
        return ratio * ((1 - self.beta) * np.abs(weights).mean() + self.beta * weights), float(model.intercept_[0])

    def predict(self, x: Any) -> np.ndarray:
        scores = (x > 0).astype(float) @ self.weights + self.bias
        return self.classes_[scores.argmax(1) if scores.shape[1] > 1 else (scores[:, 0] > 0).astype(int)]


def read(path: str) -> tuple[list[str], list[str]]:
    rows = [line.rstrip("\n").split("\t", 1) for line in Path(path).open(encoding="utf-8", newline="\n")][1:]
    return [row[1] for row in rows], [row[0] for row in rows]


def vectorizer(part: str, min_df: int) -> TfidfVectorizer:
    analyzer, span = part.split(":")
    low, high = map(int, span.split(","))
    words = {"token_pattern": WORD} if analyzer == "word" else {}
    return TfidfVectorizer(analyzer=analyzer, ngram_range=(low, high), sublinear_tf=True, min_df=min_df, **words)


def model_of(name: str, settings: dict[str, float]) -> Any:
    if name == "svm":
        return LinearSVC(random_state=42, **settings)
    return {"logreg": LogisticRegression, "nb": ComplementNB, "nbsvm": NBSVM}[name](**settings)


def main() -> None:
    warnings.simplefilter("ignore")
    train, test, analyzers, min_df, name, *pairs = sys.argv[1:]
    started = time.perf_counter()
    texts, labels = read(train)
    union = make_union(*(vectorizer(part, int(min_df)) for part in analyzers.split("+")))
    model = model_of(name, {key: float(value) for key, value in (pair.split("=") for pair in pairs)})
    model.fit(union.fit_transform(texts).tocsr(), labels)
    fitted = time.perf_counter() - started
    texts, labels = read(test)
    started = time.perf_counter()
    found = model.predict(union.transform(texts).tocsr())
    print(fitted, time.perf_counter() - started, sum(a == b for a, b in zip(found, labels, strict=True)) / len(labels))


if __name__ == "__main__":
    main()
