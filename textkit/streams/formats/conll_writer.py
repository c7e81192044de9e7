"""Records as CoNLL columns: a token, a tab and its tag a line, a blank line after each record."""

from __future__ import annotations

from typing import BinaryIO

import polars as pl

from textkit.errors import InputError
from textkit.streams.batch import Batch
from textkit.streams.formats.conllu_writer import demand_words


class ConllWriter:
    """A record without tokens is a blank line, which readers of the format pass over."""

    marks_end = False

    def __init__(self, out: BinaryIO) -> None:
        self.out = out

    def write(self, batch: Batch) -> None:
        if not len(batch):
            return
        records = batch.read_ours("tokens", "tags").with_row_index("sentence")
        demand_words(records, batch)
        if records["tags"].null_count():
            row = records["tags"].is_null().arg_true()[0]
            raise InputError("the record has no 'tags'", where=batch.position(row), fix="textkit predict with a tagger makes them")
        rows = records.filter(pl.col("tokens").list.len() > 0).explode("tokens", "tags")
        lines = rows.group_by("sentence", maintain_order=True).agg(line=(pl.col("tokens") + "\t" + pl.col("tags") + "\n").str.join(""))
        whole = records.join(lines, "sentence", "left", maintain_order="left")["line"].fill_null("") + "\n"
        self.out.write(whole.str.join("").item().encode())

    def finish(self, records: int, complete: bool) -> None:
        """CoNLL columns have no end mark."""
