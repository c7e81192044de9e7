"""Linear models from a raw file to a saved bundle, against the same models by scikit-learn and against fastText.

    python tests/benchmarks/linear.py [nsmc] [ag_news] [sst2] [trec] [banking77] [rt_polarity] [--fasttext PYTHON] [--predict]

The settings were found by `textkit train classify --tune` on the training data alone (see SETTINGS). PYTHON
is an interpreter that has fastText. `--predict` measures how soon and how fast models of NSMC predict raw text.
Goals: accuracies as in GOALS; at most 0.7 of scikit-learn's time on nsmc and ag_news, not slower on the others, and on nsmc
not slower than fastText; a first answer within 400 ms, 50,000 reviews a second with `textkit pipe`.
"""

from __future__ import annotations

import argparse
import gzip
import io
import json
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import polars as pl
from measure import DATA, TEXTKIT, machine

BOTH = "word:1,2+char_wb:2,4"
SETTINGS = {  # analyzers, min_df, model, its settings
    "nsmc": (BOTH, 1, "nb", "alpha=0.3"),
    "ag_news": ("word:1,2+char_wb:1,5", 1, "svm", "C=1.0"),
    "sst2": (BOTH, 2, "nb", "alpha=0.3"),
    "trec": ("word:1,3", 2, "nbsvm", "C=0.1 beta=1.0"),
    "banking77": (BOTH, 1, "svm", "C=1.0"),
    "rt_polarity": (BOTH, 1, "nbsvm", "C=0.1 beta=0.25"),
}
Settings = tuple[str, int, str, str]
GOALS = {"nsmc": 87.3, "sst2": 83.0, "trec": 90.0, "banking77": 91.0, "rt_polarity": 80.0, "ag_news": 88.5}
FASTTEXT = """
import sys, time
import fasttext
started = time.perf_counter()
model = fasttext.train_supervised(sys.argv[1], thread=2, verbose=0, **eval(sys.argv[3]))
model.save_model(sys.argv[4])
print(time.perf_counter() - started, model.test(sys.argv[2])[1])
"""
CHARACTERS = {"nsmc": {"minn": 2, "maxn": 4, "wordNgrams": 2}}  # of fastText; the others have word bigrams


def corpora(name: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Columns label, text of the training and the test set."""
    if name == "rt_polarity":
        folder = DATA / name
        rows = [(label, line.strip()) for label in ("pos", "neg") for line in (folder / f"rt-polarity.{label}").read_text("utf-8").split("\n")[:-1]]
        random.Random(13).shuffle(rows)
        frame = pl.DataFrame(rows, schema=["label", "text"], orient="row")
        cut = len(frame) - len(frame) // 10
        return frame[:cut], frame[cut:]
    parts = {
        "nsmc": ("ratings_train.txt.gz", "ratings_test.txt.gz"), "ag_news": ("train_sample.csv", "test.csv"), "sst2": ("train.tsv", "test.tsv"),
        "trec": ("train.coarse.tsv", "test.coarse.tsv"), "banking77": ("train.csv", "test.csv"),
    }[name]  # fmt: skip
    train, test = (_table(DATA / name / part) for part in parts)
    return train, test


def _table(path: Path) -> pl.DataFrame:
    data = gzip.open(path).read() if path.suffix == ".gz" else path.read_bytes()
    if path.parent.name == "ag_news":
        table = pl.read_csv(io.BytesIO(data), has_header=False, infer_schema=False)
        return table.select(label="column_0", text=pl.concat_str(pl.exclude("column_0"), separator=" "))
    separator, quote = (",", '"') if path.suffix == ".csv" else ("\t", None)
    table = pl.read_csv(io.BytesIO(data), separator=separator, quote_char=quote, infer_schema=False)
    names = {"document": "text", "sentence": "text", "category": "label"}
    return table.rename(names, strict=False).select("label", pl.col("text").fill_null(""))


def write(frame: pl.DataFrame, folder: Path, name: str) -> tuple[str, str]:
    """As a table for textkit and scikit-learn, and as fastText reads it."""
    clean = frame.with_columns(pl.col("text").str.replace_all(r"\s", " "), pl.col("label").str.replace_all(" ", "_"))
    lines = clean.select(pl.concat_str("label", "text", separator="\t")).to_series()
    (folder / f"{name}.tsv").write_text("label\ttext\n" + "\n".join(lines) + "\n", "utf-8")
    marked = clean.select(pl.format("__label__{} {}", "label", "text")).to_series()
    (folder / f"{name}.txt").write_text("\n".join(marked) + "\n", "utf-8")
    return str(folder / f"{name}.tsv"), str(folder / f"{name}.txt")


def ours(train: str, test: str, folder: Path, settings: Settings) -> tuple[float, float, float, float]:
    """Seconds from the raw file to the saved model and of evaluating it, accuracy, MB at the most."""
    analyzers, min_df, model, own = settings
    flags = [flag for part in analyzers.split("+") for flag in ("--analyzer", part.split(":")[0], "--ngram", part.split(":")[1])]
    chosen = " ".join(f"-s {pair}" for pair in own.split())
    chain = f"vectorize --sublinear-tf --min-df {min_df} {' '.join(flags)} | train classify --arch {model} {chosen} --valid-split 0"
    fitted = timed([*TEXTKIT, "pipe", "-q", f"{chain} --force --save {folder / 'model'}", train])
    memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1000
    started = time.perf_counter()
    found = subprocess.run([*TEXTKIT, "evaluate", "-q", str(folder / "model"), test, "--json"], capture_output=True, check=True)
    return fitted, time.perf_counter() - started, json.loads(found.stdout)["accuracy"], memory


def timed(command: list[str], **more: object) -> float:
    started = time.perf_counter()
    subprocess.run(command, check=True, **more)  # type: ignore[call-overload]
    return time.perf_counter() - started


def printed(command: list[str]) -> tuple[float, list[float]]:
    """Wall time of all of it, and the numbers that it prints."""
    started = time.perf_counter()
    found = subprocess.run(command, capture_output=True, text=True, check=True)
    return time.perf_counter() - started, [float(number) for number in found.stdout.split()]


def compare(name: str, folder: Path, fasttext: str | None, runs: int) -> None:
    train, test = (write(frame, folder, f"{name}-{part}") for frame, part in zip(corpora(name), ("train", "test"), strict=True))
    analyzers, min_df, model, own = SETTINGS[name]
    mine = [ours(train[0], test[0], folder, SETTINGS[name]) for _ in range(runs)]
    peer = Path(__file__).parent / "linear_peer.py"
    theirs = [printed([sys.executable, str(peer), train[0], test[0], analyzers, str(min_df), model, *own.split()]) for _ in range(runs)]
    seconds = statistics.median(run[0] for run in mine)
    sklearn = statistics.median(wall - numbers[1] for wall, numbers in theirs)  # start-up and fitting
    line = f"{name:<12} {model:>5} {own:<16} {analyzers:<21} {100 * mine[0][2]:6.2f} % (goal {GOALS[name]})  {seconds:6.2f} s {mine[0][3]:5.0f} MB"
    line += f" | scikit-learn {100 * theirs[0][1][2]:6.2f} % {sklearn:6.2f} s, share {seconds / sklearn:.2f}"
    if fasttext:
        options = repr(CHARACTERS.get(name, {"wordNgrams": 2, "epoch": 5, "lr": 0.1}) | ({} if name == "nsmc" else {"epoch": 25, "lr": 0.5}))
        numbers = printed([fasttext, "-c", FASTTEXT, train[1], test[1], options, str(folder / "ft.bin")])[1]
        line += f" | fastText {100 * numbers[1]:6.2f} % {numbers[0]:6.2f} s"
    print(line, flush=True)


def predicting(folder: Path, settings: Settings) -> None:
    """How soon and how fast a model of NSMC answers."""
    train, test = (write(frame, folder, f"nsmc-{part}")[0] for frame, part in zip(corpora("nsmc"), ("train", "test"), strict=True))
    accuracy = ours(train, test, folder, settings)[2]
    raw = folder / "raw.txt"
    raw.write_text("\n".join(corpora("nsmc")[0]["text"].str.replace_all(r"\s", " ")) + "\n", "utf-8")
    first = folder / "first.txt"
    first.write_text("재밌게 봤다\n", "utf-8")
    model = str(folder / "model")
    with Path("/dev/null").open("wb") as nowhere:
        soon = [timed([*TEXTKIT, "predict", "-q", model, str(first)], stdout=nowhere) for _ in range(9)]
        fast = [timed([*TEXTKIT, "pipe", "-q", f"predict {model}", str(raw)], stdout=nowhere) for _ in range(3)]
    print(f"{settings[0]} {settings[2]} {settings[3]}: {100 * accuracy:.2f} %")
    print(f"  first answer {1000 * statistics.median(soon):.0f} ms (goal 400)")
    print(f"  150,000 reviews in {statistics.median(fast):.2f} s: {150_000 / statistics.median(fast):,.0f} a second, start-up included (goal 50,000)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("corpora", nargs="*")
    parser.add_argument("--fasttext", metavar="PYTHON")
    parser.add_argument("--predict", action="store_true")
    parser.add_argument("--runs", type=int, default=1)
    given = parser.parse_args()
    print(machine())
    with tempfile.TemporaryDirectory() as folder:
        for name in given.corpora or ([] if given.predict else SETTINGS):
            compare(name, Path(folder), given.fasttext, given.runs)
        if given.predict:
            predicting(Path(folder), ("char_wb:2,4", 1, "svm", "C=0.3"))
            predicting(Path(folder), SETTINGS["nsmc"])


if __name__ == "__main__":
    main()
