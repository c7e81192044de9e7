"""The raw text of members equals what the exact reader says, whatever surrounds them."""

from __future__ import annotations

import json
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
    if not found:
        return None
    _, after = scanstring(found[-1], 1, True)
    return found[-1][after:].strip(" \t\r\n").removeprefix(":").strip(" \t\r\n")


@settings(max_examples=300, deadline=None)
@given(block=st.lists(st.tuples(lines, st.sampled_from(["", " ", "\t"])), max_size=4), name=st.sampled_from(NAMES))
def test_values_are_the_spelling_of_the_last_such_member(block: list[tuple[str, str]], name: str) -> None:
    texts = [space + line + space for line, space in block]
    raw = pl.Series("lines", texts, dtype=pl.String)
    assert values._places(raw, raw.str.len_bytes().cast(pl.Int64)) is not None
    found = values.values(raw, name)
    assert (found.name, found.dtype, found.to_list()) == (name, pl.String, [exactly(text, name) for text in texts])


@settings(max_examples=100, deadline=None)
@given(block=st.lists(lines, max_size=4))
def test_both_readers_agree_on_all_members(block: list[str]) -> None:
    raw = pl.Series(block, dtype=pl.String)
    assert values.top_members(raw).equals(values._exactly(raw))


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
