"""`tokenize --explain`: the steps of textkit.tokenizers.explaining for a person, in colour where stdout is a terminal."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from textkit.tokenizers.explaining import explain, invisible, joins

if TYPE_CHECKING:
    from rich.text import Text

    from textkit.tokenizers.stage import Tokenize

COLOURS = ("black on bright_cyan", "black on bright_yellow", "black on bright_green", "black on bright_magenta")
KEPT = ("\u200d", "\ufe0e", "\ufe0f")  # inside of emoji a terminal knows what to do with them
MOST = 10  # characters that one does not see, and pieces that were tried for one token, before they are summed up
MODELS = {"WordLevel": "look up", "WordPiece": "longest match", "BPE": "merges", "Unigram": "most likely"}


def show(stage: Tokenize, texts: Iterable[str], as_json: bool) -> None:
    for number, text in enumerate(texts):
        told = explain(stage, text)
        if as_json:
            sys.stdout.write(json.dumps(told, ensure_ascii=False) + "\n")
            sys.stdout.flush()
        else:
            draw(told, _console(), first=number == 0)


def _console() -> Any:
    from rich.console import Console

    return Console(width=None if sys.stdout.isatty() else 120)


def draw(told: dict[str, Any], console: Any, first: bool = True) -> None:
    """A line for each step, its name before it; at last a table of the tokens."""
    from rich.table import Table
    from rich.text import Text

    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="cyan", no_wrap=True)
    grid.add_column(overflow="fold")
    grid.add_row("text", Text(visible(told["text"]), style="bold"))
    for line in _characters(told.get("characters", [])):
        grid.add_row("", line)
    for step in told["steps"]:
        for number, line in enumerate(_lines(step)):
            grid.add_row(_name(step) if number == 0 else "", line)
    if not first:
        console.print()
    with console.capture() as drawn:
        console.print(grid)
        console.print(_tokens(told))
    lines = drawn.get().rstrip().split("\n")
    console.file.write("".join((line if console.is_terminal else line.rstrip()) + "\n" for line in lines))
    console.file.flush()


def visible(text: str, spaces: bool = False) -> str:
    """Text that a terminal shows as it is: controls and other invisible characters by number, with `spaces` plain ones too."""
    seen = "".join(f"⟨{ord(c):04X}⟩" if invisible(c) and c not in KEPT else c for c in text)
    seen = "◌" + seen if seen and joins(seen[0]) else seen  # it would be drawn upon what stands before it
    return seen.replace(" ", "␣") if spaces else seen


def _name(step: dict[str, Any]) -> str:
    if step["step"] == "segment":
        return MODELS.get(step["by"], str(step["by"]))
    return str(step["by"] if step["step"] in ("normalize", "stop words", "cut", "put around") else f"split: {step['by']}")


def _characters(odd: list[dict[str, Any]]) -> list[Text]:
    from rich.text import Text

    lines = [Text.assemble((f"{one['why']} at {one['at']}: ", "yellow"), (" + ".join(one["code_points"]), "dim")) for one in odd[:MOST]]
    return lines + ([Text(f"and {len(odd) - MOST} more", style="yellow")] if len(odd) > MOST else [])


def _lines(step: dict[str, Any]) -> list[Text]:
    from rich.text import Text

    if step["step"] == "normalize":
        counts = f"   {len(step['before'])} → {len(step['after'])} code points" if len(step["before"]) != len(step["after"]) else ""
        return [Text.assemble(visible(step["after"]), (counts, "dim"))]
    if step["step"] == "cut":
        return [Text("left out: " + " ".join(visible(token, True) for token in step["left_out"]), style="red")]
    if step["step"] == "put around":
        return [Text(f"{step['tokens'][0]} … {step['tokens'][1]}", style="green")]
    if step["step"] == "segment":
        return [line for piece in step["pieces"] for line in _path(piece, step["by"])] or [Text("nothing", style="dim")]
    lines = [_boxes([piece["piece"] for piece in step["pieces"]])]
    if step["by"] == "ByteLevel" and not all(piece["text"].isascii() for piece in step["pieces"]):  # bytes as letters, which nobody reads
        lines.append(Text.assemble(("the bytes of ", "dim"), _boxes([piece["text"] for piece in step["pieces"]])))
    return lines


def _boxes(pieces: list[str]) -> Text:
    """Pieces apart from one another: by colour, and by a bar for who sees none."""
    from rich.text import Text

    text = Text()
    for number, piece in enumerate(pieces):
        text.append("│" if number else "", style="dim")
        text.append(visible(piece, True), style=COLOURS[number % len(COLOURS)])
    return text if pieces else Text("nothing", style="dim")


def _path(piece: dict[str, Any], model: str) -> list[Text]:
    """How one piece became tokens."""
    from rich.text import Text

    steps = piece.get("path")
    if steps is None:
        return [Text.assemble((visible(piece["piece"], True), "bold"), " → ", _boxes(piece["tokens"]))]
    if model == "Unigram":
        return [_likely(piece["piece"], steps)]
    return [line for number, step in enumerate(steps) for line in [_step(step, piece, number)]]


def _step(step: dict[str, Any], piece: dict[str, Any], number: int) -> Text:
    from rich.text import Text

    unknown = piece["tokens"][0] if piece["tokens"] else ""
    if "look_up" in step:
        end = (visible(step["look_up"], True), "green") if step["found"] else ("[UNK]", "red")
        return Text.assemble((visible(step["look_up"], True), "bold"), " → ", end)
    if "longer_than" in step:
        return Text.assemble((visible(piece["piece"][:MOST], True) + "…", "bold"), f" is longer than {step['longer_than']} → ", (unknown, "red"))
    if "tried" in step:
        tried = [visible(token, True) for token in step["tried"]]
        tried = [*tried[: MOST // 2], f"({len(tried) - MOST} more)", *tried[-(MOST // 2) :]] if len(tried) > MOST else tried
        end = (visible(step["found"], True), "green") if step["found"] is not None else (unknown, "red")
        begin = (visible(piece["piece"], True) + " ", "bold") if number == 0 else "  "
        return Text.assemble(begin, (" ".join(tried[number == 0 :]), "dim"), " → " if tried[number == 0 :] else "→ ", end)
    if "merged" in step:
        merged = " + ".join(visible(symbol, True) for symbol in step["merged"])
        return Text.assemble("  ", _boxes(step["symbols"]), ("   " + merged, "green"), (f", merge {step['rank']}", "dim"))
    return _boxes(step["symbols"])


def _likely(piece: str, steps: list[dict[str, Any]]) -> Text:
    from rich.text import Text

    text = Text.assemble((visible(piece, True), "bold"), " →")
    for step in steps:
        known = step["log_probability"] is not None
        text.append(" " + visible(step["piece"], True), style="green" if known else "red")
        text.append(f" {step['log_probability']:.2f}" if known else " unknown", style="dim")
    if len(steps) > 1 and all(step["log_probability"] is not None for step in steps):
        text.append(f"   sum {sum(step['log_probability'] for step in steps):.2f}", style="dim")
    return text


def _tokens(told: dict[str, Any]) -> Any:
    """The tokens with their ids and what of the text they stand for, which comes last: no terminal agrees on how wide it is."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("", justify="right", style="dim")
    if "ids" in told:
        table.add_column("id", justify="right", style="magenta")
    table.add_column("token", style="bold", overflow="fold")
    if "offsets" in told:
        table.add_column("at", justify="right", style="dim")
        table.add_column("text", overflow="fold")
    for number, token in enumerate(told["tokens"]):
        cells = [str(number)] + ([str(told["ids"][number])] if "ids" in told else [])
        cells.append(Text(visible(token, True)))  # type: ignore[arg-type]
        if "offsets" in told:
            start, end = told["offsets"][number]
            cells += [f"{start}-{end}", Text(visible(told["text"][start:end], True))]  # type: ignore[list-item]
        table.add_row(*cells)
    return table
