"""The artifact cache: what a stage learned without `--save`, so that later stages and `train` find it.

$TEXTKIT_CACHE, else the user's cache folder, else the temporary folder with a line saying so. Folders are named by
content hash and written atomically. Past LIMIT the least recently used go, never what was used in the last day.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from textkit.artifacts import folder
from textkit.errors import InputError, ResourceError
from textkit.report import say
from textkit.streams.lineage import Entry

LIMIT = 2 << 30  # bytes
KEEP = 24 * 3600  # s


def root() -> Path:
    """The cache folder, made if need be."""
    named = os.environ.get("TEXTKIT_CACHE")
    if named:
        return _made(Path(named))
    try:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        return _made(base / "textkit")
    except (ResourceError, RuntimeError):  # no home, or one that may not be written
        fallback = _made(Path(tempfile.gettempdir()) / f"textkit-{os.getuid()}")
        if fallback.stat().st_uid != os.getuid():  # anyone may make a folder there under our name
            raise ResourceError("the cache folder is another user's", where=str(fallback), fix="set TEXTKIT_CACHE to another") from None
        say(f"no cache folder can be made in the home folder; what is learned without --save goes to {fallback}")
        return fallback


def _made(path: Path) -> Path:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ResourceError(f"the cache folder cannot be made ({error.strerror})", where=str(path)) from error
    if not os.access(path, os.W_OK):
        raise ResourceError("the cache folder may not be written", where=str(path), fix="set TEXTKIT_CACHE to another")
    return path


def keep(write: Callable[[Path], str]) -> Path:
    """Let `write` fill a folder and put that into the cache; returns where it stands.

    What stood there under the same hash is replaced: it may have been damaged since.
    """
    cache = root()
    folder.sweep(cache, ".new-*")
    try:
        with tempfile.TemporaryDirectory(prefix=".new-", dir=cache) as draft:
            sha256 = write(Path(draft))
            folder.open_to_readers(Path(draft))
            place = cache / sha256
            folder.put(Path(draft), place)
            Path(draft).mkdir(exist_ok=True)  # for the context to remove
    except OSError as error:
        raise folder.unwritable(error, cache) from error
    touch(place)
    evict(cache)
    return place


def touch(place: Path) -> None:
    os.utime(place)


def evict(cache: Path) -> None:
    """Remove the least recently used artifacts while the cache is past its limit."""
    entries = sorted((_used(path), path) for path in cache.iterdir() if not path.name.startswith("."))
    size = sum(_size(path) for _, path in entries)
    for used, path in entries:
        if size <= LIMIT or time.time() - used < KEEP:
            return
        size -= _size(path)
        shutil.rmtree(path, ignore_errors=True)


def _used(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:  # another process evicts too
        return time.time()


def _size(path: Path) -> int:
    try:
        return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
    except FileNotFoundError:
        return 0


def locate(entry: Entry, near: tuple[Path, ...] = ()) -> Path:
    """Where the artifact of a lineage's stage is: the path as given, beside the stream's file, then the cache.

    The hash decides. InputError names the artifact, and the --save that would have carried it, if it is nowhere.
    """
    if entry.artifact is None or entry.sha256 is None:
        raise InputError(f"the lineage names no artifact for {entry.label}")
    hint = Path(entry.artifact)
    damaged: InputError | None = None
    for place in (hint, *(beside / hint for beside in near), *(beside / hint.name for beside in near)):
        try:
            if (place / folder.MANIFEST).exists() and folder.read_manifest(place)["sha256"] == entry.sha256:
                return place
        except InputError as error:  # perhaps the one that is meant, perhaps another: there are more places
            damaged = damaged or error
    cached = root() / entry.sha256
    if cached.exists() and folder.read_manifest(cached)["sha256"] == entry.sha256:
        touch(cached)
        return cached
    if damaged:
        raise damaged
    fix = f"bring it here, or run textkit {entry.stage} with --save NAME and take that folder along"
    raise InputError(f"the artifact of {entry.label} ({entry.artifact}, {entry.sha256[:12]}) is not on this machine", fix=fix)
