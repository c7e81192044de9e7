"""Which artifact of the cache was made of a file of another program's, so that the file is read only once.

A file is known by its place on the disk, its size and when it last changed, to the nanosecond: its contents cannot
change without that, and copying or touching it only means that it is read again. What changed within the last
moments is not remembered, for it might change once more within one tick of the disk's clock.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from textkit.artifacts import cache, folder
from textkit.errors import InputError

PLACE = ".known"
TICK = 2.0  # s: the coarsest clock of a file system


class Known:
    """A file as it is now, on its way to an artifact. `maker` names what makes it, in which version."""

    def __init__(self, path: Path, maker: str) -> None:
        self._path, self._maker = path, maker
        self._key = self._now()

    def _now(self) -> str | None:
        """None if it is no plain file, or may still be written."""
        found = self._path.stat()
        if not stat.S_ISREG(found.st_mode) or time.time() - max(found.st_ctime, found.st_mtime) < TICK:
            return None
        facts = [self._maker, found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns]
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()

    def recall(self) -> Path | None:
        """The artifact that was made of it, if the cache still has it."""
        if self._key is None:
            return None
        try:
            sha256 = (cache.root() / PLACE / self._key).read_text(encoding="utf-8")
            place = cache.root() / sha256
            if folder.read_manifest(place)["sha256"] != sha256:
                return None
        except (FileNotFoundError, InputError):  # never made, or gone or damaged since
            return None
        cache.touch(place)
        return place

    def remember(self, place: Path) -> None:
        """That this artifact, in the cache, was made of the file; nothing if the file has changed meanwhile."""
        if self._key is None or self._now() != self._key:
            return
        notes = cache.root() / PLACE
        notes.mkdir(exist_ok=True)
        for note in notes.iterdir():  # those of artifacts that are gone
            with suppress(FileNotFoundError):  # another process sweeps too
                if not (cache.root() / note.read_text(encoding="utf-8")).exists():
                    note.unlink()
        descriptor, draft = tempfile.mkstemp(dir=cache.root(), prefix=".note-")
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(place.name)
        Path(draft).replace(notes / self._key)
