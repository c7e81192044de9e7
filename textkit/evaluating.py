"""Evaluating: predictions against labels, whether they come with the records or from a model."""

from __future__ import annotations

import json
import sys

import numpy as np
import polars as pl

from textkit.errors import InputError
from textkit.metrics import Classification, classification
from textkit.report import say
from textkit.streams.stream import Stream


def measure(stream: Stream, known: list[str] | None) -> Classification:
    """Compare `prediction` with `label` over all records. `known`: the labels that the model was trained with."""
    gold, predicted = [], []
    for batch in stream.batches:
        pair = batch.require("label", "prediction", fix="name the label with --label-field; predictions come from textkit predict")
        gold.append(pair["label"])
        predicted.append(pair["prediction"])
    stream.ending.demand()
    if not gold:
        raise InputError("nothing to evaluate: there are no records")
    truth, guess = pl.concat(gold), pl.concat(predicted)
    labels = pl.concat([truth, guess]).unique().sort().to_list()
    unseen = sorted({*truth} - {*known}) if known is not None else []
    if unseen:
        count = int(truth.is_in(unseen).sum())
        say(f"{count} of {len(truth)} records have a label that the model was not trained with: {', '.join(unseen)}", unseen=unseen)
    return classification(_codes(truth, labels), _codes(guess, labels), labels)


def _codes(column: pl.Series, labels: list[str]) -> np.ndarray:
    return column.cast(pl.Enum(labels)).cat.physical().cast(pl.Int64).to_numpy()


def print_json(found: Classification) -> None:
    sys.stdout.write(json.dumps(found.to_json(), ensure_ascii=False) + "\n")


def print_tables(found: Classification) -> None:
    """Metrics, a row per label, and the confusion matrix, as wide as the terminal."""
    from rich.console import Console
    from rich.table import Table

    console = Console(width=None if sys.stdout.isatty() else 120)
    summary = f"{found.records} records   accuracy {found.accuracy:.4f}   macro F1 {found.f1_macro:.4f}   micro F1 {found.f1_micro:.4f}"
    console.print(summary, highlight=False)
    per_label = Table("label", *(_right(name) for name in ("precision", "recall", "F1", "support")))
    for row in zip(found.labels, found.precision, found.recall, found.f1, found.support, strict=True):
        per_label.add_row(_plain(row[0]), *(f"{value:.4f}" for value in row[1:4]), str(row[4]))
    console.print(per_label)
    if len(found.labels) > WIDEST:
        console.print(f"The confusion matrix of {len(found.labels)} labels is too wide to print; --json has it.")
        return
    matrix = Table("gold \\ predicted", *(_right(label) for label in found.labels))
    for label, counts in zip(found.labels, found.confusion, strict=True):
        cells = [f"[bold]{n}[/bold]" if found.labels[j] == label else str(n) for j, n in enumerate(counts)]
        matrix.add_row(_plain(label), *cells)
    console.print(matrix)


WIDEST = 12  # labels in a printed confusion matrix


def _plain(text: str):  # type: ignore[no-untyped-def]
    """A user's label is not rich markup."""
    from rich.text import Text

    return Text(text)


def _right(name: str):  # type: ignore[no-untyped-def]
    from rich.table import Column

    return Column(_plain(name), justify="right")
