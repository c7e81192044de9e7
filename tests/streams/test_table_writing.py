"""Tables that are written: what comes back when they are read, and what cannot be written as asked."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.streams.reading import put, records_of, stream_of
from textkit.errors import InputError
from textkit.registry import FORMATS
from textkit.streams import bytesource
from textkit.streams.batch import Batch, Position
from textkit.streams.formats.base import Writing

cells = st.text(st.sampled_from('ab",;\n\r \t\u2028한\ufeff#\\'), max_size=6)
names = st.lists(cells, min_size=1, max_size=3, unique=True)


def table(batches: list[Batch], format: str = "tsv", **writing: Any) -> str:
    out = io.BytesIO()
    writer = FORMATS.find(format)().writer(out, Writing(**writing))
    for batch in batches:
        writer.write(batch)
    assert not writer.marks_end
    writer.finish(sum(map(len, batches)), True)
    return out.getvalue().decode()


def raw(*lines: str, first: int = 1) -> Batch:
    return Batch(pl.DataFrame(), Position("f", first), raw=pl.Series(lines))


def columns(frame: dict[str, list[Any]]) -> Batch:
    return Batch(pl.DataFrame(frame), Position("f"), added=frozenset(frame))


@settings(max_examples=150, deadline=None)
@given(data=st.data(), names=names, how=st.sampled_from(["tsv", "tsv --quotes", "csv"]), as_json=st.booleans())
def test_what_is_written_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, names: list[str], how: str, as_json: bool
) -> None:
    rows = data.draw(st.lists(st.tuples(*[cells] * len(names)), min_size=1, max_size=4))
    records = [dict(zip(names, row, strict=True)) for row in rows]
    batch = raw(*map(json.dumps, records)) if as_json else columns({name: [record[name] for record in records] for name in names})
    quotes = how != "tsv"
    try:
        written = table([batch], how[:3], quotes=quotes)
    except InputError:
        every = [*names, *(cell for row in rows for cell in row)]
        assert not quotes
        assert names == [""] or names[0][:1] == "\ufeff" or any(re.search("[\t\n]|\r$", cell) for cell in every)
        return
    path = put(tmp_path_factory.mktemp("table"), f"a.{how[:3]}", written)
    ours = ("text", "label", "note")[: len(names)]
    read = records_of(path, columns=ours, header=True, quotes=quotes, format=how[:3])
    assert [tuple(record[name] for name in ours) for record in read] == rows
    if how == "csv":
        assert next(csv.reader(io.StringIO(written, newline=""))) == names or "\r" in written


@pytest.mark.parametrize(
    ("line", "cell"),
    [
        ('{"a":1e400}', "1e400"),
        ('{"a":123456789012345678901234567890}', "123456789012345678901234567890"),
        ('{"a":-0.10}', "-0.10"),
        ('{"a":true}', "true"),
        ('{"a":null}', ""),
        ('{"a":""}', ""),
        ('{"a":"null"}', "null"),
        ('{"a": {"b": [1, 2.50]} }', '{"b": [1, 2.50]}'),
        (r'{"a":"\ud83d\ude00 \\ \" \u0061"}', '😀 \\ " a'),
        ('{"a":1,"a":"2"}', "2"),
        (r'{"\u0061":"x"}', "x"),
        ('{"a":"\\"x"}', '"x'),
    ],
)
def test_a_cell_of_a_json_value(line: str, cell: str) -> None:
    assert table([raw(line)]) == f"a\n{cell}\n"


def test_columns_of_ours_are_json() -> None:
    batch = columns({"text": ["a", None], "ids": [[1, 2], None], "tokens": [["x", "é"], []], "score": [0.5, None], "ok": [True, False]})
    assert table([batch]) == 'text\tids\ttokens\tscore\tok\na\t[1,2]\t["x","é"]\t0.5\ttrue\n\t\t[]\t\tfalse\n'


def test_the_columns_of_json_are_those_of_all_records() -> None:
    batches = [raw('{"b":1,"a":2}', '{"c":"x,y"}').put(pl.Series("label", ["p", "q"])), raw('{"d":[1,"z"],"a":0}', first=3)]
    assert table(batches, "csv") == 'b,a,label,c,d\n1,2,p,,\n,,q,"x,y",\n,0,,,"[1,""z""]"\n'


def test_a_column_that_was_added_stands_for_the_member_it_replaced() -> None:
    assert table([raw('{"ids":[9],"text":"a"}').put(pl.Series("ids", [[1]]))]) == "text\tids\na\t[1]\n"


def test_named_columns_are_written_as_they_come() -> None:
    out = io.BytesIO()
    writer = FORMATS.find("tsv")().writer(out, Writing(columns=("label", "text", "label")))
    writer.write(raw('{"text":"a","x":1}'))
    assert out.getvalue() == b"label\ttext\n\ta\n"
    writer.write(columns({"text": ["b"]}))
    assert out.getvalue() == b"label\ttext\n\ta\n\tb\n"


def test_a_table_streams_and_must_not_change_its_columns() -> None:
    out = io.BytesIO()
    writer = FORMATS.find("tsv")().writer(out, Writing())
    writer.write(columns({"text": ["a"], "n": ["1"]}))
    writer.write(columns({"n": ["2"], "text": ["b"]}))
    assert out.getvalue() == b"text\tn\na\t1\nb\t2\n"
    with pytest.raises(InputError, match="f:1: columns text, m in a table whose header is written with text, n"):
        writer.write(columns({"text": ["c"], "m": ["3"]}))


def test_a_semicolon_in_a_name_is_not_taken_for_a_separator(tmp_path: Path) -> None:
    written = table([columns({"id;text": ["a;b"]})], "csv")
    assert written == '"id;text"\na;b\n'
    assert records_of(put(tmp_path, "a.csv", written), names={"text": "id;text"}) == [{"text": "a;b"}]


def test_no_records() -> None:
    assert table([]) == ""
    assert table([], columns=("a", "b")) == "a\tb\n"
    assert table([columns({"text": [], "n": []})]) == "text\tn\n"


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (r"a\tb", "f:2: a tab in 'x'.*--quotes, or use --to csv"),
        (r"a\nb", "f:2: a newline in 'x'.*--quotes"),
        (r"a\r", "f:2: a carriage return in 'x'.*--quotes"),
        (r"a\u0000", "f:2: a NUL character in 'x'.*jsonl"),
        (r"\ud800", "f:2: half of a surrogate pair .* in 'x'"),
    ],
)
def test_what_tsv_cannot_hold(value: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        table([raw('{"t":"","x":"\\"fine\\r \\\\"}', f'{{"x":"{value}"}}')])


@pytest.mark.parametrize(("name", "message"), [("a\tb", "a tab in the column name"), ("", "a header"), ("\ufeffa", "a header"), ("a\nb", "a newl")])
def test_header_names_that_tsv_cannot_hold(name: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        table([columns({name: ["x"]})])


def test_a_large_table_goes_through_the_spool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bytesource, "BLOCK", 1000)
    monkeypatch.setattr(bytesource, "READ", 500)
    lines = [json.dumps({"text": f'a "{i}"\n', "n": i, f"k{i % 3}": i}) for i in range(500)]
    batches = list(stream_of(put(tmp_path, "a.jsonl", "\n".join(lines))).batches)
    assert len(batches) > 10
    rows = list(csv.DictReader(io.StringIO(table(batches, "csv"), newline="")))
    assert rows == [{"text": f'a "{i}"\n', "n": str(i), **{f"k{k}": str(i) if i % 3 == k else "" for k in range(3)}} for i in range(500)]


@pytest.mark.parametrize("mark", [";", "|", "]", "^", "\t", "\\", "-"])
def test_csv_with_another_mark_comes_back(tmp_path: Path, mark: str) -> None:
    rows = [{"text": f"a{mark}b", "n,;": 'c,;"'}, {"text": "", "n,;": "\n"}]
    frame = pl.DataFrame(rows)
    data = table([Batch(frame, Position("f"), added=frozenset(frame.columns))], "csv", delimiter=mark)
    assert [*csv.reader(io.StringIO(data), delimiter=mark)] == [["text", "n,;"], *([*row.values()] for row in rows)]
    assert records_of(put(tmp_path, "f.csv", data), delimiter=mark) == rows
