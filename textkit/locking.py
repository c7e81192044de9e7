"""One run at a time: a lock on a file, which the system takes back however the process ends."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from textkit.errors import ResourceError

EVERY = 0.1  # s between two tries
_held: list[IO[bytes]] = []  # open until the process ends


def hold(path: str, wait: float = 0) -> bool:
    """Take the lock, within `wait` seconds; whether it was free. The file is made if need be, and stays."""
    file = _opened(path)
    until = time.monotonic() + wait
    while not _locked(file):
        if time.monotonic() >= until:
            file.close()
            return False
        time.sleep(min(EVERY, max(0, until - time.monotonic())))
    _held.append(file)
    return True


@contextmanager
def held(path: str) -> Iterator[bool]:
    """Hold the lock while the context lasts, in which its file may be removed; whether it was free."""
    with _opened(path) as file:
        place = Path(path)
        yield _locked(file) and place.exists() and os.path.samestat(os.fstat(file.fileno()), place.stat())


def _opened(path: str) -> IO[bytes]:
    try:
        return Path(path).open("ab")
    except OSError as error:
        raise ResourceError(f"the lock cannot be taken ({error.strerror})", where=path) from None


def _locked(file: IO[bytes]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
