"""TSV without quoting and CSV as RFC 4180 has it."""

from __future__ import annotations

import csv
import io
import json
import re
import time
import tracemalloc
import unicodedata
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.streams.reading import put, records_of, stream_of, texts_of
from textkit.errors import InputError, UsageError
from textkit.streams import bytesource
from textkit.streams.faults import Faults
from textkit.streams.formats import quoted

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
    quoted.quoted_field(",").sub(b"", b'"' + b"a" * 1_000_000 + b'""b"')
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
    monkeypatch.setattr(quoted, "LONGEST_RECORD", 6 << 20)
    path = put(tmp_path, "a.csv", 'text,label\n"never closed,1\n' + '"a quoted text","1"\n' * 500_000)
    started = time.monotonic()
    with pytest.raises(InputError, match=re.escape(f"{path}:2: a quoted field that starts here is never closed")):
        records_of(path)
    assert time.monotonic() - started < 20


@pytest.mark.parametrize(
    ("name", "data", "reading", "records"),
    [
        ("a.tsv", 'text\tn\n"a\tb"\t1\n"c\n""d"\t2\n', {"quotes": True}, [("a\tb", "1"), ('c\n"d', "2")]),
        ("a.csv", 'text;n\n"a;b";1\n', {}, [("a;b", "1")]),
        ("a.csv", '"text";"n"\r\nx,y;1\r\n', {}, [("x,y", "1")]),
        ("a.csv", "id, no;text\n1;b\n", {}, [("b", None)]),
        ("a.csv", "a;1\n", {"columns": ("text", "n")}, [("a", "1")]),
        ("a.csv", "text,n;m\na,1\n", {}, [("a", None)]),
        ("a.csv", ';,","\na,1\n', {"columns": ("text", "n"), "header": True}, [("a", "1")]),
        ("a.csv", "text|n\na,b|1\n", {"delimiter": "|"}, [("a,b", "1")]),
        ("a", "text|n\na|1\n", {"delimiter": "|"}, [("a", "1")]),
        ("a", "text;n\na;1\n", {}, [("a", "1")]),
        ("a.csv", "text^n\na^1\n", {"delimiter": "^"}, [("a", "1")]),
        ("a.csv", "text\tn\na\t1\n", {"delimiter": "\t"}, [("a", "1")]),
    ],
)
def test_separators(tmp_path: Path, name: str, data: str, reading: dict[str, object], records: list[tuple[str, str]]) -> None:
    assert [(r["text"], r.get("n")) for r in records_of(put(tmp_path, name, data), **reading)] == records  # type: ignore[arg-type]


def test_semicolons_are_told_of(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    records_of(put(tmp_path, "a.csv", "text;n\n" + "a;1\n" * 9))
    assert capsys.readouterr().err.count("stand between semicolons") == 1


@pytest.mark.parametrize("mark", ["", ",,", '"', "\n", "한"])
def test_what_cannot_be_a_separator(tmp_path: Path, mark: str) -> None:
    with pytest.raises(UsageError, match="cannot stand between columns"):
        records_of(put(tmp_path, "a.csv", "text\n"), delimiter=mark)


@pytest.mark.parametrize("block", [1, 7, 1 << 20])
@pytest.mark.parametrize(
    ("name", "data", "bad", "records"),
    [
        ("a.tsv", b"text\tn\na\t1\nb\nc\t2\t3\nd\t4\n", [(3, b"b"), (4, b"c\t2\t3")], [("a", 2), ("d", 5)]),
        ("a.tsv", b"text\tn\na\xff\t1\n\nb\x00\t2\nd\n\te\n", [(2, b"a\xff\t1"), (4, b"b\x00\t2"), (5, b"d")], [("", 3), ("", 6)]),
        ("a.csv", b'text,n\r\n"a\r\nb",1\r\nc\r\nd,"2\n"\r\n', [(4, b"c")], [("a\r\nb", 2), ("d", 5)]),
        ("a.csv", b'text,n\n5" pipe,1\n"x\ny",2\n\n"c"d,3\nz,4\n', [(2, b'5" pipe,1'), (6, b'"c"d,3')], [("x\ny", 3), ("", 5), ("z", 7)]),
        ("a.csv", b'text,n\n"a\xff\nb",1\nc\x00,2\n"d\n",3\n', [(2, b'"a\xff\nb",1'), (4, b"c\x00,2")], [("d\n", 5)]),
        ("a.csv", b'\xff,1\n\ntext,n\n\na,1\n"b\nc"\n', [(1, b"\xff,1"), (6, b'"b\nc"')], [("", 4), ("a", 5)]),
        ("a.csv", b"text,n\n\xff\n", [(2, b"\xff")], []),
    ],
)
def test_bad_records_are_left_out_and_the_others_keep_their_places(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int, name: str, data: bytes, bad: list[tuple[int, bytes]], records: list[tuple[str, int]]
) -> None:
    monkeypatch.setattr(bytesource, "BLOCK", block)
    monkeypatch.setattr(bytesource, "READ", 5)
    path, rejected = put(tmp_path, name, data), []
    faults = Faults(skip=True, reject=lambda line: rejected.append(json.loads(line)))
    batches = list(stream_of(path, faults=faults).batches)
    assert [(text, batch.position(row)) for batch in batches for row, text in enumerate(batch.read("text")["text"])] == [
        (text, f"{path}:{line}") for text, line in records
    ]
    found = sorted((fault["position"], fault["raw"]) for fault in rejected)
    assert found == [(f"{path}:{line}", raw.decode("utf-8", "backslashreplace")) for line, raw in bad]
    assert faults.skipped == len(bad)
    with pytest.raises(InputError, match=f"{re.escape(path)}:({'|'.join(str(line) for line, _ in bad)}): "):
        records_of(path)


def test_an_unclosed_quote_is_never_skipped(tmp_path: Path) -> None:
    path = put(tmp_path, "a.csv", 'text,n\nstray" one,1\n"b\nc",2\n"open,3\n')
    with pytest.raises(InputError, match=re.escape(f"{path}:5: a quoted field that starts here is never closed")):
        records_of(path, faults=Faults(skip=True))


@settings(max_examples=100, deadline=None)
@given(data=st.text(st.sampled_from('a",\n\r"'), max_size=30), block=st.integers(1, 12))
@example(data='"\n"a""\n"', block=1)
def test_skipping_does_not_depend_on_blocks(tmp_path_factory: pytest.TempPathFactory, data: str, block: int) -> None:
    path = put(tmp_path_factory.mktemp("csv"), "a.csv", data)

    def read() -> object:
        rejected: list[object] = []
        try:
            stream = stream_of(path, columns=("text", "label"), faults=Faults(skip=True, reject=rejected.append))
            return [(batch.position(row), cells) for batch in stream.batches for row, cells in enumerate(batch.frame.rows())], sorted(
                map(str, rejected)
            )
        except InputError:
            return "refused"  # of several reasons, the one in the first block is told

    whole = read()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bytesource, "BLOCK", block)
        patch.setattr(bytesource, "READ", 3)
        assert read() == whole


@pytest.mark.parametrize("suffix", ["tsv", "jsonl"])
@pytest.mark.parametrize("our", ["text", "label", "target", "pair"])
def test_any_field_of_ours_may_be_named(tmp_path: Path, suffix: str, our: str) -> None:
    record = {"text": "t", "label": "l", "target": "g", "pair": "p", "mine": "m"}
    data = json.dumps(record) if suffix == "jsonl" else "\t".join(record) + "\n" + "\t".join(record.values()) + "\n"
    due = {**record, f"old_{our}": record[our], our: "m"}
    del due["mine"]
    stream = stream_of(put(tmp_path, f"a.{suffix}", data), names={our: "mine"})
    assert stream.lineage.columns == {our: "mine"}
    assert [json.loads(line) for batch in stream.batches for line in batch.lines()] == [due]


def test_one_column_is_not_two_fields(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="the column 'a' is named for two fields"):
        records_of(put(tmp_path, "a.tsv", "a\tb\n"), names={"text": "a", "pair": "a"})


def test_bad_text_between_stray_quotes_is_no_crash(tmp_path: Path) -> None:
    path = put(tmp_path, "a.csv", b'\n"\no"\xa4\n"\n"a')  # without the line of the bad byte, two stray quotes would be one field
    with pytest.raises(InputError, match="never closed"):
        texts_of(path, faults=Faults(skip=True))


def test_unknown_names_between_semicolons_are_not_one_column(tmp_path: Path) -> None:
    path = put(tmp_path, "f.csv", "Name;Satz mit Umlaut\na;ü\n")
    with pytest.raises(InputError, match=r"f.csv:1: cannot tell .*Name, Satz mit Umlaut.*; say --delimiter ';' and --text-field NAME"):
        records_of(path)
    assert texts_of(path, delimiter=",") == ["Name;Satz mit Umlaut", "a;ü"]
    assert texts_of(path, delimiter=";", names={"text": "Satz mit Umlaut"}) == ["ü"]


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_a_name_is_found_in_either_form(tmp_path: Path, form: Literal["NFC", "NFD"]) -> None:
    path = put(tmp_path, "f.tsv", unicodedata.normalize(form, "본문\tn\n") + "a\t1\n")
    assert records_of(path, names={"text": unicodedata.normalize("NFC", "본문")}) == [{"text": "a", "n": "1"}]
    assert records_of(path, names={"text": unicodedata.normalize("NFD", "본문")}) == [{"text": "a", "n": "1"}]


def test_a_header_that_comes_again_is_told_of_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = "text\tlabel\na\t1\ntext\tlabels\n"
    path = put(tmp_path, "f.tsv", table * 3)
    assert texts_of(path) == ["a", "text", "text", "a", "text", "text", "a", "text"]
    assert capsys.readouterr().err.count(f"{path}:4 repeats the header: is this several files joined?") == 1
