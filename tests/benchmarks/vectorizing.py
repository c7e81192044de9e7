"""Bags of words: textkit's vectorizer against scikit-learn's TfidfVectorizer, in process, from texts to the matrix.

    python tests/benchmarks/vectorizing.py [enwiki-1] [nsmc-1,2] [nsmc-char_wb] [--runs N]

Each runs in a process of its own; only `fit_transform` is timed, imports and reading are not. Both cut words at white space.
Memory is what the process holds at the most beyond what it held before. Goals: 2.5 times as fast on enwiki, 3 times on the
others, in half the memory; the matrices are the same.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from measure import DATA, machine

JOBS = {"enwiki-1": ("enwiki", "word", 1, 1, 2.5), "nsmc-1,2": ("nsmc", "word", 1, 2, 3.0), "nsmc-char_wb": ("nsmc", "char_wb", 2, 4, 3.0)}


def texts(corpus: str) -> list[str]:
    if corpus == "enwiki":
        return gzip.open(DATA / "enwiki" / "enwiki.txt.gz", "rt", encoding="utf-8").read().split("\n")[:-1]
    lines = gzip.open(DATA / "nsmc" / "ratings_train.txt.gz", "rt", encoding="utf-8").read().split("\n")[1:-1]
    return [line.split("\t")[1] for line in lines]


def ours(job: str) -> Any:
    import polars as pl

    from textkit.config import override
    from textkit.streams.ahead import ahead
    from textkit.streams.batch import Batch, Position
    from textkit.tokenizers.whitespace import Whitespace
    from textkit.vectorizers.fitting import Fitting
    from textkit.vectorizers.tfidf import Tfidf

    corpus, analyzer, low, high, _ = JOBS[job]
    column = pl.Series("text", texts(corpus))
    started, before = time.perf_counter(), resident()
    fitting = Fitting(Tfidf, override(Tfidf.Config(), [f"analyzer={analyzer}", f"ngram={low},{high}"]))
    split = Whitespace(Whitespace.Config(normalize="none"))
    size = 2_000_000 * len(column) // int(column.str.len_bytes().sum())  # records in a batch, as large as those that are read

    def batches() -> Iterator[Batch]:
        for start in range(0, len(column), size):
            part = column[start : start + size]
            yield Batch(pl.DataFrame({"text": part} if analyzer != "word" else {"tokens": split.encode(part)[0]}), Position(""))

    for _ in fitting.watched(ahead(batches())):
        pass
    fitting.done()
    matrix = fitting.matrix().csr()
    return time.perf_counter() - started, peak() - before, matrix


def theirs(job: str) -> Any:
    from sklearn.feature_extraction.text import TfidfVectorizer

    corpus, analyzer, low, high, _ = JOBS[job]
    column = texts(corpus)
    started, before = time.perf_counter(), resident()
    words = {"tokenizer": str.split, "token_pattern": None} if analyzer == "word" else {}
    matrix = TfidfVectorizer(analyzer=analyzer, ngram_range=(low, high), **words).fit_transform(column)
    return time.perf_counter() - started, peak() - before, matrix


def resident() -> float:
    """MB that this process holds now."""
    return next(int(line.split()[1]) / 1000 for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmRSS"))


def peak() -> float:
    """MB that this process has held at the most."""
    return next(int(line.split()[1]) / 1000 for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))


def run(who: str, job: str) -> None:
    seconds, memory, matrix = {"ours": ours, "theirs": theirs}[who](job)
    matrix.sort_indices()
    digest = hashlib.sha256(matrix.indptr.astype("int64").tobytes() + matrix.indices.astype("int64").tobytes())
    matrix.data[:] = matrix.data.round(6)
    same = {"sha256": digest.hexdigest(), "sum": round(float(matrix.data.sum()), 2)}
    print(json.dumps({"seconds": seconds, "memory": memory, "values": int(matrix.nnz), "columns": int(matrix.shape[1]), "same": same}))


def measured(who: str, job: str) -> dict[str, Any]:
    found = subprocess.run([sys.executable, __file__, "--as", who, job], capture_output=True, text=True, check=True)
    result: dict[str, Any] = json.loads(found.stdout)
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("jobs", nargs="*", default=list(JOBS))
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--as", dest="who", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.who:
        run(given.who, given.jobs[0])
        return
    print(machine())
    for job in given.jobs or JOBS:
        found = {who: [measured(who, job) for _ in range(given.runs)] for who in ("theirs", "ours")}
        seconds = {who: statistics.median(each["seconds"] for each in runs) for who, runs in found.items()}
        memory = {who: statistics.median(each["memory"] for each in runs) for who, runs in found.items()}
        first = {who: runs[0] for who, runs in found.items()}
        print(f"{job}: {first['ours']['columns']:,} columns, {first['ours']['values']:,} values")
        for who, name in (("theirs", "TfidfVectorizer"), ("ours", "textkit")):
            print(f"  {name:<18} {seconds[who]:6.2f} s  {memory[who]:6.0f} MB")
        print(f"  times as fast      {seconds['theirs'] / seconds['ours']:6.2f}    goal {JOBS[job][4]}")
        print(f"  share of memory    {memory['ours'] / memory['theirs']:6.2f}    goal 0.5")
        print(f"  the same matrix    {'yes' if first['ours']['same'] == first['theirs']['same'] else 'NO'}")


if __name__ == "__main__":
    main()
