"""Streams made of Python records, and back: what the tests of stages and models feed and read."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import polars as pl

from textkit.artifacts import folder
from textkit.stage import Stage, connect
from textkit.streams.batch import Batch, Position
from textkit.streams.lineage import Lineage
from textkit.streams.stream import Stream
from textkit.training.run import Plan, train

Records = Iterable[dict[str, Any] | str]

# Two labels that a bag of words tells apart, two records that share no word with the others, all of them short.
REVIEWS = [
    {"text": text, "label": label}
    for label, texts in {
        "good": ["a warm and funny film", "funny , warm , great", "great film , great cast", "I loved the cast", "loved it , warm and great"],
        "bad": ["a cold and boring film", "boring , cold , awful", "awful film , awful cast", "I hated the cast", "hated it , cold and awful"],
    }.items()
    for text in texts * 2
]


def stream_of(records: Records, size: int = 7, lineage: Lineage | None = None) -> Stream:
    """A stream as it is read from JSON Lines, `size` records a batch. A record that is a string is its text."""
    lines = [json.dumps({"text": record} if isinstance(record, str) else record, ensure_ascii=False) for record in records]
    blocks = [lines[start : start + size] for start in range(0, len(lines), size)]
    batches = (Batch(pl.DataFrame(), Position("<test>", 1 + i * size), raw=pl.Series(block)) for i, block in enumerate(blocks))
    return Stream(lineage or Lineage(), batches)


def records_of(stream: Stream) -> list[dict[str, Any]]:
    """What would be written as JSON Lines, without header and end line."""
    return [json.loads(line) for batch in stream.batches for line in batch.lines()]


def run(records: Records, *stages: Stage) -> Stream:
    """The stream that comes out of these stages."""
    stream = stream_of(records)
    for stage in stages:
        stream = connect(stream, stage)
    return stream


def trained(stream: Stream, save: Path, **plan: Any) -> str:
    """Train on a stream, save a bundle; returns its sha256."""
    train(stream, Plan(**{"task": "classify", "save": str(save), "valid_split": 0.2, **plan}))
    return str(folder.load(save, "bundle")["sha256"])
