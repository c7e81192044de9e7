"""`predict --explain` of a network on a terminal: the tokens that spoke for a label and against it, and below them what the network did.

Each token is a column, each head of attention, gate or share a row: its numbers, the greatest of the row the darkest.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from textkit.showing.explanation import visible
from textkit.showing.reasons import columns, heading, style_of, total

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

TERMS = 10  # tokens for a label, and against it
MOST = 200  # tokens that are shown
WIDEST, NARROWEST = 16, 4  # cells of a token's column
HEAT = ("", *(f"black on color({number})" for number in (195, 153, 117, 75, 39)))


@dataclass
class Row:
    name: str
    cells: list[str]  # one of each step
    values: list[float] | None = None  # of which its colours are made


def drawn(record: dict[str, Any], top: int | None, console: Console) -> list[Any]:
    """What is shown of a record. top: of how many tokens for a label and against it, and of how many where they look; None: 10, and none."""
    from rich.text import Text

    found = record["explanation"]
    parts: list[Any] = []
    if "labels" in found:
        told = [(one["label"], one["score"], each) for one, each in zip(record["predictions"], found["labels"], strict=True)]
        parts += [] if told else [Text("no label", style="bold"), _marked(found["tokens"], [0.0] * len(found["tokens"]))]
    else:
        told = [(record["prediction"], record["score"], found)] if "bias" in found else []
    for label, score, one in told:
        reasons = _reasons(found, one, top or TERMS)
        parts += [heading(label, score), _marked(found["tokens"], _weights(found, one)), columns(reasons, ("word",), console.width), total(reasons)]
    strongest = _strongest(found, told[0][2], top) if top and told and "attention" in found else []
    return parts + _unknown(found) + _grid(_steps(found), _groups(record, strongest), console.width)


def _spans(found: dict[str, Any]) -> list[list[int]]:
    """First token and end of each step."""
    spans: list[list[int]] = found.get("steps") or [[place, place + 1] for place in range(len(found["tokens"]))]
    return spans


def _added(found: dict[str, Any], one: dict[str, Any]) -> list[tuple[int, int, float]]:
    """First token, end, and what it adds, of each step or window."""
    if "windows" in one:
        return [(start, end, value) for start, end, value in one["windows"]]
    return [(start, end, value) for (start, end), value in zip(_spans(found), one["adds"], strict=True)]


def _weights(found: dict[str, Any], one: dict[str, Any]) -> list[float]:
    """Of each token: what is added by all that it is part of."""
    weights = [0.0] * len(found["tokens"])
    for start, end, value in _added(found, one):
        weights[start:end] = [weight + value for weight in weights[start:end]]
    return weights


def _marked(tokens: list[str], weights: list[float]) -> Text:
    from rich.text import Text

    most = max(map(abs, weights), default=0)
    marked = [Text(visible(token, spaces=True), style=style_of(weight, most)) for token, weight in zip(tokens, weights, strict=True)]
    more = [Text(f"… {len(tokens) - MOST} tokens more", style="dim")] if len(tokens) > MOST else []
    return Text(" ").join([*marked[:MOST], *more])


def _unknown(found: dict[str, Any]) -> list[Text]:
    """A line of the tokens that the network cannot tell from one another, unless by their characters."""
    from rich.text import Text

    names = [*dict.fromkeys(visible(found["tokens"][place]) for place in found.get("unknown", []))]
    more = [f"and {len(names) - TERMS} more"] if len(names) > TERMS else []
    return [Text(f"not in the vocabulary: {', '.join([*names[:TERMS], *more])}", style="dim")] if names else []


def _reasons(found: dict[str, Any], one: dict[str, Any], top: int) -> dict[str, Any]:
    """As those of a linear model. Tokens that occur again are told apart by their number."""
    seen: dict[str, int] = {}
    terms = {}
    for start, end, value in sorted(_added(found, one)):
        name = visible(" ".join(found["tokens"][start:end]))
        seen[name] = seen.get(name, 0) + 1
        terms[name if seen[name] == 1 else f"{name} ({seen[name]})"] = value
    order = sorted(terms.items(), key=lambda term: -abs(term[1]))
    chosen = {"for": dict([term for term in order if term[1] > 0][:top]), "against": dict([term for term in order if term[1] < 0][:top])}
    shown = sum(value for side in chosen.values() for value in side.values())
    return {**chosen, "other": round(sum(terms.values()) - shown, 6) + 0.0, "bias": one["bias"]}


def _strongest(found: dict[str, Any], one: dict[str, Any], top: int) -> list[int]:
    """Places of the tokens that add or take most, in their order."""
    return sorted(sorted(range(len(found["tokens"])), key=lambda place: -abs(one["adds"][place]))[:top])


def _steps(found: dict[str, Any]) -> list[str]:
    return [visible(" ".join(found["tokens"][start:end]), spaces=True) for start, end in _spans(found)]


def _groups(record: dict[str, Any], strongest: list[int]) -> list[tuple[str, list[Row]]]:
    """Rows and what stands above them."""
    found = record["explanation"]
    steps = len(_spans(found))
    readout = found.get("readout") or [1 / steps] * steps
    rows = [] if "tags" not in record or "bias" in found or "labels" in found else [_tags(record, steps)]
    rows += [_shares("readout", readout)] if max(readout) - min(readout) > 1e-5 else []
    for layer, directions in enumerate(next(iter(found.get("gates", {}).values()), [])):
        for direction in range(len(directions)):
            arrow = "" if len(directions) == 1 else "→ " if direction == 0 else "← "
            for name, gate in found["gates"].items():
                rows.append(Row(_of_layer(layer, len(gate)) + arrow + name, [*map(_gate, gate[layer][direction])], gate[layer][direction]))
    attention = found.get("attention", [])
    rows += [_shares(name, _attended(head, readout)) for name, head in _heads(attention)]
    looks = [(f"{visible(found['tokens'][place])} looks at", [_shares(name, head[place]) for name, head in _heads(attention)]) for place in strongest]
    return [group for group in (("", rows), *looks) if group[1]]


def _heads(attention: list[Any]) -> list[tuple[str, Any]]:
    """Name and matrix of each head of each layer."""
    layers = len(attention)
    return [(f"{_of_layer(layer, layers)}head {number}", head) for layer, heads in enumerate(attention) for number, head in enumerate(heads, 1)]


def _of_layer(layer: int, layers: int) -> str:
    return f"layer {layer + 1} " if layers > 1 else ""


def _attended(head: list[list[float]], readout: list[float]) -> list[float]:
    """How much each token is looked at, by all tokens, each of which counts as much as the readout takes of it."""
    return [sum(share * looks[place] for share, looks in zip(readout, head, strict=True)) for place in range(len(head))]


def _tags(record: dict[str, Any], steps: int) -> Row:
    starts = record["explanation"].get("starts") or range(len(record["tags"]))
    tags = dict(zip(starts, record["tags"], strict=False))  # of a record without words there are none
    return Row("tags", [visible(tags.get(place, "")) for place in range(steps)])


def _shares(name: str, values: list[float]) -> Row:
    return Row(name, [f"{100 * value:.0f}%" for value in values], values)


def _gate(value: float) -> str:
    return f"{value:.2f}".removeprefix("0")


def _grid(steps: list[str], groups: list[tuple[str, list[Row]]], width: int) -> list[Text]:
    """A line of tokens and the rows below them, as many tokens at once as there is room for."""
    from rich.cells import cell_len, set_cell_size
    from rich.text import Text

    if not groups:
        return []
    rows = [row for _, several in groups for row in several]
    margin = max(cell_len(row.name) for row in rows) + 2
    wide = [max(NARROWEST, *(cell_len(row.cells[place]) for row in rows), cell_len(step)) for place, step in enumerate(steps[:MOST])]
    wide = [min(cells, WIDEST, max(NARROWEST, width - margin)) for cells in wide]
    lines: list[Text] = []

    def cell(text: str, cells: int) -> str:
        return set_cell_size(text, cells) if cell_len(text) <= cells else set_cell_size(text, cells - 1) + "…"

    for start, end in _chunks(wide, width - margin):
        lines.append(Text(" " * margin + " ".join(cell(steps[place], wide[place]) for place in range(start, end)).rstrip(), style="bold"))
        for title, several in groups:
            lines += [Text(title, style="dim")] if title else []
            for row in several:
                line = Text(set_cell_size(row.name, margin), style="" if row.values else "cyan")
                for place in range(start, end):
                    line.append(" " if place > start else "").append(cell(row.cells[place], wide[place]), style=_heat(row, place))
                lines.append(line)
    return lines + ([Text(f"… {len(steps) - MOST} more", style="dim")] if len(steps) > MOST else [])


def _chunks(wide: list[int], room: int) -> list[tuple[int, int]]:
    """First and end of as many columns as fit beside one another, one at least."""
    found, start, used = [], 0, 0
    for place, cells in enumerate(wide):
        if used and used + cells > room:
            found.append((start, place))
            start, used = place, 0
        used += cells + 1
    return [*found, (start, len(wide))]


def _heat(row: Row, place: int) -> str:
    """Between the least of a row and its most."""
    if row.values is None or max(row.values) - min(row.values) < 1e-5:
        return ""
    share = (row.values[place] - min(row.values)) / (max(row.values) - min(row.values))
    return HEAT[min(len(HEAT) - 1, int(share * len(HEAT)))]
