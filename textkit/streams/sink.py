"""Bytes out: stdout, or a file that appears under its name only when it is whole."""

from __future__ import annotations

import io
import os
import secrets
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from textkit.errors import ResourceError, UsageError
from textkit.registry import FORMATS, WRITTEN
from textkit.report import say
from textkit.streams.bytesource import plain_suffix
from textkit.streams.formats.base import Writing
from textkit.streams.stream import Stream


@dataclass(frozen=True)
class Outputs:
    """What the shared output options say."""

    path: str | None = None
    format: str | None = None  # None: by the suffix of `path`, else JSON Lines
    field: str | None = None  # of --to text
    lineage: bool = True  # whether to write the header and the end line
    keep: tuple[str, ...] | None = None  # the only fields to write
    drop: tuple[str, ...] = ()  # fields not to write
    quotes: bool = False  # of TSV
    typed: bool = False  # whether Arrow gives the user's own fields types


def write_stream(stream: Stream, outputs: Outputs) -> int:
    """Write a stream in the format asked for; returns how many records there were."""
    name = check_outputs(outputs)
    lineage = stream.lineage if outputs.lineage else None
    writing = Writing(lineage, outputs.field, outputs.keep, outputs.quotes, outputs.typed)
    with open_output(outputs.path) as out:
        writer = FORMATS.find(name)().writer(out, writing)
        records = _pump(_chosen(stream, outputs), writer, out)
        if outputs.path is not None:
            stream.ending.demand()
        writer.finish(records, complete=stream.ending.problem is None)
    _tell_of_lack(stream, writer.marks_end)
    if not records:
        say("the input held no records")
    return records


def check_outputs(outputs: Outputs) -> str:
    """The format's name. UsageError or ResourceError if the output cannot be: asked before the work, not after it."""
    name = outputs.format or _format_by_suffix(outputs.path)
    if outputs.field and name != "text":
        raise UsageError("--field goes with --to text")
    if not FORMATS[name].writes:
        raise UsageError(f"{name} is read and not written", where=outputs.path, fix=f"use --to {' or '.join(WRITTEN)}, or another suffix")
    if FORMATS.find(name).binary and outputs.path in (None, "-") and sys.stdout.isatty():
        raise UsageError(f"{name} is binary, and not for a terminal", fix="give -o FILE, or pipe it into a command")
    folder = Path(outputs.path).parent if outputs.path not in (None, "-") else Path()  # type: ignore[arg-type]
    if not folder.is_dir():
        raise ResourceError("cannot be written: there is no such folder", where=outputs.path, fix=f"make {folder} first")
    return name


def _tell_of_lack(stream: Stream, passed_on: bool) -> None:
    """An input that was cut short: the next command sees it by the missing end mark, where the output can have one."""
    if not passed_on:
        stream.ending.demand()
    if stream.ending.problem:
        say(f"warning: {stream.ending.problem}")


def _chosen(stream: Stream, outputs: Outputs) -> Stream:
    """The stream with the fields that the user wants to have."""
    if outputs.keep is not None:
        kept = (*outputs.keep,)
        stream = stream.map(lambda batch: batch.keep(kept))
    return stream.map(lambda batch: batch.drop(outputs.drop)) if outputs.drop else stream


def _pump(stream: Stream, writer: Any, out: BinaryIO) -> int:
    records = 0
    for batch in stream.batches:
        writer.write(batch)
        out.flush()
        records += len(batch)
    return records


def _format_by_suffix(path: str | None) -> str:
    suffix = plain_suffix(Path(path)) if path else ""
    return next((name for name, entry in FORMATS.items() if suffix and suffix in entry.load().suffixes), "jsonl")


@contextmanager
def open_output(path: str | None) -> Iterator[BinaryIO]:
    """stdout itself, or a temporary file beside `path` that is renamed at the end.

    If the context is left by an exception nothing appears at `path`, and what was there stays. A device or a named
    pipe is written to as it is, and a symbolic link keeps pointing at its file.
    """
    if path in (None, "-"):
        yield _whole(sys.stdout.fileno())
        return
    target = Path(path).resolve()  # type: ignore[arg-type]
    if target.is_dir():
        raise UsageError("is a directory", where=path, fix="give -o a file name")
    if target.exists() and not target.is_file():
        with target.open("wb", buffering=0) as device:
            yield _whole(device.fileno())
        return
    temporary = target.with_name(f".{target.name[:40]}.{secrets.token_hex(4)}")
    try:
        with _create(temporary, target) as file:
            yield _whole(file.fileno())
            os.fsync(file.fileno())
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def _create(temporary: Path, target: Path) -> BinaryIO:
    """The temporary file, with the permissions of the file that it will replace."""
    try:
        file = temporary.open("xb", buffering=0)
        if target.exists():
            temporary.chmod(stat.S_IMODE(target.stat().st_mode))
    except OSError as error:
        raise ResourceError(f"cannot be written ({error.strerror})", where=str(target)) from error
    return file


def _whole(descriptor: int) -> BinaryIO:
    return _Whole(descriptor)  # type: ignore[return-value]


class _Whole(io.RawIOBase):
    """A descriptor without buffering, of which every write is whole: the system may take a part of the bytes only."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        view = memoryview(data).cast("B")
        done = 0
        while done < len(view):
            done += os.write(self._descriptor, view[done:])
        return done

    def fileno(self) -> int:
        return self._descriptor
