"""Where a learned stage's artifact goes: the folder of --save, else the cache."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from textkit.artifacts import cache, folder


@dataclass(frozen=True)
class Stored:
    path: str
    sha256: str


@dataclass(frozen=True)
class Store:
    save: str | None = None
    force: bool = False

    def __post_init__(self) -> None:
        if self.save is not None:
            folder.check_target(self.save, self.force)

    def put(self, fill: Callable[[Path], dict[str, Any]]) -> Stored:
        """`fill` writes the files into a folder and returns what the manifest says of them."""
        if self.save is None:
            place = cache.keep(lambda draft: folder.seal(draft, fill(draft)))
            return Stored(str(place), place.name)
        with folder.publish(self.save, self.force) as draft:
            sha256 = folder.seal(draft, fill(draft))
        return Stored(self.save, sha256)
