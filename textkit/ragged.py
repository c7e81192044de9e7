"""Ragged columns: lists of different lengths as flat values and lengths, and back."""

from __future__ import annotations

import polars as pl

LARGE = 200_000  # values; polars nests as many in a tenth of the time that it takes to import pyarrow, which nests any number at no cost


def flatten(lists: pl.Series) -> tuple[pl.Series, pl.Series]:
    """(B, T) lists -> flat values, (B,) lengths. Empty and missing lists have length 0."""
    lengths = lists.list.len().fill_null(0).cast(pl.UInt32)
    return lists.filter(lengths > 0).explode(), lengths


def nest(values: pl.Series, lengths: pl.Series) -> pl.Series:
    """Flat values, (B,) lengths -> (B, T) lists; the inverse of `flatten`."""
    return _nest_large(values, lengths) if len(values) > LARGE else _nest_small(values, lengths)


def _nest_large(values: pl.Series, lengths: pl.Series) -> pl.Series:
    import pyarrow as pa

    offsets = pl.concat([pl.Series([0], dtype=pl.Int64), lengths.cast(pl.Int64).cum_sum()])
    newest = pl.CompatLevel.newest()  # which takes strings as they are
    lists = pa.LargeListArray.from_arrays(offsets.to_arrow(), values.to_arrow(compat_level=newest))
    return pl.Series(lists)


def _nest_small(values: pl.Series, lengths: pl.Series) -> pl.Series:
    filled = lengths > 0
    rows = pl.int_range(len(lengths), dtype=pl.UInt32, eager=True).repeat_by(lengths).filter(filled).explode().set_sorted()
    lists = pl.DataFrame({"row": rows, "value": values}).group_by("row", maintain_order=True).agg("value")["value"]
    if len(lists) == len(lengths):
        return lists
    index = pl.select(pl.when(filled).then(filled.cum_sum().cast(pl.Int64) - 1)).to_series()
    empty = pl.Series([[]], dtype=lists.dtype)
    return pl.concat([lists, empty]).gather(index.fill_null(len(lists)))
