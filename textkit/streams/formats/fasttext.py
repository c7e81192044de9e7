"""fastText's lines: `__label__good __label__short and then the text`.

The labels are the leading words with that prefix; words end where fastText ends them, at ASCII white space only.
fastText itself takes labels anywhere in a line. Here what comes after the first other word is text, whatever it looks
like: a text that quotes `__label__x` in its middle keeps it. One character of white space ends the last label, and
the rest is the text as it is.

What the format cannot hold: a text without a label that itself begins with `__label__` is read back as labels.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

import polars as pl

from textkit.errors import InputError
from textkit.report import say
from textkit.streams.batch import Batch, Position
from textkit.streams.bytesource import ByteSource
from textkit.streams.formats.base import Event, Reading, Writing
from textkit.streams.formats.lines import line_blocks

PREFIX = "__label__"
SPACE = r"[ \t\r\x0b\x0c]"  # what ends a word for fastText, within a line
OTHER = r"[^ \t\r\x0b\x0c]"
LABEL = rf"{PREFIX}{OTHER}*"
LABELS = rf"^{SPACE}*{LABEL}(?:{SPACE}+{LABEL})*"
FIELDS = ("label", "labels", "tokens", "text")


class FastText:
    suffixes = (".fasttext", ".ft")
    binary = False

    def proves(self, source: ByteSource) -> bool:
        return source.starts_with(PREFIX.encode())

    def read(self, source: ByteSource, reading: Reading) -> Iterator[Event]:
        for lines, number in line_blocks(source, reading.faults):
            batch = _batch(lines.fill_null(""), Position(source.name, number))
            yield batch.filter(lines.is_not_null()) if lines.null_count() else batch

    def writer(self, out: BinaryIO, writing: Writing) -> FastTextWriter:
        return FastTextWriter(out)


def _batch(lines: pl.Series, position: Position) -> Batch:
    """Columns if every record has one label, else lines of JSON, whose members may differ between records."""
    head = pl.col("line").str.extract(f"({LABELS})", 1).fill_null("")
    rest = pl.col("line").str.slice(pl.col("head").str.len_chars())
    records = lines.to_frame("line").with_columns(head=head)
    records = records.select(
        labels=pl.col("head").str.extract_all(LABEL).list.eval(pl.element().str.strip_prefix(PREFIX)),
        text=pl.when(pl.col("head") == "").then(rest).otherwise(rest.str.slice(1)),
    )
    count = records["labels"].list.len()
    one = pl.col("labels").list.first().alias("label")
    if (count == 1).all():
        return Batch(records.select(one, "text"), position, added=frozenset({"label", "text"}))
    raw = records.select(
        pl.when(count == 1)
        .then(pl.struct(one, "text").struct.json_encode())
        .when(count > 1)
        .then(pl.struct("labels", "text").struct.json_encode())
        .otherwise(pl.struct("text").struct.json_encode())
    ).to_series()
    return Batch(pl.DataFrame(), position, raw=raw)


class FastTextWriter:
    """The labels, then the tokens joined by a space, or the text of a record that has none."""

    marks_end = False

    def __init__(self, out: BinaryIO) -> None:
        self.out = out
        self._changed = 0  # records of which a label had white space

    def write(self, batch: Batch) -> None:
        if not len(batch):
            return
        labels = pl.coalesce("labels", pl.concat_list("label")).list.drop_nulls()
        text = pl.coalesce(pl.col("tokens").list.join(" "), "text").str.replace_all(r"[\r\n\x00]", " ")
        records = batch.read_ours(*FIELDS).select(labels=labels, text=text)
        self._demand_text(records["text"], batch)
        words = pl.element().str.replace_all(r"[\s\x00]", "_")
        spoilt = records["labels"].list.eval(pl.element().str.contains(r"[\s\x00]")).list.any()
        self._changed += int(spoilt.sum() or 0)
        head = pl.col("labels").list.eval(PREFIX + words + " ").list.join("").fill_null("")
        self.out.write(records.select(pl.concat_str(head, "text", pl.lit("\n")).str.join("")).item().encode())

    def _demand_text(self, text: pl.Series, batch: Batch) -> None:
        if text.null_count():
            where = batch.position(text.is_null().arg_true()[0])
            raise InputError("the record has neither 'text' nor 'tokens'", where=where, fix="give it one, or use --to jsonl")

    def finish(self, records: int, complete: bool) -> None:
        """fastText's lines have no end mark."""
        if self._changed:
            count = f"{self._changed} record{'s' * (self._changed != 1)}"
            say(f"white space inside the labels of {count} was written as _", records=self._changed)
