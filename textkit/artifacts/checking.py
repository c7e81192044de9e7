"""Artifacts with large files, checked beside the work: hashing 2 GB takes longer than to answer from them.

The manifest and the small files are checked at once. A large file is hashed in a thread, and `Check.demand` at the end of
the run raises what `folder.load` would have raised at its start. Once a file was found whole, the cache remembers its
state (device, inode, size, times of its last change); while that is the same it is not hashed again. So a file that is
written to is always noticed, since that changes its times, and a disk that loses bits of a file at rest is noticed only
by what hashes each time: all other commands.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import threading
import time
from pathlib import Path
from typing import Any

from textkit.artifacts import cache, folder
from textkit.errors import InputError, ResourceError

LARGE = 64 << 20  # bytes: a tenth of a second to hash
SETTLED = 2 * 10**9  # ns: a file that changed later than so long ago might change again within one tick of its clock
REMEMBERED = ".checked"  # in the cache; its leading dot keeps it from being taken for an artifact


class Check:
    """The large files of an artifact, on their way to be checked."""

    def __init__(self, files: list[tuple[Path, dict[str, Any]]]) -> None:
        self._problem: Exception | None = None
        self._thread = threading.Thread(target=self._run, args=(files,), daemon=True) if files else None
        if self._thread is not None:
            self._thread.start()

    def _run(self, files: list[tuple[Path, dict[str, Any]]]) -> None:
        try:
            for file, due in files:
                before = _state(file, due)
                folder.check_file(file, due)
                _remember(file, before, _state(file, due))
        except (InputError, OSError) as problem:  # told of by `demand`, in the thread that can end the run
            self._problem = problem

    def demand(self) -> None:
        """Wait for it; InputError if a file is not what was saved."""
        if self._thread is not None:
            self._thread.join()
        if self._problem is not None:
            raise self._problem


def load(path: str | Path, kind: str) -> tuple[dict[str, Any], Check]:
    """The manifest of an artifact of this kind, and the check of those files of it that take long."""
    manifest = folder.read_kind(path, kind)
    large = []
    for name, due in manifest["files"].items():
        file = Path(path) / name
        if due["size"] <= LARGE or not file.is_file() or file.stat().st_size != due["size"]:
            folder.check_file(file, due)
        elif not _known(file, due):
            large.append((file, due))
    return manifest, Check(large)


def _state(file: Path, due: dict[str, Any]) -> list[Any]:
    """What changes if anybody writes to the file: nobody can set the time of its last change."""
    found = file.stat()
    return [due["sha256"], found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns]


def _note(file: Path) -> Path:
    return cache.root() / REMEMBERED / hashlib.sha256(os.fsencode(file.resolve())).hexdigest()


def _known(file: Path, due: dict[str, Any]) -> bool:
    try:
        return bool(json.loads(_note(file).read_bytes()) == _state(file, due))
    except (OSError, ValueError, ResourceError):  # never checked, or there is no cache: then it is checked now
        return False


def _remember(file: Path, before: list[Any], after: list[Any]) -> None:
    if before != after or time.time_ns() - max(after[-2:]) < SETTLED:
        return
    try:
        note = _note(file)
        note.parent.mkdir(exist_ok=True)
        draft = note.with_name(f".{secrets.token_hex(8)}")
        draft.write_text(json.dumps(after), encoding="utf-8")
        draft.replace(note)
    except (OSError, ResourceError):  # the next run checks again
        return
