"""The raw JSON text of members, for all lines at once: which members there are, and how each value is spelt.

The braces, colons and commas of a whole block are found with numpy; only those outside of strings, and among them
those of a record's own level, say where its members are. No value is parsed, so none is changed.
"""

from __future__ import annotations

import json
from json.decoder import scanstring  # type: ignore[attr-defined]
from typing import TYPE_CHECKING, Any

import polars as pl

from textkit.streams import members

if TYPE_CHECKING:
    import numpy as np

    Numbers = np.ndarray[Any, np.dtype[Any]]

SPACE = " \t\r\n"
QUOTE, BACKSLASH, COMMA, COLON = b'"\\,:'


def values(raw: pl.Series, name: str) -> pl.Series:
    """For each line the raw JSON text of its last top-level member `name`, or null. raw: (B,) JSON objects."""
    return value_of(top_members(raw), name, len(raw))


def value_of(found: pl.DataFrame, name: str, records: int) -> pl.Series:
    """The same from what `top_members` found in `records` lines: for who wants several members of them."""
    last = found.filter(pl.col("key") == name).unique("row", keep="last", maintain_order=True)
    index = pl.Series([None], dtype=pl.Int64).new_from_index(0, records).scatter(last["row"], pl.Series(range(len(last)), dtype=pl.Int64))
    return last["value"].gather(index).alias(name)


def top_members(raw: pl.Series) -> pl.DataFrame:
    """All members at the top level of JSON objects, in order: `row`, `key` (decoded) and `value` (its raw JSON text).

    InputError if a line is seen to be no object; that each one is, is the caller's to know.
    """
    lines = raw.cast(pl.Binary)
    places = _places(raw, lines.bin.size().cast(pl.Int64))
    if places is None:
        return _exactly(raw)
    row, key_start, colon, end = places
    rows = pl.Series("row", row, dtype=pl.UInt32)
    of = lines.gather(rows)
    keys = _trimmed(of, key_start, colon).str.slice(1).str.head(-1).alias("key")
    return pl.DataFrame([rows, _decoded(keys), _trimmed(of, colon + 1, end).alias("value")])


def _trimmed(lines: pl.Series, start: Numbers, end: Numbers) -> pl.Series:
    frame = pl.DataFrame({"line": lines, "start": start, "length": end - start})
    return frame.select(pl.col("line").bin.slice(pl.col("start"), pl.col("length")).cast(pl.String).str.strip_chars(SPACE)).to_series()


def _places(raw: pl.Series, sizes: pl.Series) -> tuple[Numbers, Numbers, Numbers, Numbers] | None:
    """Per member: its row, and within the line where its key starts, its colon, where its value ends. None if the lines are no objects."""
    import numpy as np

    text = np.frombuffer(raw.str.join("").item().encode(), np.uint8)
    ends = sizes.cum_sum().to_numpy()
    place, depth = _structure(text)
    mark = text[place]
    opening = (mark == ord("{")) & (depth == 1)
    own = ((mark == COLON) | (mark == COMMA)) & (depth == 1) | opening | (mark == ord("}")) & (depth == 0)
    place, mark, opening = place[own], mark[own], opening[own]
    row = np.cumsum(opening) - 1
    if len(depth) and depth.min() < 0:
        return None
    at = np.flatnonzero(mark == COLON)
    closing = np.flatnonzero(mark == ord("}"))
    starts = ends - np.diff(ends, prepend=0)
    if not (_apart(place[opening], starts, ends) and _apart(place[closing], starts, ends) and _in_turn(mark)):
        return None
    base = starts[row[at]]
    return row[at], place[at - 1] + 1 - base, place[at] - base, place[at + 1] - base


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


def _structure(text: Numbers) -> tuple[Numbers, Numbers]:
    """Where brackets, colons and commas are that are not in strings, and how deep in brackets one is past each."""
    import numpy as np

    kind = np.zeros(256, bool)
    kind[list(b'"{}[]:,')] = True
    place = np.flatnonzero(kind[text])
    quote = text[place] == QUOTE
    quote[quote] = ~_escaped(text, place[quote])
    inside = np.cumsum(quote, dtype=np.int8) & 1
    place = place[(inside == 0) & (text[place] != QUOTE)]
    mark = text[place]
    step = ((mark == ord("{")) | (mark == ord("["))).astype(np.int8) - ((mark == ord("}")) | (mark == ord("]")))
    return place, np.cumsum(step, dtype=np.int32)


def _escaped(text: Numbers, place: Numbers) -> Any:
    """Which of these have an odd number of backslashes before them."""
    import numpy as np

    escaped = (text[place - 1] == BACKSLASH) & (place > 0)
    if not escaped.any():
        return escaped
    slashes = np.flatnonzero(text == BACKSLASH)
    number = np.arange(len(slashes))
    starts = np.diff(slashes, prepend=-2) != 1
    run = number - np.maximum.accumulate(np.where(starts, number, 0)) + 1  # how many stand in a row up to this one
    escaped[escaped] = run[np.searchsorted(slashes, place[escaped] - 1)] % 2 == 1
    return escaped


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


def _exactly(raw: pl.Series) -> pl.DataFrame:
    """The same by the exact reader: lines that do not look like one object each."""
    rows, keys, found = [], [], []
    for row, line in enumerate(raw):  # a loop over records: only of a block with such lines
        members.read_exactly(line, (), f"record {row + 1}")
        for member in members.scan(line):
            spelt = line[member.start : member.end]
            colon = scanstring(spelt, 1, True)[1]
            rows.append(row)
            keys.append(_decode(spelt[1 : colon - 1]))
            found.append(spelt[colon:].lstrip(SPACE)[1:].strip(SPACE))
    return pl.DataFrame({"row": rows, "key": keys, "value": found}, schema={"row": pl.UInt32, "key": pl.String, "value": pl.String})
