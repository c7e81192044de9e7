"""Fitting a network: what it reads of a stream, how it is built, and what a bundle keeps of it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import polars as pl

from textkit.report import say
from textkit.streams.stream import Stream
from textkit.training import loop
from textkit.training.examples import Examples
from textkit.training.run import VALID_SPLIT, Fitted, Plan
from textkit.training.starting import Start

SHOWN = 10  # labels of a line
FEW = 2000  # records up to which 5 epochs are too little to learn them in


def fit(
    arch: Any, settings: Any, task: Any, examples: Examples, stream: Stream, plan: Plan,
    watch: Callable[[loop.Trainer], None] | None = None, state: loop.Snapshot | None = None,
) -> Fitted:  # fmt: skip
    """watch: called as `loop.Trainer` says. state: a snapshot to go on from."""
    ready = prepare(arch, settings, task, examples, stream, plan)
    model, history = loop.fit(ready.build, ready.problem, ready.rows, ready.training, watch, state)
    best = loop.best_epoch(history, ready.training.metric or task.metric)
    metrics = {name: value for name, value in best.items() if name.startswith("valid_")} | {"best_epoch": best["epoch"]}
    weights = {name: tensor.numpy() for name, tensor in model.state_dict().items()}
    return Fitted(weights, {**ready.start.manifest(settings), "training": asdict(ready.training), "metrics": metrics}, history)


@dataclass
class Ready:
    """All that the loop needs, and where the network begins."""

    start: Start
    build: Callable[[], Any]
    problem: Any
    rows: tuple[np.ndarray, np.ndarray]  # to train on, and to validate
    training: loop.Settings


def prepare(arch: Any, settings: Any, task: Any, examples: Examples, stream: Stream, plan: Plan) -> Ready:
    start = Start.of(settings, examples, stream, plan)
    if examples.trained is None:
        rows = task.split(examples, VALID_SPLIT if plan.valid_split is None else plan.valid_split, plan.seed)
    else:
        rows = np.arange(examples.trained), np.arange(examples.trained, len(examples))
        tell_unlearned(next(iter(examples.strings.values())), examples.trained)
    problem = task.problem(examples, start.feed(examples), rows[0], **losses_of(plan))
    given = {"batch_size": choose_batch_size(len(rows[0])), "seed": plan.seed, **task.training, **plan.training}
    training = loop.Settings(**{"epochs": 10 if len(rows[0]) <= FEW else 5, **given}).completed()
    return Ready(start, lambda: start.network(arch, settings, task, plan), problem, rows, training)


def tell_unlearned(gold: pl.Series, trained: int) -> None:
    """Say which labels --valid has that none of the records to train on has, which are the first `trained`: nothing will learn them."""
    learned, asked = ((part.explode() if part.dtype == pl.List else part).drop_nulls().unique() for part in (gold[:trained], gold[trained:]))
    if len(new := asked.filter(~asked.is_in(learned.implode())).sort()):
        told = ", ".join(new[:SHOWN]) + (f" and {len(new) - SHOWN} more" if len(new) > SHOWN else "")
        say(f"no record to train on has these of the labels in --valid: {told}", unlearned=new.to_list())


def losses_of(plan: Plan) -> dict[str, Any]:
    """What was asked for of the loss."""
    given = {"class_weight": plan.class_weight, "label_smoothing": plan.label_smoothing}
    return {name: value for name, value in given.items() if value}


def choose_batch_size(records: int) -> int:
    """8 to 64: of few records smaller batches learn more in an epoch."""
    return min(64, max(8, int(2 ** round(math.log2(max(1, records / 128))))))
