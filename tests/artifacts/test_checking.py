"""Large files are checked beside the work, once; whoever changes one is noticed."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from textkit.artifacts import checking, folder
from textkit.errors import InputError


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(checking, "LARGE", 1000)
    monkeypatch.setattr(checking, "SETTLED", 0)
    place = tmp_path / "thing"
    place.mkdir()
    (place / "small").write_bytes(b"s" * 10)
    (place / "large").write_bytes(b"l" * 5000)
    folder.seal(place, {"kind": "thing"})
    return place


def hashed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that are hashed from now on."""
    names: list[str] = []
    check = folder.check_file
    monkeypatch.setattr(folder, "check_file", lambda file, due: (names.append(file.name), check(file, due)))
    return names


def test_what_was_found_whole_is_not_hashed_again(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = hashed(monkeypatch)
    manifest, check = checking.load(made, "thing")
    check.demand()
    assert manifest["kind"] == "thing"
    assert sorted(names) == ["large", "small"]
    checking.load(made, "thing")[1].demand()
    assert sorted(names) == ["large", "small", "small"]


def test_a_changed_file_is_told_of_at_the_end(made: Path) -> None:
    (made / "large").write_bytes(b"x" * 5000)
    check = checking.load(made, "thing")[1]
    with pytest.raises(InputError, match="the contents are not those that were saved"):
        check.demand()


def test_a_file_that_changes_after_it_was_found_whole_is_noticed(made: Path) -> None:
    checking.load(made, "thing")[1].demand()
    times = (made / "large").stat()
    with (made / "large").open("r+b") as file:
        file.write(b"x")
    os.utime(made / "large", ns=(times.st_atime_ns, times.st_mtime_ns))  # as one who hides it would
    with pytest.raises(InputError, match="the contents are not those that were saved"):
        checking.load(made, "thing")[1].demand()


def test_another_file_in_its_place_is_noticed(made: Path) -> None:
    checking.load(made, "thing")[1].demand()
    (made / "other").write_bytes(b"x" * 5000)
    (made / "other").replace(made / "large")
    with pytest.raises(InputError, match="the contents are not those that were saved"):
        checking.load(made, "thing")[1].demand()


@pytest.mark.parametrize("name", ["small", "large"])
def test_a_missing_or_shorter_file_is_told_of_at_once(made: Path, name: str) -> None:
    (made / name).write_bytes(b"x")
    with pytest.raises(InputError, match="1 bytes where the manifest says"):
        checking.load(made, "thing")
    (made / name).unlink()
    with pytest.raises(InputError, match="missing"):
        checking.load(made, "thing")


def test_what_changed_a_moment_ago_is_not_remembered(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checking, "SETTLED", 10**11)
    checking.load(made, "thing")[1].demand()
    names = hashed(monkeypatch)
    checking.load(made, "thing")[1].demand()
    assert sorted(names) == ["large", "small"]


def test_without_a_cache_it_is_checked_each_time(made: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("TEXTKIT_CACHE", str(tmp_path / "file" / "cache"))
    names = hashed(monkeypatch)
    for _ in range(2):
        checking.load(made, "thing")[1].demand()
    assert names.count("large") == 2


def test_a_damaged_note_is_no_note(made: Path, cache: Path) -> None:
    checking.load(made, "thing")[1].demand()
    (note,) = (cache / checking.REMEMBERED).iterdir()
    note.write_text("{")
    (made / "large").write_bytes(b"x" * 5000)
    with pytest.raises(InputError, match="sha256 differs"):
        checking.load(made, "thing")[1].demand()


def test_the_wrong_kind_is_refused(made: Path) -> None:
    with pytest.raises(InputError, match="is a thing, and a bundle is needed here"):
        checking.load(made, "bundle")


def test_hashing_does_not_hold_up_the_work(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check = folder.check_file
    monkeypatch.setattr(folder, "check_file", lambda file, due: (time.sleep(0.3 * (file.name == "large")), check(file, due)))
    started = time.monotonic()
    later = checking.load(made, "thing")[1]
    assert time.monotonic() - started < 0.2
    later.demand()
    assert time.monotonic() - started >= 0.3
