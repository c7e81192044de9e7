"""Facts for a person: a title, then a line for each thing to know, with bars where stdout is a terminal."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from textkit.registry import TASKS
from textkit.streams.lineage import Lineage, from_json

if TYPE_CHECKING:
    from rich.text import Text

SHOWN = ("vocab_size", "lowercase", "dim", "length", "pool")  # the settings that tell one stage from another at a glance
TOP = 20  # labels
BAR = 24  # columns of the longest bar
EIGHTHS = " ▏▎▍▌▋▊▉█"
HEIGHTS = "▁▂▃▄▅▆▇█"
STEPS = {"normalizer": "normalizes", "pre_tokenizer": "splits by", "post_processor": "adds", "decoder": "decodes"}  # of another's tokenizer
FORMS = {"lr": ".3g", "seconds": ".1f"}  # of numbers in a history that four decimals do not suit
WIDEST = 40  # characters of a user's name in a table


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
    if facts["kind"] == "partial":
        return f"{facts['path']}: an unfinished training, {facts['plan']['task']} with {facts['plan']['arch']}"
    if facts["kind"] == "stream":
        count = facts["records"]
        return f"{facts['path']}: a stream of {count} record{'s' * (count != 1)}"
    if facts["kind"] == "tokenizer.json":
        return f"{facts['path']}: a tokenizer of the tokenizers library, {facts['model']}"
    article = "an" if facts["kind"][0] in "aeiou" else "a"
    return f"{facts['path']}: {article} {facts['kind']}{' of method ' + facts['method'] if 'method' in facts else ''}"


def rows(facts: dict[str, Any], bars: bool = False) -> list[tuple[str, str]]:
    """(name, value) of what there is to tell; a value may have several lines."""
    lineage = from_json(facts["lineage"], facts["path"]) if "lineage" in facts else Lineage()
    about = _of_stream(facts, bars) if facts["kind"] == "stream" else _of_artifact(facts)
    chain = ("chain", " | ".join(command_of(entry.to_json()) for entry in lineage.stages))
    renamed = ("renamed", ", ".join(f"{user} -> {our}" for our, user in lineage.columns.items()))
    return [(name, value) for name, value in (*about, chain, renamed, *_of_folder(facts)) if value]


def _of_stream(facts: dict[str, Any], bars: bool) -> list[tuple[str, str]]:
    counted = {"label": facts["labels"], **facts["values"]}
    return [
        ("input", _inputs(facts["inputs"])),
        *(("schema", aligned([*one["schema"].items()])) for one in facts["inputs"][:1] if "schema" in one),
        ("columns", _columns(facts)),
        *((name, _balance(counts, bars)) for name, counts in counted.items() if counts),
        *_lengths(facts["lengths"], bars),
        ("texts", _texts(facts.get("texts", {}))),
        ("ids", "{count}, {share} of them unknown".format(**_ids(facts["ids"])) if "ids" in facts else ""),
        ("incomplete", "" if facts["complete"] else "it has no end line: what wrote it was stopped"),
    ]


def _of_artifact(facts: dict[str, Any]) -> list[tuple[str, str]]:
    size = facts.get("vocabulary", {}).get("size") or facts.get("sizes", {}).get("vocabulary")
    return [
        ("labels", ", ".join(facts.get("labels", []))),
        ("vocabulary", f"{size} tokens" if size else ""),
        ("special", " ".join(facts.get("special_tokens", [])[:TOP]) + _more(len(facts.get("special_tokens", [])))),
        *((STEPS[name], ", ".join(types)) for name, types in facts.get("steps", {}).items()),
        ("vectors", _vectors(facts) if "dim" in facts else ""),
        ("subwords", _subwords(facts["subwords"]) if facts.get("subwords") else ""),
        ("read from", f"a file of {facts['form']}" if "form" in facts else ""),
        ("settings", " ".join(f"{name}={value}" for name, value in _settings(facts).items())),
    ]


def _settings(facts: dict[str, Any]) -> dict[str, Any]:
    """Those of the method, of a network also what its task has of its own; without what the task has no use for."""
    ignored = TASKS.find(facts["task"], facts["path"]).ignores if facts["kind"] == "bundle" else ()
    found = {**facts.get("config", {}), **facts.get("task_config", {})}
    return {name: value for name, value in found.items() if name not in ignored}


def _vectors(facts: dict[str, Any]) -> str:
    words = facts.get("words", {})
    seen = f", of words that occur {words['occurrences']} times" if words.get("occurrences", 0) > words.get("with_vector", 0) else ""
    return (f"{words['with_vector']}, " if words else "") + f"{facts['dim']} wide" + seen


def _subwords(facts: dict[str, Any]) -> str:
    return f"{facts['min_n']} to {facts['max_n']} {'jamo' if facts['jamo'] else 'characters'}, in {facts['bucket']} buckets"


def _of_folder(facts: dict[str, Any]) -> list[tuple[str, str]]:
    files = facts.get("files", {})
    return [
        ("checkpoint", f"after step {facts['step']}" if facts.get("step") else ""),
        ("go on with", facts.get("resume", "")),
        ("metrics", " ".join(f"{name}={value}" for name, value in facts.get("metrics", {}).items())),
        ("trained on", f"{facts['records']} records, seed {facts['seed']}" if facts["kind"] == "bundle" else ""),
        ("made by", f"textkit {facts['version']}" if files else ""),
        ("files", f"{len(files)}, {_size(sum(file['size'] for file in files.values()))}, all as saved" if files else ""),
        ("size", _size(facts["size"]) if "size" in facts else ""),
        ("sha256", facts.get("sha256", "")),
    ]


def _inputs(inputs: list[dict[str, Any]]) -> str:
    """How each was recognised; its name too, if there are several."""
    table = []
    for one in inputs:
        parts = [one["format"], one.get("compression"), one.get("encoding"), _size(one["size"]) if "size" in one else None]
        table.append(((_short(one["name"]),) if len(inputs) > 1 else ()) + (", ".join(part for part in parts if part),))
    return aligned(table)


def _columns(facts: dict[str, Any]) -> str:
    """A line each: name, types, and how many records lack it."""
    records = facts["records"]
    table = []
    for name, kinds in facts["types"].items():
        lack = records - facts["columns"][name]
        told = ", ".join(kinds) if len(kinds) == 1 else ", ".join(f"{kind} {count}" for kind, count in kinds.items())
        table.append((_short(name), told or "none", f"not in {lack} ({_percent(lack, records)})" if lack else ""))
    return aligned(table)


def _balance(counts: dict[str, int], bars: bool) -> str:
    """A line each, the most frequent first."""
    total, most = sum(counts.values()), max(counts.values(), default=0)
    shown = list(counts.items())[:TOP]
    table = [
        (_short(label), f"{count:>{len(str(most))}}", f"{_percent(count, total):>7}", bar(count / most) if bars else "") for label, count in shown
    ]
    return aligned(table) + (f"\n{more.strip()}" if (more := _more(len(counts))) else "")


def _more(count: int) -> str:
    return f" ... and {count - TOP} more" if count > TOP else ""


def _lengths(lengths: dict[str, dict[str, Any]], bars: bool) -> list[tuple[str, str]]:
    found = []
    for what, facts in lengths.items():
        words = "   ".join(f"{name} {value}" for name, value in facts.items() if name != "histogram")
        found.append((what, f"{words}\n{histogram(facts['histogram'])}" if bars and len(facts["histogram"]) > 2 else words))
    return found


def histogram(steps: list[list[int]]) -> str:
    """A block for each step, as high as it has records; the first and the last length beside them."""
    most = max(count for _, _, count in steps)
    heights = "".join(HEIGHTS[-(-count * len(HEIGHTS) // most) - 1] if count else " " for _, _, count in steps)
    return f"{steps[0][0]} {heights} {steps[-1][1]}"


def bar(share: float) -> str:
    whole, part = divmod(round(share * BAR * 8), 8)
    return (EIGHTHS[-1] * whole + EIGHTHS[part].strip()) or EIGHTHS[1]


def _texts(facts: dict[str, int]) -> str:
    if not facts:
        return ""
    records = facts["records"]
    lines = [f"{facts['empty']} empty, {facts['repeated']} repeat an earlier one ({_percent(facts['repeated'], records)})"]
    if facts["not_nfc"]:
        how = f", {facts['nfd']} of them in NFD, as macOS writes names" if facts["nfd"] else ""
        lines.append(f"{facts['not_nfc']} ({_percent(facts['not_nfc'], records)}) are not composed (NFC){how}: tokenize composes them")
    return "\n".join(lines)


def _ids(facts: dict[str, int]) -> dict[str, Any]:
    return {"count": facts["count"], "share": _percent(facts["unknown"], facts["count"])}


def aligned(table: Sequence[tuple[str, ...]]) -> str:
    """Columns as wide as their widest cell, of wide characters too."""
    from rich.cells import cell_len

    widths = [max(map(cell_len, column)) for column in zip(*table, strict=True)]
    lines = ("   ".join(cell + " " * (width - cell_len(cell)) for cell, width in zip(row, widths, strict=True)).rstrip() for row in table)
    return "\n".join(lines)


def _short(name: str) -> str:
    """A user's name on one line of a table."""
    spelt = json.dumps(name, ensure_ascii=False)[1:-1] if not name.isprintable() or not name.strip() else name
    return (spelt if len(spelt) <= WIDEST else spelt[: WIDEST - 1] + "…") or '""'


def _percent(count: int, total: int) -> str:
    return f"{100 * count / total:.1f} %" if total else "0.0 %"


def command_of(entry: dict[str, Any]) -> str:
    """A stage as one writes it in a shell."""
    method = f" --method {entry['method']}" if entry.get("method") else ""
    shown = {name: value for name, value in entry.get("config", {}).items() if name in SHOWN and value not in (None, False, "none")}
    return f"{entry['stage']}{method}" + "".join(f" --{name.replace('_', '-')} {value}" for name, value in shown.items())


def _size(count: float) -> str:
    for unit in ("bytes", "KB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "bytes" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"


def history_table(history: list[dict[str, Any]]):  # type: ignore[no-untyped-def]
    from rich.table import Table

    table = Table(*(name.replace("valid_", "") if name != "valid_loss" else "valid loss" for name in history[0]))
    for entry in history:
        table.add_row(*(format(value, FORMS.get(name, ".4f")) if isinstance(value, float) else str(value) for name, value in entry.items()))
    return table
