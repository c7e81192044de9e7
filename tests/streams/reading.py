"""Shared by the tests of streams: files in, records out."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

from textkit.registry import FORMATS
from textkit.streams.batch import Batch
from textkit.streams.formats.base import Reading, Writing
from textkit.streams.lineage import Entry, Lineage
from textkit.streams.source import Inputs, open_stream
from textkit.streams.stream import Stream

LINEAGE = Lineage((Entry("tokenize", "words", {"lowercase": False}),))
OTHER = Lineage((Entry("tokenize", "words", {"lowercase": True}),))


def put(folder: Path, name: str, data: str | bytes) -> str:
    path = folder / name
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return str(path)


def stream_of(*paths: str, format: str | None = None, encoding: str = "utf-8", wanted: tuple[str, ...] = (), **reading: Any) -> Stream:
    return open_stream(Inputs(paths, format, encoding, Reading(**reading)), wanted)


def lines_of(*paths: str, **how: Any) -> list[str]:
    return [line for batch in stream_of(*paths, **how).batches for line in batch.lines()]


def records_of(*paths: str, **how: Any) -> list[dict[str, Any]]:
    return [json.loads(line) for line in lines_of(*paths, **how)]


def texts_of(*paths: str, **how: Any) -> list[str | None]:
    return [text for batch in stream_of(*paths, **how).batches for text in batch.read("text")["text"]]


def written(batches: list[Batch], format: str = "jsonl", lineage: Lineage | None = LINEAGE, field: str | None = None, complete: bool = True) -> bytes:
    out = io.BytesIO()
    writer = FORMATS.find(format)().writer(out, Writing(lineage, field))
    for batch in batches:
        writer.write(batch)
    writer.finish(sum(map(len, batches)), complete)
    return out.getvalue()
