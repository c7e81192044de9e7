"""A JSON array: its elements byte for byte, the lines where they start, and what is wrong with one that is not whole."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.streams.reading import lines_of, put, records_of, stream_of
from textkit.errors import InputError
from textkit.streams.bytesource import ByteSource
from textkit.streams.faults import Faults
from textkit.streams.formats.base import Cut, Reading
from textkit.streams.formats.json import JsonArray
from textkit.streams.source import sniff
from textkit.streams.structure import Scanner

SPACE = " \t\r\n"
values = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(allow_nan=False, allow_infinity=False),
        st.text(st.sampled_from('ab"\\{}[],:\n\r 한😀'), max_size=6),
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(st.sampled_from('ab"\\{}[],:한'), max_size=3), inner, max_size=3)),
    max_leaves=8,
)
records = st.dictionaries(st.text(max_size=3).map("k{}".format), values, max_size=3).map(lambda record: {"text": "t", **record})


class InPieces:
    """A source whose bytes come in pieces of one size."""

    name = "f"

    def __init__(self, data: bytes, size: int) -> None:
        self._data, self._size = data, size

    def chunks(self) -> Iterator[bytes]:
        return (self._data[at : at + self._size] for at in range(0, len(self._data), self._size))


def read(data: bytes, size: int, **reading: Any) -> tuple[list[str], list[int], list[str]]:
    """(raw lines, their line numbers, why it was cut short)"""
    lines: list[str] = []
    numbers: list[int] = []
    cuts = []
    for event in JsonArray().read(InPieces(data, size), Reading(**reading)):  # type: ignore[arg-type]
        if isinstance(event, Cut):
            cuts.append(event.reason)
        elif not isinstance(event, dict):
            assert event.raw is not None
            lines += event.raw.to_list()
            numbers += [int(event.position(row).rpartition(":")[2]) for row in range(len(event))]
    return lines, numbers, cuts


def elements(text: str) -> list[tuple[str, int]]:
    """By the standard library: each element's text with line ends as spaces, and the line on which it starts."""
    decoder, at, found = json.JSONDecoder(), text.index("[") + 1, []
    while True:
        at += len(text[at:]) - len(text[at:].lstrip(SPACE + ","))
        if text[at] == "]":
            return found
        _, end = decoder.raw_decode(text, at)
        found.append((re.sub("[\r\n]", " ", text[at:end]), text.count("\n", 0, at) + 1))
        at = end


@settings(max_examples=300, deadline=None)
@given(
    st.lists(records, max_size=5),
    st.sampled_from([None, 0, 1, 4, "\t", "\r\n", "\n\n"]),
    st.sampled_from([(",", ":"), (", ", ": "), (" ,", " :"), ("\n,\r\n", " :\n")]),
    st.booleans(),
    st.sampled_from(["", "\n", " \n\t", "\r\n\r\n"]),
    st.integers(1, 40),
)
def test_elements_are_the_standard_librarys(
    members: list[dict[str, Any]], indent: Any, separators: tuple[str, str], ascii: bool, around: str, size: int
) -> None:
    text = around + json.dumps(members, indent=indent, separators=separators, ensure_ascii=ascii) + around
    expected = elements(text)
    lines, numbers, cuts = read(text.encode(), size)
    assert lines == [line for line, _ in expected]
    assert numbers == [number for _, number in expected]
    assert not cuts


@settings(max_examples=300, deadline=None)
@given(st.text(st.sampled_from('"\\{[]},:\n a'), max_size=30).map(str.encode), st.integers(1, 30))
def test_marks_do_not_depend_on_the_blocks(data: bytes, size: int) -> None:
    whole, cut = Scanner().scan(data), Scanner()
    at, depth, broken = [], [], []
    for start in range(0, len(data), size):
        marks = cut.scan(data[start : start + size])
        at += (marks.at + start).tolist()
        depth += marks.depth.tolist()
        broken += (marks.broken + start).tolist()
    assert (at, depth, broken) == (whole.at.tolist(), whole.depth.tolist(), whole.broken.tolist())


@settings(max_examples=300, deadline=None)
@given(st.lists(records, max_size=3), st.sampled_from([None, 1]), st.data(), st.integers(1, 30))
def test_what_python_refuses_is_refused(members: list[dict[str, Any]], indent: Any, data: st.DataObject, size: int) -> None:
    text = json.dumps(members, indent=indent)
    at = data.draw(st.integers(0, len(text) - 1))
    broken = text[:at] + data.draw(st.sampled_from(["", ",", "]", "}", "{", "[", '"', "\\", "\n", "1", ":"])) + text[at + 1 :]
    try:
        parsed = json.loads(broken)
    except ValueError:
        parsed = None
    try:
        lines, _, cuts = read(broken.encode(), size, wanted=("text", "zz"))
        for line in lines:
            json.loads(line)
        assert cuts or [json.loads(line) for line in lines] == parsed
    except (InputError, ValueError):
        good = isinstance(parsed, list) and all(isinstance(record, dict) and isinstance(record.get("text", ""), str) for record in parsed)
        assert not good or r"\u" in broken


@pytest.mark.parametrize("size", [1, 3, 1000])
@pytest.mark.parametrize(
    ("data", "message"),
    [
        ('[{"text":"a"},\n]', "f:2: a comma without an element"),
        ('[{"text":"a"}\n,,{"text":"b"}]', "f:2: a comma without an element"),
        ("[\n,]", "f:2: a comma without an element"),
        ('[{"text":"a"}]\n\n[]', "f:3: more text after the ]"),
        ('[{"text":"a"}]x', "f:1: more text after the ]"),
        ('\n{"text":"a"}', "f:2: no JSON array"),
        ('[{"text":"a"}\n}', "f:2: a } that closes nothing"),
        ('[{"text":"a\n"}]', "f:1: a line ends within a string"),
        ('[{"text":"a"},\n\n 5]', "f:3: an element of the array that is no object"),
        ('[{"text":"a"},\n{"text":5}]', "f:2: 'text' should be a string"),
        ('[{"text":"a"},\n{"text":"b"]]', "f:2: not a JSON object"),
        ('[{"text":"a"} {"text":"b"}]', "f:1: not a JSON object"),
        (b'[{"text":"a"},\n{"text":"\xff"}]', "f:2: not UTF-8"),
        ('[{"text":"a"},\n{"text":"\x00"}]', "f:2: a NUL byte"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(data: str | bytes, message: str, size: int) -> None:
    with pytest.raises(InputError, match=re.escape(message)):
        read(data.encode() if isinstance(data, str) else data, size)


@pytest.mark.parametrize("size", [1, 5, 1000])
@pytest.mark.parametrize(
    ("data", "texts"),
    [
        ('[{"text":"a"},{"text":"b"}', "ab"),
        ('[{"text":"a"},{"text":"b', "a"),
        ('[{"text":"a"},', "a"),
        ("[", ""),
        ('[{"text":"a', ""),
        ('[{"text":"a"}\n', "a"),
    ],
)
def test_an_array_without_its_end_is_cut_short(data: str, texts: str, size: int) -> None:
    lines, _, cuts = read(data.encode(), size)
    assert [json.loads(line)["text"] for line in lines] == [*texts]
    assert cuts == ["the array has no closing ]: what wrote it was stopped"]


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_bad_elements_are_left_out(size: int) -> None:
    rejected: list[bytes] = []
    faults = Faults(skip=True, reject=rejected.append)
    data = b'[5,{"text":"a"},\n{"text":"\xff"},"x",{"text":7},\n {"text":"b"},[{"text":"c"}],{"text":"\x00"}]'
    lines, numbers, _ = read(data, size, faults=faults)
    assert (lines, numbers, faults.skipped) == (['{"text":"a"}', '{"text":"b"}'], [1, 3], 6)
    raws = {json.loads(line)["raw"] for line in rejected}
    assert raws == {"5", '"x"', '{"text":7}', '[{"text":"c"}]', r'{"text":"\xff"}', '{"text":"\x00"}'}


@pytest.mark.parametrize(
    ("data", "name"),
    [
        ('[{"text":"a"}]', "json"),
        ("[]", "json"),
        ("[ ]\n", "json"),
        ('[\n  \n{\n"text":"a"}]', "json"),
        ("[\n]", "json"),
        ('\ufeff[{"text":"a"}]', "json"),
        ("[ ] buy milk\n[x] sleep", "text"),
        ("[{0}] is the first\n", "text"),
        ("[\nNotes\n", "text"),
        ("[1, 2]\n", "text"),
        ('{"text":"a"}', "jsonl"),
    ],
)
def test_the_first_bytes_prove_an_array(tmp_path: Path, data: str, name: str) -> None:
    assert sniff(ByteSource(put(tmp_path, "a.txt", data)), Reading()) == name


def test_an_array_is_read_as_json_lines_are(tmp_path: Path) -> None:
    path = put(tmp_path, "a.json", '[{"document":"한","stars":1e400},\n{"document":"b","stars":[1,\n2]}]\n')
    assert lines_of(path, names={"text": "document"}) == ['{"text":"한","stars":1e400}', '{"text":"b","stars":[1, 2]}']
    assert records_of(put(tmp_path, "b.json", "[]")) == []
    with pytest.raises(InputError, match="no record has a field 'body'"):
        lines_of(path, names={"text": "body"})


def test_a_cut_array_is_a_problem_of_the_stream(tmp_path: Path) -> None:
    read = stream_of(put(tmp_path, "a.json", '[{"text":"a"},'))
    assert sum(map(len, read.batches)) == 1
    with pytest.raises(InputError, match="no closing"):
        read.ending.demand()


def test_a_bad_element_is_called_one(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"each element must be one whole \{...\}") as told:
        records_of(put(tmp_path, "f", '[{"text":}]'))
    assert "line" not in str(told.value.fix)
