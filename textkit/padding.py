"""`pad`: ids cut and filled to one length, with a mask that tells the two apart.

Keras pads and cuts before the sequence, Hugging Face tokenizers after it; textkit after it unless told otherwise.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import polars as pl

from textkit import config
from textkit.config import setting
from textkit.errors import InputError, UsageError
from textkit.ragged import flatten, nest
from textkit.report import say
from textkit.stage import Stage, ids_owner, vocabulary_of
from textkit.streams.batch import Batch
from textkit.streams.lineage import Entry
from textkit.streams.spool import Spool
from textkit.streams.stream import Stream

Side = Literal["post", "pre"]
LONGEST, P95 = "longest", "p95"
LONGEST_LENGTH = 1 << 24  # tokens: 64 MB of ids in every record
LARGEST_ID = 2**31 - 1  # ids are 32-bit integers


class Pad(Stage):
    needs = ("tokens", "ids")  # either: tokens alone are cut; ids are cut, filled and masked

    @dataclass(frozen=True)
    class Config:
        length: int = setting(0, "tokens in a record afterwards", most=LONGEST_LENGTH)
        pad: Side = setting("post", "which side is filled")
        truncate: Side = setting("post", "which side is cut")
        pad_id: int = setting(0, "what ids are filled with", most=LARGEST_ID)

    def __init__(self, settings: Config, measure: str | None = None, pad_id: int | None = None) -> None:
        """`measure` ("longest" or "p95") takes the length from the stream; `pad_id` None the id from its vocabulary."""
        self.config, self._measure, self._pad_id = settings, measure, pad_id
        self._records = self._cut = self._padding = self._cells = 0
        self._filled = False  # whether there were ids

    @classmethod
    def restore(cls, entry: Entry, folder: Path | None) -> Pad:
        settings = config.from_json(cls.Config, entry.config, "the lineage")
        return cls(settings, pad_id=settings.pad_id)

    def start(self, stream: Stream) -> tuple[Pad, Stream]:
        self.config = replace(self.config, pad_id=self._own_pad_id(stream) if self._pad_id is None else self._pad_id)
        if self._measure is None:
            return self, stream
        spool = Spool(stream)
        lengths = [_sequence(batch).list.len().fill_null(0) for batch in spool.batches()]
        length = measure(pl.concat(lengths), self._measure) if lengths else 1
        self.config = replace(self.config, length=length)
        return self, spool.stream()

    def _own_pad_id(self, stream: Stream) -> int:
        owner = ids_owner(stream.lineage)
        if owner is None:
            return 0
        vocabulary = vocabulary_of(owner, stream.near)
        if vocabulary.pad_id is None:
            say(f"the vocabulary has no token for padding: filling with id {vocabulary.fill_id}, which the mask marks (--pad-id says another)")
        return vocabulary.fill_id

    def apply(self, batch: Batch) -> Batch:
        settings = self.config
        before = _sequence(batch).list.len().fill_null(0)
        self._records += len(batch)
        self._cut += int((before > settings.length).sum())
        self._cells += settings.length * len(batch)
        self._padding += int((settings.length - before.clip(upper_bound=settings.length)).sum())
        columns = [cut(batch.read(name)[name], settings) for name in ("tokens", "tags", "offsets") if batch.has(name)]
        if batch.has("word_starts"):
            columns = [column for column in columns if column.name != "tags"] + _cut_words(batch, before, settings)
        if batch.has("ids"):
            self._filled = True
            kept = cut(real_ids(batch), settings)
            columns += [fill(kept, settings).alias("ids"), mask(kept, settings).alias("mask")]
        return batch.put(*columns)

    def entry(self) -> Entry:
        return Entry("pad", None, config.to_json(self.config))

    def finish(self) -> dict[str, int]:
        """The share of records that were cut, and of cells that are padding."""
        if self._records:
            cut_share, pad_share = 100 * self._cut / self._records, 100 * self._padding / self._cells
            facts = {"length": self.config.length, "truncated": self._cut, "records": self._records}
            shape = f"length {self.config.length}, padded {self.config.pad}, truncated {self.config.truncate}"
            filled = f"{pad_share:.1f} % of ids are padding" if self._filled else "no ids to fill: embed, or tokenize with a vocabulary, adds them"
            say(f"{shape}: {cut_share:.1f} % of {self._records} records truncated, {filled}", **facts)
        return {"truncated": self._cut}


def _cut_words(batch: Batch, tokens: pl.Series, settings: Pad.Config) -> list[pl.Series]:
    """`word_starts` and `tags` of the words that still begin in a record. tokens: (B,) how many it had."""
    starts = batch.require("word_starts")["word_starts"]
    gone = (tokens.cast(pl.Int32) - settings.length).clip(lower_bound=0) if settings.truncate == "pre" else tokens.cast(pl.Int32) * 0
    flat, lengths = flatten(starts)
    places = flat - gone.gather(pl.int_range(len(lengths), eager=True).repeat_by(lengths).filter(lengths > 0).explode())
    kept = places.is_between(0, settings.length - 1)
    left = nest(kept, lengths).list.sum().cast(pl.UInt32)
    columns = [nest(places.filter(kept), left).alias("word_starts")]
    if batch.has("tags"):
        tags, sizes = flatten(batch.read("tags")["tags"])
        if not (sizes == lengths).all():
            raise InputError("tags and word_starts differ in length", where=batch.position(0), fix="run textkit tokenize again")
        columns.append(nest(tags.filter(kept), left).alias("tags"))
    return columns


def _sequence(batch: Batch) -> pl.Series:
    return real_ids(batch) if batch.has("ids") else batch.require("tokens")["tokens"]


def real_ids(batch: Batch, name: str = "ids") -> pl.Series:
    """(B, T) ids without padding: where the batch has a mask, only what it marks."""
    ids = batch.require(name)[name]
    mask_name = name.removesuffix("ids") + "mask"
    if not batch.has(mask_name):
        return ids
    marks = batch.require(mask_name)[mask_name]
    if not (marks.list.len() == ids.list.len()).all():
        raise InputError("mask and ids differ in length", where=batch.position(0), fix="run textkit tokenize again")
    kept = flatten(marks)[0] != 0
    return nest(flatten(ids)[0].filter(kept), marks.list.eval(pl.element() != 0).list.sum().cast(pl.UInt32))


def measure(lengths: pl.Series, how: str) -> int:
    """The longest length, or the one that 95 of 100 records do not exceed; at least 1."""
    if how == P95:
        return max(1, int(lengths.sort()[math.ceil(95 * len(lengths) / 100) - 1]))
    longest: int = lengths.cast(pl.Int64).top_k(1).item()
    return max(1, longest)


def parse_length(text: str) -> tuple[int, str | None]:
    """(length, measure) of --length N|longest|p95."""
    if text in (LONGEST, P95):
        return 0, text
    length = int(text[:20]) if text.isdecimal() else 0  # of any more digits int() would refuse
    if length < 1:
        raise UsageError(f"--length takes a number above 0, longest or p95, not {text!r}")
    if length > LONGEST_LENGTH:
        raise UsageError(f"--length is at most {LONGEST_LENGTH}, not {text}")
    return length, None


def cut(sequences: pl.Series, settings: Pad.Config) -> pl.Series:
    """(B, T) -> (B, at most length)"""
    n = settings.length
    return sequences.list.head(n) if settings.truncate == "post" else sequences.list.tail(n)


def _filler(kept: pl.Series, value: int, length: int) -> pl.Expr:
    return pl.lit(value, dtype=pl.Int32).repeat_by(length - pl.lit(kept).list.len().cast(pl.Int64))


def fill(kept: pl.Series, settings: Pad.Config) -> pl.Series:
    """(B, at most length) -> (B, length)"""
    parts = [pl.lit(kept), _filler(kept, settings.pad_id, settings.length)]
    return pl.select(pl.concat_list(parts if settings.pad == "post" else parts[::-1])).to_series()


def mask(kept: pl.Series, settings: Pad.Config) -> pl.Series:
    """(B, length): 1 where an id is the record's own, 0 where it fills."""
    parts = [pl.lit(1, dtype=pl.Int32).repeat_by(pl.lit(kept).list.len()), _filler(kept, 0, settings.length)]
    return pl.select(pl.concat_list(parts if settings.pad == "post" else parts[::-1])).to_series()
