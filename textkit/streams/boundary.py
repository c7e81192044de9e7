"""The boundary between two commands of one process: what a stream would go through if it were written and read again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import chain

import polars as pl

from textkit.streams import members
from textkit.streams.batch import Batch
from textkit.streams.columns import dtype_of
from textkit.streams.formats.base import Reading
from textkit.streams.formats.jsonl import Fields
from textkit.streams.lineage import Lineage
from textkit.streams.stream import Ending, Stream


def handed_on(stream: Stream, marked: bool) -> Stream:
    """The stream as the next command gets it, which decides for itself whether to accept one that was cut short.

    `marked`: with header and end line. Without them the lack of an end cannot be passed on: it is an error here.
    """
    before, after = stream.ending, Ending()

    def batches() -> Iterator[Batch]:
        yield from (batch for batch in stream.batches if len(batch))
        if marked:
            after.problem = before.problem
        else:
            before.demand()

    return replace(stream, batches=batches(), ending=after, lineage=stream.lineage if marked else Lineage())


def renamed(stream: Stream, reading: Reading) -> Stream:
    """The stream with those fields renamed that the user, or a model's training data, calls otherwise, or that go for
    the text where there is none; and with the columns read that the command wants.

    Costs next to nothing where no record has a field of such a name.
    """
    fields = Fields(reading)
    batches = _renamed(stream.batches, fields, reading)
    first = next(batches, None)
    if first is None:
        return replace(stream, batches=batches)
    lineage = replace(stream.lineage, columns={**stream.lineage.columns, **fields.mapping}) if fields.mapping else stream.lineage
    return replace(stream, batches=chain([first], batches), lineage=lineage)


def _renamed(batches: Iterator[Batch], fields: Fields, reading: Reading) -> Iterator[Batch]:
    for batch in batches:
        fields.news(_finder(batch), batch.position(0))
        if fields.mapping:
            yield from (event for event in fields.of(_written(batch)) if isinstance(event, Batch))
        else:
            yield reading.faults.attempt(lambda batch: _read(batch, reading.wanted), batch)
    fields.demand()


def _finder(batch: Batch) -> Callable[[str], bool]:
    return lambda name: name in batch.frame.columns or (batch.raw is not None and members.has_key(batch.raw, name))


def _written(batch: Batch) -> Batch:
    return Batch(pl.DataFrame(), batch.position, raw=batch.lines())


def _read(batch: Batch, wanted: tuple[str, ...]) -> Batch:
    """The batch with the columns that the command wants. One of another type, as a table may have it, is told of as in JSON."""
    if any(name in batch.frame.columns and dtype_of(name) not in (None, batch.frame.schema[name]) for name in wanted):
        batch = _written(batch)
    batch.read(*wanted)
    return batch
