"""Training from end to end: a stream becomes examples, a model is fitted, a bundle is saved."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from importlib import import_module
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np

from textkit import config
from textkit.arrays import Sparse
from textkit.artifacts import bundle, tensors
from textkit.artifacts.folder import publish
from textkit.errors import InputError, UsageError
from textkit.registry import ARCHS, TASKS
from textkit.report import in_words, say
from textkit.stage import connect
from textkit.streams.batch import Batch
from textkit.streams.lineage import Lineage
from textkit.streams.source import Inputs
from textkit.streams.stream import Stream
from textkit.training.examples import Examples, collect
from textkit.training.partial import check as check_partial
from textkit.training.validating import made_ready

VALID_SPLIT = 0.1  # share of each label's records that is held out
MANY = 4096  # records from which on a model that learns batch by batch tells how it gets on
FEW = 10_000  # records up to which a linear model is measured without being asked to


@dataclass(frozen=True)
class Plan:
    """What `textkit train` was asked for. None: the default that fits the data or the architecture."""

    task: str
    save: str
    arch: str | None = None
    settings: tuple[str, ...] = ()
    training: dict[str, Any] = field(default_factory=dict)  # how to train a network: what was given of loop.Settings
    class_weight: str | None = None  # for networks: whether rare labels count more
    label_smoothing: float = 0.0
    embedding: str | None = None  # an artifact of word vectors to begin with
    freeze_embedding: bool = False
    init_from: str | None = None  # a bundle whose weights to begin with
    freeze: tuple[str, ...] = ()  # patterns of weights that stay as they are
    valid_split: float | None = None
    seed: int = 42
    force: bool = False
    proba: bool = False  # whether a linear model learns probabilities that it does not have by itself
    weight: str | None = None  # the field that says what a record counts
    for_networks: tuple[str, ...] = ()  # the options given that a linear model has no use for
    find_lr: bool = False  # look for the learning rate, and save nothing
    dry_run: bool = False  # tell what would be done, and save nothing
    deterministic: bool = False  # whether the weights are to be the same bit for bit
    save_every: int | None = None  # steps between checkpoints; None: by time
    tuned: Any = None  # what a search for the best settings has found, to be told in the bundle


@dataclass
class Fitted:
    """A model that was fitted: its tensors, what the manifest says of it, and its history."""

    tensors: dict[str, np.ndarray]
    manifest: dict[str, Any]
    history: list[dict[str, Any]]


def train(stream: Stream, plan: Plan, valid: Inputs | None = None) -> None:
    """Fit the model that `plan` asks for on all records of the stream and save it as a bundle. valid: what a network is validated on."""
    task_class = TASKS.find(plan.task)
    first = stream.peek()
    if first is None:
        stream.ending.demand()
        raise InputError("nothing to train on: there are no records")
    first.require(*task_class.strings(first), fix=task_class.lacking)
    arch_name = plan.arch or task_class.arch or choose_arch(stream.lineage, first.has("vector"))
    arch = ARCHS.find(arch_name)
    import_ahead(arch_name)
    settings, _ = settings_of(arch_name, task_class, plan.settings)
    if arch.engine == "classic" and plan.for_networks:
        raise UsageError(f"{plan.for_networks[0]} is for networks, and {arch_name} is none", fix="leave it out, or name an --arch")
    for name in [name for name in ("class_weight", "label_smoothing") if getattr(plan, name) and name not in task_class.losses]:
        raise UsageError(f"--{name.replace('_', '-')} is not for {plan.task}", fix="leave it out")
    classic = arch.engine == "classic"
    if plan.weight and task_class.wordwise:
        raise UsageError(f"--weight-field is not for {plan.task}: each word counts the same")
    if not classic and plan.proba:
        raise UsageError(f"--proba is for linear models, and {arch_name} is a network: it has them")
    if plan.proba and not arch.calibrates and arch.link_of(settings) == "none":
        raise UsageError(f"{arch_name} has no probabilities with loss={settings.loss}", fix="give another -s loss=, or use --arch svm --proba")
    plan = replace(plan, arch=arch_name)
    gather = partial(collect, strings=task_class.strings(first), weight=plan.weight)
    if classic:
        stream, columns = classic_input(stream)
        complete(stream, plan, gather(stream, **columns), fit_classic)
        return
    from textkit.training import devices, inputs, looking, resuming  # which import torch

    devices.choose_precision(plan.training.get("precision", "auto"), devices.choose_device(plan.training.get("device", "auto")))  # or an error now
    looks = plan.find_lr or plan.dry_run
    if not looks:
        check_partial(plan.save, plan.force)
    stream, columns = inputs.inputs_for(stream, arch, settings, task_class.wordwise)
    if valid is not None:
        columns["valid"] = made_ready(valid, stream, task_class.gold, plan.weight)
    if looks:
        looking.look(stream, plan, gather(stream, **columns))
        return
    resuming.begin(stream, plan, lambda folder: gather(stream, folder=folder, **columns))


def complete(stream: Stream, plan: Plan, examples: Examples, fit: Callable[..., Fitted], finish: Callable[[Path], None] = lambda draft: None) -> None:
    """Fit the model on the examples, which are all of the stream's records, and save it. finish: called with the bundle before it is at its place."""
    assert plan.arch is not None, "chosen by now"
    arch, task_class = ARCHS.find(plan.arch), TASKS.find(plan.task)
    settings, own = settings_of(plan.arch, task_class, plan.settings)
    task = task_class.of(examples, own)
    fitted = fit(arch, settings, task, examples, stream, plan)
    if plan.tuned is not None:
        fitted.manifest |= {"metrics": {**fitted.manifest["metrics"], **plan.tuned.metrics}, "tuned": plan.tuned.facts}
    source = "vector" if examples.dense else "features" if examples.sparse else "ids"
    manifest = {
        "task": plan.task, "arch": plan.arch, "config": config.to_json(settings), **task.to_json(), "input": source,
        "records": examples.trained or len(examples), "seed": plan.seed, "data": examples.fingerprint(), **fitted.manifest,
        **({"word_starts": True} if "word_starts" in examples.ragged else {}),
    }  # fmt: skip
    with publish(plan.save, plan.force) as draft:
        tensors.save(draft / bundle.MODEL, fitted.tensors)
        lines = [json.dumps(entry) + "\n" for entry in fitted.history]
        (draft / bundle.HISTORY).write_text("".join(lines), encoding="utf-8")
        if plan.tuned is not None:
            plan.tuned.write(draft)
        bundle.save(draft, stream.lineage, stream.near, manifest)
        finish(draft)
    metrics = in_words(fitted.manifest["metrics"]) or "nothing held out to measure it"
    say(f"saved {plan.save}: {plan.arch}, {task.summary()}, {metrics}", **fitted.manifest["metrics"])


def choose_arch(lineage: Lineage, has_vector: bool) -> str:
    """A network that starts from the word vectors where there are any, else a linear model."""
    arch = "lstm" if any(entry.stage == "embed" for entry in lineage.stages) and not has_vector else "logreg"
    say(f"--arch {arch} fits this input")
    return arch


def import_ahead(arch: str | None) -> None:
    """Begin to import what a linear model is fitted with, which takes a second, while records are read."""
    if arch is not None and ARCHS[arch].target.startswith("textkit.classic."):
        Thread(target=import_module, args=("sklearn.svm",), daemon=True).start()


def classic_input(stream: Stream) -> tuple[Stream, dict[str, Any]]:
    """What a linear model is fitted on: the records' vectors or features, else features made of their tokens or text."""
    first = stream.peek()
    assert first is not None, "the caller has seen a record"
    if first.has("vector"):
        return stream, {"dense": ("vector",)}
    if not first.has("features"):
        stream = connect(stream, default_vectorizer(first))
    made = [entry for entry in stream.lineage.stages if entry.stage == "vectorize"]
    return stream, {"sparse": ("features",), "width": made[-1].config["features"] if made else None}


def default_vectorizer(first: Batch) -> Any:
    """TF-IDF of words and pairs of words, of raw text also of 2 to 4 characters within words: strong in any language."""
    from textkit.vectorizers.stage import Vectorize
    from textkit.vectorizers.tfidf import Tfidf

    if first.has("tokens"):
        return Vectorize.of("tfidf", Tfidf.Config(ngram=(1, 2), sublinear_tf=True))
    return Vectorize.of("tfidf", Tfidf.Config(analyzer=("word", "char_wb"), ngram=(1, 2, 2, 4), sublinear_tf=True))


def fit_classic(arch: Any, settings: Any, task: Any, examples: Examples, stream: Stream, plan: Plan) -> Fitted:
    """Fit on the training part, measure on the validation part, then fit on all.

    That takes twice as long as fitting, so of many records nothing is held out unless it is asked for.
    """
    targets = task.targets(examples)
    share = plan.valid_split if plan.valid_split is not None else VALID_SPLIT if len(examples) <= FEW else 0.0
    train_rows, valid_rows = task.split(examples, share, plan.seed)
    inputs = examples.dense["vector"] if examples.dense else examples.sparse["features"]

    def fit(rows: np.ndarray | None, **more: Any) -> Any:
        x, y, weights = inputs, targets, examples.weights
        if rows is not None:
            x, y, weights = taken(inputs, rows), targets[rows], None if weights is None else weights[rows]
        return arch.fit(x, y, task.outputs, settings, plan.seed, weights, plan.proba, **more)

    history = []
    if len(valid_rows):
        model, rows = fit(train_rows), taken(inputs, valid_rows)
        found = task.metrics(model.probabilities(rows), targets[valid_rows], model.scores(rows))
        history = [{"epoch": 1, **{f"valid_{name}": value for name, value in found.items()}}]
        say(in_words(history[-1]), **history[-1])
    metrics = {name: value for entry in history for name, value in entry.items() if name.startswith("valid_")}
    more = {"tell": lambda facts: say(in_words(facts), **facts)} if arch.tells and len(examples) > MANY else {}
    model = fit(None, **more)
    return Fitted(model.tensors(), {"model": model.manifest(), "metrics": metrics, "trained_on": "all records"}, history)


def taken(inputs: Sparse | np.ndarray, rows: np.ndarray) -> Sparse | np.ndarray:
    found: Sparse | np.ndarray = inputs[rows] if isinstance(inputs, np.ndarray) else inputs.take(rows)
    return found


def settings_of(arch: str, task: Any, pairs: tuple[str, ...]) -> tuple[Any, Any]:
    """The settings of the architecture, beginning with what is usual for the task, and those of the task itself.

    UsageError for a name that neither has, or if the architecture cannot do the task.
    """
    kind = ARCHS.find(arch)
    if task.wordwise and not getattr(kind, "tokenwise", False):
        raise UsageError(f"--arch {arch} says nothing of each word", fix="tag with --arch lstm, or another network that reads tokens one by one")
    theirs, own = ({name for name, *_ in config.describe(settings)} for settings in (kind.Config, task.Config))
    named = [(pair.partition("=")[0], pair) for pair in (*task.usual, *pairs)]
    unknown = [name for name, pair in named if name not in theirs | own and pair in pairs]
    for name in [pair.partition("=")[0] for pair in pairs]:
        if name in task.ignores and name in theirs:
            raise UsageError(f"setting {name} is for a record's vector, and a tagger reads the states of its words", fix=f"leave out -s {name}")
    if unknown and own:
        fix = f"the settings are {config.field_list(kind.Config)}; of the task: {config.field_list(task.Config)}"
        raise UsageError(f"no setting is called {unknown[0]!r}", fix=fix)
    for_arch = [pair for name, pair in named if name in theirs or (pair in pairs and name not in own)]
    settings = config.override(kind.Config(), for_arch)
    config.check_used(settings, [pair.partition("=")[0] for pair in pairs])
    return settings, config.override(task.Config(), [pair for name, pair in named if name in own])


def check_settings(arch: str | None, task: str, pairs: tuple[str, ...]) -> None:
    """UsageError now rather than after the data were read."""
    task_class = TASKS.find(task)
    if arch or task_class.arch:
        settings_of(arch or task_class.arch, task_class, pairs)
    elif pairs:
        raise UsageError("-s needs --arch: whose setting is it?")
