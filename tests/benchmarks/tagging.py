"""Taggers from a raw file to a saved bundle: parts of speech of English and Korean, named entities; against CRFsuite.

    python tests/benchmarks/tagging.py [ewt] [gsd] [wnut17] [--seeds N] [--dev] [-- further arguments of train]

Each is trained with --valid on the development set, which chooses the epoch, and measured on the test set (with --dev on the
former). CRFsuite with hand-made features is run beside it where sklearn-crfsuite is installed.
Goals: 94.6 % of English EWT (stretch: 95.0) and 94.0 % of Korean GSD, without outside vectors; WNUT17 has none.
"""

from __future__ import annotations

import argparse
import gzip
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from measure import DATA, TEXTKIT, machine

GOALS = {"ewt": 94.6, "gsd": 94.0, "wnut17": None}
FILES = {  # training, development and test set
    "ewt": tuple(f"ud_english_ewt/en_ewt-ud-{part}" for part in ("train.slim.conllu.gz", "dev.conllu", "test.conllu")),
    "gsd": tuple(f"ud_korean_gsd/ko_gsd-ud-{part}" for part in ("train.conllu.gz", "dev.conllu", "test.conllu")),
    "wnut17": tuple(f"wnut17/{part}.conll" for part in ("train", "dev", "test")),
}
METRIC = {"ewt": "tag_accuracy", "gsd": "tag_accuracy", "wnut17": "f1_entity"}
Sentence = list[tuple[str, str]]


def ours(name: str, folder: Path, seed: int, dev: bool, extra: list[str]) -> tuple[float, float, float]:
    """Seconds of training and of measuring, and the metric in percent."""
    train, valid, test = (str(DATA / path) for path in FILES[name])
    usual = ["-s", "crf=true"] if name == "wnut17" else []
    model = str(folder / "model")
    started = time.perf_counter()
    subprocess.run(
        [*TEXTKIT, "train", "tag", "-q", train, "--valid", valid, *usual, *extra, "--seed", str(seed), "--force", "--save", model], check=True
    )
    trained = time.perf_counter()
    found = subprocess.run([*TEXTKIT, "evaluate", "-q", model, valid if dev else test, "--json"], capture_output=True, check=True)
    return trained - started, time.perf_counter() - trained, 100 * float(json.loads(found.stdout)[METRIC[name]])


def sentences(path: str) -> list[Sentence]:
    """(token, tag) of each sentence of CoNLL-U or of two columns."""
    data = (gzip.open(DATA / path) if path.endswith(".gz") else (DATA / path).open("rb")).read().decode()
    found = []
    for block in data.strip().split("\n\n"):
        rows = [line.split("\t") for line in block.split("\n") if not (line.startswith("#") and "conllu" in path)]
        pairs = [(row[1], row[3]) for row in rows if row[0].isdigit()] if "conllu" in path else [(row[0], row[-1]) for row in rows if len(row) > 1]
        found.append(pairs)
    return [pairs for pairs in found if pairs]


def features(sentence: Sentence, place: int) -> dict[str, str | bool]:
    """Of a word: itself, its ends, its look, and the words beside it."""
    word = sentence[place][0]
    made: dict[str, str | bool] = {"word": word, "lower": word.lower(), "title": word.istitle(), "upper": word.isupper(), "digit": word.isdigit()}
    made |= {f"suffix{size}": word[-size:] for size in (1, 2, 3, 4)} | {f"prefix{size}": word[:size] for size in (1, 2, 3)}
    for step in (-2, -1, 1, 2):
        inside = 0 <= place + step < len(sentence)
        made[f"word{step:+}"] = sentence[place + step][0].lower() if inside else "<none>"
        if inside and abs(step) == 1:
            made |= {f"title{step:+}": sentence[place + step][0].istitle(), f"suffix{step:+}": sentence[place + step][0][-3:]}
    return made


def crfsuite(name: str, dev: bool) -> tuple[float, float] | None:
    """Seconds of training and accuracy in percent of a CRF with hand-made features; None where it is not installed or entities are due."""
    try:
        from sklearn_crfsuite import CRF  # type: ignore[import-not-found]
    except ImportError:
        return None
    if METRIC[name] != "tag_accuracy":
        return None
    train, test = sentences(FILES[name][0]), sentences(FILES[name][1 if dev else 2])
    started = time.perf_counter()
    model = CRF(algorithm="ap", max_iterations=10)
    model.fit([[features(one, place) for place in range(len(one))] for one in train], [[tag for _, tag in one] for one in train])
    seconds = time.perf_counter() - started
    found = model.predict([[features(one, place) for place in range(len(one))] for one in test])
    right = [tag == due for tags, one in zip(found, test, strict=True) for tag, (_, due) in zip(tags, one, strict=True)]
    return seconds, 100 * statistics.mean(right)


def main() -> None:
    given, extra = sys.argv[1:], list[str]()
    if "--" in given:
        given, extra = given[: given.index("--")], given[given.index("--") + 1 :]
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("corpora", nargs="*", choices=[[], *FILES])
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--dev", action="store_true")
    told = parser.parse_args(given)
    print(machine())
    for name in told.corpora or FILES:
        with tempfile.TemporaryDirectory() as folder:
            runs = [ours(name, Path(folder), 42 + seed, told.dev, extra) for seed in range(told.seeds)]
        values = [value for _, _, value in runs]
        spread = f" +- {statistics.stdev(values):.2f}" if len(values) > 1 else ""
        goal = "" if GOALS[name] is None else f" (goal {GOALS[name]})"
        seconds, measuring = (statistics.mean(run[part] for run in runs) for part in (0, 1))
        line = f"{name:<7} {METRIC[name]} {statistics.mean(values):.2f} %{spread}{goal}, trained in {seconds:.0f} s, measured in {measuring:.1f} s"
        peer = crfsuite(name, told.dev)
        print(line + (f" | CRFsuite {peer[1]:.2f} % in {peer[0]:.0f} s" if peer else ""), flush=True)


if __name__ == "__main__":
    main()
