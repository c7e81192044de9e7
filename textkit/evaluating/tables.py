"""A report for people: metrics, a row per label, the confusion matrix, and what else was asked for."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from textkit.evaluating.comparing import Comparison
from textkit.evaluating.report import Report

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

WIDEST = 12  # labels in a printed confusion matrix
LONGEST = 40  # characters of a label
NAMES = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "f1_macro": "macro F1",
    "f1_weighted": "weighted F1",
    "roc_auc": "ROC-AUC",
    "average_precision": "average precision",
    "log_loss": "log loss",
    "ece": "calibration error",
}
COLUMNS = {
    "precision": "precision",
    "recall": "recall",
    "f1": "F1",
    "roc_auc": "ROC-AUC",
    "average_precision": "avg. precision",
    "support": "support",
}


def print_tables(report: Report, console: Console | None = None) -> None:
    """As wide as the terminal."""
    from rich.console import Console
    from rich.text import Text

    console = console or Console(width=None if sys.stdout.isatty() else 120)
    parts: list[Any] = [Text(_records(report), style="bold"), _summary(report), "", _labels(report), "", *_confusion(report, console.width)]
    if report.comparison is not None:
        parts += ["", _comparison(report.comparison), Text(report.comparison.verdict(), style="bold")]
    if report.worst is not None:
        parts += ["", *_worst(report.worst)]
    for part in parts:
        console.print(part, highlight=False)


def _records(report: Report) -> str:
    records, labels = report.records, len(report.counted.labels)
    return f"{records} record{'s' * (records != 1)}, {labels} label{'s' * (labels != 1)}"


def _summary(report: Report) -> Table:
    """A metric a line, with its interval where that was asked for. Micro F1 is the accuracy, and not told twice."""
    from rich.table import Table

    found = report.confidence
    table = Table.grid(padding=(0, 3, 0, 0), pad_edge=False)
    table.add_column(style="cyan")
    table.add_column(justify="right")
    named = [(name, title) for name, title in NAMES.items() if name in report.metrics]
    for row, (name, title) in enumerate(named):
        cells = [title, f"{report.metrics[name]:.4f}"]
        if found is not None and name in found.intervals:
            low, high = found.intervals[name]
            cells += [f"{low:.4f} to {high:.4f}" + ("" if row else f"  ({_percent(found.level)} interval)")]
        table.add_row(*cells)
    return table


def _labels(report: Report) -> Table:
    """A row per label, then the means."""
    rows = report.labels()
    names = [name for name in COLUMNS if any(name in row for row in rows.values())]
    table = _table("label", *(COLUMNS[name] for name in names))
    for label, row in rows.items():
        table.add_row(shown(label), *(_number(row.get(name)) for name in names))
    table.add_section()
    for mean in ("macro", "weighted"):
        means = [report.metrics.get(f"{name}_{mean}") for name in ("precision", "recall", "f1")]
        ranked = [report.metrics.get(name) if mean == "macro" else None for name in names if name in ("roc_auc", "average_precision")]
        table.add_row(f"{mean} average", *map(_number, [*means, *ranked]), str(report.records), style="dim")
    return table


def _number(value: float | None) -> str:
    return "" if value is None else str(value) if isinstance(value, int) else f"{value:.4f}"


def _confusion(report: Report, width: int) -> list[Any]:
    """The matrix if it is not too wide, its columns by number where their labels would not fit."""
    labels, matrix = report.counted.labels, report.counted.confusion
    if len(labels) > WIDEST:
        return [f"The confusion matrix of {len(labels)} labels is too wide to print; --json has it."]
    numbered = _width(labels, matrix.max()) > width
    heads = [str(number) for number in range(1, len(labels) + 1)] if numbered else labels
    table = _table("gold \\ predicted", *heads)
    for row, label in enumerate(labels):
        name = shown(label)
        counts = [_cell(int(count), row == column) for column, count in enumerate(matrix[row])]
        table.add_row(name if not numbered else _join(f"{row + 1} ", name), *counts)
    return [table]


def _width(labels: list[str], most: int) -> int:
    """Columns that the matrix takes with all its labels."""
    names = [shown(label).cell_len for label in labels]
    cells = [max(name, len(str(most))) + 3 for name in names]
    return max(len("gold \\ predicted"), *names) + 4 + sum(cells)


def _cell(count: int, right: bool) -> Text:
    from rich.text import Text

    return Text(str(count), style="bold green" if right and count else "" if count else "dim")


def _join(number: str, name: Text) -> Text:
    from rich.text import Text

    return Text.assemble((number, "cyan"), name)


def _comparison(found: Comparison) -> Table:
    table = _table("compared", "accuracy", "macro F1", "right alone")
    for place, (name, alone) in enumerate(((found.name, found.only_this), (found.other, found.only_other))):
        table.add_row(shown(name), *(f"{values[place]:.4f}" for values in found.values.values()), str(alone))
    table.add_section()
    table.add_row("difference", *(f"{other - this:+.4f}" for this, other in found.values.values()), "")
    bounds = [f"{low:+.4f} to {high:+.4f}" for low, high in found.intervals.values()]
    table.add_row(f"{_percent(found.level)} interval", *bounds, "")
    return table


def _worst(rows: list[dict[str, Any]]) -> list[Any]:
    """The records that went most wrong, each text on one line if it fits."""
    if not rows:
        return ["No record is wrong."]
    own = any(row["label_score"] is not None for row in rows)
    table = _table("where", "label", "predicted", "score", *(("label's score",) if own else ()), left=3)
    table.add_column("text", ratio=1, overflow="fold")
    for row in rows:
        scores = [row["score"], *([row["label_score"]] if own else [])]
        text = shown(row["text"] or "", 200)
        table.add_row(shown(row["where"], 200), shown(row["label"]), shown(row["prediction"]), *map(_number, scores), text)
    return [table]


def _table(*names: str, left: int = 1) -> Table:
    """With headings of the user's: the first columns are text, the others numbers."""
    from rich import box
    from rich.table import Table

    table = Table(box=box.ROUNDED)
    for place, name in enumerate(names):
        table.add_column(shown(name), justify="left" if place < left else "right", overflow="fold")
    return table


def shown(text: str, longest: int = LONGEST) -> Text:
    """A user's text on one line of a table: neither markup nor control characters have a meaning there."""
    from rich.text import Text

    plain = text if text.isprintable() and text.strip() else json.dumps(text, ensure_ascii=True) if not text.strip() else _spelt(text)
    return Text(plain if len(plain) <= longest else plain[: longest - 1] + "…")


def _spelt(text: str) -> str:
    return "".join(char if char.isprintable() else json.dumps(char)[1:-1] for char in text)


def _percent(level: float) -> str:
    return f"{100 * level:g} %"
