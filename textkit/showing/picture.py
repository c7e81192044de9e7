"""Facts for a person: a title, then a line for each thing to know, with bars where stdout is a terminal."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from textkit.streams.lineage import Lineage, from_json

if TYPE_CHECKING:
    from rich.text import Text

SHOWN = ("vocab_size", "lowercase", "dim", "length", "pool")  # the settings that tell one stage from another at a glance
TOP = 20  # labels
BAR = 24  # columns of the longest bar
EIGHTHS = " ▏▎▍▌▋▊▉█"
HEIGHTS = "▁▂▃▄▅▆▇█"
MARGIN = 14  # columns of names


def print_json(facts: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(facts, ensure_ascii=False) + "\n")


def print_tables(facts: dict[str, Any]) -> None:
    """A title, the facts a line each, the chain as the shell pipe that would rebuild it, the history."""
    from rich.console import Console
    from rich.text import Text

    console = Console(width=None if sys.stdout.isatty() else 120)
    console.print(Text(title(facts), style="bold"))
    for name, value in rows(facts, sys.stdout.isatty()):
        for number, line in enumerate(value.split("\n")):
            console.print(_line(name if number == 0 else "", line), soft_wrap=True)
    if facts.get("history"):
        console.print(history_table(facts["history"]))


def _line(name: str, value: str) -> Text:
    from rich.text import Text

    line = Text.assemble((f"  {name:<12}", "cyan"), value)
    line.highlight_regex(rf"[{HEIGHTS}{EIGHTHS.strip()}]{{2,}}|[{HEIGHTS}{EIGHTHS.strip()}]$", "green")
    return line


def title(facts: dict[str, Any]) -> str:
    if facts["kind"] == "bundle":
        return f"{facts['path']}: a model, {facts['task']} with {facts['arch']}"
    if facts["kind"] == "stream":
        count = facts["records"]
        return f"{facts['path']}: a stream of {count} record{'s' * (count != 1)}"
    if facts["kind"] == "tokenizer.json":
        return f"{facts['path']}: a tokenizer of the tokenizers library, {facts['model']}"
    article = "an" if facts["kind"][0] in "aeiou" else "a"
    return f"{facts['path']}: {article} {facts['kind']}{' of method ' + facts['method'] if 'method' in facts else ''}"


def rows(facts: dict[str, Any], bars: bool = False) -> list[tuple[str, str]]:
    """(name, value) of what there is to tell; a value may have several lines."""
    found = {
        stream: [
            ("input", "\n".join(map(_input, facts.get("inputs", [])))),
            ("incomplete", "it has no end line: what wrote it was stopped" if facts.get("complete") is False else ""),
        ],
        **{},
    } if (stream := "") else {}
    del found
    lineage = from_json(facts["lineage"], facts["path"]) if "lineage" in facts else Lineage()
    lines = [*_of_data(facts, bars), *_of_model(facts, lineage), *_of_lineage(lineage), *_of_folder(facts)]
    return [(name, value) for name, value in lines if value]
