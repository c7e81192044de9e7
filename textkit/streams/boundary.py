"""The boundary between two commands of one process: what a stream would go through if it were written and read again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import chain

import polars as pl

from textkit.streams import members
from textkit.streams.batch import Batch
from textkit.streams.formats.base import Reading
from textkit.streams.formats.jsonl import Fields
from textkit.streams.stream import Stream


def renamed(stream: Stream, reading: Reading) -> Stream:
    """The stream with those fields renamed that the user, or a model's training data, calls otherwise.

    Costs nothing where no record has a field of such a name.
    """
    if not reading.names and not reading.usual:
        return stream
    fields = Fields(reading)
    batches = _renamed(stream.batches, fields, reading)
    first = next(batches, None)
    lineage = replace(stream.lineage, columns={**stream.lineage.columns, **fields.mapping}) if fields.mapping else stream.lineage
    return replace(stream, batches=batches if first is None else chain([first], batches), lineage=lineage)


def _renamed(batches: Iterator[Batch], fields: Fields, reading: Reading) -> Iterator[Batch]:
    names = {*reading.names.values(), *reading.usual.values()}
    for batch in batches:
        if reading.names or any(_may_have(batch, name) for name in names):
            written = Batch(pl.DataFrame(), batch.position, raw=batch.lines())
            yield from (event for event in fields.of(written) if isinstance(event, Batch))
        else:
            yield batch
    fields.demand()


def _may_have(batch: Batch, name: str) -> bool:
    return name in batch.frame.columns or (batch.raw is not None and members.contains_key(batch.raw, name))
