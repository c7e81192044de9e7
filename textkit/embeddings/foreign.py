"""Vectors of other programs on their way in: a file becomes an artifact of ours in the cache, and is not read a second time.

Lineages, bundles and later stages know it like one that was learned here.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from textkit.artifacts.known import Known
from textkit.artifacts.store import Store, Stored
from textkit.embeddings.files.reading import ACCEPTED, read_table
from textkit.embeddings.table import KIND, Table, describe
from textkit.errors import InputError
from textkit.report import say

METHOD = "pretrained"
READER = "embedding 1"  # counts up when a file would be read in another way than before


def adopted(given: str | Path) -> Path:
    """The folder of an artifact of ours: the one given, or one in the cache that holds another program's vectors."""
    path = Path(given)
    if not path.exists():
        raise InputError("no such file or folder", where=str(path), fix=f"give a folder that --save made, or {ACCEPTED}")
    if path.is_dir():
        return path
    known = Known(path, READER)
    place = known.recall()
    if place is None:
        place = Path(imported(str(path), Store()).path)
        known.remember(place)
    return place


def imported(path: str | None, store: Store) -> Stored:
    """An artifact of the vectors in a file, or in stdin."""
    table, form = read_table(path)
    say(f"{path or '<stdin>'}: {told(table)}, in the form of {form}")

    def fill(draft: Path) -> dict[str, Any]:
        table.save(draft)
        return {"kind": KIND, "method": METHOD, "config": {}, "form": form, **describe(table)}

    return store.put(fill)


def told(table: Table) -> str:
    words = int((table.counts > 0).sum())
    return f"{words} vector{'s' * (words != 1)} of {table.dim}{' and those of their n-grams' * (table.subwords is not None)}"
