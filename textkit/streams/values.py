"""The raw JSON text of members, for all lines at once: which members there are, and how each value is spelt.

The braces, colons and commas of a whole block are found by columns of bytes; those of a record's own level say where
its members are. No value is parsed, so none is changed.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import polars as pl

from textkit.errors import InputError
from textkit.streams import members
from textkit.streams.structure import CLOSING, COLON, COMMA, OPENING, Scanner

if TYPE_CHECKING:
    import numpy as np

    Numbers = np.ndarray[Any, np.dtype[Any]]

SPACE = " \t\r\n"
MOST_COPIED = 64  # times the lines' bytes: what polars may copy to put each member's line beside it


def _record(row: int) -> str:
    return f"record {row + 1}"


def values(raw: pl.Series, name: str) -> pl.Series:
    """For each line the raw JSON text of its last top-level member `name`, or null. raw: (B,) JSON objects."""
    return value_of(top_members(raw), name, len(raw))


def value_of(found: pl.DataFrame, name: str, records: int) -> pl.Series:
    """The same from what `top_members` found in `records` lines."""
    return _column(found.filter(pl.col("key") == name), records).alias(name)


def columns_of(found: pl.DataFrame, records: int) -> dict[str, pl.Series]:
    """The same for all names, in the order in which they appear."""
    parts = found.partition_by("key", maintain_order=True)  # once, since a look at all members for each name would be quadratic
    return {part["key"][0]: _column(part, records).alias(part["key"][0]) for part in parts}


def _column(part: pl.DataFrame, records: int) -> pl.Series:
    """The last value in each line, of members of one name."""
    if part["row"].n_unique() == len(part) == records:
        return part["value"]
    last = part.filter(pl.col("row").ne_missing(pl.col("row").shift(-1)))
    index = pl.Series([None], dtype=pl.Int64).new_from_index(0, records).scatter(last["row"], pl.Series(range(len(last)), dtype=pl.Int64))
    return last["value"].gather(index)


def top_members(raw: pl.Series, place: members.Place = _record) -> pl.DataFrame:
    """All members at the top level of JSON objects, in order: `row`, `key` (decoded) and `value` (its raw JSON text)."""
    found = places(raw, place)
    return found.select("row", "key", slices(raw, found, pl.col("colon") + 1, pl.col("end")).str.strip_chars(SPACE).alias("value"))


def places(raw: pl.Series, place: members.Place = _record) -> pl.DataFrame:
    """Where they are: `row`, `key`, and within the line `start`, `colon` and `end`, space around the member included.

    InputError if a line is seen to be no object; that each one is, is the caller's to know.
    """
    found = _places(raw)
    if found is None:
        for row, line in enumerate(raw):  # a loop over records: only to tell of the one that is no object
            members.read_exactly(line, (), place(row))
        raise InputError("lines that are no JSON objects", where=place(0))
    keys = slices(raw, found, pl.col("start"), pl.col("colon")).str.strip_chars(SPACE).str.slice(1).str.head(-1)
    return found.with_columns(_decoded(keys).alias("key"))


def slices(raw: pl.Series, found: pl.DataFrame, start: pl.Expr, end: pl.Expr) -> pl.Series:
    """For each of `found`, which are in order and apart, the bytes of its line between two places."""
    size = raw.str.len_bytes().cast(pl.Int64)
    if len(found) * (size.max() or 0) > MOST_COPIED * (size.sum() or 0):  # type: ignore[operator]
        return _cut_out(raw, found.select(start=start + (size.cum_sum() - size).gather(found["row"]), size=end - start))
    lines = raw.cast(pl.Binary).gather(found["row"]).alias("line")
    return found.with_columns(lines).select(pl.col("line").bin.slice(start, end - start).cast(pl.String)).to_series()


def _cut_out(raw: pl.Series, found: pl.DataFrame) -> pl.Series:
    """The same in time linear in the bytes: what lies between is cut out too, and left. `start` counts from the first line's."""
    import numpy as np
    import pyarrow as pa

    offsets = np.zeros(2 * len(found) + 1, dtype=np.int64)
    offsets[:-1:2] = found["start"]
    offsets[1::2] = found["start"] + found["size"]
    offsets[-1] = offsets[-2]
    pieces = pa.LargeStringArray.from_buffers(2 * len(found), pa.py_buffer(offsets), pa.py_buffer(raw.str.join("").item().encode()))
    return pl.Series(pieces).gather_every(2)


def _places(raw: pl.Series) -> pl.DataFrame | None:
    """The same without the keys. None if the lines are no objects."""
    import numpy as np

    ends = raw.str.len_bytes().cast(pl.Int64).cum_sum().to_numpy()
    place, mark, depth, _ = Scanner().scan(raw.str.join("").item().encode())
    if len(depth) and depth.min() < 0:
        return None
    opening, closing = (mark == OPENING[0]) & (depth == 1), (mark == CLOSING[0]) & (depth == 0)
    own = ((mark == COLON) | (mark == COMMA)) & (depth == 1) | opening | closing
    place, mark, opening, closing = place[own], mark[own], opening[own], closing[own]
    starts = ends - np.diff(ends, prepend=0)
    if not (_apart(place[opening], starts, ends) and _apart(place[closing], starts, ends) and _in_turn(mark)):
        return None
    at = np.flatnonzero(mark == COLON)
    row = np.cumsum(opening)[at] - 1
    base = starts[row]
    columns = {"start": place[at - 1] + 1 - base, "colon": place[at] - base, "end": place[at + 1] - base}
    return pl.DataFrame({"row": row.astype(np.uint32), **columns})


def _apart(places: Numbers, starts: Numbers, ends: Numbers) -> bool:
    """Whether each place is in the line of its number."""
    return len(places) == len(starts) and bool(((places >= starts) & (places < ends)).all())


def _in_turn(mark: Numbers) -> bool:
    """Whether brace, colon, comma, colon, brace ... follow each other as those of objects do."""
    import numpy as np

    follows = np.zeros((256, 256), bool)
    for before, after in ("{:", "{}", ":,", ":}", ",:", "}{"):
        follows[ord(before), ord(after)] = True
    return bool(follows[mark[:-1], mark[1:]].all())


def _decoded(keys: pl.Series) -> pl.Series:
    """Keys by their meaning: a loop over those few that are spelt with escapes."""
    odd = keys.filter(keys.str.contains("\\", literal=True)).unique()
    return keys.replace(odd, [_decode(key) for key in odd]) if len(odd) else keys


def _decode(spelt: str) -> str:
    key: str = json.loads(f'"{spelt}"')
    try:
        key.encode()
    except UnicodeEncodeError:  # half a surrogate pair: no name that could be asked for
        return spelt
    return key
