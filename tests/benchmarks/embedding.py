"""Word vectors: `textkit embed` from a stream of tokens, against gensim with a corpus file made ready, and against fastText.

    python tests/benchmarks/embedding.py [word2vec] [fasttext] [--fasttext PYTHON] [--seeds N] [--corpus FILE] [--profile]

PYTHON is an interpreter with Facebook's `fasttext` module. All learn skip-gram with the same settings: 2 threads, 3 epochs,
100 numbers, learning rate 0.05, window 5, 5 negative samples, words that occur 5 times, subsampling 0.001. Times are of
whole processes, from the text (or for gensim, its corpus file) to vectors on disk; `learning` is the call alone. Of textkit
that is `textkit tokenize --method whitespace --lowercase | textkit embed`. Goals: at most 10 % over gensim; at least 1.6
times as fast as fastText without subwords and 1.3 times with; on word pairs and analogies not below it within noise.
"""

from __future__ import annotations

import argparse
import gzip
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from measure import DATA, TEXTKIT, machine, print_usages, run_pipe

SETTINGS = {"dim": 100, "window": 5, "min_count": 5, "epochs": 3, "lr": 0.05, "negative": 5, "subsample": 0.001}
THREADS = 2
GOALS = {"word2vec": 1.6, "fasttext": 1.3}
SUBWORDS = {"word2vec": (0, 0), "fasttext": (3, 6)}
PAIRS = ("wordsim353.txt", "simlex999.txt")

GENSIM = """
import json, sys, time
import numpy as np
from gensim.models import FastText, Word2Vec
corpus, out, method, seed, s, threads = json.loads(sys.argv[1])
more = {"min_n": 3, "max_n": 6} if method == "fasttext" else {}
began = time.perf_counter()
model = (FastText if more else Word2Vec)(
    corpus_file=corpus, vector_size=s["dim"], window=s["window"], min_count=s["min_count"], epochs=s["epochs"], alpha=s["lr"], sg=1,
    negative=s["negative"], sample=s["subsample"], workers=threads, seed=seed, **more)
print(time.perf_counter() - began)
open(out + ".txt", "w").write("\\n".join(model.wv.index_to_key))
np.save(out + ".npy", model.wv.vectors)
if more:
    np.save(out + ".ngrams.npy", model.wv.vectors_ngrams)
"""
FACEBOOK = """
import json, sys, time
import fasttext
import numpy as np
corpus, out, method, seed, s, threads = json.loads(sys.argv[1])
low, high = (3, 6) if method == "fasttext" else (0, 0)
options = dict(model="skipgram", dim=s["dim"], ws=s["window"], minCount=s["min_count"], epoch=s["epochs"], lr=s["lr"], neg=s["negative"],
               t=s["subsample"], thread=threads, minn=low, maxn=high, verbose=0)
began = time.perf_counter()
try:
    model = fasttext.train_unsupervised(corpus, seed=seed, **options)
except TypeError:  # an older version
    model = fasttext.train_unsupervised(corpus, **options)
print(time.perf_counter() - began)
words = [word for word in model.get_words() if word != "</s>"]
open(out + ".txt", "w").write("\\n".join(words))
np.save(out + ".npy", np.array([model.get_word_vector(word) for word in words], np.float32))
model.save_model(out + ".bin")
"""


def textkit(text: Path, out: Path, method: str, seed: int) -> tuple[float, float | None]:
    """Wall time of both processes together."""
    settings = [part for name, value in SETTINGS.items() for part in ("-s", f"{name}={value}")]
    tokenize = ["tokenize", "--method", "whitespace", "--lowercase", str(text), "--progress", "none"]
    embed = ["embed", "--method", method, *settings, "--seed", str(seed), "--threads", str(THREADS), "--save", str(out), "--progress", "none"]
    seconds, usages = run_pipe(tokenize, embed)
    print_usages(usages)
    assert all(usage.code == 0 for usage in usages)
    return seconds, None


def peer(program: tuple[str, str], corpus: Path, out: Path, method: str, seed: int) -> tuple[float, float]:
    """Wall time of the process, and that of learning alone. `program` is an interpreter and what it runs."""
    told = json.dumps([str(corpus), str(out), method, seed, SETTINGS, THREADS])
    seconds, usages = run_pipe([told], stdout=f"{out}.seconds", program=[program[0], "-c", program[1]])
    print_usages([replace(usage, command="peer") for usage in usages])
    return seconds, float(Path(f"{out}.seconds").read_text().split()[-1])


def vectors_at(out: Path) -> tuple[dict[str, int], np.ndarray]:
    """Words and vectors of length 1, of an artifact or of what a peer wrote."""
    if out.is_dir():
        from textkit.embeddings.table import Table

        table = Table.load(out)
        words, vectors = table.vocabulary.tokens, table.vectors
    else:
        words, vectors = Path(f"{out}.txt").read_text().split("\n"), np.load(f"{out}.npy")
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return {word: i for i, word in enumerate(words)}, vectors / np.maximum(length, 1e-12)


def scores(out: Path) -> dict[str, float]:
    """Spearman's rho for the word pairs that are known, and the share of the analogies of known words that are right."""
    places, unit = vectors_at(out)
    found = {name.split(".")[0]: likeness(places, unit, DATA / "embedding_eval" / name) for name in PAIRS}
    return {**found, "analogies %": 100 * analogies(places, unit)}


def likeness(places: dict[str, int], unit: np.ndarray, file: Path) -> float:
    from scipy.stats import spearmanr

    rows = [line.lower().split("\t") for line in file.read_text().splitlines()]
    known = [(places[a], places[b], float(score)) for a, b, score in rows if a in places and b in places]
    first, second, due = (np.array(part) for part in zip(*known, strict=True))
    return float(spearmanr((unit[first] * unit[second]).sum(1), due)[0])


def analogies(places: dict[str, int], unit: np.ndarray) -> float:
    lines = (DATA / "embedding_eval" / "questions-words.txt").read_text().lower().splitlines()
    questions = [line.split() for line in lines if not line.startswith(":")]
    known = np.array([[places[word] for word in words] for words in questions if all(word in places for word in words)])
    return float(np.concatenate([*right(known, unit)]).mean()) if len(known) else float("nan")


def right(known: np.ndarray, unit: np.ndarray) -> Iterator[np.ndarray]:
    for start in range(0, len(known), 512):
        a, b, c, d = known[start : start + 512].T
        nearness = (unit[b] - unit[a] + unit[c]) @ unit.T
        for given in (a, b, c):
            nearness[np.arange(len(given)), given] = -np.inf
        yield nearness.argmax(1) == d


def profile(text: Path, folder: Path, method: str) -> None:
    """Where the time of `embed` goes: `wait` and `acquire` are gensim's threads at work."""
    tokens = folder / "tokens.jsonl"
    run_pipe(["tokenize", "--method", "whitespace", "--lowercase", str(text), "--progress", "none"], stdout=str(tokens))
    settings = [part for name, value in SETTINGS.items() for part in ("-s", f"{name}={value}")]
    command = ["-m", "cProfile", "-s", "cumtime", "-m", "textkit", "embed", "--method", method, *settings, "--threads", str(THREADS), str(tokens)]
    told = subprocess.run([sys.executable, *command, "-o", "/dev/null"], check=True, capture_output=True, text=True).stdout
    print("\n".join(told.splitlines()[:60]))


def compare(method: str, corpora: tuple[Path, Path], folder: Path, given: argparse.Namespace) -> None:
    text, ready = corpora
    times: dict[str, list[tuple[float, float | None]]] = {}
    quality: dict[str, list[dict[str, float]]] = {}
    for seed in range(1, given.seeds + 1):
        runs: dict[str, Any] = {
            "textkit": lambda out, seed=seed: textkit(text, out, method, seed),
            "gensim": lambda out, seed=seed: peer((sys.executable, GENSIM), ready, out, method, seed),
        }
        if given.fasttext:
            runs["fastText"] = lambda out, seed=seed: peer((given.fasttext, FACEBOOK), ready, out, method, seed)
        for who, run in runs.items():
            out = folder / f"{method}-{who}-{seed}"
            times.setdefault(who, []).append(run(out))
            quality.setdefault(who, []).append(scores(out))
    print_table(method, times, quality)


def print_table(method: str, times: dict[str, list[tuple[float, float | None]]], quality: dict[str, list[dict[str, float]]]) -> None:
    ours = statistics.median(seconds for seconds, _ in times["textkit"])
    for who, runs in times.items():
        seconds = statistics.median(whole for whole, _ in runs)
        learning = [part for _, part in runs if part is not None]
        alone = f"{statistics.median(learning):7.1f} s learning" if learning else " " * 18
        mean = {name: statistics.fmean(each[name] for each in quality[who]) for name in quality[who][0]}
        ratio = "" if who == "textkit" else f"  textkit takes {ours / seconds:.2f} of it, is {seconds / ours:.2f} times as fast"
        print(f"{method:<9}{who:<9}{seconds:7.1f} s{alone}  " + "  ".join(f"{name} {value:.3f}" for name, value in mean.items()) + ratio)
    print(f"  goals: at most 1.10 of gensim's time, {GOALS[method]} times as fast as fastText")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("methods", nargs="*", default=[*GOALS])
    parser.add_argument("--fasttext", metavar="PYTHON", help="interpreter with the fasttext module")
    parser.add_argument("--seeds", type=int, default=3, help="runs, each with a seed of its own")
    parser.add_argument("--corpus", type=Path, help="text to learn from instead of enwiki")
    parser.add_argument("--profile", action="store_true", help="only show where the time of embed goes")
    given = parser.parse_args()
    print(machine(), TEXTKIT[0])
    with tempfile.TemporaryDirectory(prefix="textkit-") as name:
        folder = Path(name)
        text, ready = folder / "text.txt", folder / "corpus.txt"
        text.write_bytes(given.corpus.read_bytes() if given.corpus else gzip.open(DATA / "enwiki" / "enwiki.txt.gz").read())
        with text.open(encoding="utf-8", newline="\n") as lines, ready.open("w", encoding="utf-8", newline="\n") as out:
            out.writelines(" ".join(line.lower().split()) + "\n" for line in lines)
        for method in given.methods:
            if given.profile:
                profile(text, folder, method)
            else:
                compare(method, (text, ready), folder, given)


if __name__ == "__main__":
    main()
