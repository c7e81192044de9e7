"""Artifacts: folders with a manifest that appear whole or not at all, and are checked when they are loaded.

    with publish("tok", force=False) as draft:      # a folder beside the target
        (draft / "tokenizer.json").write_text(...)
        seal(draft, {"kind": "tokenizer", ...})     # manifest.json with the size and sha256 of every file

An artifact's hash is over the (name, sha256) pairs of its files, manifests and histories left out, so that no clock,
host or path enters it. The manifest carries a checksum of itself: a flipped byte anywhere is noticed.
"""

from __future__ import annotations

import ctypes
import glob
import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from textkit import __version__
from textkit.errors import InputError, ResourceError, UsageError

MANIFEST = "manifest.json"
T = TypeVar("T")
VERSION = 1
ABANDONED = 24 * 3600  # s
UNHASHED = (MANIFEST, "history.jsonl", "trials.jsonl")
_EXCHANGE = 2  # RENAME_EXCHANGE of linux/fs.h
_AT_FDCWD = -100


def check_target(path: str | Path, force: bool) -> None:
    """UsageError or ResourceError if an artifact could not be saved there: asked before the work, not after it."""
    path = Path(path)
    if path.exists() and not force:
        raise UsageError("exists already", where=str(path), fix="add --force to replace it")
    if path.exists() and not _replaceable(path):
        raise UsageError("is not an artifact of textkit's, so --force does not replace it", where=str(path), fix="choose another name")
    parent = _existing_parent(path)
    try:
        Path(tempfile.mkdtemp(prefix=".textkit-", dir=parent)).rmdir()  # only trying tells: permissions do not bind root, nor open /proc
    except OSError as error:
        raise ResourceError(f"cannot be written: {parent}: {error.strerror}", where=str(path), fix="choose another place") from None


def _replaceable(path: Path) -> bool:
    """An artifact, be it damaged, or an empty folder. Other programs have a manifest.json too."""
    manifest = path / MANIFEST
    if manifest.is_file():
        with manifest.open("rb") as file:
            return b'"textkit"' in file.read(100)
    return path.is_dir() and not any(path.iterdir())


def _existing_parent(path: Path) -> Path:
    parent = Path(os.path.realpath(path)).parent
    while not parent.exists():
        parent = parent.parent
    return parent


@contextmanager
def publish(path: str | Path, force: bool) -> Iterator[Path]:
    """A folder to fill; when the context ends well it is synced to disk and put at `path` in one step."""
    check_target(path, force)
    path = Path(os.path.realpath(path))  # a link stays, what it points to is replaced
    path.parent.mkdir(parents=True, exist_ok=True)
    sweep(path.parent, f".{glob.escape(path.name)}.*.draft")
    draft = Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=".draft", dir=path.parent))
    try:
        yield draft
        settle(draft)
        put(draft, path)
        _sync(path.parent)
    except OSError as error:
        raise unwritable(error, path) from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def sweep(folder: Path, pattern: str) -> None:
    """Remove the drafts that killed processes left, once they are so old that nobody can be at work on them."""
    for draft in folder.glob(pattern):
        with suppress(FileNotFoundError):  # another process sweeps too
            if time.time() - draft.stat().st_mtime > ABANDONED:
                shutil.rmtree(draft, ignore_errors=True)


def unwritable(error: OSError, path: Path) -> ResourceError:
    """The error of a disk that is full or broken, told of the artifact and not of a draft that is gone by now."""
    return ResourceError(f"cannot be written: {(error.strerror or str(error)).lower()}", where=str(path))


def settle(folder: Path) -> None:
    """A filled folder as it is to stand: readable as any new file is, and synced to disk."""
    open_to_readers(folder)
    for file in sorted(folder.rglob("*")):
        _sync(file)
    _sync(folder)


def open_to_readers(draft: Path) -> None:
    """mkdtemp and safetensors make private files; an artifact has the permissions that any new file has."""
    mask = os.umask(0)
    os.umask(mask)
    for path in (draft, *draft.rglob("*")):
        path.chmod((0o777 if path.is_dir() else 0o666) & ~mask)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def put(draft: Path, path: Path) -> None:
    """Move a filled folder to `path`. If there was one, `draft` holds it afterwards, or it is gone."""
    try:
        draft.rename(path)
    except OSError:  # there is one, perhaps since a moment
        if not path.is_dir():
            raise
        if not _exchange(draft, path):
            aside = draft.with_suffix(".old")  # without an exchange there is a moment without an artifact, never half of one
            path.rename(aside)
            draft.rename(path)
            shutil.rmtree(aside)


def _exchange(first: Path, second: Path) -> bool:
    """Swap two folders in one step, where the system can (rename refuses a target that is not empty)."""
    renameat2 = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    arguments = (_AT_FDCWD, os.fsencode(first), _AT_FDCWD, os.fsencode(second), _EXCHANGE)
    return renameat2 is not None and renameat2(*arguments) == 0


def seal(folder: Path, manifest: dict[str, Any]) -> str:
    """Write the manifest of a filled folder; returns the artifact's hash."""
    files = {}
    for file in sorted(file for file in folder.rglob("*") if file.is_file()):
        name = file.relative_to(folder).as_posix()
        files[name] = {"size": file.stat().st_size, "sha256": _sha256(file)}
    sha256 = content_hash(files)
    whole = {"textkit": VERSION, "version": __version__, **manifest, "sha256": sha256, "files": files}
    whole["checksum"] = _checksum(whole)
    new = folder / f"{MANIFEST}.new"
    new.write_text(json.dumps(whole, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    new.rename(folder / MANIFEST)  # with it the folder is whole, and not before
    return sha256


def content_hash(files: dict[str, dict[str, Any]]) -> str:
    pairs = [[name, entry["sha256"]] for name, entry in sorted(files.items()) if Path(name).name not in UNHASHED]
    return hashlib.sha256(json.dumps(pairs).encode()).hexdigest()


def _sha256(file: Path) -> str:
    with file.open("rb") as data:
        return hashlib.file_digest(data, "sha256").hexdigest()


def _checksum(manifest: dict[str, Any]) -> str:
    body = {key: value for key, value in manifest.items() if key != "checksum"}
    return hashlib.sha256(json.dumps(body, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def read_manifest(folder: str | Path) -> dict[str, Any]:
    """The manifest of an artifact, checked against itself. InputError says what is wrong with it."""
    path = Path(folder) / MANIFEST
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        what = "is no artifact of textkit's (it has no manifest.json)" if Path(folder).exists() else "no such artifact"
        raise InputError(what, where=str(folder), fix="give a folder that --save made") from None
    except NotADirectoryError:
        raise InputError("is a file, not an artifact folder", where=str(folder), fix="give a folder that --save made") from None
    except (ValueError, RecursionError) as error:
        raise InputError(f"the manifest is damaged ({error})", where=str(path)) from None
    if not isinstance(manifest, dict) or not isinstance(manifest.get("textkit"), int):
        raise InputError("the manifest is not one of textkit's", where=str(path))
    if manifest["textkit"] > VERSION:
        message = f"made by a newer textkit ({manifest.get('version')}, format {manifest['textkit']}); this one reads format {VERSION}"
        raise InputError(message, where=str(folder), fix="update textkit")
    if manifest.get("checksum") != _checksum(manifest):
        raise InputError("the manifest was changed after it was written", where=str(path), fix="make the artifact again")
    return manifest


def load(folder: str | Path, kind: str) -> dict[str, Any]:
    """The manifest of an artifact of this kind, after checking every file's size and hash."""
    manifest = read_kind(folder, kind)
    for name, due in manifest["files"].items():
        check_file(Path(folder) / name, due)
    return manifest


def read_kind(folder: str | Path, kind: str) -> dict[str, Any]:
    """The manifest of an artifact of this kind, whose files are still to be checked."""
    manifest = read_manifest(folder)
    if manifest.get("kind") != kind:
        article = "an" if kind[0] in "aeiou" else "a"
        raise InputError(f"is a {manifest.get('kind')}, and {article} {kind} is needed here", where=str(folder))
    if content_hash(manifest["files"]) != manifest["sha256"]:
        raise InputError("the manifest's hash is not that of its files", where=str(Path(folder) / MANIFEST), fix="make the artifact again")
    return manifest


def read_whole(folder: str | Path, read: Callable[[], T]) -> T:
    """What `read` makes of an artifact, all of it from one version: if a writer put another in its place meanwhile, read again."""
    before = _state(folder)
    try:
        found = read()
    except (InputError, FileNotFoundError):
        if _state(folder) == before:
            raise
        return read()
    return found if _state(folder) == before else read()


def _state(folder: str | Path) -> bytes | None:
    manifest = Path(folder) / MANIFEST
    return manifest.read_bytes() if manifest.is_file() else None


def check_file(file: Path, due: dict[str, Any]) -> None:
    if not file.is_file():
        raise InputError("the file is missing from its artifact", where=str(file), fix="make the artifact again")
    size = file.stat().st_size
    if size != due["size"]:
        raise InputError(f"{size} bytes where the manifest says {due['size']}", where=str(file), fix="make the artifact again")
    if _sha256(file) != due["sha256"]:
        raise InputError("the contents are not those that were saved (sha256 differs)", where=str(file), fix="make the artifact again")


def copy(source: Path, target: Path) -> None:
    """Copy the files of an artifact (shutil.copytree hides which fault of the system it met)."""
    for file in sorted(path for path in source.rglob("*") if path.is_file()):
        place = target / file.relative_to(source)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, place)
