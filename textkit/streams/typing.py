"""Types for the user's own fields: one column a member, of a type under which no value of the whole stream changes.

A first pass takes every member's text out of the raw lines, by columns of bytes, notes what kinds of value it has and
puts it on disk; a second one turns the texts into columns. A missing member and a null become the same null.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import polars as pl

from textkit.errors import InputError
from textkit.report import say
from textkit.streams import members
from textkit.streams.batch import Batch, Position
from textkit.streams.columns import dtype_of
from textkit.streams.spool import Spool
from textkit.streams.values import SPACE, columns_of, top_members

MOST = 4096  # columns: more names than that are data
GROUP_BYTES, GROUP_RECORDS = 64 << 20, 1 << 17
OURS, TEXT = "o", "t"  # how a column of the spool is marked: typed by us, or the JSON text of a member

_STRING = r'"(?:[^"\\]|\\.)*"'
_INT, _NUMBER = r"-?[0-9]+", r"-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?"
TYPES = {
    "int": pl.Int64(),
    "float": pl.Float64(),
    "string": pl.String(),
    "bool": pl.Boolean(),
    "strings": pl.List(pl.String),
    "ints": pl.List(pl.Int64),
    "floats": pl.List(pl.Float64),
}
LARGEST = 2**53  # whole numbers up to it are exact as floats
HALF_PAIR = r"\\u[dD][89a-fA-F]"


class Typing:
    """All records of a stream, to be had as frames of one schema once the last one came."""

    def __init__(self) -> None:
        self._spool = Spool()
        self._kinds: dict[str, set[str]] = {}  # of each column, in the order of their first appearance
        self._bytes = 0
        self._place = Position("")

    def add(self, batch: Batch) -> None:
        if not len(batch):  # of a table with nothing but a header
            for name, dtype in batch.frame.schema.items():
                self._kinds.setdefault(name, {OURS} if dtype == dtype_of(name) else set())
            return
        self._place = batch.position
        columns = _members(batch.raw, batch.position) if batch.raw is not None else {}
        frame: dict[str, pl.Series] = {name: texts.alias(TEXT + name) for name, texts in columns.items()}
        for name in batch.frame.columns:
            if name in batch.added:
                frame[name] = _of_frame(batch.frame[name])
        for name, column in frame.items():
            ours = column.name.startswith(OURS)
            self._kinds.setdefault(name, set()).update({OURS} if ours else kinds(name, column))
            self._bytes += _size(column)
        if len(self._kinds) > MOST:
            raise InputError(f"more than {MOST} different fields", where=batch.position(0), fix="use --keep, or --to jsonl")
        filler = pl.Series("n", [None] * len(batch), dtype=pl.Null)  # so that a batch without any field keeps its records
        self._spool.add(Batch(pl.DataFrame([filler, *frame.values()]), batch.position, added=frozenset({"n", *(c.name for c in frame.values())})))

    def schema(self) -> dict[str, Any]:
        types = {name: _resolve(name, found) for name, found in self._kinds.items()}
        as_text = [name for name, found in self._kinds.items() if types[name] is None]
        if as_text:
            say(f"as JSON text, since no one type holds all their values: {', '.join(as_text)}", columns=as_text)
        if self._spool.records and not types:
            raise InputError("the records have no fields to make columns of", where=self._place(0), fix="use --to jsonl")
        return types or {"text": "string"}

    def frames(self, types: dict[str, Any]) -> Iterator[pl.DataFrame]:
        """Frames of equal length (the last may be shorter), whatever the batches were."""
        average = self._bytes // max(1, self._spool.records) + 1
        size = max(1, min(GROUP_RECORDS, GROUP_BYTES // average))
        waiting: list[pl.DataFrame] = []
        for batch in self._spool.batches():
            waiting.append(self._typed(batch, types))
            while sum(map(len, waiting)) >= size:
                whole = pl.concat(waiting)
                yield whole[:size]
                waiting = [whole[size:]]
        if sum(map(len, waiting)) or not self._spool.records:
            yield pl.concat(waiting) if waiting else pl.DataFrame(schema={name: _dtype(name, kind) for name, kind in types.items()})

    def _typed(self, batch: Batch, types: dict[str, Any]) -> pl.DataFrame:
        columns = {}
        for name, kind in types.items():
            if OURS + name in batch.frame.columns:
                column = batch.frame[OURS + name]
                if kind != OURS:
                    column = _convert(name, _texts_of(column.alias(name)), kind)
            elif TEXT + name in batch.frame.columns:
                column = _convert(name, batch.frame[TEXT + name], kind)
            else:
                column = pl.Series(name, [None], dtype=_dtype(name, kind)).new_from_index(0, len(batch))
            columns[name] = column
        return pl.DataFrame(columns)


def _dtype(name: str, kind: str | None) -> Any:
    return dtype_of(name) if kind == OURS else TYPES[kind or "string"]


def _resolve(name: str, found: set[str]) -> str | None:
    """The one kind for all of these; None: as JSON text."""
    if dtype_of(name) is not None and "foreign" not in found:
        return OURS
    found = {"string" if kind == OURS and dtype_of(name) == pl.String else kind for kind in found - {"foreign"}}
    if found <= {"empty"}:
        return "strings" if found else "string"
    found -= {"empty"} if found & {"strings", "ints", "floats"} else set()
    for kind, fitting in (("int", {"int", "wide"}), ("float", {"int", "float"}), ("ints", {"ints", "wides"}), ("floats", {"ints", "floats"})):
        if found <= fitting:
            return kind
    return next(iter(found)) if len(found) == 1 and found <= {*TYPES} else None


def _members(raw: pl.Series, place: Position) -> dict[str, pl.Series]:
    """Each member's text, null where a line has none or a null; of a repeated key the last counts."""
    found = top_members(raw, place)
    if found["key"].n_unique() > MOST:
        raise InputError(f"more than {MOST} different fields", where=place(0), fix="use --keep, or --to jsonl")
    return {name: texts.set(texts == "null", None) for name, texts in columns_of(found, len(raw)).items()}


def kinds(name: str, texts: pl.Series) -> set[str]:
    """What kinds of value these JSON texts are."""
    texts = texts.drop_nulls()
    first = texts.str.head(1)
    found: set[str] = set()
    for start in first.unique():  # a loop over kinds
        if start == '"':
            found.add("string" if _encodable(texts.filter(first == start)) else "other")
        elif start == "[":
            found |= _list_kinds(texts.filter(first == start))
        else:
            found |= {"bool"} if start in "tf" else {"other"} if start == "{" else _number_kinds(texts.filter(first == start))
    if dtype_of(name) is not None and not _are_ours(name, texts, found):
        found.add("foreign")
    return found


def _number_kinds(texts: pl.Series) -> set[str]:
    whole = texts.str.contains(rf"^{_INT}$")
    ints, floats = texts.filter(whole).cast(pl.Int64, strict=False), texts.filter(~whole)
    values = floats.cast(pl.Float64, strict=False)
    vanished = ((values == 0) & floats.str.contains("^[-0.]*[1-9]")).any()
    found = {"float"} if len(floats) else set()
    found |= {"other"} if vanished or ints.null_count() or values.null_count() or not values.is_finite().all() else set()
    found |= {"int"} if len(ints) else set()
    return found | ({"wide"} if ((ints > LARGEST) | (ints < -LARGEST)).any() else set())


def _list_kinds(texts: pl.Series) -> set[str]:
    empty = texts.str.contains(r"^\[\s*\]$")
    found = {"empty"} if empty.any() else set()
    texts = texts.filter(~empty)
    strings, numbers = (texts.str.contains(rf"^\[\s*{item}(?:\s*,\s*{item})*\s*\]$") for item in (_STRING, _NUMBER))
    if strings.any():
        found.add("strings" if _encodable(texts.filter(strings)) else "other")
    if numbers.any():
        items = texts.filter(numbers).str.strip_chars("[]" + SPACE).str.split(",").explode().str.strip_chars(SPACE)
        found |= {kind if kind == "other" else f"{kind}s" for kind in _number_kinds(items)}
    return found if (strings | numbers).all() else found | {"other"}


def _encodable(texts: pl.Series) -> bool:
    """Whether no string has half of a surrogate pair, which a column of strings cannot hold."""
    try:
        for text in texts.filter(texts.str.contains(HALF_PAIR)):  # a loop over records: the rare ones that may have one
            json.dumps(json.loads(text), ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


def _are_ours(name: str, texts: pl.Series, found: set[str]) -> bool:
    if not len(texts):
        return True
    if dtype_of(name) == pl.String and name != "label":
        return found == {"string"}
    if dtype_of(name) == pl.Float64 and "wide" in found:  # such a whole number is another one as a float
        return False
    try:
        return _as_ours(name, texts).null_count() == 0
    except members.BadRecords:
        return False


def _as_ours(name: str, texts: pl.Series) -> pl.Series:
    lines = pl.select(pl.format("{}{}{}", pl.lit(f"{{{json.dumps(name)}:"), pl.lit(texts.fill_null("null")), pl.lit("}"))).to_series()
    return members.parse(lines, (name,), Position(""), lenient=True)[0][name]


def _convert(name: str, texts: pl.Series, kind: str | None) -> pl.Series:
    if kind is None:
        return texts
    if kind == "string" or (kind == OURS and dtype_of(name) == pl.String and name != "label"):
        return _strings(texts)
    if kind == OURS:
        return _as_ours(name, texts)
    if kind == "bool":
        return texts == "true"
    return texts.cast(TYPES[kind]) if kind in ("int", "float") else texts.str.json_decode(TYPES[kind])


def _strings(texts: pl.Series) -> pl.Series:
    plain = texts.str.strip_prefix('"').str.strip_suffix('"')
    escaped = texts.str.contains("\\", literal=True).fill_null(False)
    return plain.scatter(escaped.arg_true(), texts.filter(escaped).str.json_decode(pl.String)) if escaped.any() else plain


def _of_frame(column: pl.Series) -> pl.Series:
    """A column that was added: as it is if it is ours, else as JSON texts."""
    return column.alias(OURS + column.name) if column.dtype == dtype_of(column.name) else _texts_of(column).alias(TEXT + column.name)


def _texts_of(column: pl.Series) -> pl.Series:
    return _members(members.to_json(column.to_frame()), Position(""))[column.name]


def _size(column: pl.Series) -> int:
    if column.dtype == pl.String:
        return int(column.str.len_bytes().sum())
    if isinstance(column.dtype, pl.Struct):
        return sum(map(_size, column.struct.unnest().get_columns()))
    return 8 * len(column) + (_size(column.explode()) if isinstance(column.dtype, pl.List) else 0)
