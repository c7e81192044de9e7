"""Members left out and called otherwise: what comes out is what a loop with the exact reader makes of each line."""

from __future__ import annotations

import json
from collections.abc import Callable
from json.decoder import scanstring

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.streams.test_members import lines, place
from textkit.errors import InputError
from textkit.streams import edits, members
from textkit.streams.columns import dtype_of

NAMES = ("text", "ids", "label", "score", "a", "", '"text"', "본문", "not there")
blocks = st.lists(st.tuples(st.sampled_from(["", " ", "\t"]), lines, st.sampled_from(["", " ", "\r"])).map("".join), max_size=4)


def only(line: str, chosen: Callable[[str], bool]) -> str:
    return "{" + ",".join(line[member.start : member.end] for member in members.scan(line) if chosen(member.key)) + "}"


@settings(max_examples=200, deadline=None)
@given(block=blocks, names=st.sets(st.sampled_from(NAMES)))
def test_keep(block: list[str], names: set[str]) -> None:
    raw = pl.Series("lines", block, dtype=pl.String)
    kept = edits.keep(raw, tuple(names))
    assert (kept.name, kept.to_list()) == ("lines", [only(line, names.__contains__) for line in block])
    assert raw.to_list() == block


@settings(max_examples=200, deadline=None)
@given(block=blocks, name=st.sampled_from(NAMES))
def test_cut(block: list[str], name: str) -> None:
    raw = pl.Series("lines", block, dtype=pl.String)
    left = edits.cut(raw, name, pl.Series([False]).new_from_index(0, len(block)))
    may = members.may_contain(raw, name)
    assert left.to_list() == [only(line, lambda key: key != name) if at else line for line, at in zip(block, may, strict=True)]
    assert (left.name, raw.to_list()) == ("lines", block)


@settings(max_examples=100, deadline=None)
@given(block=blocks, name=st.sampled_from([name for name in NAMES if dtype_of(name)]))
def test_cut_of_what_is_read_leaves_the_other_members(block: list[str], name: str) -> None:
    raw = pl.Series(block, dtype=pl.String)
    try:
        plain = members.parse(raw, (name,), place)[1][name]
    except InputError:
        return
    for line, left in zip(block, edits.cut(raw, name, plain), strict=True):
        assert only(left, lambda _: True) == only(line, lambda key: key != name)


@pytest.mark.parametrize(
    "line",
    ['{"ids":[1],"a":1}', '{"a":1,"ids":[1]}', '{"a":1 , "ids" : [ 1 ] }', '{"ids":[1],"a":1,"ids":[2]}', r'{"a":1,"\u0069ds":[3]}', '{"a":1}'],
)
def test_cut_by_hand(line: str) -> None:
    raw = pl.Series([line])
    for plain in (members.parse(raw, ("ids",), place)[1]["ids"], pl.Series([False])):
        assert only(edits.cut(raw, "ids", plain)[0], lambda _: True) == '{"a":1}'


def renamed(line: str, names: dict[str, str]) -> str:
    """By a loop, from the last member to the first; InputError if two keys become one."""
    found = members.scan(line)
    keys = {member.key for member in found}
    if any(new in {names.get(key, key) for key in keys - {old}} for old, new in names.items() if old in keys):
        raise InputError("both", where="")
    for member in reversed(found):
        if names.get(member.key, member.key) != member.key:
            line = line[: member.start] + json.dumps(names[member.key], ensure_ascii=False) + line[scanstring(line, member.start + 1, True)[1] :]
    return line


@settings(max_examples=300, deadline=None)
@given(block=blocks, olds=st.permutations(NAMES), news=st.permutations(NAMES), count=st.integers(1, 4))
def test_rename_changes_keys_alone_and_all_at_once(block: list[str], olds: list[str], news: list[str], count: int) -> None:
    raw, names = pl.Series("lines", block, dtype=pl.String), dict(zip(olds[:count], news, strict=False))
    due, bad = [], []
    for row, line in enumerate(block):
        try:
            due.append(renamed(line, names))
        except InputError:
            bad.append(row)
    if bad:
        with pytest.raises(members.BadRecords, match=f"f:{bad[0] + 1}: the record has both") as raised:
            edits.rename(raw, names, place)
        assert [row for row, _ in raised.value.faults] == bad
        return
    found = edits.rename(raw, names, place)
    assert (found.name, found.to_list(), raw.to_list()) == ("lines", due, block)


@pytest.mark.parametrize(
    ("line", "names", "due"),
    [
        ('{"text":"a","pair":"b"}', {"text": "pair", "pair": "text"}, '{"pair":"a","text":"b"}'),
        ('{ "a" : {"a":1} , "b":2,"a":3 }', {"a": "b", "b": "c"}, '{ "b" : {"a":1} , "c":2,"b":3 }'),
        ('{"meta":{"a":1},"재":"한"}', {"a": "b", "재": "본문"}, '{"meta":{"a":1},"본문":"한"}'),
        ('{"meta":{"a":1}}', {"a": "b"}, '{"meta":{"a":1}}'),
        ('{ "a" :1, "c":"x \\" {"}', {"a": "b", "b": "c2"}, '{ "b" :1, "c":"x \\" {"}'),
        ('{ "a" :1, "a":"d"}', {"a": "$1", "d": "e"}, '{ "$1" :1, "$1":"d"}'),
        ('{"a":"재","x ":": hi"}', {":": "b"}, '{"a":"재","x ":": hi"}'),
    ],
)
def test_rename_by_hand(line: str, names: dict[str, str], due: str) -> None:
    assert edits.rename(pl.Series(["{}", line]), names, place).to_list() == ["{}", due]


def test_what_cannot_be_renamed() -> None:
    raw = pl.Series(['{"a":1}', '{"a":1,"b":2}', '{"b":1}'])
    with pytest.raises(InputError, match=r"^f:2: the record has both 'a' and 'b'"):
        edits.rename(raw, {"a": "b"}, place)
