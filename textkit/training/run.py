"""Training from end to end: a stream becomes examples, a model is fitted, a bundle is saved."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from textkit import config
from textkit.artifacts import bundle, cache, tensors
from textkit.artifacts.folder import publish
from textkit.embeddings.table import Table
from textkit.errors import InputError, LineageError, UsageError
from textkit.registry import ARCHS, TASKS
from textkit.report import in_words, say
from textkit.stage import connect, ids_owner, vocabulary_of
from textkit.streams.lineage import Entry, Lineage
from textkit.streams.stream import Stream
from textkit.tokenizers.index import Index
from textkit.training.examples import Examples, collect


@dataclass(frozen=True)
class Plan:
    """What `textkit train` was asked for. None: the default that fits the data or the architecture."""

    task: str
    save: str
    arch: str | None = None
    settings: tuple[str, ...] = ()
    epochs: int = 5
    batch_size: int | None = None
    lr: float | None = None
    valid_split: float = 0.1
    seed: int = 42
    precision: str = "auto"
    force: bool = False
    for_networks: tuple[str, ...] = ()  # the options given that a linear model has no use for


@dataclass
class Fitted:
    """A model that was fitted: its tensors, what the manifest says of it, and its history."""

    tensors: dict[str, np.ndarray]
    manifest: dict[str, Any]
    history: list[dict[str, Any]]


def train(stream: Stream, plan: Plan) -> None:
    """Fit the model that `plan` asks for on all records of the stream and save it as a bundle."""
    task_class = TASKS.find(plan.task)
    first = stream.peek()
    if first is None:
        stream.ending.demand()
        raise InputError("nothing to train on: there are no records")
    first.require(*task_class.strings, fix="name the column with --label-field")
    arch_name = plan.arch or choose_arch(stream.lineage, first.has("vector"))
    arch = ARCHS.find(arch_name)
    settings = config.override(arch.Config(), plan.settings)
    if arch.engine == "classic" and plan.for_networks:
        raise UsageError(f"{plan.for_networks[0]} is for networks, and {arch_name} is none", fix="leave it out, or name an --arch")
    dense = arch.inputs == "any" and first.has("vector")
    stream = stream if dense else with_ids(stream)
    columns = {"dense": ("vector",)} if dense else {"ragged": ("ids",)}
    examples = collect(stream, strings=task_class.strings, **columns)
    task = task_class.of(examples)
    if not dense:
        check_ids(examples.ragged["ids"].flat, len(vocabulary_of(owner_of(stream), stream.near)))
    fit = fit_classic if arch.engine == "classic" else fit_torch
    fitted = fit(arch, settings, task, examples, stream, plan)
    manifest = {
        "task": plan.task, "arch": arch_name, "config": config.to_json(settings), **task.to_json(), "input": "vector" if dense else "ids",
        "records": len(examples), "seed": plan.seed, "data": examples.fingerprint(), **fitted.manifest,
    }  # fmt: skip
    with publish(plan.save, plan.force) as draft:
        tensors.save(draft / bundle.MODEL, fitted.tensors)
        lines = [json.dumps(entry) + "\n" for entry in fitted.history]
        (draft / bundle.HISTORY).write_text("".join(lines), encoding="utf-8")
        bundle.save(draft, stream.lineage, stream.near, manifest)
    metrics = in_words(fitted.manifest["metrics"]) or "nothing held out to measure it"
    say(f"saved {plan.save}: {arch_name}, {task.summary()}, {metrics}", **fitted.manifest["metrics"])


def choose_arch(lineage: Lineage, has_vector: bool) -> str:
    """A network that starts from the word vectors where there are any, else a linear model."""
    arch = "lstm" if any(entry.stage == "embed" for entry in lineage.stages) and not has_vector else "logreg"
    say(f"--arch {arch} fits this input")
    return arch


def with_ids(stream: Stream) -> Stream:
    """The stream with ids: those it has, if their vocabulary is known, else by a vocabulary of its own tokens."""
    first = stream.peek()
    assert first is not None, "the caller has seen a record"
    if not first.has("ids"):
        return connect(stream, Index(Index.Config()))
    if ids_owner(stream.lineage) is None:
        fix = "pipe it from textkit tokenize, or drop the ids"
        raise LineageError("the records have ids, and nothing says of which vocabulary (no header line)", fix=fix)
    return stream


def check_ids(ids: np.ndarray, vocabulary: int) -> None:
    """InputError if there is no id at all, or one that is not in the vocabulary that the lineage names."""
    if not len(ids):
        raise InputError("nothing to train on: no record has a token")
    if ids.min() < 0 or ids.max() >= vocabulary:
        raise InputError(f"the ids go from {ids.min()} to {ids.max()}, and their vocabulary has {vocabulary} tokens", fix="tokenize again")


def fit_classic(arch: Any, settings: Any, task: Any, examples: Examples, stream: Stream, plan: Plan) -> Fitted:
    """Fit on the training part, measure on the validation part, then fit on all."""
    targets = task.targets(examples)
    train_rows, valid_rows = task.split(examples, plan.valid_split, plan.seed)
    features = 0 if examples.dense else len(vocabulary_of(owner_of(stream), stream.near))

    def fit(rows: np.ndarray) -> Any:
        if examples.dense:
            return arch.fit_vectors(examples.dense["vector"][rows], targets[rows], settings, plan.seed)
        return arch.fit_ids(examples.ragged["ids"].take(rows), targets[rows], features, settings, plan.seed)

    history = []
    if len(valid_rows):
        model = fit(train_rows)
        valid = (
            model.predict_vectors(examples.dense["vector"][valid_rows])
            if examples.dense
            else model.predict_ids(examples.ragged["ids"].take(valid_rows))
        )
        history = [{"epoch": 1, **{f"valid_{name}": value for name, value in task.metrics(valid, targets[valid_rows]).items()}}]
        say(in_words(history[-1]), **history[-1])
    metrics = {name: value for entry in history for name, value in entry.items() if name.startswith("valid_")}
    model = fit(np.arange(len(examples)))
    sizes = {"features": model.weights.shape[0]} if examples.dense else {"vocabulary": features}
    manifest = {"sizes": {**sizes, "outputs": task.outputs}, "metrics": metrics, "trained_on": "all records"}
    return Fitted(model.tensors(), manifest, history)


def fit_torch(arch: Any, settings: Any, task: Any, examples: Examples, stream: Stream, plan: Plan) -> Fitted:
    from textkit.training import loop

    owner = owner_of(stream)
    vocabulary = vocabulary_of(owner, stream.near)
    table = embedding_of(stream)
    dim = settings.embedding_dim if table is None else table.dim
    sizes = {"vocabulary": len(vocabulary), "dim": dim, "outputs": task.outputs}

    def build() -> Any:
        import torch

        model = arch(settings, **sizes)
        with torch.no_grad():
            if table is not None:
                model.embedding.weight.copy_(torch.from_numpy(table.rows_for(vocabulary, plan.seed)))
            if vocabulary.pad_id is not None:
                model.embedding.weight[vocabulary.pad_id] = 0
        return model

    size = plan.batch_size or choose_batch_size(len(examples))
    training = loop.Settings(plan.epochs, size, plan.lr or loop.Settings.lr, seed=plan.seed, precision=plan.precision)  # type: ignore[arg-type]
    rows = task.split(examples, plan.valid_split, plan.seed)
    model, history = loop.fit(build, task.problem(examples, vocabulary.fill_id), rows, training)
    best = loop.best_epoch(history, task.metric)
    metrics = {name: value for name, value in best.items() if name.startswith("valid_")} | {"best_epoch": best["epoch"]}
    weights = {name: tensor.numpy() for name, tensor in model.state_dict().items()}
    told = config.to_json(replace(settings, embedding_dim=dim))  # the width that it has
    return Fitted(weights, {"config": told, "sizes": sizes, "pad_id": vocabulary.fill_id, "training": asdict(training), "metrics": metrics}, history)


def choose_batch_size(records: int) -> int:
    """8 to 64: a few hundred records need small steps to be learned from in a few epochs."""
    return min(64, max(8, int(2 ** round(math.log2(max(1, records / 64))))))


def owner_of(stream: Stream) -> Entry:
    owner = ids_owner(stream.lineage)
    assert owner is not None, "with_ids has seen to it"
    return owner


def embedding_of(stream: Stream) -> Table | None:
    """The table of the last `embed` stage, or None."""
    entries = [entry for entry in stream.lineage.stages if entry.stage == "embed"]
    return Table.load(cache.locate(entries[-1], stream.near)) if entries else None


def check_settings(arch: str | None, pairs: tuple[str, ...]) -> None:
    """UsageError now rather than after the data were read."""
    if arch is not None:
        config.override(ARCHS.find(arch).Config(), pairs)
    elif pairs:
        raise UsageError("-s needs --arch: whose setting is it?")
