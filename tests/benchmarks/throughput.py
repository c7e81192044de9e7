"""How fast networks train and predict: textkit's loop against a plain PyTorch loop with the same network on the same records.

    python tests/benchmarks/throughput.py [RECORDS] [--arch NAME] [--memory]

The plain loop is the usual one: a DataLoader of records padded to the longest of the set, fp32, AdamW, clipping. Both take turns
in one process, and the best of the rounds counts. Goals: training at least 1.5 times as fast, predicting at least 2 times, less
than 5 % padding. --memory: the peak of `textkit train` on the records and on ten times as many; goal: within 10 %.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import torch
from measure import DATA, TEXTKIT, machine, run_pipe
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from textkit.arrays import Ragged
from textkit.nn.inputs import Sizes, Tokens
from textkit.registry import ARCHS
from textkit.report import hushed
from textkit.tasks.classify import Classify
from textkit.tasks.classify_neural import Classifying, probabilities
from textkit.tasks.feeding import Feed
from textkit.training import loop
from textkit.training.devices import choose_device, choose_precision, name_of

VOCABULARY, BATCH, ROUNDS = 16_000, 64, 3
PLAIN_STEPS = 20  # of the plain loop in a round: a whole pass takes long
REVIEWS = DATA / "nsmc" / "ratings_train.txt.gz"


def read(records: int, folder: Path) -> tuple[Ragged, np.ndarray]:
    """Ids of the reviews, and their labels."""
    out = folder / "ids.parquet"
    words = ["--method", "wordpiece", "--vocab-size", str(VOCABULARY), "--limit", str(records), "--keep", "ids,label", "-o", str(out)]
    subprocess.run([*TEXTKIT, "tokenize", str(REVIEWS), *words, "-q"], check=True)
    table = pl.read_parquet(out)
    return Ragged.of(table["ids"].cast(pl.List(pl.Int32))), table["label"].cast(pl.Int64).to_numpy().copy()


class Plain:
    """As a tutorial would write it."""

    def __init__(self, build: Callable[[], nn.Module], ids: Ragged, targets: np.ndarray) -> None:
        padded, lengths = ids.padded(np.arange(len(targets)), 0)
        self.data = TensorDataset(torch.from_numpy(padded), torch.from_numpy(np.maximum(lengths, 1)), torch.from_numpy(targets))
        self.model = build()
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=2e-3)

    def train(self) -> float:
        """Records a second."""
        self.model.train()
        records, started = 0, time.perf_counter()
        for number, (ids, lengths, targets) in enumerate(DataLoader(self.data, BATCH, shuffle=True)):
            loss = nn.functional.cross_entropy(self.model(Tokens(ids, lengths)), targets)
            self.optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
            self.optimizer.step()
            records += len(targets)
            if number + 1 == PLAIN_STEPS:
                break
        return records / (time.perf_counter() - started)

    @torch.no_grad()
    def predict(self) -> float:
        self.model.eval()
        records, started = 0, time.perf_counter()
        for number, (ids, lengths, _) in enumerate(DataLoader(self.data, BATCH)):
            self.model(Tokens(ids, lengths)).softmax(1).numpy()
            records += len(ids)
            if number + 1 == PLAIN_STEPS:
                break
        return records / (time.perf_counter() - started)


class Ours:
    def __init__(self, build: Callable[[], nn.Module], ids: Ragged, targets: np.ndarray) -> None:
        self.build, self.feed, self.targets = build, Feed(ids, 0), targets
        self.rows = np.arange(len(targets))
        self.padding = 0.0

    def train(self) -> float:
        """Records a second of one pass."""
        problem = Classifying(Classify(["0", "1"]), self.feed, self.targets)
        started = time.perf_counter()
        with hushed():
            self.model, history = loop.fit(self.build, problem, (self.rows, self.rows[:0]), loop.Settings(epochs=1, batch_size=BATCH, device="cpu"))
        self.padding = history[-1]["padding"]
        return len(self.rows) / (time.perf_counter() - started)

    def predict(self) -> float:
        started = time.perf_counter()
        probabilities(self.model, self.feed, self.rows)
        return len(self.rows) / (time.perf_counter() - started)


def memory(records: int, arch: str, folder: Path) -> None:
    """Of a training that reads some records, and ten times as many, by the same vocabulary."""
    tok, peaks = str(folder / "tok"), []
    learn = ["tokenize", str(REVIEWS), "--method", "wordpiece", "--vocab-size", str(VOCABULARY), "--limit", str(records), "--save", tok, "-q"]
    run_pipe(learn)
    for count in (records, 10 * records):
        few = ["--arch", arch, "--batch-size", str(BATCH), "--max-steps", "50", "--save", str(folder / f"m{count}"), "-q"]
        tokens = ["tokenize", str(REVIEWS), "--load", tok, "--limit", str(count), "-q"]
        peaks.append(run_pipe(tokens, ["train", "classify", *few])[1][1].peak)
    print(f"peak of train with {records} records {peaks[0]:.0f} MB, with {10 * records} {peaks[1]:.0f} MB: {peaks[1] / peaks[0]:.2f} times")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("records", nargs="?", type=int, default=10_000)
    parser.add_argument("--arch", default="lstm")
    parser.add_argument("--memory", action="store_true")
    given = parser.parse_args()
    print(machine())
    with tempfile.TemporaryDirectory() as folder:
        if given.memory:
            memory(given.records, given.arch, Path(folder))
            return
        ids, targets = read(given.records, Path(folder))
    arch = ARCHS.find(given.arch)

    def build() -> Any:
        return Classify(["0", "1"]).network(arch(arch.Config(), Sizes(vocabulary=VOCABULARY, dim=arch.Config().embedding_dim)))

    plain, ours = Plain(build, ids, targets), Ours(build, ids, targets)
    measures = {"plain training": plain.train, "training": ours.train, "plain predicting": plain.predict, "predicting": ours.predict}
    best = dict.fromkeys(measures, 0.0)
    for _ in range(ROUNDS):
        for name, measure in measures.items():
            best[name] = max(best[name], measure())
    precision = name_of(choose_precision("auto", choose_device("cpu")))
    print(f"{given.arch}, {len(targets)} reviews of {ids.lengths.mean():.1f} tokens, {ids.lengths.max()} at most; textkit trains in {precision}")
    for what, goal in (("training", 1.5), ("predicting", 2.0)):
        mine, theirs = best[what], best[f"plain {what}"]
        print(f"{what}: {mine:,.0f} records a second, the plain loop {theirs:,.0f}: {mine / theirs:.2f} times (goal {goal})")
    print(f"padding: {100 * ours.padding:.1f} % of tokens (goal below 5)")


if __name__ == "__main__":
    main()
