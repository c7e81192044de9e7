"""Fitting a network: what it reads of a stream, how it is built, and what a bundle keeps of it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from textkit.errors import UsageError
from textkit.streams.stream import Stream
from textkit.training import loop
from textkit.training.examples import Examples
from textkit.training.run import VALID_SPLIT, Fitted, Plan
from textkit.training.starting import Start


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
    training = loop.Settings(**{"batch_size": choose_batch_size(len(examples)), "seed": plan.seed, **task.training, **plan.training}).completed()
    share = VALID_SPLIT if plan.valid_split is None else plan.valid_split
    problem = task.problem(examples, start.feed(examples), **losses_of(task, plan))
    if examples.trained is None:
        rows = task.split(examples, share, plan.seed)
    else:
        rows = np.arange(examples.trained), np.arange(examples.trained, len(examples))
    return Ready(start, lambda: start.network(arch, settings, task, plan), problem, rows, training)


def losses_of(task: Any, plan: Plan) -> dict[str, Any]:
    """What was asked for of the loss. UsageError if the task does not know it."""
    given = {"class_weight": plan.class_weight, "label_smoothing": plan.label_smoothing}
    for name in [name for name, value in given.items() if value and name not in task.losses]:
        raise UsageError(f"--{name.replace('_', '-')} is not for {plan.task}")
    return {name: value for name, value in given.items() if value}


def choose_batch_size(records: int) -> int:
    """8 to 64: a few hundred records need small steps to be learned from in a few epochs."""
    return min(64, max(8, int(2 ** round(math.log2(max(1, records / 64))))))
