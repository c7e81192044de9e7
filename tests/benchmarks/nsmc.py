"""The main job on the Naver Sentiment Movie Corpus: 150,000 reviews to train on, 50,000 to test.

Goals: accuracy of at least 85.0 % in at most 15 minutes on 2 cores, and at least 5,000 predictions a second,
start-up included.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from measure import DATA, TEXTKIT, machine, print_usages, run_pipe


def main() -> None:
    train, test = (str(DATA / "nsmc" / f"ratings_{part}.txt.gz") for part in ("train", "test"))
    print(machine())
    with tempfile.TemporaryDirectory() as folder:
        tok, vec, model, out = (str(Path(folder) / name) for name in ("tok", "vec", "model", "answers.jsonl"))
        extra = sys.argv[1:]  # further arguments of train
        seconds, usages = run_pipe(
            ["tokenize", train, "--method", "wordpiece", "--vocab-size", "16000", "--save", tok],
            ["embed", "--method", "word2vec", "--dim", "64", "--save", vec],
            ["pad", "--length", "48"],
            ["train", "classify", "--arch", "lstm", "--epochs", "5", "--save", model, *extra],
        )
        print(f"raw file to saved model: {seconds:.1f} s")
        print_usages(usages)
        evaluated, usages = run_pipe(["evaluate", model, test, "--json"], stdout=out)
        found = json.loads(Path(out).read_text())
        print(f"evaluate: {evaluated:.1f} s, {found['records']} records")
        print_usages(usages)
        print(f"test accuracy {100 * found['accuracy']:.2f} %, macro F1 {100 * found['f1_macro']:.2f} %")
        print(f"from raw file to evaluated: {seconds + evaluated:.1f} s")
        raw = str(Path(folder) / "reviews.txt")
        text = subprocess.run([*TEXTKIT, "tokenize", test, "--to", "text", "--field", "text"], capture_output=True, check=True).stdout
        Path(raw).write_bytes(text)
        predicted, usages = run_pipe(["predict", model], stdin=raw, stdout=out)
        records = text.count(b"\n")
        print(f"predict on {records} raw reviews: {predicted:.2f} s, {records / predicted:.0f} a second")
        print_usages(usages)


if __name__ == "__main__":
    main()
