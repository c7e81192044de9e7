"""Records as cells of text, for tables: strings as they are, all else by its JSON spelling, null as nothing."""

from __future__ import annotations

import json

import polars as pl

from textkit.errors import InputError
from textkit.streams.batch import Batch, Position
from textkit.streams.values import columns_of, top_members


def column_names_of(batch: Batch) -> list[str]:
    """The members that its records have, in order of first appearance."""
    if batch.raw is None:
        return batch.frame.columns
    found = top_members(batch.raw)
    added = [name for name in batch.frame.columns if name in batch.added]  # each record has them at its end
    first = found.filter(pl.col("row") == 0)["key"]
    return [*dict.fromkeys([*first, *added, *found["key"].unique(maintain_order=True)])]


def cells_of(batch: Batch, columns: list[str]) -> pl.DataFrame:
    """(B, columns) strings; the columns of the result are called by their numbers."""
    found = None if batch.raw is None else columns_of(top_members(batch.raw), len(batch))
    nothing = pl.Series([None], dtype=pl.String).new_from_index(0, len(batch))
    cells = {}
    for at, name in enumerate(columns):
        if name in batch.frame.columns and (found is None or name in batch.added):
            column = _spelt(batch.frame[name])
        elif found is None or name not in found:
            column = nothing
        else:
            column = _unquoted(found[name], name, batch.position)
        cells[str(at)] = column.fill_null("")
    return pl.DataFrame(cells)


def _spelt(column: pl.Series) -> pl.Series:
    """The JSON spelling of values that are no strings."""
    if column.dtype == pl.String:
        return column
    if isinstance(column.dtype, pl.Categorical | pl.Enum | pl.Null):
        return column.cast(pl.String)
    json_text = column.alias("x").to_frame().select(pl.struct("x").struct.json_encode()).to_series().str.slice(len('{"x":')).str.head(-1)
    return pl.select(pl.when(column.is_not_null() & (json_text != "null")).then(json_text)).to_series()


def _unquoted(value: pl.Series, name: str, place: Position) -> pl.Series:
    """JSON values as cells: the text that a string stands for, nothing for null, the others as they are spelt."""
    text = value.str.starts_with('"')
    odd = (text & value.str.contains("\\", literal=True)).fill_null(False)
    bare = pl.select(pl.when(text).then(value.str.slice(1).str.head(-1)).when(value != "null").then(value)).to_series()
    if not odd.any():
        return bare
    spelt = value.filter(odd).to_list()
    decoded = json.loads("[" + ",".join(spelt) + "]", strict=False)
    try:
        new = pl.Series(decoded, dtype=pl.String)
    except UnicodeEncodeError:
        raise _half_pair(decoded, odd.arg_true(), name, place) from None
    index = pl.Series(range(len(bare)), dtype=pl.UInt32).scatter(odd.arg_true(), range(len(bare), len(bare) + len(new)))
    return pl.concat([bare, new.alias(bare.name)]).gather(index)


def _half_pair(texts: list[str], rows: pl.Series, name: str, place: Position) -> InputError:
    """The error for the first text that cannot be written."""
    for text, row in zip(texts, rows, strict=True):
        try:
            text.encode()
        except UnicodeEncodeError:
            message = f"half of a surrogate pair (\\ud800 to \\udfff) in {name!r}"
            return InputError(message, where=place(row), fix="write the whole pair or the character, or --drop the field")
    raise AssertionError("all texts can be encoded")
