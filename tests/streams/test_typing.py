"""Types of the user's own fields: as decided by hand, and no value changes by the standard library's reading."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.streams.reading import LINEAGE, put, records_of, stream_of
from textkit.errors import InputError
from textkit.registry import FORMATS
from textkit.streams.batch import Batch, Position
from textkit.streams.columns import dtype_of
from textkit.streams.formats.base import Writing

FORMAT = ("parquet", "arrow")
numbers = st.one_of(
    st.integers(-3, 3).map(str),
    st.sampled_from(["-0", "9007199254740993", "9223372036854775808", "-9223372036854775808", "1e400", "1E5", "1e-400", "0.10", "0e9", "1.5e-7"]),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
)
strings = st.one_of(
    st.text(st.sampled_from('ab"\\{}[],: \n한😀'), max_size=4).flatmap(
        lambda text: st.sampled_from([json.dumps(text), json.dumps(text, ensure_ascii=False)])
    ),
    st.sampled_from([r'"\ud800"', r'"\\ud800"', r'"\ud83d\ude00"', r'"\u0000\/"']),
)
scalars = st.one_of(numbers, strings, st.sampled_from(["true", "false", "null"]))
lists = st.one_of(*(st.lists(kind, max_size=3) for kind in (numbers, strings, scalars))).map(lambda items: f"[ {' , '.join(items)}]")
kinds = (numbers, st.integers(-9, 9).map(str), strings, st.sampled_from(["true", "false"]), lists, scalars, lists.map('{{"a":{}}}'.format))
keys = st.sampled_from(['"a"', '"b"', r'"\u0061"', '"한"', '""', r'"\ud800"', '"a.b"', '"text"', '"ids"', '"label"', '"score"', '"n"', '"_json"'])


@st.composite
def streams(draw: st.DrawFn) -> list[str]:
    """Lines in which each field mostly holds one kind of value."""
    of = {key: draw(st.sampled_from(kinds)) for key in draw(st.lists(keys, min_size=1, max_size=4, unique=True))}
    value = lambda key: st.one_of(of[key], of[key], of[key], st.just("null"))  # noqa: E731
    member = st.sampled_from(sorted(of)).flatmap(lambda key: st.tuples(st.just(key), st.sampled_from(["", " "]), value(key)))
    record = st.lists(member, max_size=4).map(lambda members: "{" + ",".join(f"{key}{gap}:{gap}{value}{gap}" for key, gap, value in members) + "}")
    return draw(st.lists(record, min_size=1, max_size=5))


def written(lines: list[str], format: str, size: int = 100, complete: bool = True) -> bytes:
    out = io.BytesIO()
    writer = FORMATS.find(format)().writer(out, Writing(LINEAGE, typed=True))
    for start in range(0, len(lines), size):
        writer.write(Batch(pl.DataFrame(), Position("f", start + 1), raw=pl.Series(lines[start : start + size])))
    writer.finish(len(lines), complete)
    return out.getvalue()


def table_of(data: bytes, format: str = "parquet") -> Any:
    return pq.read_table(io.BytesIO(data)) if format == "parquet" else pa.ipc.open_stream(data).read_all()


def value_texts(line: str) -> dict[str, str]:
    """By the standard library: the text of each member's value."""
    decoder, at, found = json.JSONDecoder(), 1, {}
    while line[at] != "}":
        key, at = decoder.raw_decode(line, at + (line[at] == ","))
        at += len(line[at:]) - len(line[at:].lstrip(" :"))
        _, end = decoder.raw_decode(line, at)
        found[key if key != "\ud800" else r"\ud800"] = line[at:end]
        at = end + len(line[end:]) - len(line[end:].lstrip(" "))
    return found


@settings(max_examples=400, deadline=None)
@given(streams(), st.sampled_from(FORMAT), st.integers(1, 3))
@example(['{"score":9007199254740993}'], "parquet", 1)
def test_no_value_changes(lines: list[str], format: str, size: int) -> None:
    expected = [value_texts(line) for line in lines]
    order = list(dict.fromkeys(name for texts in expected for name in texts))
    if not order:
        with pytest.raises(InputError, match="no fields"):
            written(lines, format, size)
        return
    table = table_of(written(lines, format, size), format)
    assert sorted(table.column_names) == sorted(order)
    for name in order:
        texts = [None if record.get(name) == "null" else record.get(name) for record in expected]
        values, kind = table[name].to_pylist(), table.schema.field(name).type
        if values == texts and pa.types.is_large_string(kind):  # as JSON text
            continue
        assert [None if text is None else ours(name, text) for text in texts] == values


def ours(name: str, text: str) -> Any:
    """The value; a label is a string, a number by its spelling."""
    return text if name == "label" and text[0] in "-0123456789" else json.loads(text)


@pytest.mark.parametrize(
    ("values", "kind", "column"),
    [
        (["1", "-2", "null"], pa.int64(), [1, -2, None]),
        (["9223372036854775807", "-9223372036854775808"], pa.int64(), [2**63 - 1, -(2**63)]),
        (["9223372036854775808", "1"], pa.large_string(), ["9223372036854775808", "1"]),
        (["1", "2.5"], pa.float64(), [1.0, 2.5]),
        (["9007199254740992", "2.5"], pa.float64(), [2.0**53, 2.5]),
        (["9007199254740993", "2.5"], pa.large_string(), ["9007199254740993", "2.5"]),
        (["1e400"], pa.large_string(), ["1e400"]),
        (["1e-400", "0e-400"], pa.large_string(), ["1e-400", "0e-400"]),
        ([r'"a\n"', '"한"'], pa.large_string(), ["a\n", "한"]),
        ([r'"\ud83d\ude00"', r'"\\ud800"'], pa.large_string(), ["😀", r"\ud800"]),
        ([r'"\ud800"', '"a"'], pa.large_string(), [r'"\ud800"', '"a"']),
        (["true", "false", "null"], pa.bool_(), [True, False, None]),
        (["[1, 2]", "[ ]"], pa.large_list(pa.int64()), [[1, 2], []]),
        (["[1]", "[2.5]"], pa.large_list(pa.float64()), [[1.0], [2.5]]),
        (["[9007199254740993]", "[2.5]"], pa.large_string(), ["[9007199254740993]", "[2.5]"]),
        (['["a","]"]', '[",\\""]'], pa.large_list(pa.large_string()), [["a", "]"], [',"']]),
        (["[]"], pa.large_list(pa.large_string()), [[]]),
        (['["a",1]'], pa.large_string(), ['["a",1]']),
        (["[null]"], pa.large_string(), ["[null]"]),
        (['{"b": [1]}'], pa.large_string(), ['{"b": [1]}']),
        (["1", '"a"'], pa.large_string(), ["1", '"a"']),
        (["null", "null"], pa.large_string(), [None, None]),
    ],
)
@pytest.mark.parametrize("size", [1, 9])
def test_types_by_hand(values: list[str], kind: Any, column: list[Any], size: int) -> None:
    table = table_of(written([f'{{"x":{value}}}' for value in values], "parquet", size))
    assert (table.schema.field("x").type, table["x"].to_pylist()) == (kind, column)


def test_columns_that_are_text_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    written(['{"meta":{"a":1},"n":1,"both":1}', '{"both":"x"}'], "parquet")
    assert capsys.readouterr().err == "textkit: as JSON text, since no one type holds all their values: meta, both\n"


def test_our_columns_keep_our_types() -> None:
    table = table_of(
        written(['{"text":"a","label":5,"ids":[1],"vector":[1,0.5],"features":{"indices":[1],"values":[2]}}', '{"label":"x"}'], "parquet")
    )
    frame = pl.DataFrame(table)
    assert {name: dtype == dtype_of(name) for name, dtype in frame.schema.items()} == dict.fromkeys(frame.columns, True)
    assert frame["label"].to_list() == ["5", "x"]


def test_a_field_with_a_name_of_ours_and_another_type_is_the_users() -> None:
    table = table_of(written(['{"text":"a","ids":[1]}', '{"text":5,"ids":[99999999999]}'], "parquet", 1))
    assert table.to_pydict() == {"text": ['"a"', "5"], "ids": [[1], [99999999999]]}


def test_added_columns_and_those_of_tables(tmp_path: Path) -> None:
    out = io.BytesIO()
    writer = FORMATS.find("parquet")().writer(out, Writing())
    columns = {"text": ["a", "b"], "place": ['q"', None], "ids": pl.Series([[1], [2]], dtype=pl.List(pl.Int32))}
    writer.write(Batch(pl.DataFrame(columns), Position("f"), added=frozenset(columns)))
    writer.write(Batch(pl.DataFrame(), Position("f"), raw=pl.Series(['{"ids":"none"}'])))
    writer.finish(3, True)
    path = put(tmp_path, "a.parquet", out.getvalue())
    assert pq.read_table(path).to_pydict() == {"text": ["a", "b", None], "place": ['q"', None, None], "ids": ["[1]", "[2]", '"none"']}
    assert records_of(path)[0] == {"text": "a", "place": 'q"', "ids": "[1]"}


def test_too_many_fields_are_refused() -> None:
    with pytest.raises(InputError, match="more than 4096 different fields"):
        written([f'{{"k{n}":1}}' for n in range(5000)], "parquet")


@pytest.mark.parametrize("header", ["text\tfoo\tlabel\n", "foo\ttext\n"])
def test_a_table_without_records_keeps_its_columns(tmp_path: Path, header: str) -> None:
    (batch,) = stream_of(put(tmp_path, "f.tsv", header)).batches
    out = io.BytesIO()
    writer = FORMATS.find("parquet")().writer(out, Writing(None))
    writer.write(batch)
    writer.finish(0, True)
    table = pq.read_table(out)
    assert (table.num_rows, table.column_names) == (0, header.split())
