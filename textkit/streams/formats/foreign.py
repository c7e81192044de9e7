"""Columns of other programs' Arrow and Parquet as polars can hold them and JSON can say them."""

from __future__ import annotations

import secrets
from typing import Any

import polars as pl

from textkit.errors import InputError

NUMBER = f"{secrets.token_hex(16)}:"  # before a decimal's digits: JSON gets them without quotes. No text has it by chance
RANGE = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}  # ticks a second
FIRST, LAST = -62135596800, 253402300799  # seconds of the years 1 to 9999


def to_frame(batch: Any, place: str) -> pl.DataFrame:
    """A record batch as a frame; InputError at a column of a type that no JSON can say, or a date out of range."""
    import pyarrow as pa

    names = batch.schema.names
    if len({*names}) < len(names):
        raise InputError("two columns have one name", where=place, fix="rename one")
    for name, column in zip(names, batch.columns, strict=True):
        if trouble := _trouble(column):
            raise InputError(f"column {name!r} {trouble}", where=place, fix="leave that column out")
    bare = pa.schema([pa.field(field.name, field.type) for field in batch.schema])  # at binary metadata polars panics
    return pl.DataFrame(pa.Table.from_arrays(batch.columns, schema=bare)) if names else pl.DataFrame()


def _trouble(array: Any) -> str | None:
    """Why a column cannot be read."""
    import pyarrow as pa

    of, kind = pa.types, array.type
    if isinstance(kind, pa.BaseExtensionType):
        return _trouble(array.storage)
    if of.is_dictionary(kind):
        return _trouble(array.dictionary)
    if of.is_struct(kind):
        return next(filter(None, (_trouble(array.field(i)) for i in range(kind.num_fields))), None)
    if of.is_map(kind):
        return _trouble(array.keys) or _trouble(array.items)
    if of.is_list(kind) or of.is_large_list(kind) or of.is_fixed_size_list(kind):
        return _trouble(array.values)
    if of.is_timestamp(kind) or of.is_date(kind):
        return _out_of_range(array)
    if "binary" in str(kind):
        return "is binary and not text"
    known = of.is_integer(kind) or of.is_floating(kind) or of.is_boolean(kind) or of.is_null(kind) or of.is_time(kind) or of.is_duration(kind)
    text = of.is_string(kind) or of.is_large_string(kind) or of.is_string_view(kind)
    decimal = of.is_decimal(kind) and kind.bit_width <= 128
    return None if known or text or decimal else f"is of the type {kind}, which textkit does not read"


def _out_of_range(array: Any) -> str | None:
    import pyarrow as pa
    import pyarrow.compute as pc

    unit = 1 if pa.types.is_timestamp(array.type) else 86400 if pa.types.is_date32(array.type) else 1
    ticks = RANGE[array.type.unit] if pa.types.is_timestamp(array.type) else 1000 if pa.types.is_date64(array.type) else 1
    numbers = array.cast(pa.int32()).cast(pa.int64()) if pa.types.is_date32(array.type) else array.cast(pa.int64())
    ends = pc.min_max(numbers).as_py()
    if ends["min"] is not None and not (FIRST * ticks <= ends["min"] * unit and ends["max"] * unit <= LAST * ticks):
        return "has a date outside of the years 1 to 9999"
    return None


def not_finite(frame: pl.DataFrame) -> dict[str, int]:
    """How many values of a column, or in its lists, are NaN or infinite; columns that have some."""
    counts = {column.name: _not_finite(column) for column in frame}
    return {name: count for name, count in counts.items() if count}


def _not_finite(column: pl.Series) -> int:
    if isinstance(column.dtype, pl.List | pl.Array):
        return _not_finite(column.explode()) if column.dtype.inner.is_float() or column.dtype.inner.is_nested() else 0  # type: ignore[union-attr]
    if isinstance(column.dtype, pl.Struct):
        return sum(map(_not_finite, column.struct.unnest()))
    return int((~column.is_finite()).sum()) if column.dtype.is_float() else 0


def sayable(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with values that JSON has as polars writes it: times by ISO 8601, maps as lists of key and value."""
    return frame.with_columns(
        _said(pl.col(name), dtype).alias(name) for name, dtype in frame.schema.items() if _said(pl.col(name), dtype) is not None
    )


def _said(values: pl.Expr, dtype: Any) -> Any:
    """The expression for a column; None if it is well as it is."""
    if isinstance(dtype, pl.Datetime):
        return values.dt.to_string("iso:strict")
    if isinstance(dtype, pl.Decimal):
        return NUMBER + values.cast(pl.String)
    if isinstance(dtype, pl.Map):
        dtype = pl.List(pl.Struct({"key": dtype.key, "value": dtype.value}))
        return _first(_said(values.cast(dtype), dtype), values.cast(dtype))
    if isinstance(dtype, pl.List | pl.Array):
        inner = _said(pl.element(), dtype.inner)
        return None if inner is None else (values.arr.to_list() if isinstance(dtype, pl.Array) else values).list.eval(inner)
    if isinstance(dtype, pl.Struct):
        parts = {field.name: _said(values.struct.field(field.name), field.dtype) for field in dtype.fields}
        said = [part.alias(name) for name, part in parts.items() if part is not None]
        return values.struct.with_fields(said) if said else None
    return None


def _first(one: Any, other: Any) -> Any:
    return other if one is None else one


def numbers_unquoted(lines: pl.Series) -> pl.Series:
    return lines.str.replace_all(rf'"{NUMBER}([^"]*)"', "${1}")
