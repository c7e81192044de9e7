"""`embed --words`: the table itself, one word a record.

{"text": "film", "vector": [0.1, ...], "count": 12}
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import polars as pl

from textkit.embeddings.files.writing import write_table
from textkit.embeddings.stage import Embed
from textkit.embeddings.table import Table
from textkit.stage import Listing, Stage
from textkit.streams.batch import Batch, Position
from textkit.streams.lineage import Lineage
from textkit.streams.stream import Stream

NUMBERS = 1 << 20  # in a batch


class Words(Listing):
    """Puts the words of a table in the place of the records that were read, which an `Embed` that learns has learned from."""

    stage: Embed

    def __init__(self, stage: Embed, form: str | None = None) -> None:
        """`form`: that of another program, in which `write` will write them."""
        super().__init__(stage)
        self._form = form
        self.needs = stage.needs if stage.learns else ()
        self._table: Table | None = None

    def start(self, stream: Stream) -> tuple[Stage, Stream]:
        _, stream = self.stage.start(stream)
        self._table = self.stage.table()
        return self, replace(stream, batches=records(self._table, bare=self._form is not None), lineage=Lineage())

    def write(self, stream: Stream, path: str) -> None:
        """Write the table as another program's. The stream only counts the words."""
        assert self._table is not None and self._form is not None, "started, to write a form"
        write_table(self._table, path, self._form)
        for _ in stream.batches:
            continue


def records(table: Table, bare: bool = False) -> Iterator[Batch]:
    """The words that have a vector, in the order of their ids; `bare`: without it. Memory: that of a batch."""
    every = pl.DataFrame({"text": table.vocabulary.column, "count": table.counts}).with_row_index("row").filter(pl.col("count") > 0)
    step, at = max(1, NUMBERS // table.dim), 1
    for part in every.iter_slices(step):
        vectors = pl.Series("vector", table.vectors[part["row"].to_numpy()], dtype=pl.Array(pl.Float32, table.dim)).arr.to_list()
        frame = part.select("text") if bare else part.select("text", vectors, "count")
        yield Batch(frame, Position("<words>", at), added=frozenset(frame.columns))
        at += len(part)
