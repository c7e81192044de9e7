"""A report for people: metrics, a row per label, the confusion matrix, and what else was asked for."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from textkit.evaluating.comparing import Comparison
from textkit.evaluating.report import Confidence, Report
from textkit.evaluating.several import SeveralReport

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

WIDEST = 12  # labels in a printed confusion matrix
LONGEST = 40  # characters of a label
LINE = 300  # characters of a text, or a place
RANKED = ("roc_auc", "average_precision")
NAMES = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "subset_accuracy": "subset accuracy",
    "hamming_loss": "Hamming loss",
    "f1_macro": "macro F1",
    "f1_micro": "micro F1",
    "f1_weighted": "weighted F1",
    "f1_samples": "samples F1",
    "tag_accuracy": "tag accuracy",
    "sentence_accuracy": "all tags right",
    "f1_entity": "entity F1",
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


def print_tables(report: Report | SeveralReport, console: Console | None = None) -> None:
    """As wide as the terminal."""
    from rich.console import Console
    from rich.text import Text

    console = console or Console(width=None if sys.stdout.isatty() else 120)
    parts: list[Any] = [Text(_records(report), style="bold"), *_summary(report), "", _labels(report, console)]
    if isinstance(report, Report):
        parts += _of_single(report, console)
    for part in parts:
        console.print(part, highlight=False)


def _of_single(report: Report, console: Console) -> list[Any]:
    """What only records of one label have."""
    from rich.text import Text

    parts: list[Any] = ["", *_confusion(report, console)]
    if report.comparison is not None:
        parts += ["", _comparison(report.comparison), Text(report.comparison.verdict(), style="bold")]
    if report.worst is not None:
        parts += ["", *_worst(report.worst)]
    return parts


def _confidence(report: Report | SeveralReport) -> Confidence | None:
    return report.confidence if isinstance(report, Report) else None


def _records(report: Report | SeveralReport) -> str:
    records, labels, confidence = report.records, len(report.labels()), _confidence(report)
    intervals = "" if confidence is None else f"; {_percent(confidence.level)} intervals"
    words = f", {report.words} word{'s' * (report.words != 1)}" if isinstance(report, SeveralReport) and report.words is not None else ""
    return f"{records} record{'s' * (records != 1)}{words}, {labels} label{'s' * (labels != 1)}{intervals}"


def _summary(report: Report | SeveralReport) -> list[Text]:
    """A metric a line, with its interval where that was asked for. Where micro F1 is the accuracy it is not told twice."""
    from rich.text import Text

    confidence = _confidence(report)
    intervals = {} if confidence is None else confidence.intervals
    lines = []
    for name, title in NAMES.items():
        if name in report.metrics and not (name == "f1_micro" and isinstance(report, Report)):
            bounds = intervals.get(name)
            told = "" if bounds is None else f"   {bounds[0]:.4f} to {bounds[1]:.4f}"
            lines.append(Text.assemble((f"{title:<17}", "cyan"), f"   {report.metrics[name]:.4f}{told}"))
    return lines


def _labels(report: Report | SeveralReport, console: Console) -> Table:
    """A row per label, then the means. What ranks is left out where there is no room for it."""
    rows = report.labels()
    names = [name for name in COLUMNS if any(name in row for row in rows.values())]
    table = _label_table(report, rows, names)
    return table if fits(table, console, whole=False) else _label_table(report, rows, [name for name in names if name not in RANKED])


def _label_table(report: Report | SeveralReport, rows: dict[str, dict[str, float]], names: list[str]) -> Table:
    table = ruled("label", *(COLUMNS[name] for name in names))
    for label, row in rows.items():
        table.add_row(shown(label), *(figure(row.get(name)) for name in names))
    table.add_section()
    for mean in ("macro", "weighted") if isinstance(report, Report) else ("micro", "macro", "weighted"):
        means = [report.metrics.get(f"{name}_{mean}") for name in ("precision", "recall", "f1")]
        ranked = [report.metrics.get(name) if mean == "macro" else None for name in names if name in RANKED]
        table.add_row(f"{mean} average", *map(figure, [*means, *ranked]), str(_support(report)), style="dim")
    return table


def _support(report: Report | SeveralReport) -> int:
    """What a mean is over."""
    tagged = isinstance(report, SeveralReport) and report.words is not None
    return int(report.counts.support.sum()) if tagged else report.records  # type: ignore[union-attr]


def figure(value: float | None) -> str:
    return "" if value is None else str(value) if isinstance(value, int) else f"{value:.4f}"


def fits(table: Table, console: Console, whole: bool) -> bool:
    """Whether all of a table, or all but the ends of its labels, has room."""
    from rich.measure import Measurement

    needs = Measurement.get(console, console.options.update_width(10_000), table)
    return (needs.maximum if whole else needs.minimum) <= console.width


def _confusion(report: Report, console: Console) -> list[Any]:
    """The matrix if there is room for it, its columns by number where their labels would be too wide."""
    labels = report.counted.labels
    if len(labels) <= WIDEST:
        for table, whole in ((_matrix(report, numbered=False), True), (_matrix(report, numbered=True), False)):
            if fits(table, console, whole):
                return [table]
    return [f"The confusion matrix of {len(labels)} labels is too wide to print; --json has it."]


def _matrix(report: Report, numbered: bool) -> Table:
    from rich.text import Text

    labels, matrix = report.counted.labels, report.counted.confusion
    table = ruled("gold \\ predicted", *(str(number + 1) if numbered else label for number, label in enumerate(labels)))
    for row, label in enumerate(labels):
        name = Text.assemble((f"{row + 1} ", "cyan"), shown(label)) if numbered else shown(label)
        table.add_row(name, *(_cell(int(count), row == column) for column, count in enumerate(matrix[row])))
    return table


def _cell(count: int, right: bool) -> Text:
    from rich.text import Text

    return Text(str(count), style="bold green" if right and count else "" if count else "dim")


def _comparison(found: Comparison) -> Table:
    table = ruled("compared", "accuracy", "macro F1", "right alone")
    for place, (name, alone) in enumerate(((found.name, found.only_this), (found.other, found.only_other))):
        table.add_row(shown(name), *(f"{values[place]:.4f}" for values in found.values.values()), str(alone))
    table.add_section()
    table.add_row("difference", *(f"{other - this:+.4f}" for this, other in found.values.values()), "")
    bounds = list(zip(*found.intervals.values(), strict=True))
    for name, values in zip(("from", "to"), bounds, strict=True):
        table.add_row(f"{_percent(found.level)} interval {name}", *(f"{value:+.4f}" for value in values), "")
    return table


def _worst(rows: list[dict[str, Any]]) -> list[Any]:
    """The records that went most wrong: what happened on one line, the text below it."""
    from rich.padding import Padding
    from rich.text import Text

    found: list[Any] = [Text("The worst records" if rows else "No record is wrong.", style="bold")]
    for row in rows:
        score = "" if row["score"] is None else f" {row['score']:.4f}"
        own = "" if row["label_score"] is None else f" {row['label_score']:.4f}"
        label, prediction = shown(row["label"]), shown(row["prediction"])
        found.append(Text.assemble((shown(row["where"], LINE).plain, "cyan"), "  ", label, own, ", predicted ", prediction, score))
        if row["text"]:
            found.append(Padding(shown(row["text"], LINE), (0, 0, 0, 4), expand=False))
    return found


def ruled(*names: str) -> Table:
    """The first column is text and gives way where there is no room, the others are numbers. Headings may be the user's."""
    from rich import box
    from rich.table import Table

    table = Table(box=box.ROUNDED)
    table.add_column(shown(names[0]), overflow="ellipsis", no_wrap=False, min_width=16)
    for name in names[1:]:
        table.add_column(shown(name), justify="right", no_wrap=True)
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
