"""Another file of the same records in the same order, read along with them: their labels, or another model's predictions."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

from textkit.errors import InputError
from textkit.streams.batch import Batch
from textkit.streams.policy import limited
from textkit.streams.source import Inputs, open_stream
from textkit.streams.stream import Stream

SAME = "give the same records in the same order"


def texts_of(batch: Batch) -> pl.Series:
    """(B,) a number for each text, null where there is none: enough to see whether two records are the same."""
    return batch.ours("text").hash().alias("text") if batch.has_whole("text") else pl.Series("text", [None] * len(batch), dtype=pl.UInt64)


class Beside:
    """Gives as many records at a time as it is asked for. InputError if it has others, or not as many."""

    def __init__(self, inputs: Inputs, columns: Callable[[Stream, Batch], pl.DataFrame]) -> None:
        self.path = inputs.paths[0]
        self._stream = stream = open_stream(inputs, ())
        stream.ending.partial = inputs.partial
        batches = stream.batches if inputs.limit is None else limited(stream.batches, inputs.limit)
        self._frames = (columns(stream, batch) for batch in batches if len(batch))
        self._held = pl.DataFrame()
        self._given = 0

    def take(self, batch: Batch) -> pl.DataFrame:
        """What this file has for the records of a batch."""
        held = [self._held] if len(self._held) else []
        while sum(map(len, held)) < len(batch):
            frame = next(self._frames, None)
            if frame is None:
                self._stream.ending.demand()
                count = self._given + sum(map(len, held))
                raise InputError(f"{count} record{'s' * (count != 1)} came, and the input has more", where=self.path, fix=SAME)
            held.append(frame)
        joined = pl.concat(held) if held else self._held
        self._held = joined[len(batch) :]
        self._given += len(batch)
        taken = joined[: len(batch)]
        if "text" in taken.columns:
            self._compare(batch, texts_of(batch), taken["text"], "text")
        return taken

    def compare_labels(self, batch: Batch, gold: pl.Series, labels: pl.Series) -> None:
        self._compare(batch, gold, labels, "label")

    def _compare(self, batch: Batch, ours: pl.Series, theirs: pl.Series, what: str) -> None:
        differ = (ours != theirs).fill_null(False)
        if differ.any():
            row = int(differ.arg_true()[0])
            raise InputError(f"{self.path} has another {what} for this record", where=batch.position(row), fix=SAME)

    def finish(self) -> None:
        """InputError if there are more records."""
        if len(self._held) or next(self._frames, None) is not None:
            raise InputError(f"there are more records than the {self._given} of the input", where=self.path, fix=SAME)
        self._stream.ending.demand()


def gold_file(inputs: Inputs) -> Beside:
    """Labels: of plain text the lines, else the `label` of each record."""

    def columns(stream: Stream, batch: Batch) -> pl.DataFrame:
        if stream.opened[-1].format == "text":
            return pl.DataFrame([batch.require("text")["text"].alias("label"), pl.Series("text", [None] * len(batch), dtype=pl.UInt64)])
        return pl.DataFrame([batch.require("label", fix="name the label with --label-field")["label"], texts_of(batch)])

    return Beside(inputs, columns)


def tags_file(inputs: Inputs) -> Beside:
    """The `tags` of each record."""
    return Beside(inputs, lambda stream, batch: batch.require("tags", fix="give CoNLL, or JSON Lines with tags").select("tags"))


def predictions_file(inputs: Inputs) -> Beside:
    """`prediction` of each record, and its `label` to see that the records are the same."""

    def columns(stream: Stream, batch: Batch) -> pl.DataFrame:
        predicted = batch.require("prediction", fix="predictions come from textkit predict")["prediction"]
        return pl.DataFrame([predicted, batch.ours("label"), texts_of(batch)])

    return Beside(inputs, columns)
