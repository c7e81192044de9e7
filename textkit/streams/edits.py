"""Raw JSON lines with members left out or called otherwise, all lines at once: the bytes of the others stay as they are."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

import polars as pl

from textkit.errors import InputError
from textkit.streams.columns import key_literal, odd_pattern, value_pattern
from textkit.streams.members import BadRecords, Place, may_contain
from textkit.streams.values import SPACE, places, slices


def keep(raw: pl.Series, names: tuple[str, ...]) -> pl.Series:
    """Each line with these members only."""
    return _only(raw, pl.col("key").is_in(names))


def cut(raw: pl.Series, name: str, plain: pl.Series) -> pl.Series:
    """Take the member out of every line, all its repetitions too. `plain` as from `members.parse`."""
    others = ~plain & may_contain(raw, name)
    pattern = value_pattern(name)
    if pattern and plain.any():
        value = pattern.replace(r"\s*[,}]", "")  # those end a value without being part of it
        member = rf"{key_literal(name)}\s*:\s*(?:{value})\s*"
        without = raw.str.replace(rf",\s*{member}", "").str.replace(rf"^\{{\s*{member},?", "{")
        raw = pl.select(pl.when(plain).then(without).otherwise(raw)).to_series()
    return _scattered(raw, others.arg_true(), _only(raw.filter(others), pl.col("key") != name)) if others.any() else raw


def rename(raw: pl.Series, names: Mapping[str, str], place: Place) -> pl.Series:
    """Give members other keys, old -> new, all at once, so that two may swap theirs.

    BadRecords tells of the lines where two members of different names would come to have one.
    """
    names = {old: new for old, new in names.items() if may_contain(raw, old).any()}
    if not names:
        return raw
    if _are_simple(raw, names):
        for old, new in names.items():
            raw = raw.str.replace_all(rf"([{{,\s]){key_literal(old)}(\s*:)", f"${{1}}{_spelt(new).replace('$', '$$')}${{2}}")
        return raw
    found = places(raw, place).with_columns(new=pl.col("key").replace(names))
    _demand_one_each(found.filter(pl.col("new").is_in([*names.values()])), place)
    found = found.filter(pl.col("new") != pl.col("key"))
    return _spliced(raw, found, found["new"].replace({new: _spelt(new) for new in names.values()}))


def _are_simple(raw: pl.Series, names: Mapping[str, str]) -> bool:
    """Whether regular expressions are exact, and faster: no object in another, no escapes, and no line has a new key already."""
    if any(re.search("[,:]", old) or raw.str.contains(odd_pattern(old)).any() for old in names):  # such a key may be seen between two strings
        return False
    return not any(may_contain(raw, new).any() for new in names.values()) and bool((raw.str.count_matches(r"[{\[]") == 1).all())


def _spelt(key: str) -> str:
    return json.dumps(key, ensure_ascii=False)


def _demand_one_each(found: pl.DataFrame, place: Place) -> None:
    other = pl.col("key").filter(pl.col("key") != pl.col("new")).first()
    twice = found.group_by("row", "new", maintain_order=True).agg(names=pl.col("key").n_unique(), other=other).filter(pl.col("names") > 1)
    faults = []
    for row, new, _, old in twice.unique("row", keep="first", maintain_order=True).iter_rows():
        fix = f"name the one to use as {new}, or drop the other"
        faults.append((row, InputError(f"the record has both {old!r} and {new!r}", where=place(row), fix=fix)))
    if faults:
        raise BadRecords(faults)


def _only(raw: pl.Series, chosen: pl.Expr) -> pl.Series:
    """Each line with the chosen members only, without the space between them."""
    found = places(raw).filter(chosen)
    texts = slices(raw, found, pl.col("start"), pl.col("end")).str.strip_chars(SPACE).alias("text")
    lines = found.select("row", texts).group_by("row", maintain_order=True).agg(pl.col("text").str.join(","))
    empty = pl.Series(raw.name, ["{}"]).new_from_index(0, len(raw))
    return _scattered(empty, lines["row"], lines.select("{" + pl.col("text") + "}").to_series())


def _spliced(raw: pl.Series, found: pl.DataFrame, keys: pl.Series) -> pl.Series:
    """The lines with these keys instead of those of the members `found`."""
    spelt = slices(raw, found, pl.col("start"), pl.col("colon"))
    bare = spelt.str.strip_chars_start(SPACE)
    start = (found["start"] + spelt.str.len_bytes() - bare.str.len_bytes()).alias("start")
    past = (start + bare.str.strip_chars_end(SPACE).str.len_bytes()).alias("past")
    same_line = pl.col("row") == pl.col("row").shift(1)
    found = found.select("row", start, past, since=pl.when(same_line).then(past.shift(1)).otherwise(0))
    parts = slices(raw, found, pl.col("since"), pl.col("start")) + keys
    by_line = found.select("row", "past", parts.alias("text")).group_by("row", maintain_order=True)
    lines = by_line.agg(pl.col("text").str.join(), pl.col("past").last())
    ends = lines.select("row", "past", end=raw.str.len_bytes().gather(lines["row"]).cast(pl.Int64))
    return _scattered(raw, lines["row"], lines["text"] + slices(raw, ends, pl.col("past"), pl.col("end")))


def _scattered(lines: pl.Series, rows: pl.Series, new: pl.Series) -> pl.Series:
    """The lines with new ones in some rows."""
    return new.alias(lines.name) if len(rows) == len(lines) else lines.clone().scatter(rows, new)
