"""Several inputs as one stream: lineages that agree, ends that are seen, errors that name the file."""

from __future__ import annotations

import json
import re
import resource
from pathlib import Path

import polars as pl
import pytest

from tests.streams.reading import LINEAGE, OTHER, put, stream_of, texts_of, written
from textkit.errors import InputError, LineageError
from textkit.streams.batch import Batch, Position
from textkit.streams.lineage import Entry, Lineage, end_line
from textkit.streams.source import Inputs, check_exist, open_stream
from textkit.streams.stream import Stream


def span(*texts: str, lineage: Lineage | None = LINEAGE, end: int | None = -1) -> str:
    """A stream as JSON Lines; `end` None leaves the end line out, -1 counts the records."""
    header = [lineage.header()] if lineage else []
    last = [] if end is None or lineage is None else [end_line(len(texts) if end < 0 else end)]
    return "".join(line + "\n" for line in [*header, *(json.dumps({"text": text}) for text in texts), *last])


def texts(stream: Stream) -> list[str]:
    return [text for batch in stream.batches for text in batch.read("text")["text"]]


@pytest.mark.parametrize(
    ("data", "records", "problem"),
    [
        (span("a", "b"), 2, None),
        (span(), 0, None),
        (span("a") + span("b", "c"), 3, None),
        (span("a") + span(), 1, None),
        (span("a", lineage=None), 1, None),
        (span("a", end=None), 1, "stops after 1 records without its end line"),
        (span(end=None), 0, "stops after 0 records without its end line"),
        (span("a", end=None) + span("b"), 2, "stops after 1 records without its end line"),
        (span("a", end=2), 1, "should hold 2 records by its end line, 1 came"),
        (span("a", "b", end=1), 2, "should hold 1 records by its end line, 2 came"),
        (span("a", lineage=None) + end_line(1) + "\n", 1, "an end line without a header"),
    ],
)
def test_the_end_of_one_input(tmp_path: Path, data: str, records: int, problem: str | None) -> None:
    stream = stream_of(put(tmp_path, "a.jsonl", data))
    assert len(texts(stream)) == records
    assert (problem or "None") in str(stream.ending.problem)


def test_what_came_is_refused_or_accepted(tmp_path: Path) -> None:
    stream = stream_of(put(tmp_path, "a.jsonl", span("a", end=None)))
    stream.ending.demand()  # nothing is known before the batches are used up
    texts(stream)
    with pytest.raises(InputError, match="accept the part that came with --partial"):
        stream.ending.demand()
    stream.ending.partial = True
    stream.ending.demand()


def test_a_missing_end_in_the_middle_is_not_forgotten(tmp_path: Path) -> None:
    stream = stream_of(put(tmp_path, "a.jsonl", span("a", end=None)), put(tmp_path, "b.jsonl", span("b")))
    assert texts(stream) == ["a", "b"]
    assert re.search(r"a\.jsonl stops after 1 records", str(stream.ending.problem))


def test_equal_lineages_join_whatever_their_paths(tmp_path: Path) -> None:
    one, two = (Lineage((Entry("tokenize", "words", {}, artifact=path, sha256="f" * 64),)) for path in ("here/tok", "/there/tok"))
    stream = stream_of(put(tmp_path, "a.jsonl", span("a", lineage=one)), put(tmp_path, "b.jsonl", span("b", lineage=two)))
    assert texts(stream) == ["a", "b"]
    assert stream.ending.problem is None
    assert stream.lineage.stages[0].artifact == "here/tok"


@pytest.mark.parametrize("apart", [True, False])
@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        (span("a"), span("b", lineage=OTHER), "were made by different chains: stage 1 differs: tokenize words with lowercase=False against True"),
        (span("a"), span("b", lineage=Lineage()), "only the first has tokenize words"),
        (span("a", lineage=None), span("b"), "records that textkit made and .* records that it did not"),
        (span("a"), span("b", lineage=None), "records that textkit made and .* records that it did not"),
        (span(), span("b", lineage=None), "records that textkit made and .* records that it did not"),
    ],
)
def test_unequal_spans_do_not_join(tmp_path: Path, first: str, second: str, message: str, apart: bool) -> None:
    parts = [first, second] if apart else [first + second]
    paths = [put(tmp_path, f"{i}.jsonl", part) for i, part in enumerate(parts)]
    with pytest.raises(LineageError, match=message):
        texts(stream_of(*paths))


def test_a_sorted_stream_is_refused(tmp_path: Path) -> None:
    lines = span("b", "a").splitlines(keepends=True)
    with pytest.raises(LineageError, match="no sort or shuf"):
        texts(stream_of(put(tmp_path, "a.jsonl", lines[1] + lines[0] + "".join(lines[2:]))))


def test_raw_files_of_several_formats_join(tmp_path: Path) -> None:
    paths = [
        put(tmp_path, "a.txt", "a\n"),
        put(tmp_path, "b.tsv", "text\tlabel\nb\t1\n"),
        put(tmp_path, "c.jsonl", '{"text":"c"}\n'),
        put(tmp_path, "d.txt", ""),
    ]
    assert texts_of(*paths) == ["a", "b", "c"]


def test_more_files_than_may_be_open_at_once(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    path = put(tmp_path, "a.txt", "a\n")
    resource.setrlimit(resource.RLIMIT_NOFILE, (100, hard))
    try:
        assert len(texts_of(*[path] * 200)) == 200
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_artifacts_are_looked_for_beside_the_files(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    paths = [put(tmp_path / "sub", "a.txt", "a\n"), put(tmp_path, "b.txt", "b\n")]
    assert stream_of(*paths).near == (tmp_path / "sub", tmp_path)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("missing.txt", "no such file"),
        ("folder", "is a directory; give a file"),
        ("file/below", "not a directory"),
        ("x" * 300, "file name too long"),
    ],
)
def test_what_is_no_file_is_told_of_at_once(tmp_path: Path, path: str, message: str) -> None:
    (tmp_path / "folder").mkdir()
    good = put(tmp_path, "file", "a\n")
    with pytest.raises(InputError, match=re.escape(f"{tmp_path / path}: {message}")):
        check_exist(Inputs((good, "-", str(tmp_path / path))))


@pytest.mark.parametrize("format", ["jsonl", "arrow"])
def test_the_users_names_are_told_besides_those_of_the_header(tmp_path: Path, format: str) -> None:
    raw = pl.Series(['{"text":"a","stars":"5"}'])
    data = written([Batch(pl.DataFrame(), Position("f"), raw=raw)], format, Lineage(LINEAGE.stages, {"text": "body"}))
    assert stream_of(put(tmp_path, "a", data), names={"label": "stars"}).lineage.columns == {"text": "body", "label": "stars"}


def test_records_of_the_command_line() -> None:
    stream = open_stream(Inputs(texts=("one", "", "two words")))
    (batch,) = stream.batches
    assert batch.require("text")["text"].to_list() == ["one", "", "two words"]
    assert batch.position(2) == "query:3"
    assert stream.ending.problem is None
