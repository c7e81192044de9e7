"""Fitting a network: what it reads of a stream, how it is built, and what a bundle keeps of it."""

from __future__ import annotations

import math
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import torch

from textkit import config
from textkit.artifacts import cache
from textkit.embeddings.table import Table
from textkit.errors import InputError, LineageError
from textkit.nn.inputs import Sizes
from textkit.stage import connect, ids_owner, vocabulary_of
from textkit.streams.lineage import Entry
from textkit.streams.stream import Stream
from textkit.tokenizers.index import Index
from textkit.training import loop
from textkit.training.examples import Examples
from textkit.training.run import VALID_SPLIT, Fitted, Plan


def inputs_for(stream: Stream, arch: Any) -> tuple[Stream, dict[str, Any]]:
    """The stream with what the architecture reads, and the columns that `collect` is to keep."""
    return with_ids(stream), {"ragged": ("ids",)}


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


def fit(arch: Any, settings: Any, task: Any, examples: Examples, stream: Stream, plan: Plan) -> Fitted:
    owner = owner_of(stream)
    vocabulary = vocabulary_of(owner, stream.near)
    check_ids(examples.ragged["ids"].flat, len(vocabulary))
    table = embedding_of(stream)
    dim = settings.embedding_dim if table is None else table.dim
    sizes = Sizes(vocabulary=len(vocabulary), dim=dim)

    def build() -> Any:
        encoder = arch(settings, sizes)
        weight = encoder.embedding.tokens.weight
        with torch.no_grad():
            if table is not None:
                weight.copy_(torch.from_numpy(table.rows_for(vocabulary, plan.seed)))
            if vocabulary.pad_id is not None:
                weight[vocabulary.pad_id] = 0
        return task.network(encoder)

    training = loop.Settings(**{"batch_size": choose_batch_size(len(examples)), "seed": plan.seed, **plan.training}).completed()
    share = VALID_SPLIT if plan.valid_split is None else plan.valid_split
    rows = task.split(examples, share, plan.seed)
    model, history = loop.fit(build, task.problem(examples, vocabulary.fill_id), rows, training)
    best = loop.best_epoch(history, training.metric or task.metric)
    metrics = {name: value for name, value in best.items() if name.startswith("valid_")} | {"best_epoch": best["epoch"]}
    weights = {name: tensor.numpy() for name, tensor in model.state_dict().items()}
    told = config.to_json(replace(settings, embedding_dim=dim))  # the width that it has
    return Fitted(
        weights, {"config": told, "sizes": asdict(sizes), "pad_id": vocabulary.fill_id, "training": asdict(training), "metrics": metrics}, history
    )


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
