"""Output: files that appear whole or not at all, devices that are left alone, disks that are full."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import polars as pl
import pytest

from tests.conftest import Textkit
from tests.streams.reading import LINEAGE, lines_of, put, stream_of
from textkit.errors import InputError, ResourceError, UsageError
from textkit.streams.batch import Batch, Position
from textkit.streams.lineage import end_line
from textkit.streams.sink import Outputs, open_output, write_stream
from textkit.streams.stream import Ending, Stream

RECORD = '{"text":"a","n":1e400}'


def stream(problem: str | None = None) -> Stream:
    return Stream(LINEAGE, iter([Batch(pl.DataFrame(), Position("f"), raw=pl.Series([RECORD]))]), Ending(problem))


def write(path: Path, **outputs: object) -> int:
    return write_stream(stream(), Outputs(str(path), **outputs))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "outputs", "content"),
    [
        ("out.jsonl", {}, f"{LINEAGE.header()}\n{RECORD}\n{end_line(1)}\n"),
        ("out", {}, f"{LINEAGE.header()}\n{RECORD}\n{end_line(1)}\n"),
        ("out.jsonl", {"lineage": False}, f"{RECORD}\n"),
        ("out.txt", {}, "a\n"),
        ("out.txt", {"field": "n"}, "1e400\n"),
        ("out.jsonl", {"format": "text"}, "a\n"),
    ],
)
def test_the_format_is_the_suffix_or_the_named_one(tmp_path: Path, name: str, outputs: dict[str, object], content: str) -> None:
    assert write(tmp_path / name, **outputs) == 1
    assert (tmp_path / name).read_text() == content
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_arrow_out_is_read_back(tmp_path: Path) -> None:
    write(tmp_path / "out.arrow")
    assert lines_of(str(tmp_path / "out.arrow")) == ['{"n":1e400,"text":"a"}']


@pytest.mark.parametrize("name", ["out.jsonl", "out.arrow", "out.txt"])
@pytest.mark.parametrize("old", [None, "old"])
def test_half_an_input_leaves_what_was_there(tmp_path: Path, name: str, old: str | None) -> None:
    path = tmp_path / name
    if old:
        path.write_text(old)
    with pytest.raises(InputError, match="cut short"):
        write_stream(stream("cut short"), Outputs(str(path)))
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == ([(name, old)] if old else [])


def test_an_error_on_the_way_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    path.write_text("old")
    source = put(tmp_path, "in.jsonl", '{"text":"a"}\n{"text":\n')
    with pytest.raises(InputError):
        write_stream(stream_of(source), Outputs(str(path)))
    assert path.read_text() == "old"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in.jsonl", "out.jsonl"]


def test_accepted_half_is_kept_without_an_end_line(tmp_path: Path) -> None:
    part = stream("cut short")
    part.ending.partial = True
    write_stream(part, Outputs(str(tmp_path / "out.jsonl")))
    assert (tmp_path / "out.jsonl").read_text() == f"{LINEAGE.header()}\n{RECORD}\n"


@pytest.mark.parametrize(("mask", "due"), [(0o022, 0o644), (0o077, 0o600)])
def test_a_new_file_has_the_permissions_of_a_redirection(tmp_path: Path, mask: int, due: int) -> None:
    before = os.umask(mask)
    try:
        write(tmp_path / "out")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "out").stat().st_mode) == due


def test_a_file_that_is_replaced_keeps_its_permissions(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("old")
    (tmp_path / "out").chmod(0o640)
    write(tmp_path / "out")
    assert stat.S_IMODE((tmp_path / "out").stat().st_mode) == 0o640


def test_a_link_keeps_pointing_at_its_file(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "file").write_text("old")
    (tmp_path / "link").symlink_to("there/file")
    write(tmp_path / "link", lineage=False)
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "there" / "file").read_text() == RECORD + "\n"


def test_every_write_is_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: real(descriptor, data[:5]))
    write(tmp_path / "out", lineage=False)
    assert (tmp_path / "out").read_text() == RECORD + "\n"


@pytest.mark.parametrize(
    ("path", "error", "message"),
    [("no/such/folder/out", ResourceError, "cannot be written"), (".", UsageError, "is a directory")],
)
def test_where_nothing_can_be_written(tmp_path: Path, path: str, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        write(tmp_path / path)


def test_a_name_of_full_length(tmp_path: Path) -> None:
    path = tmp_path / ("x" * 255)
    with open_output(str(path)) as out:
        out.write(b"a")
    assert path.read_bytes() == b"a"


def test_field_goes_with_text_only(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--field goes with --to text"):
        write(tmp_path / "out.jsonl", field="n")


@pytest.mark.parametrize(
    "script", ["textkit tokenize a.txt > /dev/full", "textkit tokenize a.txt -o /dev/full", "textkit tokenize a.txt --to arrow > /dev/full"]
)
def test_a_full_disk_is_6(textkit: Textkit, script: str) -> None:
    put(textkit.folder, "a.txt", "a b\n")
    assert textkit.shell(script, code=6).stderr == "textkit tokenize: error: no space left on device\n"
    assert stat.S_ISCHR(Path("/dev/full").stat().st_mode)


@pytest.mark.parametrize("options", ["", "--to text", "--to arrow"])
def test_a_disk_that_fills_up_on_the_way_is_6_and_keeps_the_old_file(textkit: Textkit, options: str) -> None:
    put(textkit.folder, "a.txt", "some words for every line\n" * 5000)
    put(textkit.folder, "out", "old")
    textkit.shell(f"ulimit -f 8; textkit tokenize {options} -o out a.txt", code=6)
    assert (textkit.folder / "out").read_text() == "old"
    assert sorted(path.name for path in textkit.folder.iterdir()) == ["a.txt", "out"]


def test_a_named_pipe_is_written_to(textkit: Textkit) -> None:
    put(textkit.folder, "a.txt", "a b\n")
    done = textkit.shell("mkfifo pipe; cat pipe & textkit tokenize --to text -o pipe a.txt; wait; test -p pipe")
    assert done.stdout == "a b\n"
