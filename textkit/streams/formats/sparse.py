"""What the formats of sparse matrices share: features checked and laid flat, and labels as codes."""

from __future__ import annotations

from typing import NamedTuple

import polars as pl

from textkit.errors import InputError
from textkit.ragged import flatten
from textkit.streams.batch import Batch
from textkit.streams.members import BadRecords

MAKE = "make them with textkit vectorize"


class Rows(NamedTuple):
    """Sparse rows: the indices and the values of all of them in a row, and how many each has."""

    indices: pl.Series  # (total,) Int32 from 0
    values: pl.Series  # (total,) Float64
    lengths: pl.Series  # (B,) UInt32


def refuse(batch: Batch, wrong: pl.Series, message: str, fix: str = MAKE) -> None:
    """BadRecords of the records where `wrong` (B,) is true, if there are any."""
    if wrong.any():
        raise BadRecords([(at, InputError(message, where=batch.position(at), fix=fix)) for at in wrong.arg_true()])


def rows_of(batch: Batch, width: int | None = None) -> Rows:
    """The features of a batch; BadRecords if a record has none, or such as are no row of a matrix of that width."""
    features = batch.require("features", fix=MAKE)["features"]
    parts = features.struct.unnest().select("indices", "values")
    sizes = parts.select(pl.all().list.len())
    refuse(batch, sizes["indices"].ne_missing(sizes["values"]) | sizes["indices"].is_null(), "the features have not as many values as indices")
    (indices, lengths), (values, _) = flatten(parts["indices"]), flatten(parts["values"])
    row = records_of(lengths)
    refuse_values(batch, row, ~values.is_finite().fill_null(False), "a feature's value is no finite number")
    refuse_values(batch, row, (indices < 0).fill_null(True), "a feature's index is below 0")
    refuse_values(batch, row, not_rising(indices, row), "the features' indices do not rise")
    if width is not None:
        refuse_values(batch, row, indices >= width, f"a feature's index is not below {width}, as the stream's header says")
    return Rows(indices, values, lengths)


def records_of(lengths: pl.Series) -> pl.Series:
    """(total,) which record each value of flat lists is of."""
    rows = pl.int_range(len(lengths), dtype=pl.UInt32, eager=True)
    return rows.repeat_by(lengths).filter(lengths > 0).explode()


def not_rising(indices: pl.Series, row: pl.Series) -> pl.Series:
    """(total,) whether an index is not above the one before it in its record."""
    return ((indices.diff() <= 0) & (row == row.shift(1))).fill_null(False)


def any_of(wrong: pl.Series, row: pl.Series, records: int) -> pl.Series:
    """(B,) whether any value of a record is wrong. wrong: (total,) of each value, row: (total,) the record that it is of."""
    found = pl.Series([False]).new_from_index(0, records)
    return found.scatter(row.filter(wrong).unique(), True) if wrong.any() else found


def refuse_values(batch: Batch, row: pl.Series, wrong: pl.Series, message: str) -> None:
    """As `refuse`, for flat values of which `row` says in which record they are."""
    refuse(batch, any_of(wrong, row, len(batch)), message)


def labels_of(batch: Batch) -> pl.Series:
    """(B,) lists: a record's `labels`, else its `label`; null where it has neither."""
    single = pl.when(pl.col("label").is_not_null()).then(pl.concat_list("label"))
    return batch.read_ours("label", "labels").select(pl.coalesce("labels", single)).to_series()


class Codes:
    """Numbers for names, in the order in which they first come. Memory: that of the distinct names."""

    def __init__(self) -> None:
        self.of: dict[str, int] = {}

    def encode(self, names: pl.Series) -> pl.Series:
        """(N,) strings -> (N,) Int32"""
        found = names.unique(maintain_order=True)
        for name in found:  # a loop over distinct names
            self.of.setdefault(name, len(self.of))
        codes = pl.Series([self.of[name] for name in found], dtype=pl.Int32)
        return names.replace_strict(found, codes, return_dtype=pl.Int32)
