"""CoNLL columns: a token a line, its tag in the last column, a blank line after each sentence.

Which columns stand between (CoNLL-2003 has two) differs, so they are not kept; two are written. The first line of a
token decides for the file: tabs divide its columns if it has one, else runs of spaces, and all lines have as many
columns. A line that starts with `# `, before the first token of a sentence, is a comment if it has another number of
columns: `#` may be a token. Lines of `-DOCSTART-` are skipped.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import BinaryIO

import polars as pl

from textkit.errors import InputError
from textkit.streams.batch import Batch, Position
from textkit.streams.bytesource import ByteSource
from textkit.streams.formats.base import Event, Reading, Writing
from textkit.streams.formats.conll_writer import ConllWriter
from textkit.streams.formats.sentences import Sentences, counted, sentence_blocks

COMMENT = pl.col("line").fill_null("").str.starts_with("# ")
DOCUMENT = r"^-DOCSTART-(?:[ \t]|$)"
FIX = "each line holds a token, maybe more columns, and last its tag"


@dataclass(frozen=True)
class Layout:
    tabs: bool
    width: int

    def columns(self, line: pl.Expr) -> pl.Expr:
        return line.str.split("\t") if self.tabs else line.str.extract_all(r"[^ \t]+")


class Conll:
    suffixes = (".conll", ".iob", ".bio")
    binary = False

    def proves(self, source: ByteSource) -> bool:
        return False

    def read(self, source: ByteSource, reading: Reading) -> Iterator[Event]:
        layout: Layout | None = None
        waiting: list[Sentences] = []  # for the first line that tells
        for sentences in sentence_blocks(source, reading.faults):
            waiting.append(_without_documents(sentences))
            layout = layout or _layout(waiting[-1].lines.filter(~COMMENT), source.name)
            if layout is not None:
                yield from _batches(waiting, layout, reading)
                waiting = []
        for sentences in waiting[:1]:  # they all start with `# `
            layout = _layout(sentences.lines, source.name)
        yield from _batches(waiting, layout or Layout(False, 0), reading)  # no line is text, if none told

    def writer(self, out: BinaryIO, writing: Writing) -> ConllWriter:
        return ConllWriter(out)


def _layout(lines: pl.DataFrame, path: str) -> Layout | None:
    """What the first line says."""
    lines = lines.drop_nulls("line")
    if not len(lines):
        return None
    line, number = lines["line"][0], lines["number"][0]
    tabs = "\t" in line.strip(" \t")
    width = lines.head(1).select(Layout(tabs, 0).columns(pl.col("line")).list.len()).item()
    if width == 1:
        raise InputError("one column only: tokens without tags", where=f"{path}:{number}", fix=FIX)
    return Layout(tabs, width)


def _batches(waiting: list[Sentences], layout: Layout, reading: Reading) -> Iterator[Batch]:
    for sentences in waiting:
        sentences = _without_comments(sentences, layout)
        if len(sentences.lines):
            yield _batch(sentences, layout, reading)


def _batch(sentences: Sentences, layout: Layout, reading: Reading) -> Batch:
    columns = pl.col("columns")
    rows = sentences.lines.with_columns(columns=layout.columns(pl.col("line")))
    rows = rows.with_columns(width=columns.list.len(), token=columns.list.first(), tag=columns.list.last())
    frame, starts = _records(rows), sentences.starts()
    told = _faulty(rows, layout.width)
    if len(told):
        kept = sentences.leave_out(sentences.errors(told, FIX), reading.faults)
        frame, starts = frame.filter(kept), starts.filter(kept)
    return Batch(frame, Position(sentences.path, starts), added=frozenset(frame.columns))


def _without_documents(sentences: Sentences) -> Sentences:
    """Without the lines that start a document, which divide sentences too."""
    starts = pl.col("line").fill_null("").str.contains(DOCUMENT)
    return _renumbered(sentences, sentences.lines.with_columns(pl.col("sentence") + starts.cum_sum()).filter(~starts))


def _without_comments(sentences: Sentences, layout: Layout) -> Sentences:
    count = layout.columns(pl.col("line")).list.len()
    lines = sentences.lines.with_columns(comment=COMMENT & (count != layout.width).fill_null(False))
    if not lines["comment"].any():
        return sentences
    led = pl.col("comment").cum_min().over("sentence")  # comments only so far
    return _renumbered(sentences, lines.filter(~led).drop("comment"))


def _renumbered(sentences: Sentences, lines: pl.DataFrame) -> Sentences:
    """With these lines: some sentences may have lost their first ones, or all."""
    lines = lines.with_columns(first=(pl.col("sentence") != pl.col("sentence").shift(1)).fill_null(True))
    return replace(sentences, lines=lines.with_columns((pl.col("first").cum_sum() - 1).alias("sentence")))


def _records(rows: pl.DataFrame) -> pl.DataFrame:
    frame = rows.group_by("sentence", maintain_order=True).agg(tokens="token", tags="tag")
    return frame.select("tokens", "tags").insert_column(0, frame["tokens"].list.join(" ").alias("text"))


def _faulty(rows: pl.DataFrame, due: int) -> pl.DataFrame:
    """number, sentence, message of the lines that hold no token with its tag."""
    wide, filled = pl.col("width") == due, (pl.col("token") != "") & (pl.col("tag") != "")
    bad = rows.filter(~(wide & filled).fill_null(False))
    message = pl.when(~wide).then(counted("column", pl.col("width"), due)).otherwise(pl.lit("an empty token or tag"))
    return bad.select("number", "sentence", message=message)
