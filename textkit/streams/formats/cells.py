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
    found = {} if batch.raw is None else _unquoted(batch, [name for name in columns if name not in batch.added])
    nothing = pl.Series([None], dtype=pl.String).new_from_index(0, len(batch))
    cells = {}
    for at, name in enumerate(columns):
        if name in batch.frame.columns and (batch.raw is None or name in batch.added):
            cells[str(at)] = _spelt(batch.frame[name])
        else:
            cells[str(at)] = found.get(name, nothing)
    return pl.DataFrame(cells).fill_null("")


def _spelt(column: pl.Series) -> pl.Series:
    """The JSON spelling of values that are no strings."""
    if column.dtype == pl.String:
        return column
    if isinstance(column.dtype, pl.Categorical | pl.Enum | pl.Null):
        return column.cast(pl.String)
    json_text = column.alias("x").to_frame().select(pl.struct("x").struct.json_encode()).to_series().str.slice(len('{"x":')).str.head(-1)
    return pl.select(pl.when(column.is_not_null() & (json_text != "null")).then(json_text)).to_series()


def _unquoted(batch: Batch, names: list[str]) -> dict[str, pl.Series]:
    """Members as cells: the text that a string stands for, nothing for null, the others as they are spelt."""
    assert batch.raw is not None
    found = top_members(batch.raw).filter(pl.col("key").is_in(names))
    value = found["value"]
    text = value.str.starts_with('"')
    odd = text & value.str.contains("\\", literal=True)
    bare = pl.select(pl.when(text).then(value.str.slice(1).str.head(-1)).when(value != "null").then(value)).to_series()
    if odd.any():
        bare = bare.scatter(odd.arg_true(), _decoded(found.filter(odd), batch.position))
    return columns_of(found.with_columns(value=bare), len(batch))


def _decoded(odd: pl.DataFrame, place: Position) -> pl.Series:
    decoded = json.loads("[" + ",".join(odd["value"]) + "]", strict=False)
    try:
        return pl.Series(decoded, dtype=pl.String)
    except UnicodeEncodeError:
        raise _half_pair(decoded, odd, place) from None


def _half_pair(texts: list[str], odd: pl.DataFrame, place: Position) -> InputError:
    """The error for the first text that cannot be written."""
    for text, row, name in zip(texts, odd["row"], odd["key"], strict=True):
        try:
            text.encode()
        except UnicodeEncodeError:
            message = f"half of a surrogate pair (\\ud800 to \\udfff) in {name!r}"
            return InputError(message, where=place(row), fix="write the whole pair or the character, or --drop the field")
    raise AssertionError("all texts can be encoded")
