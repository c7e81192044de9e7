"""Applying a saved WordPiece tokenizer: textkit against a plain script around the `tokenizers` library.

    python tests/benchmarks/tokenizing.py [enwiki] [nsmc] [varied] [growth] [--runs N]

The script reads lines, calls `encode_batch_fast` on 10,000 of them at a time and writes text, tokens and ids with orjson
(`pip install orjson`): its output must be textkit's, byte for byte. Start-up counts. `varied` is 200 MB: ten copies of
enwiki, of which each after the first spells a third of its distinct words of five letters or more in another way, so that
new words keep coming as they do in text that goes on. `spm_encode` runs where sentencepiece is installed; `wc -w` is the floor.

Goals: JSON Lines at least 2 times as fast on enwiki, not slower on nsmc, 3 times on varied; Arrow 2.3 and 1.2 times on the
first two. Growth: ten times the input takes ten times as long within 15 %, in the same memory within 10 %.
"""

from __future__ import annotations

import argparse
import filecmp
import gzip
import importlib.util
import random
import shutil
import statistics
import sys
import tempfile
from pathlib import Path

import polars as pl
from measure import DATA, machine, run_pipe

LOOP = """
import sys
from orjson import dumps
from tokenizers import Tokenizer
tokenizer, write = Tokenizer.from_file(sys.argv[1]), sys.stdout.buffer.write
tokenizer.encode_special_tokens = True
vocabulary = tokenizer.get_vocab()
names = sorted(vocabulary, key=vocabulary.get)
def flush(lines):
    for line, encoding in zip(lines, tokenizer.encode_batch_fast(lines, add_special_tokens=False)):
        ids = encoding.ids
        write(dumps({"text": line, "tokens": [names[i] for i in ids], "ids": ids}) + b"\\n")
lines = []
for line in open(sys.argv[2], encoding="utf-8", newline="\\n"):
    lines.append(line.rstrip("\\n"))
    if len(lines) == 10_000:
        flush(lines)
        lines = []
flush(lines)
"""
PIECES = """
import sys
import sentencepiece
sentencepiece.SentencePieceTrainer.train(input=sys.argv[1], model_prefix=sys.argv[2], vocab_size=8000, minloglevel=2)
"""
ENCODE = """
import sys
import sentencepiece
processor = sentencepiece.SentencePieceProcessor(model_file=sys.argv[1] + ".model")
for line in open(sys.argv[2], encoding="utf-8", newline="\\n"):
    print(*processor.encode(line, out_type=str))
"""
COPIES = 10
GOALS = {"enwiki": ("2", "2.3"), "nsmc": ("1", "1.2"), "varied": ("3", "")}


def enwiki(folder: Path) -> Path:
    path = folder / "enwiki.txt"
    if not path.exists():
        with gzip.open(DATA / "enwiki" / "enwiki.txt.gz") as source, path.open("wb") as out:
            shutil.copyfileobj(source, out)
    return path


def nsmc(folder: Path) -> Path:
    path = folder / "nsmc.txt"
    run_pipe(["convert", str(DATA / "nsmc" / "ratings_train.txt.gz"), "--to", "text", "--field", "text", "-o", str(path)])
    return path


def varied(folder: Path) -> Path:
    path = folder / "varied.txt"
    text = pl.read_lines(enwiki(folder)).to_series()
    words = text.str.split(" ").explode().unique().sort().drop_nulls()
    words = words.filter(words.str.contains(r"^\p{L}{5,}$")).to_list()
    with path.open("wb") as out:
        for copy in range(COPIES):
            chance = random.Random(copy)
            changed = {word: _misspelt(word, chance) for word in words if copy and chance.random() < 1 / 3}
            for start in range(0, len(text), 10_000):
                pieces = text[start : start + 10_000].str.split(" ")
                flat = pieces.explode().replace(changed) if changed else pieces.explode()
                rows = pl.int_range(len(pieces), eager=True).repeat_by(pieces.list.len()).explode()
                lines = pl.DataFrame({"row": rows, "word": flat}).group_by("row", maintain_order=True).agg(pl.col("word").str.join(" "))["word"]
                out.write(lines.str.join("\n").item().encode() + b"\n")
    return path


def _misspelt(word: str, chance: random.Random) -> str:
    """With two neighbouring letters exchanged."""
    at = chance.randrange(1, len(word) - 1)
    return word[:at] + word[at + 1] + word[at] + word[at + 2 :]


def ten_times(folder: Path) -> Path:
    path = folder / "ten.txt"
    with path.open("wb") as out:
        for _ in range(10):
            out.write(enwiki(folder).read_bytes())
    return path


def row(name: str, value: str, goal: str = "") -> None:
    print(f"  {name:<58} {value:>24}  {goal and f'goal {goal}'}", flush=True)


def timed(*command: str, program: list[str] | None = None, out: Path | None = None) -> tuple[float, float]:
    """(seconds, MB of memory at the most) of textkit, or of another program."""
    more = {} if program is None else {"program": program}
    seconds, usages = run_pipe([*command], stdout=None if out is None else str(out), **more)
    if usages[0].code:
        sys.exit(f"failed: {command}")
    return seconds, usages[0].peak


def compare(name: str, path: Path, folder: Path, runs: int) -> None:
    size = path.stat().st_size / 1e6
    print(f"{name}: {size:.0f} MB")
    tok, ours, theirs = folder / f"tok-{name}", folder / "ours.jsonl", folder / "theirs.jsonl"
    sample = enwiki(folder) if name == "varied" else path
    timed("tokenize", str(sample), "--from", "text", "--method", "wordpiece", "--vocab-size", "8000", "--save", str(tok), "-q")
    apply = ["tokenize", str(path), "--from", "text", "--load", str(tok), "--no-lineage", "-q"]
    loop = [sys.executable, "-c", LOOP]
    found: dict[str, list[tuple[float, float]]] = {"loop": [], "jsonl": [], "arrow": [], "wc": []}
    for _ in range(runs):  # in turns, so that all see the same machine
        found["loop"].append(timed(str(tok / "tokenizer.json"), str(path), program=loop, out=theirs))
        found["jsonl"].append(timed(*apply, "--to", "jsonl", out=ours))
        found["arrow"].append(timed(*apply, "--to", "arrow", out=folder / "ours.arrow"))
        found["wc"].append(timed("-w", str(path), program=["wc"]))
    seconds = {what: statistics.median(second for second, _ in times) for what, times in found.items()}
    for what, label in {"loop": "encode_batch_fast and orjson", "jsonl": "textkit --to jsonl", "arrow": "textkit --to arrow", "wc": "wc -w"}.items():
        row(label, f"{seconds[what]:.2f} s, {size / seconds[what]:.1f} MB/s, {max(peak for _, peak in found[what]):.0f} MB")
    for what, goal in zip(("jsonl", "arrow"), GOALS[name], strict=True):
        row(f"times as fast, {what}", f"{seconds['loop'] / seconds[what]:.2f}", goal)
    row("the same bytes", "yes" if filecmp.cmp(ours, theirs, shallow=False) else "NO")
    if importlib.util.find_spec("sentencepiece"):
        timed(str(sample), str(folder / "spm"), program=[sys.executable, "-c", PIECES])
        row("sentencepiece, a model of its own", f"{timed(str(folder / 'spm'), str(path), program=[sys.executable, '-c', ENCODE])[0]:.2f} s")


def growth(folder: Path, runs: int) -> None:
    tok = folder / "tok-growth"
    timed("tokenize", str(enwiki(folder)), "--from", "text", "--method", "wordpiece", "--save", str(tok), "-q")
    seconds, peaks = [], []
    for path in (enwiki(folder), ten_times(folder)):
        times = [timed("tokenize", str(path), "--from", "text", "--load", str(tok), "-q") for _ in range(runs)]
        seconds.append(statistics.median(second for second, _ in times))
        peaks.append(max(peak for _, peak in times))
    empty = statistics.median(timed("tokenize", "/dev/null", "--from", "text", "--load", str(tok), "-q")[0] for _ in range(runs))
    print("enwiki, once and ten times")
    row("seconds; start-up", f"{seconds[0]:.2f}, {seconds[1]:.2f}; {empty:.2f}")
    row("time, less start-up, for ten times the input", f"{(seconds[1] - empty) / (seconds[0] - empty):.2f}", "10 within 15 %")
    row("memory", f"{peaks[0]:.0f} MB, {peaks[1]:.0f} MB: {100 * peaks[1] / peaks[0] - 100:+.1f} %", "10 %")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("what", nargs="*", choices=[*GOALS, "growth"])
    parser.add_argument("--runs", type=int, default=3)
    given = parser.parse_args()
    print(machine())
    with tempfile.TemporaryDirectory() as name:
        for what in given.what or [*GOALS, "growth"]:
            if what == "growth":
                growth(Path(name), given.runs)
            else:
                compare(what, globals()[what](Path(name)), Path(name), given.runs)


if __name__ == "__main__":
    main()
