"""How good word vectors are: pairs that people have scored, and analogies. As numbers, and as tables."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textkit.evaluating.analogies import AnalogyReport, Counts, measure_analogies
from textkit.evaluating.lexicon import Lexicon
from textkit.evaluating.pairs import PairReport, measure_pairs
from textkit.evaluating.tables import figure, fits, ruled, shown
from textkit.searching.words import Words

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table as RichTable


@dataclass(frozen=True)
class VectorReport:
    embedding: str
    words: int
    dim: int
    subwords: bool
    pairs: tuple[PairReport, ...]
    analogies: tuple[AnalogyReport, ...]

    @property
    def metrics(self) -> dict[str, float]:
        """What a limit can be set for: accuracies over all questions; of several files of pairs, that of the worst."""
        total = Counts()
        for report in self.analogies:
            total = total.plus(report.total)
        found: dict[str, float | None] = {"analogies": total.accuracy, "analogies_all": total.accuracy_all}
        for name in ("spearman", "pearson", "spearman_all", "pearson_all"):
            values = [getattr(report, name) for report in self.pairs]
            found[name] = None if not values or None in values else min(values)
        return {name: value for name, value in found.items() if value is not None}

    def to_json(self) -> dict[str, Any]:
        own = {name: getattr(self, name) for name in ("embedding", "words", "dim", "subwords")}
        parts = {"pairs": [one.to_json() for one in self.pairs], "analogies": [one.to_json() for one in self.analogies]}
        return {**own, **{name: part for name, part in parts.items() if part}}


def measure_vectors(
    folder: Path, pairs: tuple[str, ...], analogies: tuple[str, ...], most: int, exact: bool, encoding: str = "utf-8"
) -> VectorReport:
    """most: words of the table that are looked at. exact: whether case matters. encoding: of the files."""
    words = Words.load(folder)
    lexicon = Lexicon(words, most, exact)
    about_pairs = tuple(measure_pairs(path, lexicon, encoding) for path in pairs)
    about_analogies = tuple(measure_analogies(path, lexicon, encoding) for path in analogies)
    words.check.demand()
    return VectorReport(str(folder), int(words.usable.sum()), words.dim, words.subwords is not None, about_pairs, about_analogies)


def print_json(report: VectorReport) -> None:
    sys.stdout.write(json.dumps(report.to_json(), ensure_ascii=False) + "\n")


def print_tables(report: VectorReport, console: Console | None = None) -> None:
    """As wide as the terminal."""
    from rich.console import Console
    from rich.text import Text

    console = console or Console(width=None if sys.stdout.isatty() else 120)
    unknown = "unknown words by their subwords" if report.subwords else "pairs of unknown words count as 0, questions with them as wrong"
    parts: list[Any] = [Text(f"{report.words} words of {report.dim}; all: {unknown}", style="bold")]
    if report.pairs:
        whole = _pairs(report, ("spearman", "pearson"))
        parts += ["", whole if fits(whole, console, whole=False) else _pairs(report, ("spearman",))]
    for found in report.analogies:
        parts += ["", _analogies(found)]
    for part in parts:
        console.print(part, highlight=False)


def _pairs(report: VectorReport, names: tuple[str, ...]) -> RichTable:
    table = ruled("pairs", "all", "known", *(title for name in names for title in (name.title(), "of all")))
    for one in report.pairs:
        values = [getattr(one, which) for name in names for which in (name, f"{name}_all")]
        table.add_row(shown(Path(one.file).name), str(one.pairs), str(one.known), *map(figure, values))
    return table


def _analogies(report: AnalogyReport) -> RichTable:
    table = ruled(Path(report.file).name, "all", "known", "correct", "accuracy", "of all")
    for name, counts in report.sections.items():
        table.add_row(shown(name or "(no section)"), *_row(counts))
    table.add_section()
    table.add_row("total", *_row(report.total), style="bold")
    return table


def _row(counts: Counts) -> list[str]:
    return [str(counts.questions), str(counts.known), str(counts.correct), figure(counts.accuracy), figure(counts.accuracy_all)]
