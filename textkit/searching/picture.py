"""Answers of `similar` on a terminal: a query and what is nearest to it, with bars."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from textkit.evaluating.tables import shown
from textkit.report import say

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

    from textkit.streams.stream import Stream

BAR = 24  # characters
BLOCKS = " ▏▎▍▌▋▊▉█"  # eighths
LONGEST = 200  # characters of a record's text


def show(stream: Stream) -> None:
    """Each answer when it is there."""
    from rich.console import Console

    console = Console(highlight=False)
    first = True
    for batch in stream.batches:
        for line in batch.lines():  # a person reads one answer after the other
            answer = json.loads(line)
            apart = "neighbours" in answer and not first
            console.print(*([""] if apart else []), *drawn(answer, console.width), sep="\n")
            first = False
        console.file.flush()
    if stream.ending.problem:
        say(f"warning: {stream.ending.problem}")
    if first:
        say("the input held no records")


def drawn(answer: dict[str, Any], width: int) -> list[Any]:
    """What is shown of an answer: a line, or a table of neighbours below the query."""
    from rich.text import Text

    query = shown(answer["query"] or "", LONGEST)
    if "neighbours" not in answer:
        found = _cosine(answer["similarity"]) if answer.get("similarity") is not None else answer.get("odd_one_out")
        return [Text.assemble(("no vector", "dim") if found is None else (found, "bold"), "  ", query)]
    query.stylize("bold cyan")
    return [query, _table(answer["neighbours"], width) if answer["neighbours"] else Text("  no vector", style="dim")]


def _table(neighbours: list[dict[str, Any]], width: int) -> Table:
    from rich.table import Table
    from rich.text import Text

    of_records = "record" in neighbours[0]
    table = Table.grid(padding=(0, 2), expand=of_records)
    table.add_column(justify="right", style="dim", no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    for one in neighbours:
        score = Text(_cosine(one["score"]))
        if of_records:
            table.add_row(f"  {one['record']}", score, shown(one["text"], LONGEST))
        else:
            table.add_row(Text("  ").append_text(shown(one["word"])), score, _bar(one["score"]) if width >= 2 * BAR else "")
    if not of_records:
        table.columns[0].justify, table.columns[0].style = "left", ""
    return table


def _cosine(score: float) -> str:
    return f"{score:.4f}".replace("-", "−")


def _bar(score: float) -> Text:
    """A cosine from 0 to 1; there is none for less."""
    from rich.text import Text

    eighths = round(max(0.0, min(1.0, score)) * BAR * 8)
    return Text("█" * (eighths // 8) + BLOCKS[eighths % 8].strip(), style="green")
