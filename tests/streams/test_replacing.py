"""The file that takes the place of another: nothing stays of a killed run, on systems with nameless files and without."""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import TEXTKIT, Textkit
from tests.streams.reading import put
from textkit.errors import ResourceError
from textkit.streams.bytesource import PIPE_SIZE
from textkit.streams.sink import open_output

WRITER = """
import sys, time
from textkit.streams.sink import open_output
with open_output(sys.argv[1]) as out:
    out.write(b"new" * 100000)
    print("written", flush=True)
    time.sleep(60)
"""
nameless = pytest.mark.skipif(not hasattr(os, "O_TMPFILE"), reason="the system has no files without a name")


@pytest.fixture(params=["nameless", "named", "no proc"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """How the file comes to be: what the system has, or what is done where it refuses that."""
    real_open, real_is_dir = os.open, Path.is_dir

    def refuse(path: Any, flags: int, *more: Any, **named: Any) -> int:
        if flags & os.O_TMPFILE == os.O_TMPFILE:
            raise OSError(errno.EOPNOTSUPP, "Operation not supported")
        return real_open(path, flags, *more, **named)

    if request.param == "named":
        monkeypatch.setattr(os, "open", refuse)
    if request.param == "no proc":
        monkeypatch.setattr(Path, "is_dir", lambda path: path != Path("/proc/self/fd") and real_is_dir(path))
    return str(request.param)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("old", [None, "old"])
@pytest.mark.parametrize("name", ["out", "한" * 60, "out.gz"])
def test_the_file_appears_at_the_end(tmp_path: Path, way: str, old: str | None, name: str) -> None:
    path = tmp_path / name
    if old:
        path.write_text(old)
    with open_output(str(path)) as out:
        out.write(b"a")
        during = names(tmp_path)
    assert len(during) == bool(old) + (way != "nameless" or not hasattr(os, "O_TMPFILE"))
    assert names(tmp_path) == [name]
    assert path.read_bytes() != old


def test_an_error_leaves_nothing(tmp_path: Path, way: str) -> None:
    with pytest.raises(KeyError), open_output(str(tmp_path / "out")) as out:
        out.write(b"a")
        raise KeyError
    assert names(tmp_path) == []


@pytest.mark.parametrize("mask", [0o022, 0o077, 0o002])
def test_permissions(tmp_path: Path, way: str, mask: int) -> None:
    (tmp_path / "old").touch()
    (tmp_path / "old").chmod(0o604)
    before = os.umask(mask)
    try:
        for name, due in (("new", 0o666 & ~mask), ("old", 0o604)):
            with open_output(str(tmp_path / name)) as out:
                out.write(b"a")
            assert stat.S_IMODE((tmp_path / name).stat().st_mode) == due
    finally:
        os.umask(before)


def test_a_rename_that_fails_leaves_nothing(tmp_path: Path, way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(PermissionError), open_output(str(tmp_path / "out")) as out:
        out.write(b"a")
    assert names(tmp_path) == []


def test_a_folder_that_takes_no_file_is_told_of(way: str) -> None:
    with pytest.raises(ResourceError, match="cannot be written"), open_output("/proc/out"):
        pass


@nameless
@pytest.mark.parametrize("old", [None, "old"])
def test_a_killed_run_leaves_what_was_there(tmp_path: Path, old: str | None) -> None:
    path = tmp_path / "out.jsonl"
    if old:
        path.write_text(old)
    with subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"written\n"
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == ([("out.jsonl", old)] if old else [])


@nameless
def test_a_killed_command_leaves_nothing(tmp_path: Path) -> None:
    with subprocess.Popen([*TEXTKIT, "tokenize", "-o", "out.jsonl.zst"], stdin=subprocess.PIPE, cwd=tmp_path) as process:
        assert process.stdin is not None
        process.stdin.write(b"a b\n" * 100_000)
        process.stdin.flush()
        time.sleep(0.5)
        process.kill()
    assert names(tmp_path) == []


def test_a_device_of_the_shells_is_written_to(textkit: Textkit) -> None:
    put(textkit.folder, "a.txt", "a b\n")
    assert textkit.shell("textkit tokenize --to text -o /dev/stdout a.txt | cat").stdout == "a b\n"
    assert textkit.shell("textkit tokenize --to text -o >(cat) a.txt | cat").stdout == "a b\n"


@pytest.mark.skipif(not hasattr(fcntl, "F_GETPIPE_SZ"), reason="pipes of one size only")
def test_the_pipe_of_stdout_is_made_wide() -> None:
    script = "from textkit.streams.sink import open_output\nwith open_output(None) as out: out.write(b'a')"
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.read() == b"a"
        assert fcntl.fcntl(process.stdout, fcntl.F_GETPIPE_SZ) == PIPE_SIZE
