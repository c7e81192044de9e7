"""Training subword tokenizers on English Wikipedia (21 MB): textkit against the trainers of the `tokenizers` library.

    python tests/benchmarks/tokenizer_training.py [--runs N] [--big] [--methods wordpiece,bpe]

Both read the same file and learn 8,000 tokens with the same normalization and the same cut into words; the times are
medians of runs that take turns, and processor times stand beside them. `library` is `Tokenizer.train([file])`; `textkit`
is the whole command with --save, which also writes the tokenized records; `learning alone` feeds the method batches
of the same file. Goals: not slower than the library, at most half of its peak; with --big ten times the input in ten times the time
within 15 % and the same memory within 10 %.
"""

from __future__ import annotations

import argparse
import gzip
import shutil
import statistics
import sys
import tempfile
from pathlib import Path

from measure import DATA, machine, run_pipe

LIBRARY = """
import sys
from tokenizers import Tokenizer, models, normalizers, trainers
from textkit.registry import TOKENIZERS
cls = TOKENIZERS.find(sys.argv[1])
model, trainer = {
    "wordpiece": (models.WordPiece, trainers.WordPieceTrainer),
    "bpe": (models.BPE, trainers.BpeTrainer),
    "byte-bpe": (models.BPE, trainers.BpeTrainer),
    "unigram": (models.Unigram, trainers.UnigramTrainer),
}[sys.argv[1]]
tokenizer = Tokenizer(model() if sys.argv[1] == "unigram" else model(unk_token="[UNK]"))
tokenizer.normalizer, tokenizer.pre_tokenizer = normalizers.NFC(), cls(cls.Config()).pre_tokenizer()
more = {"unk_token": "[UNK]"} if sys.argv[1] == "unigram" else {"min_frequency": 2}
tokenizer.train([sys.argv[2]], trainer(vocab_size=8000, show_progress=False, special_tokens=["[UNK]"], **more))
tokenizer.save(sys.argv[3])
"""
ALONE = """
import sys
import polars as pl
from textkit.registry import TOKENIZERS
def texts():
    with open(sys.argv[2], encoding="utf-8") as lines:
        while some := lines.readlines(1 << 20):
            yield pl.Series(some, dtype=pl.String).str.strip_chars_end("\\n")
cls = TOKENIZERS.find(sys.argv[1])
tokenizer = cls(cls.Config())
tokenizer.fit(texts())
open(sys.argv[3], "w", encoding="utf-8").write(tokenizer.to_json())
"""


def learn(who: str, method: str, source: Path, folder: Path) -> tuple[float, float, float]:
    """(wall time, processor time, peak in MB)"""
    if who == "textkit":
        save = str(folder / "saved")
        seconds, (usage,) = run_pipe(
            ["tokenize", str(source), "--method", method, "--save", save, "--force", "-o", str(folder / "out.jsonl"), "--force"]
        )
    else:
        script = LIBRARY if who == "library" else ALONE
        seconds, (usage,) = run_pipe(["-c", script, method, str(source), str(folder / "tok.json")], program=[sys.executable])
    if usage.code:
        sys.exit(f"failed: {who} {method}")
    return seconds, usage.seconds, usage.peak


def compare(method: str, source: Path, folder: Path, runs: int) -> dict[str, tuple[float, ...]]:
    who = ("library", "learning alone", "textkit")
    rounds = [{name: learn(name, method, source, folder) for name in who} for _ in range(runs)]
    found = {name: tuple(statistics.median(values) for values in zip(*(one[name] for one in rounds), strict=True)) for name in who}
    print(f"{method}, {source.stat().st_size / 1e6:.0f} MB")
    base = found["library"]
    for name, (wall, processor, peak) in found.items():
        print(f"  {name:<16} {wall:6.2f} s, {processor:6.2f} s of processor time, {peak:5.0f} MB at the most", end="")
        print(f"   {wall / base[0]:5.2f} {processor / base[1]:5.2f} {peak / base[2]:5.2f} of the library's", flush=True)
    return found


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--big", action="store_true")
    parser.add_argument("--methods", default="wordpiece,bpe")
    given = parser.parse_args()
    print(machine())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source, big = folder / "enwiki.txt", folder / "ten.txt"
        with gzip.open(DATA / "enwiki" / "enwiki.txt.gz") as packed, source.open("wb") as out:
            shutil.copyfileobj(packed, out)
        if given.big:
            with big.open("wb") as out:
                for _ in range(10):
                    out.write(source.read_bytes())
        for method in given.methods.split(","):
            once = compare(method, source, folder, given.runs)
            if given.big:
                tenfold = compare(method, big, folder, 1)
                for who, (wall, processor, peak) in tenfold.items():
                    before = once[who]
                    print(
                        f"  ten times the input, {who}: {wall / before[0]:.1f} times the time, {processor / before[1]:.1f} of processor time,",
                        end=" ",
                    )
                    print(f"{peak / before[2]:.2f} times the memory")


if __name__ == "__main__":
    main()
