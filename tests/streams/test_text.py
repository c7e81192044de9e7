"""Plain text, encodings, compression and the blocks they are read in."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.streams.reading import put, records_of, stream_of, texts_of, written
from textkit.errors import InputError
from textkit.streams import bytesource
from textkit.streams.batch import Batch, Position

KOREAN = "영화가 재밌다"


def lines_by_hand(data: bytes) -> list[str]:
    """A line ends at a line feed or the end of the file; one carriage return before that is dropped."""
    lines = data.decode().split("\n")
    return [line.removesuffix("\r") for line in (lines[:-1] if lines[-1] == "" else lines)]


@pytest.mark.parametrize(
    "data",
    [
        "a\nb\n",
        "a\nb",
        "\n",
        "\n\n\n",
        "a\n\nb\n",
        "a\r\nb\r\n",
        "a\rb\n",
        "a\r\r\n",
        "a\u2028b\u2029c\x0bd\x0ce\x1cf\x85g\n",
        "\u3000 \u00a0\n",
        "one",
        "e\u0301 😀 한\n",
    ],
)
def test_lines_end_at_line_feeds_only(tmp_path: Path, data: str) -> None:
    assert texts_of(put(tmp_path, "a.txt", data)) == lines_by_hand(data.encode())


def test_an_empty_file_has_no_records(tmp_path: Path) -> None:
    assert texts_of(put(tmp_path, "a.txt", "")) == []


def test_a_byte_order_mark_is_no_text(tmp_path: Path) -> None:
    assert texts_of(put(tmp_path, "a.txt", b"\xef\xbb\xbfa\n\xef\xbb\xbfb\n")) == ["a", "\ufeffb"]


@settings(max_examples=60, deadline=None)
@given(text=st.text(st.sampled_from("ab\n\r\u2028\x85한😀\t,"), max_size=60), block=st.integers(1, 9), read=st.integers(1, 5))
def test_block_borders_are_not_seen(tmp_path_factory: pytest.TempPathFactory, text: str, block: int, read: int) -> None:
    path = put(tmp_path_factory.mktemp("blocks"), "a.txt", text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bytesource, "BLOCK", block)
        patch.setattr(bytesource, "READ", read)
        batches = [(batch.position(0), batch.read("text")["text"].to_list()) for batch in stream_of(path, format="text").batches]
    lines = [line for _, part in batches for line in part]
    assert lines == lines_by_hand(text.encode())
    starts = [1 + sum(len(part) for _, part in batches[:i]) for i in range(len(batches))]
    assert [place for place, _ in batches] == [f"{path}:{start}" for start in starts]


def test_a_nul_byte_is_told_of_with_its_line(tmp_path: Path) -> None:
    path = put(tmp_path, "a.txt", b"a\nb\nc\x00d\n")
    with pytest.raises(InputError, match=re.escape(f"{path}:3: a NUL byte")):
        texts_of(path)


def test_cp949_is_recognised_and_read_when_named(tmp_path: Path) -> None:
    path = put(tmp_path, "a.txt", b"abc\n" + f"{KOREAN}\n".encode("cp949"))
    with pytest.raises(InputError, match=re.escape(f"{path}:2: not UTF-8") + ".*--encoding cp949"):
        texts_of(path)
    assert texts_of(path, encoding="cp949") == ["abc", KOREAN]


def test_other_bytes_name_the_line(tmp_path: Path) -> None:
    path = put(tmp_path, "a.txt", b"abc\n\xff\xff\xff\n")
    with pytest.raises(InputError, match=re.escape(f"{path}:2: not UTF-8; name its encoding")):
        texts_of(path)


@pytest.mark.parametrize("encoding", ["cp949", "utf-16", "utf-16-le", "euc-kr", "UTF_8", "utf-8-sig"])
def test_encodings_over_block_borders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encoding: str) -> None:
    monkeypatch.setattr(bytesource, "READ", 3)
    path = put(tmp_path, "a.txt", f"{KOREAN}\nb\n".encode(encoding))
    assert texts_of(path, encoding=encoding) == [KOREAN, "b"]


@pytest.mark.parametrize(("encoding", "bad"), [("cp949", b"\xff\xff\n"), ("utf-16", b"\x00\xdc\n\x00"), ("ascii", b"\xff")])
@pytest.mark.parametrize("read", [3, 1 << 20])
def test_the_line_that_does_not_decode_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encoding: str, bad: bytes, read: int) -> None:
    monkeypatch.setattr(bytesource, "READ", read)
    path = put(tmp_path, "a.txt", "a\nb\n".encode(encoding) + bad)
    with pytest.raises(InputError, match=re.escape(f"{path}:3: not {encoding}")):
        texts_of(path, encoding=encoding)


def test_a_very_long_line_is_joined_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    joined: list[int] = []
    split = bytesource._split_last_line
    monkeypatch.setattr(bytesource, "_split_last_line", lambda parts: joined.append(len(parts)) or split(parts))
    monkeypatch.setattr(bytesource, "BLOCK", 8)
    monkeypatch.setattr(bytesource, "READ", 4)
    assert texts_of(put(tmp_path, "a.txt", "x" * 4000 + "\ny\n" + "z" * 4000), format="text") == ["x" * 4000, "y", "z" * 4000]
    assert len(joined) <= 2


def test_the_wrong_encoding_is_told_of(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not cp949"):
        texts_of(put(tmp_path, "a.txt", b"abc\n\xff\xff\n"), encoding="cp949")


@pytest.mark.parametrize("read", [1, 7, 1 << 20])
def test_gzip_of_several_members(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, read: int) -> None:
    monkeypatch.setattr(bytesource, "READ", read)
    data = gzip.compress(b"\xef\xbb\xbfa\nb") + gzip.compress(b"") + gzip.compress(f"c\n{KOREAN}".encode())
    assert texts_of(put(tmp_path, "a.txt.gz", data)) == ["a", "bc", KOREAN]


def test_gzip_of_another_encoding(tmp_path: Path) -> None:
    assert texts_of(put(tmp_path, "a.txt.gz", gzip.compress(KOREAN.encode("cp949"))), encoding="cp949") == [KOREAN]


@pytest.mark.parametrize("damage", [lambda data: data[:-9], lambda data: data[:40] + b"\x00\x00\x00" + data[43:], lambda data: data + b"junk"])
def test_damaged_gzip_is_told_of(tmp_path: Path, damage: object) -> None:
    data = gzip.compress("".join(f"{i * 7919 % 1000}\n" for i in range(500)).encode())
    with pytest.raises(InputError, match=r"a\.gz: the gzip data is cut short or damaged"):
        texts_of(put(tmp_path, "a.gz", damage(data)))  # type: ignore[operator]


def batch(**columns: object) -> Batch:
    frame = pl.DataFrame(columns)
    return Batch(frame, Position("f"), added=frozenset(frame.columns))


def test_text_out_is_a_line_a_record() -> None:
    nasty = batch(text=["a\nb", "", "c\r", "d\u2028e"])
    assert written([nasty], "text") == "a b\n\nc\r\nd\u2028e\n".encode()


def test_a_record_without_the_field_is_an_empty_line_only_where_the_field_was_named() -> None:
    some = batch(text=["a", None])
    assert written([some], "text", field="text") == b"a\n\n"
    with pytest.raises(InputError, match="f:2: the record has no 'text'"):
        written([some], "text")


def test_text_out_shows_the_furthest_there_is() -> None:
    assert written([batch(text=["a b"], tokens=[["a", "b"]])], "text") == b"a b\n"
    assert written([batch(text=["a b"], tokens=[["x", "y"]], prediction=["good"])], "text") == b"good\n"
    assert written([batch(text=["a"], ids=[[1, 2]])], "text", field="ids") == b"1 2\n"


def test_an_empty_first_batch_does_not_choose_the_field() -> None:
    full = batch(text=["a"], tokens=[["x", "y"]])
    assert written([Batch(full.frame[:0], full.position, added=full.added), full], "text") == b"x y\n"


def test_a_field_of_the_users_own_can_be_printed() -> None:
    raw = pl.Series(['{"title":"A","n":1e400}', '{"n":3}'])
    assert written([Batch(pl.DataFrame(), Position("f"), raw=raw)], "text", field="title") == b"A\n\n"
    assert written([Batch(pl.DataFrame(), Position("f"), raw=raw)], "text", field="n") == b"1e400\n3\n"


@pytest.mark.parametrize("field", ["nothing", "predictions"])
def test_a_field_that_cannot_be_printed_is_told_of(field: str) -> None:
    raw = pl.Series(['{"text":"a","predictions":[{"label":"x","score":1}]}'])
    with pytest.raises(InputError, match=repr(field)):
        written([Batch(pl.DataFrame(), Position("f"), raw=raw)], "text", field=field)


@pytest.mark.parametrize(
    ("name", "data", "keys"),
    [
        ("a.txt", "a b\nc\n", {"text"}),
        ("a", "a\tb\n", {"text"}),
        ("a.txt", "text\tlabel\na\tb\n", {"text", "label"}),
        ("a", "Sentence\tLabel\na\tb\n", {"text", "label"}),
        ("a.tsv", "label\ttext\nx\ty\n", {"text", "label"}),
        ("a.TSV", "label\ttext\nx\ty\n", {"text", "label"}),
        ("a.csv", "label,text\nx,y\n", {"text", "label"}),
        ("a.csv.gz", "label,text\nx,y\n", {"text", "label"}),
        ("a.txt", '{"text":"a","n":1}\n', {"text", "n"}),
        ("a.txt", '{"text":"a","n":1\n', {"text"}),
        ("a.txt", '["text"]\n', {"text"}),
        ("a.jsonl", '\n{"text":"a","n":1}\n', {"text", "n"}),
        ("a", ' {"text":"a","n":1} \r\n', {"text", "n"}),
    ],
)
def test_sniffing(tmp_path: Path, name: str, data: str, keys: set[str]) -> None:
    packed = gzip.compress(data.encode()) if name.endswith(".gz") else data
    assert {*records_of(put(tmp_path, name, packed))[0]} == keys


def test_from_overrules_what_is_seen(tmp_path: Path) -> None:
    assert texts_of(put(tmp_path, "a.jsonl", '{"text":"a"}\n'), format="text") == ['{"text":"a"}']
