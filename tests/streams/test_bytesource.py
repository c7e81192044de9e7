"""Where bytes come from: lines of a pipe that leave at once, and files in UTF-16."""

from __future__ import annotations

import codecs
import fcntl
import os
import random
import re
import time
from collections.abc import Iterator
from encodings.aliases import aliases
from pathlib import Path

import pytest

from tests.conftest import Textkit
from tests.streams.reading import put, texts_of
from textkit.errors import InputError
from textkit.options import _is_encoding
from textkit.streams import bytesource
from textkit.streams.bytesource import ByteSource

TEXT = "text\tlabel\n재밌게 봤다\t1\n😀\t0\n"


@pytest.fixture
def pipe(tmp_path: Path) -> Iterator[tuple[Path, int]]:
    """A named pipe and the descriptor of who writes to it."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    descriptor = os.open(path, os.O_RDWR)  # as reader too, so that opening it waits for nobody
    yield path, descriptor
    os.close(descriptor)


@pytest.mark.parametrize("unbuffered", [False, True])
def test_lines_of_a_pipe_leave_at_once_if_asked(pipe: tuple[Path, int], monkeypatch: pytest.MonkeyPatch, unbuffered: bool) -> None:
    monkeypatch.setattr(bytesource, "PAUSE", 0.4)
    monkeypatch.setattr(bytesource, "PATIENCE", 10.0)
    path, descriptor = pipe
    os.write(descriptor, b"a\nb\nhalf")
    source = ByteSource(str(path), unbuffered=unbuffered)
    blocks, since = source.blocks(), time.monotonic()
    assert next(blocks) == b"a\nb\n"
    assert (time.monotonic() - since < 0.3) == unbuffered
    os.write(descriptor, b" a line\n")
    assert next(blocks) == b"half a line\n"
    source.close()


def test_a_block_of_a_file_is_as_large_as_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bytesource, "READ", 2)
    source = ByteSource(put(tmp_path, "a.txt", b"a\nb\nc\n"), unbuffered=True)
    assert [*source.blocks()] == [b"a\nb\nc\n"]
    source.close()


@pytest.mark.parametrize("read", [*range(1, 30)])
def test_the_first_line_is_one_line_however_it_comes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, read: int) -> None:
    monkeypatch.setattr(bytesource, "READ", read)
    for data in (b"a first line\nb", b"a first line\n\nb\n", b"a first line"):
        source = ByteSource(put(tmp_path, "a.txt", data))
        assert source.first_line() == b"a first line"
        assert source.peek(5) == b"a fir"
        assert b"".join(source.blocks()) == data
        source.close()


def test_the_first_line_of_a_pipe_waits_for_no_other(pipe: tuple[Path, int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bytesource, "READ", 6)
    path, descriptor = pipe
    os.write(descriptor, b"a first line\nb")
    source = ByteSource(str(path))
    assert source.first_line() == b"a first line"
    source.close()


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("name", ["a.txt", "a.tsv", "a.csv", "a.jsonl", "a"])
def test_utf_16_is_recognised(tmp_path: Path, encoding: str, name: str) -> None:
    path = put(tmp_path, name, f"\ufeff{TEXT}".encode(encoding))
    with pytest.raises(InputError, match=re.escape(f"{path}:1: not UTF-8: it looks like UTF-16; add --encoding utf-16")):
        texts_of(path)


def test_utf_16_without_a_nul_byte_is_recognised(tmp_path: Path) -> None:
    data = "\ufeff재밌게봤다".encode("utf-16-le")
    assert b"\x00" not in data
    with pytest.raises(InputError, match="looks like UTF-16"):
        texts_of(put(tmp_path, "a.txt", data))


def test_these_bytes_further_on_are_no_mark(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r":2: not UTF-8; name its encoding"):
        texts_of(put(tmp_path, "a.txt", b"a\n" + codecs.BOM_UTF16_LE + b"\n"))


@pytest.mark.parametrize("read", [1, 3, 1 << 20])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("name", ["a.txt", "a.tsv"])
def test_utf_16_is_read_when_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, read: int, end: str, encoding: str, name: str) -> None:
    monkeypatch.setattr(bytesource, "READ", read)
    path = put(tmp_path, name, ("\ufeff" + TEXT.replace("\n", end)).encode(encoding))
    assert texts_of(path, encoding="utf-16", format="tsv") == ["재밌게 봤다", "😀"]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
def test_a_byte_order_that_is_not_told(tmp_path: Path, encoding: str) -> None:
    path = put(tmp_path, "a.txt", TEXT.encode(f"{encoding}-le"))
    with pytest.raises(InputError, match=f"a.txt:1: not {encoding} .*, for example {encoding}-le"):
        texts_of(path, encoding=encoding)
    assert texts_of(path, encoding=f"{encoding}-le", format="tsv") == ["재밌게 봤다", "😀"]


def test_utf_16_on_the_command_line(textkit: Textkit) -> None:
    put(textkit.folder, "a.txt", "a b\r\n재밌게\r\n".encode("utf-16"))
    assert textkit.shell("textkit tokenize --encoding utf-16 --to text a.txt").stdout == "a b\n재밌게\n"
    said = textkit.shell("textkit tokenize < a.txt", code=3).stderr
    assert said == "textkit tokenize: error: <stdin>:1: not UTF-8: it looks like UTF-16; add --encoding utf-16\n"


@pytest.mark.skipif(not hasattr(fcntl, "F_GETPIPE_SZ"), reason="pipes of one size only")
def test_a_pipe_is_made_wide(pipe: tuple[Path, int]) -> None:
    path, descriptor = pipe
    os.write(descriptor, b"a\n")
    ByteSource(str(path)).close()
    assert fcntl.fcntl(descriptor, fcntl.F_GETPIPE_SZ) == bytesource.PIPE_SIZE


def test_a_file_that_becomes_shorter_is_told_of(tmp_path: Path) -> None:
    path = put(tmp_path, "f", b"line\n" * 1_000_000)
    source = ByteSource(path)
    chunks = source.chunks()
    next(chunks)
    os.truncate(path, 2_000_000)
    with pytest.raises(InputError, match=re.escape(f"{path}: the file became shorter while it was read")):
        list(chunks)


def test_a_file_that_grows_is_read_on(tmp_path: Path) -> None:
    path = put(tmp_path, "f", b"line\n" * 300_000)
    chunks = ByteSource(path).chunks()
    size = len(next(chunks))
    with Path(path).open("ab") as file:
        file.write(b"more\n")
    assert size + sum(map(len, chunks)) == 1_500_005


ENCODINGS = sorted(name for name in {*aliases.values(), "utf_16", "utf_32"} if _is_encoding(name))


@pytest.mark.parametrize("read", [3, 1 << 20])
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_no_bytes_are_a_traceback_in_any_encoding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encoding: str, read: int) -> None:
    monkeypatch.setattr(bytesource, "READ", read)
    chance = random.Random(encoding)
    inputs = [chance.randbytes(size) for size in (1, 2, 3, 5, 50)] + ["재밌게 봤다\n".encode("cp949") * 3, b"\xff\xfe\x00\xd8\x00", b"+AAA-~{"]
    for data in inputs:
        path = put(tmp_path, "f", data)
        try:
            texts_of(path, format="text", encoding=encoding)
        except InputError as error:
            assert re.fullmatch(re.escape(path) + ":[0-9]+", str(error.where))


@pytest.mark.parametrize(
    ("data", "told"),
    [
        ("a\n한글".encode()[:-1], "f:2: not UTF-8: cut short within its last character"),
        ("한".encode()[:2], "f:1: not UTF-8: cut short within its last character"),
        ("a".encode("utf-32"), "f:1: not UTF-8: it looks like UTF-32; add --encoding utf-32"),
    ],
)
def test_what_the_bytes_are_is_told(tmp_path: Path, data: bytes, told: str) -> None:
    with pytest.raises(InputError, match=re.escape(told)):
        texts_of(put(tmp_path, "f", data), format="text")
