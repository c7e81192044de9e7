"""Showing: what an artifact, a file or a stream is, for a person (tables) or a program (`--json`)."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import polars as pl

from textkit.artifacts import folder as artifact
from textkit.artifacts.bundle import HISTORY
from textkit.streams import members
from textkit.streams.batch import Batch
from textkit.streams.lineage import Lineage, from_json
from textkit.streams.stream import Stream


def facts_of_artifact(path: str) -> dict[str, Any]:
    """The manifest, its files checked, and a bundle's history."""
    manifest = artifact.load(path, artifact.read_manifest(path).get("kind", ""))
    history = Path(path) / HISTORY
    lines = history.read_text(encoding="utf-8").splitlines() if history.exists() else []
    return {"path": path, **manifest, "history": [json.loads(line) for line in lines]}


def facts_of_stream(stream: Stream, name: str) -> dict[str, Any]:
    """Counts over all records: columns, text and token lengths, labels."""
    records = 0
    columns: dict[str, int] = {}
    lengths: dict[str, list[pl.Series]] = {"characters": [], "tokens": []}
    labels = pl.DataFrame(schema={"label": pl.String, "count": pl.UInt32})
    for batch in stream.batches:
        records += len(batch)
        for column, present in _present(batch).items():
            columns[column] = columns.get(column, 0) + present
        for what, column in (("characters", "text"), ("tokens", "tokens")):
            if batch.has(column):
                values = batch.ours(column).drop_nulls()
                lengths[what].append(values.str.len_chars() if what == "characters" else values.list.len())
        if batch.has("label"):
            seen = batch.ours("label").drop_nulls().value_counts(name="count").cast({"count": pl.UInt32})
            labels = pl.concat([labels, seen]).group_by("label").agg(pl.col("count").sum())
    counts = dict(labels.sort(["count", "label"], descending=[True, False]).iter_rows())
    quantiles = {what: _quantiles(pl.concat(parts)) for what, parts in lengths.items() if parts}
    facts = {"path": name, "kind": "stream", "records": records, "columns": columns, "lengths": quantiles, "labels": counts}
    return {**facts, "complete": stream.ending.problem is None, "lineage": stream.lineage.to_json()}


def _present(batch: Batch) -> dict[str, int]:
    """Column -> how many records have it."""
    found = {name: len(batch) - batch.frame[name].null_count() for name in batch.frame.columns if name in batch.added}
    if batch.raw is None:
        return found
    for line in batch.raw:  # a look at the data, not a data path
        for name in dict.fromkeys(member.key for member in members.scan(line)):
            found[name] = found.get(name, 0) + 1
    return found


def _quantiles(values: pl.Series) -> dict[str, int]:
    points = {"min": 0.0, "median": 0.5, "p95": 0.95, "max": 1.0}
    return {name: int(values.quantile(point, "higher") or 0) for name, point in points.items()}


def print_json(facts: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(facts, ensure_ascii=False) + "\n")


def print_tables(facts: dict[str, Any]) -> None:
    """A title, the facts a line each, the chain as the shell pipe that would rebuild it, the history."""
    from rich.console import Console
    from rich.text import Text

    console = Console(width=None if sys.stdout.isatty() else 120)
    console.print(Text(title(facts), style="bold"))
    for name, value in rows(facts):
        console.print(Text.assemble((f"  {name:<12}", "cyan"), value), soft_wrap=True)
    if facts.get("history"):
        console.print(history_table(facts["history"]))


def title(facts: dict[str, Any]) -> str:
    if facts["kind"] == "bundle":
        return f"{facts['path']}: a model, {facts['task']} with {facts['arch']}"
    if facts["kind"] == "stream":
        return f"{facts['path']}: a stream of {facts['records']} records"
    article = "an" if facts["kind"][0] in "aeiou" else "a"
    return f"{facts['path']}: {article} {facts['kind']}{' of method ' + facts['method'] if 'method' in facts else ''}"


def rows(facts: dict[str, Any]) -> list[tuple[str, str]]:
    """(name, value) lines of what there is to tell."""
    found: list[tuple[str, str]] = []

    def add(name: str, value: Any) -> None:
        if value not in (None, "", {}, []):
            found.append((name, str(value)))

    labels = facts.get("labels", {})
    add("labels", ", ".join(f"{label} {count}" for label, count in labels.items()) if isinstance(labels, dict) else ", ".join(labels))
    add("vocabulary", _vocabulary(facts))
    add("vectors", f"{facts['dim']} wide" if "dim" in facts else None)
    add("settings", " ".join(f"{name}={value}" for name, value in facts.get("config", {}).items()))
    lineage = from_json(facts["lineage"], facts["path"]) if "lineage" in facts else Lineage()
    add("chain", " | ".join(command_of(entry.to_json()) for entry in lineage.stages))
    add("columns", ", ".join(f"{name} {count}" for name, count in facts.get("columns", {}).items()))
    add("renamed", ", ".join(f"{user} -> {our}" for our, user in lineage.columns.items()))
    for what, quantiles in facts.get("lengths", {}).items():
        add(what, " ".join(f"{name} {value}" for name, value in quantiles.items()))
    add("metrics", " ".join(f"{name}={value}" for name, value in facts.get("metrics", {}).items()))
    add("trained on", f"{facts['records']} records, seed {facts['seed']}" if facts["kind"] == "bundle" else None)
    add("incomplete", "it has no end line: what wrote it was stopped" if facts.get("complete") is False else None)
    if "files" in facts:
        add("made by", f"textkit {facts['version']}")
        add("files", f"{len(facts['files'])}, {_size(sum(file['size'] for file in facts['files'].values()))}, all as saved")
    add("sha256", facts.get("sha256"))
    return found


def _vocabulary(facts: dict[str, Any]) -> str | None:
    size = facts.get("vocabulary", {}).get("size") or facts.get("sizes", {}).get("vocabulary")
    return f"{size} tokens" if size else None


def command_of(entry: dict[str, Any]) -> str:
    """A stage as one writes it in a shell."""
    method = f" --method {entry['method']}" if entry.get("method") else ""
    shown = {name: value for name, value in entry.get("config", {}).items() if name in SHOWN and value not in (None, False, "none")}
    return f"{entry['stage']}{method}" + "".join(f" --{name.replace('_', '-')} {value}" for name, value in shown.items())


SHOWN = ("vocab_size", "lowercase", "dim", "length", "pool")  # the settings that tell one stage from another at a glance


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
        table.add_row(*(f"{value:.4f}" if isinstance(value, float) else str(value) for value in entry.values()))
    return table
