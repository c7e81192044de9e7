"""The peer of linear.py: the same models as a script with scikit-learn makes them, from a raw file to a fitted pipeline.

    python tests/benchmarks/linear_peer.py TRAIN TEST ANALYZERS MODEL C     (tables of label<tab>text with a header line)

ANALYZERS is word:1,2+char_wb:2,4 or a part of it, MODEL svm, logreg or nb. Prints the seconds to fit and to predict, and the accuracy.
"""

from __future__ import annotations

import sys
import time
import warnings
from pathlib import Path

from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import ComplementNB
from sklearn.pipeline import make_pipeline, make_union
from sklearn.svm import LinearSVC

WORD = r"[^\W_]+(?:'[^\W_]+)*|[^\w\s]+|_+"


def read(path: str) -> tuple[list[str], list[str]]:
    rows = [line.rstrip("\n").split("\t", 1) for line in Path(path).open(encoding="utf-8", newline="\n")][1:]
    return [row[1] for row in rows], [row[0] for row in rows]


def vectorizer(part: str) -> TfidfVectorizer:
    analyzer, span = part.split(":")
    low, high = map(int, span.split(","))
    words = {"token_pattern": WORD} if analyzer == "word" else {}
    return TfidfVectorizer(analyzer=analyzer, ngram_range=(low, high), sublinear_tf=True, **words)


def main() -> None:
    warnings.simplefilter("ignore")
    train, test, analyzers, name, c = sys.argv[1:]
    started = time.perf_counter()
    texts, labels = read(train)
    models = {
        "svm": LinearSVC(C=float(c), random_state=42),
        "logreg": LogisticRegression(C=float(c), max_iter=1000),
        "nb": ComplementNB(alpha=float(c)),
    }
    pipeline = make_pipeline(make_union(*map(vectorizer, analyzers.split("+"))), models[name]).fit(texts, labels)
    fitted = time.perf_counter() - started
    texts, labels = read(test)
    started = time.perf_counter()
    found = pipeline.predict(texts)
    print(fitted, time.perf_counter() - started, sum(a == b for a, b in zip(found, labels, strict=True)) / len(labels))


if __name__ == "__main__":
    main()
