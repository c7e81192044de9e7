"""`convert` of word vectors: another program's file to a folder of ours, either of them to another program's file."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path

from textkit.artifacts.store import Store
from textkit.embeddings.files.names import BINARY
from textkit.embeddings.files.reading import read_table
from textkit.embeddings.files.writing import write_table
from textkit.embeddings.foreign import imported, told
from textkit.embeddings.table import Table
from textkit.errors import ResourceError, UsageError
from textkit.report import say
from textkit.streams.source import Inputs


def to_folder(path: str | None, target: str, force: bool) -> None:
    """`path` None: stdin."""
    imported(path, Store(target, force))
    say(f"saved as {target}")


def to_file(path: str | None, target: str | None, form: str) -> None:
    """A folder or a file of vectors as a file in this form; `target` None: stdout."""
    if form in BINARY and target in (None, "-") and sys.stdout.isatty():
        raise UsageError(f"{form} is binary, and not for a terminal", fix="give -o FILE")
    if target is not None and not Path(target).parent.is_dir():
        raise ResourceError("cannot be written: there is no such folder", where=target, fix=f"make {Path(target).parent} first")
    if path is not None and Path(path).is_dir():
        table = Table.load(Path(path))
    else:
        table, _ = read_table(path)
    write_table(table, target, form)
    say(f"{told(table if form == 'fasttext' else replace(table, subwords=None))} written as {form}")


def nothing() -> Inputs:
    """The input of what reads none."""
    return Inputs((os.devnull,), "text")
