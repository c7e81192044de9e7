"""TSV without quoting and CSV as RFC 4180 has it."""

from __future__ import annotations

import csv
import io
import re
import time
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.streams.reading import put, records_of, stream_of, texts_of
from textkit.errors import InputError
from textkit.streams import bytesource
from textkit.streams.formats import table

cells = st.text(st.sampled_from('ab",\n\r \u2028한\t'), max_size=6)


@pytest.mark.parametrize(
    ("data", "reading", "records"),
    [
        ("text\tlabel\na\t1\n", {}, [{"text": "a", "label": "1"}]),
        ("id\tdocument\tlabel\n7\ta\t1\n", {}, [{"id": "7", "text": "a", "label": "1"}]),
        ("ID\tReview\n7\ta\n", {}, [{"ID": "7", "text": "a"}]),
        ("a\t1\n", {"columns": ("text", "label")}, [{"text": "a", "label": "1"}]),
        ("text\tlabel\na\t1\n", {"columns": ("text", "label")}, [{"text": "text", "label": "label"}, {"text": "a", "label": "1"}]),
        ("x\ty\na\t1\n", {"columns": ("text", "label"), "header": True}, [{"text": "a", "label": "1"}]),
        ("body\tstars\na\t1\n", {"names": {"text": "body", "label": "stars"}}, [{"text": "a", "label": "1"}]),
        ("body\tstars\na\t1\n", {"header": True, "names": {"text": "body"}}, [{"text": "a", "stars": "1"}]),
        ("one column\nonly\n", {}, [{"text": "one column"}, {"text": "only"}]),
        ("text\tlabel\r\na\t1\r\n", {}, [{"text": "a", "label": "1"}]),
        ('text\tlabel\n"a\t"1\n', {}, [{"text": '"a', "label": '"1'}]),
        ("text\tlabel\na,b\t\n", {}, [{"text": "a,b", "label": ""}]),
        ("label\ttext\n\n1\ta\n", {}, [{"label": None, "text": ""}, {"label": "1", "text": "a"}]),
        ("text\tlabel\n", {}, []),
        ("\ufefftext\tlabel\na\t1", {}, [{"text": "a", "label": "1"}]),
    ],
)
def test_tsv(tmp_path: Path, data: str, reading: dict[str, object], records: list[object]) -> None:
    assert records_of(put(tmp_path, "a.tsv", data), **reading) == records  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("data", "reading", "message"),
    [
        ("text\tlabel\na\t1\nb\n", {}, ":3: 1 field where 2 are due"),
        ("text\tlabel\na\t1\nb\t2\t3\n", {}, ":3: 3 fields where 2 are due"),
        ("a\tb\nc\td\n", {}, ":1: cannot tell which of the 2 columns .* --text-field NAME"),
        ("a\tb\n", {"columns": ("text",)}, ":1: 2 fields, but --columns names 1"),
        ("text\ttext\n", {}, ":1: the header repeats a name"),
        ("text\tlabel\n", {"names": {"text": "body"}}, ":1: no column is called 'body'; the columns are text, label"),
        ("text\tlabel\na\t\xff\x00\n", {}, ":2: a NUL byte"),
    ],
)
def test_bad_tsv_names_the_line(tmp_path: Path, data: str, reading: dict[str, object], message: str) -> None:
    path = put(tmp_path, "a.tsv", data)
    with pytest.raises(InputError, match=re.escape(path) + message):
        records_of(path, **reading)  # type: ignore[arg-type]


@pytest.mark.parametrize("said", ["names", "usual"])
def test_the_column_that_was_named_wins_and_the_other_steps_aside(tmp_path: Path, said: str) -> None:
    read = records_of(put(tmp_path, "a.tsv", "text\tlabel\ttopic\nx\tgood\tfilm\n"), **{said: {"label": "topic"}})  # type: ignore[arg-type]
    assert read == [{"text": "x", "old_label": "good", "label": "film"}]


@pytest.mark.parametrize(
    ("data", "reading", "text"),
    [
        ("id,text\n1,I loved it\n", {}, "I loved it"),
        ('"id","text"\n1,"I, too"\n', {}, "I, too"),
        ("번호,리뷰\n1,좋아요\n", {"names": {"text": "리뷰"}}, "좋아요"),
        ("1,good\n", {"columns": ("id", "text")}, "good"),
        ("review, comment and more\n", {}, "review, comment and more"),
        ("dear text, hello\n", {}, "dear text, hello"),
    ],
)
def test_a_table_without_a_suffix_is_known_by_its_header_or_what_the_user_says(
    tmp_path: Path, data: str, reading: dict[str, object], text: str
) -> None:
    assert records_of(put(tmp_path, "data", data), **reading)[0]["text"] == text  # type: ignore[arg-type, index, call-overload]


def test_the_lineage_says_what_the_columns_were_called(tmp_path: Path) -> None:
    assert stream_of(put(tmp_path, "a.tsv", "document\tlabel\na\t1\n")).lineage.columns == {"text": "document"}


def test_lines_are_counted_over_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bytesource, "BLOCK", 8)
    monkeypatch.setattr(bytesource, "READ", 4)
    path = put(tmp_path, "a.tsv", "text\tlabel\n" + "a\t1\n" * 9 + "short\n")
    with pytest.raises(InputError, match=re.escape(f"{path}:11: 1 field")):
        records_of(path)


@settings(max_examples=100, deadline=None)
@given(rows=st.lists(st.tuples(cells, cells), min_size=1, max_size=5), block=st.integers(1, 12), quoting=st.booleans(), crlf=st.booleans())
def test_csv_is_read_as_the_csv_module_writes_it(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]], block: int, quoting: bool, crlf: bool
) -> None:
    out = io.StringIO(newline="")
    csv.writer(out, quoting=csv.QUOTE_MINIMAL if crlf and not quoting else csv.QUOTE_ALL, lineterminator="\r\n" if crlf else "\n").writerows(rows)
    path = put(tmp_path_factory.mktemp("csv"), "a.csv", out.getvalue())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bytesource, "BLOCK", block)
        patch.setattr(bytesource, "READ", 5)
        read = records_of(path, columns=("text", "label"))
    assert [(record["text"], record["label"]) for record in read] == rows


@pytest.mark.parametrize(
    ("data", "records"),
    [
        ('text,label\n"a,b",1\n', [("a,b", "1")]),
        ('text,label\r\n"a ""b"" c",1\r\n', [('a "b" c', "1")]),
        ('text,label\n"a\r\nb\nc",1', [("a\r\nb\nc", "1")]),
        ("text,label\n,\n", [("", "")]),
        ('text,label\n"",""\n', [("", "")]),
        ("text,label\n a , 1 \n", [(" a ", " 1 ")]),
        ("text,label\n\na,1\n", [("", None), ("a", "1")]),
        ("text,label\r\n\r\na,1\r\n", [("", None), ("a", "1")]),
        ("text,label\n#a,1\n", [("#a", "1")]),
        ("text,label\nNA,null\n", [("NA", "null")]),
    ],
)
def test_csv(tmp_path: Path, data: str, records: list[tuple[str, str]]) -> None:
    assert [(r["text"], r["label"]) for r in records_of(put(tmp_path, "a.csv", data))] == records


@pytest.mark.parametrize("name", ["a.tsv", "a.csv"])
@pytest.mark.parametrize("block", [1, 1 << 20])
@pytest.mark.parametrize(
    ("data", "reading", "places"),
    [
        ("text,label\na,1\n\n\nb,0\n", {}, [("a", 2), ("", 3), ("", 4), ("b", 5)]),
        ("\n\ntext,label\n\na,1\n", {}, [("", 4), ("a", 5)]),
        ("\n\nx,1\n", {"columns": ("text", "label")}, [("", 1), ("", 2), ("x", 3)]),
        ("\ntext\n", {}, []),
        ("\nno header\n", {}, [("", 1), ("no header", 2)]),
        ("\n\n", {}, [("", 1), ("", 2)]),
        ("text,label\n\n", {}, [("", 2)]),
    ],
)
def test_empty_lines_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, block: int, data: str, reading: dict[str, object], places: list[tuple[str, int]]
) -> None:
    monkeypatch.setattr(bytesource, "BLOCK", block)
    monkeypatch.setattr(bytesource, "READ", 1)
    path = put(tmp_path, name, data.replace(",", "\t") if name == "a.tsv" else data)
    batches = list(stream_of(path, **reading).batches)  # type: ignore[arg-type]
    found = [(text, batch.position(row)) for batch in batches for row, text in enumerate(batch.read("text")["text"])]
    assert found == [(text, f"{path}:{line}") for text, line in places]


def test_a_quoted_empty_line_is_a_part_of_its_field(tmp_path: Path) -> None:
    assert texts_of(put(tmp_path, "a.csv", 'text\n\n"a\n\n""b"\n""\n')) == ["", 'a\n\n"b', ""]


def test_a_long_quoted_field_takes_little_memory(tmp_path: Path) -> None:
    tracemalloc.start()
    table.QUOTED_FIELD.sub("", '"' + "a" * 1_000_000 + '""b"')
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10_000_000


def test_csv_of_one_column_keeps_empty_lines(tmp_path: Path) -> None:
    assert texts_of(put(tmp_path, "a.csv", 'text\na\n\n""\nb\n')) == ["a", "", "", "b"]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ('text,label\na,1\n"b\nc\nd,2\n', ":3: a quoted field that starts here is never closed"),
        ('text,label\n"a\nb",1\n"c\n', ":4: a quoted field that starts here is never closed"),
        ('text,label\n"a\nb",1\n5" pipe,2" pipe\n', ":4: a quote inside a field that is not quoted"),
        ('text,label\n"a\nb",1\n"c"d,2\n', ":4: a quote inside a field that is not quoted"),
        ('text,label\n"a\nb",1\nc\n', ":4: 1 field where 2 are due"),
        ('text,label\n"a\nb",1,2\n', ":2: 3 fields where 2 are due"),
        ('text,label\n"a\nb",1\nc\x00,2\n', ":4: a NUL byte"),
    ],
)
def test_bad_csv_names_the_line_where_the_record_starts(tmp_path: Path, data: str, message: str) -> None:
    path = put(tmp_path, "a.csv", data)
    with pytest.raises(InputError, match=re.escape(path) + message):
        records_of(path)


def test_large_csv_is_read_whole(tmp_path: Path) -> None:
    rows = [(f'line {i}\nsaid "{i}", then\r\n' * (i % 5), str(i)) for i in range(40_000)]
    out = io.StringIO(newline="")
    csv.writer(out).writerows([("text", "label"), *rows])
    assert [(r["text"], r["label"]) for r in records_of(put(tmp_path, "a.csv", out.getvalue()))] == rows


def test_an_unclosed_quote_is_found_in_good_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "LONGEST_RECORD", 6 << 20)
    path = put(tmp_path, "a.csv", 'text,label\n"never closed,1\n' + '"a quoted text","1"\n' * 500_000)
    started = time.monotonic()
    with pytest.raises(InputError, match=re.escape(f"{path}:2: a quoted field that starts here is never closed")):
        records_of(path)
    assert time.monotonic() - started < 20
