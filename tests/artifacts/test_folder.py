"""Artifacts appear whole or not at all, are replaced in one step, and are checked to the last byte when they are loaded."""

from __future__ import annotations

import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from textkit.artifacts import folder
from textkit.errors import InputError, ResourceError, UsageError


def make(path: Path, words: str = "a b c", force: bool = False, **manifest: Any) -> str:
    with folder.publish(path, force) as draft:
        (draft / "deep").mkdir()
        (draft / "deep" / "words.txt").write_text(words)
        (draft / "empty.bin").write_bytes(b"")
        (draft / "history.jsonl").write_text(f'{{"note":"{words}"}}\n')
        return folder.seal(draft, {"kind": "thing", **manifest})


def names(path: Path) -> list[str]:
    return sorted(entry.name for entry in path.iterdir())


def test_what_was_saved_is_loaded(tmp_path: Path) -> None:
    sha256 = make(tmp_path / "new" / "deep" / "art", note="한국어")
    manifest = folder.load(tmp_path / "new" / "deep" / "art", "thing")
    assert manifest["sha256"] == sha256
    assert manifest["note"] == "한국어"
    assert {*manifest["files"]} == {"deep/words.txt", "empty.bin", "history.jsonl"}
    assert names(tmp_path / "new" / "deep") == ["art"]


def test_permissions_are_those_of_any_new_folder(tmp_path: Path) -> None:
    make(tmp_path / "art")
    (tmp_path / "plain").mkdir()
    assert (tmp_path / "art").stat().st_mode == (tmp_path / "plain").stat().st_mode


@pytest.mark.parametrize("before", [None, "old"])
@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, SystemExit])
def test_an_error_inside_keeps_the_old_or_nothing(tmp_path: Path, before: str | None, error: type[BaseException]) -> None:
    path = tmp_path / "art"
    old = before and make(path, before)
    with pytest.raises(error), folder.publish(path, force=True) as draft:
        (draft / "words.txt").write_text("half")
        raise error
    assert names(tmp_path) == (["art"] if before else [])
    assert not before or folder.load(path, "thing")["sha256"] == old


@pytest.mark.parametrize("before", [None, "old"])
def test_a_process_killed_inside_keeps_the_old_or_nothing(tmp_path: Path, before: str | None) -> None:
    """SIGKILL leaves no time to tidy up: a draft may stay, under a name of its own, the artifact is not touched."""
    path = tmp_path / "art"
    old = before and make(path, before)
    code = (
        "import os, signal, sys; from textkit.artifacts.folder import publish\n"
        "with publish(sys.argv[1], True) as draft:\n (draft / 'half').write_text('x'); os.kill(os.getpid(), signal.SIGKILL)"
    )
    assert subprocess.run([sys.executable, "-c", code, path]).returncode == -signal.SIGKILL
    assert path.exists() == bool(before)
    assert not before or folder.load(path, "thing")["sha256"] == old
    assert all(name == "art" or (name.startswith(".art.") and name.endswith(".draft")) for name in names(tmp_path))
    assert make(path, "new", force=True) == folder.load(path, "thing")["sha256"]


@pytest.mark.parametrize("exchange", [True, False], ids=["exchange", "two renames"])
def test_replacing_a_folder_that_is_not_empty(tmp_path: Path, exchange: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """`rename` refuses such a target: the two are exchanged, or the old one steps aside."""
    if not exchange:
        monkeypatch.setattr(folder, "_exchange", lambda *_: False)
    first, second = make(tmp_path / "art", "old"), make(tmp_path / "art", "new", force=True)
    assert first != second
    assert folder.load(tmp_path / "art", "thing")["sha256"] == second
    assert names(tmp_path) == ["art"]


def test_a_reader_never_sees_half(tmp_path: Path) -> None:
    """While one process replaces an artifact over and over, its manifest is there at every look."""
    path = tmp_path / "art"
    due = {make(path, "old"), make(path, "new", force=True)}
    stop, seen, faults = threading.Event(), set(), []

    def look() -> None:
        while not stop.is_set():
            try:
                seen.add(folder.read_manifest(path)["sha256"])
            except InputError as error:
                faults.append(error)

    reader = threading.Thread(target=look)
    reader.start()
    for turn in range(40):
        make(path, ("old", "new")[turn % 2], force=True)
    stop.set()
    reader.join()
    assert faults == []
    assert seen
    assert seen <= due


def test_an_existing_artifact_needs_force(tmp_path: Path) -> None:
    make(tmp_path / "art")
    with pytest.raises(UsageError, match="exists already; add --force to replace it"):
        folder.check_target(tmp_path / "art", force=False)
    folder.check_target(tmp_path / "art", force=True)


@pytest.mark.parametrize("what", ["home", "file", "link to home"])
def test_force_replaces_artifacts_only(tmp_path: Path, what: str) -> None:
    """`--save ~ --force` must not take a home folder away."""
    path, home = tmp_path / "target", tmp_path / "home"
    home.mkdir()
    (home / "thesis.txt").write_text("years of work")
    if what == "home":
        path = home
    elif what == "file":
        path.write_text("data")
    else:
        path.symlink_to(home)
    with pytest.raises(UsageError, match="is not an artifact of textkit's"):
        make(path, force=True)
    assert (home / "thesis.txt").read_text() == "years of work"


def test_force_does_not_take_another_programs_manifest_for_ours(tmp_path: Path) -> None:
    """Browser extensions and web apps have a manifest.json too."""
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "manifest.json").write_text('{"name": "my app", "manifest_version": 3}')
    (tmp_path / "app" / "code.js").write_text("work")
    with pytest.raises(UsageError, match="is not an artifact of textkit's"):
        make(tmp_path / "app", force=True)
    assert (tmp_path / "app" / "code.js").exists()


def test_force_replaces_a_damaged_artifact(tmp_path: Path) -> None:
    """It was ours: that it is broken is the more reason to make it again."""
    make(tmp_path / "art")
    (tmp_path / "art" / "deep" / "words.txt").write_text("broken")
    assert make(tmp_path / "art", "new", force=True) == folder.load(tmp_path / "art", "thing")["sha256"]


def test_force_fills_an_empty_folder(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    make(tmp_path / "empty", force=True)
    folder.load(tmp_path / "empty", "thing")


@pytest.mark.parametrize("there", [True, False])
def test_a_link_stays_and_what_it_points_to_is_made(tmp_path: Path, there: bool) -> None:
    """`current -> model-7` is how people name the model that serves."""
    (tmp_path / "disk").mkdir()
    (tmp_path / "current").symlink_to(tmp_path / "disk" / "model")
    if there:
        make(tmp_path / "disk" / "model", "old")
    sha256 = make(tmp_path / "current", "new", force=there)
    assert (tmp_path / "current").is_symlink()
    assert folder.load(tmp_path / "disk" / "model", "thing")["sha256"] == sha256
    assert names(tmp_path) == ["current", "disk"]
    assert names(tmp_path / "disk") == ["model"]


@pytest.mark.parametrize("path", ["file/art", "file/deep/art", "/proc/textkit-art", "/sys/textkit-art"])
def test_a_place_that_cannot_be_written_is_told_before_the_work(tmp_path: Path, path: str) -> None:
    """As any user, root too: below a file, and where the kernel keeps its own."""
    (tmp_path / "file").write_text("data")
    with pytest.raises(ResourceError, match="cannot be written"):
        folder.check_target(tmp_path / path, force=False)


def test_asking_first_leaves_nothing_behind(tmp_path: Path) -> None:
    folder.check_target(tmp_path / "new" / "art", force=False)
    assert names(tmp_path) == []


def test_hash_depends_on_contents_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither clock, path, histories nor what the manifest says enters it."""
    first = make(tmp_path / "art", note=1)
    monkeypatch.setattr("time.time", lambda: 0.0)
    second = make(tmp_path / "elsewhere" / "other", note=2)
    for file in (tmp_path / "art").rglob("*"):
        os.utime(file, (0, 0))
    assert first == second == folder.load(tmp_path / "art", "thing")["sha256"]
    assert make(tmp_path / "third", "other words") != first


def test_hash_depends_on_names(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("1")
    first = folder.seal(tmp_path, {"kind": "thing"})
    (tmp_path / "x").rename(tmp_path / "y")
    (tmp_path / "manifest.json").unlink()
    assert folder.seal(tmp_path, {"kind": "thing"}) != first


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"textkit": 99, "version": "9.9"}, r"made by a newer textkit \(9.9, format 99\); this one reads format 1; update textkit"),
        ({"kind": "other"}, "manifest.json: the manifest was changed after it was written"),
        ({"textkit": "1"}, "manifest.json: the manifest is not one of textkit's"),
        ({"checksum": None}, "manifest.json: the manifest was changed"),
    ],
)
def test_manifest_that_does_not_fit_is_refused(tmp_path: Path, change: dict[str, Any], told: str) -> None:
    make(tmp_path / "art")
    file = tmp_path / "art" / "manifest.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | change))
    with pytest.raises(InputError, match=told):
        folder.load(tmp_path / "art", "thing")


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "\x00", '{"textkit": 1}', '{"textkit": true, "files": 3}', "[" * 100_000])
def test_manifest_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(InputError, match=r"manifest\.json"):
        folder.load(tmp_path, "thing")


def test_wrong_kind_missing_file_and_no_artifact_are_told_apart(tmp_path: Path) -> None:
    make(tmp_path / "art")
    with pytest.raises(InputError, match="art: is a thing, and a tokenizer is needed here"):
        folder.load(tmp_path / "art", "tokenizer")
    with pytest.raises(InputError, match="gone: no such artifact"):
        folder.load(tmp_path / "gone", "thing")
    with pytest.raises(InputError, match=r"has no manifest\.json"):
        folder.load(tmp_path, "thing")
    with pytest.raises(InputError, match="is a file, not an artifact folder"):
        folder.load(tmp_path / "art" / "manifest.json", "thing")
    (tmp_path / "art" / "deep" / "words.txt").unlink()
    with pytest.raises(InputError, match=r"deep/words\.txt: the file is missing"):
        folder.load(tmp_path / "art", "thing")


@pytest.mark.parametrize("name", ["tok", "model"])
def test_a_flipped_byte_is_noticed_wherever_it_is(made: Path, tmp_path: Path, name: str) -> None:
    """Every byte of the manifests, and some of each other file, those of the stages inside a bundle too."""
    shutil.copytree(made / name, tmp_path / name)
    kind = folder.read_manifest(made / name)["kind"]
    for file in sorted(path for path in (tmp_path / name).rglob("*") if path.is_file()):
        data = file.read_bytes()
        step = 1 if file.name == "manifest.json" else max(1, len(data) // 20)
        for at in range(0, len(data), step):
            file.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
            with pytest.raises(InputError):
                folder.load(tmp_path / name, kind)
        file.write_bytes(data)
    folder.load(tmp_path / name, kind)


def test_a_reader_gets_one_version_whole_while_a_writer_exchanges_it(tmp_path: Path) -> None:
    def write(text: str) -> None:
        with folder.publish(tmp_path / "a", force=True) as draft:
            (draft / "one").write_text(text)
            (draft / "two").write_text(text)
            folder.seal(draft, {"kind": "pair"})

    def read() -> list[str]:
        first = (tmp_path / "a" / "one").read_text()
        if first == "old":
            write("new")  # in the midst of the first try
        return [first, (tmp_path / "a" / "two").read_text()]

    write("old")
    assert folder.read_whole(tmp_path / "a", read) == ["new", "new"]


def test_a_hash_that_is_not_of_the_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    folder.seal(tmp_path, {"kind": "thing"})
    manifest = json.loads((tmp_path / folder.MANIFEST).read_text())
    manifest["sha256"] = "0" * 64
    manifest["checksum"] = folder._checksum(manifest)
    (tmp_path / folder.MANIFEST).write_text(json.dumps(manifest))
    with pytest.raises(InputError, match="hash is not that of its files"):
        folder.load(tmp_path, "thing")


def test_every_file_of_an_artifact_may_be_read_by_others(tmp_path: Path) -> None:
    with folder.publish(tmp_path / "a", force=False) as draft:
        (draft / "weights").touch(mode=0o600)
        folder.seal(draft, {"kind": "thing"})
    mask = os.umask(0)
    os.umask(mask)
    assert {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "a").iterdir()} == {0o666 & ~mask}
