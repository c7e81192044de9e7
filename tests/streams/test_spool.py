"""A spooled stream is the stream, as often as it is asked for."""

from __future__ import annotations

import tempfile
from pathlib import Path

import polars as pl
import pytest

from tests.streams.reading import LINEAGE, put, stream_of
from textkit.streams import bytesource
from textkit.streams.batch import Batch, Position
from textkit.streams.lineage import end_line
from textkit.streams.spool import Spool
from textkit.streams.stream import Stream

LINES = ('{"n":1e400,"n":2,"text":"a"}', "", r'{"text":"\u0062","h":"\ud800"}', '{"text":null}')
WHOLE = "\n".join([LINEAGE.header(), *LINES, end_line(3), ""])


def seen(stream: Stream) -> list[tuple[str, str]]:
    return [(batch.position(row), line) for batch in stream.batches for row, line in enumerate(batch.lines())]


def test_what_comes_out_is_what_went_in(tmp_path: Path) -> None:
    path = put(tmp_path, "a.jsonl", WHOLE)
    spool = Spool(stream_of(path))
    due = [(f"{path}:2", LINES[0]), (f"{path}:4", LINES[2]), (f"{path}:5", LINES[3])]
    assert seen(spool.stream()) == due
    assert seen(spool.stream()) == due
    assert spool.records == 3
    assert spool.stream().lineage == LINEAGE


def test_a_table_of_several_blocks(tmp_path: Path) -> None:
    path = put(tmp_path, "a.csv", 'text,label\n"a\nb",1\nc,2\n\n')
    stream = stream_of(path)
    due = seen(stream_of(path))
    assert seen(Spool(stream).stream()) == due
    assert [place.rpartition(":")[2] for place, _ in due] == ["2", "4", "5"]


def test_lines_are_not_kept_in_memory(tmp_path: Path) -> None:
    spool = Spool(stream_of(put(tmp_path, "a.csv", "text\na\n")))
    assert [batch.position.line for _, _, batch in spool._index] == [1]


def test_two_readers_at_once() -> None:
    batches = [Batch(pl.DataFrame({"text": [str(i)]}), Position("f", i + 1), added=frozenset({"text"})) for i in range(3)]
    spool = Spool(Stream(LINEAGE, iter(batches)))
    pairs = [(one.read("text").item(), two.read("text").item()) for one, two in zip(spool.batches(), spool.batches(), strict=True)]
    assert pairs == [("0", "0"), ("1", "1"), ("2", "2")]


def test_added_columns_stay_added_and_views_are_read_again() -> None:
    batch = Batch(pl.DataFrame(), Position("f"), raw=pl.Series(['{"text":"a","ids":[9]}'])).put(pl.Series("ids", [[1]]))
    batch.read("text")
    (back,) = Spool(Stream(LINEAGE, iter([batch]))).batches()
    assert back.frame.columns == ["ids"]
    assert back.lines().to_list() == ['{"text":"a","ids":[1]}']


def test_the_ending_is_known_once_all_is_spooled(tmp_path: Path) -> None:
    spool = Spool(stream_of(put(tmp_path, "a.jsonl", WHOLE.removesuffix(end_line(3) + "\n"))))
    assert "stops after 3 records" in str(spool.stream().ending.problem)


def test_an_empty_stream(tmp_path: Path) -> None:
    spool = Spool(stream_of(put(tmp_path, "a.txt", "")))
    assert (spool.records, seen(spool.stream())) == (0, [])


def test_the_file_has_no_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    spool = Spool(stream_of(put(tmp_path, "a.txt", "a\n" * 1000)))
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]
    assert spool.records == 1000


def test_blocks_are_kept_as_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bytesource, "BLOCK", 4)
    monkeypatch.setattr(bytesource, "READ", 2)
    spool = Spool(stream_of(put(tmp_path, "a.txt", "a\nb\nc\nd\n")))
    assert [batch.read("text")["text"].to_list() for batch in spool.batches()] == [["a", "b"], ["c", "d"]]
