"""`predict --explain` of a linear model on a terminal: each text, the terms that spoke for its label in green, those against it in red."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from textkit.report import say
from textkit.showing.explanation import visible

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from textkit.streams.stream import Stream

FOR, AGAINST = "green", "red"
LONGEST = 1000  # characters of a text that are shown
BARS = 64  # a terminal as wide has room for bars
BLOCKS = " ▏▎▍▌▋▊▉█"  # eighths


def show(stream: Stream, draw: Callable[[dict[str, Any], Console], list[Any]]) -> None:
    """draw: what is shown of a record."""
    from rich.console import Console

    console = Console(highlight=False)
    first = True
    for batch in stream.batches:
        for line in batch.lines():  # a person reads one record after the other
            console.print(*([] if first else [""]), *draw(json.loads(line), console), sep="\n")
            console.file.flush()
            first = False
    if stream.ending.problem:
        say(f"warning: {stream.ending.problem}")
    if first:
        say("the input held no records")


def drawn(record: dict[str, Any], analyzers: tuple[str, ...], console: Console) -> list[Any]:
    """What is shown of a record: one label, or each of several. analyzers: those of the terms; if several, each term says which is its own."""
    from rich.text import Text

    found = record["explanation"]
    several = isinstance(found, list)
    told = [(one["label"], one["score"], each) for one, each in zip(record["predictions"], found, strict=True)] if several else []
    told = told if several else [(record["prediction"], record["score"], found)]
    text = record["text"] if isinstance(record.get("text"), str) else " ".join(record.get("tokens") or ())
    parts: list[Any] = [] if told else [Text.assemble(("no label", "bold"), "\n" + visible(text[:LONGEST]))]
    for label, score, reasons in told:
        parts += [heading(label, score), _marked(text, reasons, analyzers)]
        parts += [columns(reasons, analyzers, console.width), total(reasons)]
    return parts


def heading(label: str, score: float) -> Text:
    from rich.text import Text

    return Text.assemble((visible(label), "bold"), (f"  {score:.3f}", "dim"))


def columns(reasons: dict[str, Any], analyzers: tuple[str, ...], width: int) -> Table:
    """Two lists beside one another, each of terms, contributions and bars."""
    from rich.table import Table
    from rich.text import Text

    most = max((abs(value) for side in ("for", "against") for value in reasons[side].values()), default=1)
    bar = min(24, (width - 40) // 4) if width >= BARS else 0
    halves = []
    for name, style in (("for", FOR), ("against", AGAINST)):
        half = Table.grid(padding=(0, 1), expand=True)
        half.add_column(ratio=1, overflow="fold")
        half.add_column(justify="right", no_wrap=True, style=style)
        if bar:
            half.add_column(width=bar, no_wrap=True, style=style)
        half.add_row(Text(name, style=style))
        for term, value in reasons[name].items():
            half.add_row(_term(term, analyzers), f"{value:+.3f}".replace("-", "−"), *([_bar(abs(value) / most, bar)] if bar else []))
        if not reasons[name]:
            half.add_row(Text("nothing", style="dim"))
        halves.append(half)
    table = Table.grid(padding=(0, 1), expand=True)
    table.add_column(ratio=1)
    table.add_column(ratio=1)
    table.add_row(*halves)
    return table


def _bar(share: float, width: int) -> str:
    eighths = max(1, round(share * width * 8))
    return "█" * (eighths // 8) + BLOCKS[eighths % 8].strip()


def _split(term: str, analyzers: tuple[str, ...]) -> tuple[str, str]:
    """A term's analyzer, and the term without its name."""
    if len(analyzers) == 1:
        return analyzers[0], term
    name, _, rest = term.partition(":")
    return name, rest


def _term(term: str, analyzers: tuple[str, ...]) -> Text:
    """Characters are told from words by where they stand: ␣ is the edge of a word, and … is where it goes on."""
    from rich.text import Text

    name, rest = _split(term, analyzers)
    shown = visible(rest, spaces=name != "word")
    edges = ("…" * (name != "word" and rest[:1] != " "), "…" * (name != "word" and rest[-1:] != " "))
    return Text.assemble((edges[0], "dim"), shown, (edges[1], "dim"))


def total(reasons: dict[str, Any]) -> Text:
    """What the terms that are not shown add, and the bias: with those shown, the decision value."""
    from rich.text import Text

    total = sum([*reasons["for"].values(), *reasons["against"].values(), reasons["other"], reasons["bias"]])
    facts = {"other terms": reasons["other"], "bias": reasons["bias"], "sum": total}
    return Text(", ".join(f"{name} {value:+.3f}".replace("-", "−") for name, value in facts.items()), style="dim")


def _marked(text: str, reasons: dict[str, Any], analyzers: tuple[str, ...]) -> Text:
    """The text, each character in the colour of the terms that it is part of, if these could be found in it."""
    from rich.text import Text

    shown = text[:LONGEST]
    weights = [0.0] * len(shown)
    for term, value in [*reasons["for"].items(), *reasons["against"].items()]:
        for start, end in _places(shown, *_split(term, analyzers)):
            weights[start:end] = [weight + value for weight in weights[start:end]]
    most = max(map(abs, weights), default=0)
    found = Text()
    start = 0
    for end in range(1, len(shown) + 1):
        if end == len(shown) or style_of(weights[end], most) != style_of(weights[start], most):
            found.append(visible(shown[start:end]), style=style_of(weights[start], most))
            start = end
    return found.append(f" … {len(text) - LONGEST} characters more" if len(text) > LONGEST else "", style="dim")


def style_of(weight: float, most: float) -> str:
    """Strong where a character's terms speak half as loud as the loudest or more."""
    if not weight:
        return ""
    return f"{'bold ' if abs(weight) >= most / 2 else ''}{FOR if weight > 0 else AGAINST}"


def _places(text: str, analyzer: str, term: str) -> list[tuple[int, int]]:
    """Where a term stands in a text: its tokens side by side, its characters at the edge of a word where it has a space there."""
    units = [re.escape(unit) for unit in term.split(" ")]
    if analyzer == "word":  # parts of words only where there are no whole ones
        joined = r"\s*".join(units)
        patterns = [rf"(?<!\w){joined}(?!\w)", joined]
    elif analyzer == "char":
        patterns = [r"\s+".join(units)]
    else:
        start, end = r"(?<!\S)" * term.startswith(" "), r"(?!\S)" * term.endswith(" ")
        patterns = [start + re.escape(term.strip(" ")) + end]
    for pattern in patterns if term.strip() else ():
        found = [match.span() for match in re.finditer(pattern, text, re.IGNORECASE) if match.group()]
        if found:
            return found
    return []
