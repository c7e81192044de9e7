"""The terms that weigh most in the records of each label: a first look at what tells labels apart."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import polars as pl

from textkit.arrays import Sparse
from textkit.errors import InputError
from textkit.stage import connect, missing
from textkit.streams.stream import Stream

NO_LABEL = '""'  # as evaluate writes one that is empty


def print_top(stream: Stream, stage: Any, count: int) -> None:
    """Print for each label its `count` terms of the highest mean weight. Memory: labels times columns."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    found = top(stream, stage, count)
    console = Console(width=None if sys.stdout.isatty() else 120)
    for label, records, terms in found:
        # a line of its own: a title would be broken to fit the table
        console.print(Text(f"{label or NO_LABEL} ({records} record{'s' * (records != 1)})"))
        table = Table("term", "mean weight", box=box.ROUNDED)
        for term, weight in terms:
            table.add_row(Text(term.replace(" ", "␣")), f"{weight:.6f}")
        console.print(table)


def top(stream: Stream, stage: Any, count: int) -> list[tuple[str, int, list[tuple[str, float]]]]:
    """(label, its records, its terms and their mean weights) of each label, in order."""
    for link in missing(stream, stage.needs):
        stream = connect(stream, link)
    ready, stream = stage.start(stream)
    sums: dict[str, np.ndarray] = {}
    records: dict[str, int] = {}
    for batch in stream.batches:
        labels = batch.require("label", fix="name the column with --label-field")["label"]
        rows = ready.rows(batch)
        for label in labels.unique().sort():
            mine = (labels == label).arg_true().to_numpy()
            sums[label] = sums.get(label, 0) + _sums(rows.take(mine))
            records[label] = records.get(label, 0) + len(mine)
    stream.ending.demand()
    if not records:
        raise InputError("nothing to weigh: there are no records")
    names: pl.Series = ready.names
    return [(label, records[label], _best(sums[label] / records[label], names, count)) for label in sorted(sums)]


def _sums(rows: Sparse) -> np.ndarray:
    """(F,) the sum of each column."""
    return np.bincount(rows.indices, rows.values, minlength=rows.width)


def _best(means: np.ndarray, names: pl.Series, count: int) -> list[tuple[str, float]]:
    order = np.argsort(-means, kind="stable")[:count]
    return [(names[int(i)], float(means[i])) for i in order if means[i]]
