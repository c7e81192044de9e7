"""Records of words, as `embed --words` writes them, on their way back: {"text": word, "vector": [...], "count": n}."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl

from textkit.embeddings.files.gathering import Gathered
from textkit.embeddings.table import Table
from textkit.errors import InputError
from textkit.ragged import flatten
from textkit.registry import FORMATS
from textkit.streams.batch import Batch
from textkit.streams.bytesource import ByteSource
from textkit.streams.formats.base import Cut, Reading

TRIED = ("arrow", "parquet", "jsonl")  # whose beginning cannot be a table of vectors


def format_of(source: ByteSource) -> str | None:
    """What the records are written in; None if they are none."""
    return next((name for name in TRIED if FORMATS.find(name)().proves(source)), None)


def read_records(source: ByteSource, form: str) -> Table:
    """InputError at the first record without a vector, or with one of another width."""
    gathered: Gathered | None = None
    counts: list[pl.Series] = []
    for event in FORMATS.find(form)().read(source, Reading(wanted=("text", "vector"))):
        if isinstance(event, Cut):
            raise InputError(f"cut short: {event.reason}", where=source.name, fix="get the file again, whole")
        if isinstance(event, Batch) and len(event):
            words, vectors = _columns(event, None if gathered is None else gathered.dim)
            gathered = gathered or Gathered(source.name, vectors.shape[1])
            gathered.put(words, vectors, _where(event))
            counts.append(_counts(event))
    if gathered is None:
        raise InputError("holds no word with a vector", where=source.name)
    return gathered.table(pl.concat(counts).to_numpy())


def _where(batch: Batch) -> Callable[[int], str]:
    return lambda row: batch.position(row)


def _columns(batch: Batch, dim: int | None) -> tuple[pl.Series, np.ndarray]:
    """(N,) words and (N, D) vectors."""
    frame = batch.require("text", "vector", fix="records of words have text and vector, as embed --words writes them")
    values, widths = flatten(frame["vector"])
    dim = int(widths[0]) if dim is None else dim
    odd = (widths != dim) | (widths == 0)
    if odd.any():
        row = int(odd.arg_true()[0])
        raise InputError(f"a vector of {widths[row]} numbers, and those before have {dim}", where=batch.position(row))
    return frame["text"], values.fill_null(float("nan")).to_numpy().reshape(-1, dim)


def _counts(batch: Batch) -> pl.Series:
    """(N,) how often each was seen, 1 where that is not told."""
    if not batch.shows("count"):
        return pl.Series("count", [1], dtype=pl.Int64).new_from_index(0, len(batch))
    return batch.read("count")["count"].cast(pl.Int64, strict=False).fill_null(1).alias("count")
