"""What was made of a file is found again for as long as the file cannot have changed, and not a moment longer."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from textkit.artifacts import cache, folder, known
from textkit.artifacts.known import Known


@contextmanager
def later() -> Iterator[None]:
    """As if it were an hour later: what was written before may not be written to any more in the same tick."""
    with pytest.MonkeyPatch.context() as patch:
        now = time.time()
        patch.setattr(known.time, "time", lambda: now + 3600)
        yield


def kept(content: str = "made") -> Path:
    def write(draft: Path) -> str:
        (draft / "a.txt").write_text(content)
        return folder.seal(draft, {"kind": "thing"})

    return cache.keep(write)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "file.txt"
    path.write_text("abc")
    return path


def test_found_again(file: Path) -> None:
    with later():
        first = Known(file, "maker 1")
        assert first.recall() is None
        first.remember(place := kept())
        assert Known(file, "maker 1").recall() == place
        assert Known(file, "maker 2").recall() is None


def test_a_file_of_this_moment_is_not_remembered(file: Path) -> None:
    """It could be written again before the clock ticks, and nobody could tell."""
    Known(file, "maker").remember(kept())
    with later():
        assert Known(file, "maker").recall() is None


@pytest.mark.parametrize("change", ["same size, old time", "another file in its place", "touched", "longer"])
def test_not_found_once_it_has_changed(file: Path, change: str) -> None:
    with later():
        Known(file, "maker").remember(kept())
    before = file.stat()
    time.sleep(0.02)  # a tick of the disk's clock
    if change == "another file in its place":
        other = file.with_name("other")
        other.write_text("xyz")
        other.replace(file)
    elif change != "touched":
        file.write_text("xyz" if change == "same size, old time" else "abcd")
    if change == "touched":
        file.touch()
    else:
        os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    with later():
        assert Known(file, "maker").recall() is None


def test_a_change_while_it_is_read_is_seen(file: Path) -> None:
    with later():
        reading = Known(file, "maker")
        time.sleep(0.02)
        file.write_text("xyz")
        reading.remember(kept())
        assert Known(file, "maker").recall() is None


def test_an_artifact_that_is_gone_or_damaged_is_not_found_and_forgotten(file: Path) -> None:
    with later():
        Known(file, "maker").remember(place := kept())
        manifest: dict[str, Any] = json.loads((place / folder.MANIFEST).read_text())
        (place / folder.MANIFEST).write_text(json.dumps({**manifest, "kind": "other"}))
        assert Known(file, "maker").recall() is None
        (place / folder.MANIFEST).unlink()
        assert Known(file, "maker").recall() is None
        (place / "a.txt").unlink()
        place.rmdir()
        assert Known(file, "maker").recall() is None
        Known(file, "another").remember(kept("second"))
        assert len([*(cache.root() / known.PLACE).iterdir()]) == 1


def test_a_pipe_is_never_remembered(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with later():
        Known(tmp_path / "pipe", "maker").remember(kept())
        assert Known(tmp_path / "pipe", "maker").recall() is None
    assert not (cache.root() / known.PLACE).exists()
