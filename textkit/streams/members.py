"""Members of raw JSON lines: read exactly, spliced in. The rest of a line is never rebuilt.

Two readers: polars' JSON reader on a whole block, which is fast and in places lenient, and an exact one in Python
for the rows that are not plain enough to be sure that the two agree (repeated or escaped keys, surrogates, numbers
where strings are due ...). `parse` decides row by row.
"""

from __future__ import annotations

import io
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from json.decoder import JSONDecodeError, JSONDecoder, scanstring  # type: ignore[attr-defined]
from typing import Any

import polars as pl

from textkit.errors import InputError
from textkit.streams.columns import dtype_of, key_pattern, odd_pattern, value_pattern

WHOLE_FIX = "each line must be one whole {...}; jq -c . makes it so"
Place = Callable[[int], str]  # row -> "file:line"


class BadRecords(InputError):
    """Some records of a batch cannot be used: (row, error) of each, in order. Its message is the first one's."""

    def __init__(self, faults: list[tuple[int, InputError]]) -> None:
        first = faults[0][1]
        super().__init__(first.message, where=first.where, fix=first.fix)
        self.faults = faults


class Number(str):
    """A JSON number by its spelling."""


@dataclass(frozen=True)
class Member:
    key: str
    start: int  # of the key's quote
    end: int  # past the value
    value: Any


class _NotJson(Exception):
    """A word that Python takes for a number."""


def _reject_constant(name: str) -> Any:
    raise _NotJson(f"{name} is not JSON, in the value")


_DECODER = JSONDecoder(parse_int=Number, parse_float=Number, parse_constant=_reject_constant)
_SPACE = re.compile(r"[ \t\n\r]*")
LARGEST_FLOAT = {pl.Float32: 3.4028234663852886e38, pl.Float64: 1.7976931348623157e308}


def scan(line: str) -> list[Member]:
    """The members of one JSON object with their places; JSONDecodeError if the line is not exactly one object."""

    def skip(at: int) -> int:
        return _SPACE.match(line, at).end()  # type: ignore[union-attr]

    def expect(at: int, characters: str) -> str:
        if at >= len(line) or line[at] not in characters:
            raise JSONDecodeError(f"expected {' or '.join(characters)}", line, at)
        return line[at]

    members: list[Member] = []
    at = skip(0)
    expect(at, "{")
    at = skip(at + 1)
    while line[at : at + 1] != "}" or members:
        expect(at, '"')
        key, after = scanstring(line, at + 1, True)
        colon = skip(after)
        expect(colon, ":")
        try:
            value, end = _DECODER.raw_decode(line, skip(colon + 1))
        except _NotJson as error:
            raise JSONDecodeError(str(error), line, skip(colon + 1)) from None
        members.append(Member(key, at, end, value))
        at = skip(end)
        if expect(at, ",}") == "}":
            break
        at = skip(at + 1)
    if skip(at + 1) != len(line):
        raise JSONDecodeError("more text after the object", line, at + 1)
    return members


def _column_type(name: str) -> pl.DataType:
    """The type to read a member as; one of the user's own is read as text."""
    return dtype_of(name) or pl.String()


def _read_value(name: str, value: Any, lenient: bool) -> Any:
    """A member's decoded value as its column holds it; ValueError, or None if `lenient`, if it is of another type."""
    dtype = _column_type(name)
    if isinstance(value, Number) and (name == "label" or dtype_of(name) is None):
        return str(value)
    try:
        return _convert(value, dtype)
    except UnicodeEncodeError:
        raise
    except (TypeError, ValueError):
        if lenient:
            return None
        raise ValueError(f"{name!r} should be {described(dtype)}") from None


def _convert(value: Any, dtype: Any) -> Any:
    """A decoded value as `dtype` wants it; TypeError or ValueError if it is of another type."""
    if value is None:
        return None
    if dtype == pl.String and isinstance(value, str) and not isinstance(value, Number):
        value.encode()  # UnicodeEncodeError on a lone surrogate
        return value
    if isinstance(dtype, pl.List) and isinstance(value, list) and None not in value:
        return [_convert(item, dtype.inner) for item in value]
    if isinstance(dtype, pl.Struct) and isinstance(value, dict):
        return {field.name: _convert(value[field.name], field.dtype) for field in dtype.fields if field.name in value}
    if dtype.is_numeric() and isinstance(value, Number):
        number = float(value) if dtype.is_float() else int(value)
        limit = LARGEST_FLOAT[dtype] if dtype.is_float() else 2**31 - 1
        if math.isfinite(number) and abs(number) <= limit:
            return number
    raise TypeError


def described(dtype: Any) -> str:
    """What JSON has to have for a column of that type."""
    if isinstance(dtype, pl.List):
        return f"a list of {'strings' if dtype.inner == pl.String else 'numbers' if dtype.inner.is_numeric() else 'objects'}"  # type: ignore[union-attr]
    return "a string" if dtype == pl.String else "an object" if isinstance(dtype, pl.Struct) else "a number"


def read_exactly(line: str, names: tuple[str, ...], where: str, lenient: bool = False) -> dict[str, Any]:
    """The named members of a line, the last of equal keys; InputError if it is no object or a type is wrong."""
    try:
        found = {member.key: member.value for member in scan(line)}
        return {name: _read_value(name, found[name], lenient) for name in names if name in found}
    except JSONDecodeError as error:
        message = f"not a JSON object ({error.msg.removesuffix(' at')} at column {error.pos + 1})"
        raise InputError(message, where=where, fix=WHOLE_FIX) from None
    except UnicodeEncodeError:
        raise InputError(
            "half of a surrogate pair (\\ud800 to \\udfff) in a text", where=where, fix="write the whole pair or the character"
        ) from None
    except RecursionError:
        raise InputError("JSON nested too deeply", where=where) from None
    except ValueError as error:
        raise InputError(str(error), where=where) from None


def parse(raw: pl.Series, names: tuple[str, ...], place: Place, lenient: bool = False) -> tuple[pl.DataFrame, dict[str, pl.Series]]:
    """Read members of raw JSON lines as typed columns.

    raw: (B,) strings. Returns the columns (null where a line lacks the member) and, per name, a mask of the rows
    whose member is plain: spelt once, at the top level, and safe to cut out with a regular expression.
    Raises BadRecords with the lines that are no JSON object or hold a wrong type (null if `lenient`).
    """
    schema = {name: _column_type(name) for name in names}
    if not names and all_objects((raw.str.join("\n").item() + "\n").encode()) is not None:
        return pl.DataFrame(), {}
    fast = _read_fast(raw, schema)
    if fast is None:
        fast = pl.DataFrame({name: pl.Series(name, [None] * len(raw), dtype=dtype) for name, dtype in schema.items()})
        exact = pl.Series([True]).new_from_index(0, len(raw))
    else:
        exact = raw.str.contains("|".join(odd_pattern(name) for name in names))
    plain: dict[str, pl.Series] = {}
    for name in names:
        keys = raw.str.count_matches(key_pattern(name))
        pattern = value_pattern(name)
        sure = raw.str.count_matches(key_pattern(name) + pattern) if pattern else keys * 0
        present = fast[name].is_not_null()
        exact |= (keys != sure) | (keys > 1) | ((keys == 1) != present)
        plain[name] = (keys == 1) & present
    rows = exact.arg_true().to_list()
    if rows:  # a loop over records: only those whose JSON is out of the ordinary
        values = _read_rows(raw, rows, names, place, lenient)
        fast = fast.with_columns(_replace_rows(fast[name], rows, [v.get(name) for v in values]) for name in names)
        plain = {name: mask & ~exact for name, mask in plain.items()}
    return fast, plain


def _read_rows(raw: pl.Series, rows: list[int], names: tuple[str, ...], place: Place, lenient: bool) -> list[dict[str, Any]]:
    values, faults = [], []
    for row in rows:
        try:
            values.append(read_exactly(raw[row], names, place(row), lenient))
        except InputError as error:
            faults.append((row, error))
    if faults:
        raise BadRecords(faults)
    return values


def all_objects(block: bytes) -> pl.Series | None:
    """The lines of a block, if it is sure that each is one JSON object; None if not, which may mean nothing.

    polars' reader takes `{...},{...}` on a line for two rows, so rows must be as many as lines; and an object over
    two lines for one, but not where one line ends with a brace and the next begins with one.
    """
    if block[-2:] != b"}\n" or b"\r" in block:  # a carriage return at the end of a line is not passed on
        return None
    try:
        lines = pl.read_lines(io.BytesIO(block)).to_series()
        if not (lines.str.starts_with("{") & lines.str.ends_with("}")).all():
            return None
        rows = len(pl.read_ndjson(io.BytesIO(block), schema={"": pl.Boolean}))
    except pl.exceptions.PolarsError:
        return None
    return lines if rows == len(lines) else None


def _read_fast(raw: pl.Series, schema: dict[str, Any]) -> pl.DataFrame | None:
    """polars on the whole block, or None where it fails or the rows do not tally with the lines."""
    whole = (raw.str.starts_with("{") & raw.str.ends_with("}")).all()
    if not whole:
        return None
    try:
        frame = pl.read_ndjson(io.BytesIO(raw.str.join("\n").item().encode()), schema=schema)
    except pl.exceptions.PolarsError:
        return None
    return frame if len(frame) == len(raw) else None


def _replace_rows(column: pl.Series, rows: list[int], values: list[Any]) -> pl.Series:
    index = pl.Series(range(len(column)), dtype=pl.UInt32).scatter(rows, range(len(column), len(column) + len(rows)))
    return pl.concat([column, pl.Series(column.name, values, dtype=column.dtype)]).gather(index).alias(column.name)


def contains_key(raw: pl.Series, name: str) -> bool:
    """Whether any line may have the member (an escaped spelling counts as maybe)."""
    return bool(may_contain(raw, name).any())


def has_key(raw: pl.Series, name: str) -> bool:
    """Whether any line has the member at its top level."""
    rows = may_contain(raw, name).arg_true()
    return any(name in _keys(raw[row]) for row in rows)


def _keys(line: str) -> set[str]:
    try:
        return {member.key for member in scan(line)}
    except (JSONDecodeError, RecursionError):  # whoever reads the line tells of it
        return set()


def may_contain(raw: pl.Series, name: str) -> pl.Series:
    """Which lines have the key, be it in a nested object or spelt with escapes. All that have the member are among them."""
    return raw.str.contains(f"{key_pattern(name)}|{odd_pattern(name)}")


def splice(raw: pl.Series, added: pl.DataFrame) -> pl.Series:
    """Put the columns of `added` in as members before each line's last brace."""
    return insert(raw, to_json(added).str.slice(1)) if added.width else raw


def insert(raw: pl.Series, members: pl.Series) -> pl.Series:
    """Put members, with the brace after them, in place of each line's last brace."""
    body = raw.str.strip_chars_end(" \t\r").str.strip_suffix("}")
    comma = pl.when(body.str.contains(r"^\s*\{\s*$")).then(pl.lit("")).otherwise(pl.lit(","))
    return pl.select(pl.concat_str([pl.lit(body), comma, pl.lit(members)])).to_series()


def to_json(frame: pl.DataFrame) -> pl.Series:
    """Each row as a JSON object."""
    return frame.select(pl.struct(pl.all()).struct.json_encode()).to_series()
