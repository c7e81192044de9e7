"""The raw text of members equals what the exact reader says, whatever surrounds them."""

from __future__ import annotations

import json
import re
import time
from json.decoder import scanstring

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.streams.test_members import ODD_KEYS, lines
from textkit.errors import InputError
from textkit.streams import members, values

NAMES = ("text", "ids", "label", "a", "", '"text"', "본문", "not there")


def exactly(line: str, name: str) -> str | None:
    """The last such member's text, from the exact reader's places."""
    found = [line[member.start : member.end] for member in members.scan(line) if member.key == name]
    return value_of(found[-1]) if found else None


def value_of(member: str) -> str:
    _, after = scanstring(member, 1, True)
    return member[after:].strip(" \t\r\n").removeprefix(":").strip(" \t\r\n")


def key_of(member: str) -> str:
    """What it stands for; its spelling where that is half of a surrogate pair."""
    key, after = scanstring(member, 1, True)
    return key if re.search("[\ud800-\udfff]", key) is None else member[1 : after - 1]


@settings(max_examples=300, deadline=None)
@given(block=st.lists(st.tuples(lines, st.sampled_from(["", " ", "\t"])), max_size=4), name=st.sampled_from(NAMES))
def test_values_are_the_spelling_of_the_last_such_member(block: list[tuple[str, str]], name: str) -> None:
    texts = [space + line + space for line, space in block]
    raw = pl.Series("lines", texts, dtype=pl.String)
    found = values.values(raw, name)
    assert (found.name, found.dtype, found.to_list()) == (name, pl.String, [exactly(text, name) for text in texts])


@settings(max_examples=100, deadline=None)
@given(block=st.lists(lines, max_size=4))
def test_all_members_are_the_exact_readers(block: list[str]) -> None:
    due = [(row, key_of(line[m.start : m.end]), value_of(line[m.start : m.end])) for row, line in enumerate(block) for m in members.scan(line)]
    found = values.top_members(pl.Series(block, dtype=pl.String))
    assert found.rows() == due
    assert found.schema == {"row": pl.UInt32, "key": pl.String, "value": pl.String}


@pytest.mark.parametrize(
    ("line", "name", "value"),
    [
        ('{"a":1e400}', "a", "1e400"),
        ('{"a": 123456789012345678901234567890 }', "a", "123456789012345678901234567890"),
        ('{"a":{"a":1,"b":[{"a":2}]},"b":3}', "a", '{"a":1,"b":[{"a":2}]}'),
        (r'{"x":"\\","a":"\\\"","y":"\"}"}', "a", r'"\\\""'),
        (r'{"\u0061":"\ud800"}', "a", r'"\ud800"'),
        ('{"a":1,"a":"[2"}', "a", '"[2"'),
        ('{"\\ud800":1,"a":2}', "a", "2"),
        ('{"b":"\u2028,\\"a\\":1"}', "a", None),
        ('{"a":\n [1,\n 2]}', "a", "[1,\n 2]"),
        ("{}", "a", None),
        ('{"a":null}', "a", "null"),
    ],
)
def test_values(line: str, name: str, value: str | None) -> None:
    assert values.values(pl.Series(['{"z":"한"}', line, "{}"]), name).to_list() == [None, value, None]


@pytest.mark.parametrize("line", ["", "1", "[]", '{"a":1', '{"a":1}}', '{"a":1}{"b":2}', '{"a":1,}', '{"a":"b}', '"a":1'])
def test_a_line_that_is_no_object_is_told_of(line: str) -> None:
    with pytest.raises(InputError, match="record 2: not a JSON object"):
        values.values(pl.Series(['{"a":1}', line]), "a")


def test_each_key_is_found_by_its_meaning() -> None:
    raw = pl.Series([f"{{{key}:0}}" for key in ODD_KEYS])
    assert values.top_members(raw)["key"].to_list() == [json.loads(key) for key in ODD_KEYS]


def test_no_records() -> None:
    assert values.values(pl.Series([], dtype=pl.String), "a").to_list() == []


def test_many_members_are_cut_out_as_few_are(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = pl.Series(["{" + ",".join(f' "키{i}" : "값 {i * row}" ' for i in range(200)) + "}" for row in range(3)] + ["{}", '{"키0":1,"키0":[2]}'])
    many = values.top_members(raw)
    columns = values.columns_of(many, len(raw))
    monkeypatch.setattr(values, "MOST_COPIED", 10**6)
    assert many.equals(values.top_members(raw))
    assert columns["키0"].to_list() == ['"값 0"'] * 3 + [None, "[2]"]
    assert [*columns] == [f"키{i}" for i in range(200)]


def test_the_time_for_wide_records_is_linear_in_their_bytes() -> None:
    def seconds(width: int) -> float:
        raw = pl.Series(["{" + ",".join(f'"c{i}":"abcdef"' for i in range(width)) + "}"] * (200_000 // width))
        start = time.perf_counter()
        values.columns_of(values.top_members(raw), len(raw))
        return time.perf_counter() - start

    seconds(10)
    assert seconds(2000) < 5 * seconds(10) + 1
