"""A vector of each record, the mean of its words' vectors: textkit's columns against loops over gensim's KeyedVectors.

    python tests/benchmarks/pooling.py [--records 150000] [--dim 100] [--runs 3] [--pool mean]

Both start from the words of NSMC's documents, cut at white space, and end with the vectors: textkit's as a column of lists.
The table is random, of all words that occur twice. Imports are not timed. Goal: 10 times as fast as the loop.
"""

from __future__ import annotations

import argparse
import gzip
import statistics
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl
import scipy.sparse  # noqa: F401 - pooling imports it when it is needed
from gensim.models import KeyedVectors
from measure import DATA, machine

from textkit.embeddings.pooling import Pooling, as_lists, look_up, pooled
from textkit.embeddings.table import Table
from textkit.embeddings.weighing import learn
from textkit.tokenizers.vocabulary import SPECIALS, Vocabulary

BATCH = 20_000  # records, about as many as are read at once


def loop(vectors: KeyedVectors, documents: list[list[str]]) -> np.ndarray:
    rows = []
    for words in documents:
        known = [vectors[word] for word in words if word in vectors]
        rows.append(np.mean(known, axis=0) if known else np.zeros(vectors.vector_size, np.float32))
    return np.array(rows)


def own_means(vectors: KeyedVectors, documents: list[list[str]]) -> np.ndarray:
    none = np.zeros(vectors.vector_size, np.float32)
    return np.array([vectors.get_mean_vector(words, pre_normalize=False) if words else none for words in documents])


def columns(table: Table, tokens: pl.Series, pool: str, weighing: Any) -> np.ndarray:
    parts = []
    for start in range(0, len(tokens), BATCH):
        vectors = pooled(look_up(table, tokens[start : start + BATCH], "skip"), pool, weighing)
        as_lists(vectors)
        parts.append(vectors)
    return np.concatenate(parts)


def timed(what: str, runs: int, function: Callable[[], np.ndarray]) -> tuple[float, np.ndarray]:
    seconds = []
    for _ in range(runs):
        started = time.perf_counter()
        found = function()
        seconds.append(time.perf_counter() - started)
    print(f"  {what:<28} {statistics.median(seconds):7.2f} s   {len(found) / statistics.median(seconds):10,.0f} records/s")
    return statistics.median(seconds), found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--records", type=int, default=150_000)
    parser.add_argument("--dim", type=int, default=100)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--pool", default="mean", choices=["mean", "max", "sum", "sif", "tfidf"])
    given = parser.parse_args()
    lines = gzip.open(DATA / "nsmc" / "ratings_train.txt.gz", "rt", encoding="utf-8").read().split("\n")[1 : given.records + 1]
    documents = [line.split("\t")[1].split() for line in lines]
    counts = Counter(word for words in documents for word in words)
    words = [word for word, count in counts.most_common() if count > 1]
    vectors = np.random.default_rng(0).normal(size=(len(words), given.dim)).astype(np.float32)
    theirs = KeyedVectors(given.dim)
    theirs.add_vectors(words, vectors)
    table = Table(
        Vocabulary([*SPECIALS, *words]),
        np.concatenate([np.zeros((len(SPECIALS), given.dim), np.float32), vectors]),
        np.array([0] * len(SPECIALS) + [counts[word] for word in words]),
    )
    tokens = pl.Series("tokens", documents, dtype=pl.List(pl.String))
    print(machine())
    print(f"{len(documents):,} records, {len(words):,} words, {given.dim} numbers a vector, --pool {given.pool}")
    weighing = learn(table, [tokens], Pooling(given.pool, "skip")) if given.pool in ("sif", "tfidf") else None
    slow, due = timed("loop over KeyedVectors", given.runs, lambda: loop(theirs, documents))
    timed("KeyedVectors.get_mean_vector", 1, lambda: own_means(theirs, documents))
    fast, found = timed("textkit", given.runs, lambda: columns(table, tokens, given.pool, weighing))
    print(f"  times as fast as the loop    {slow / fast:7.1f}     goal 10")
    if given.pool == "mean":
        print(f"  the same vectors             {'yes' if np.allclose(found, due, rtol=1e-3, atol=1e-5) else 'NO'}")


if __name__ == "__main__":
    main()
