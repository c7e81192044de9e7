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
from textkit.registry import FORMATS
from textkit.report import say
from textkit.streams.stream import Stream

WRITTEN = ("jsonl", "arrow", "text")
PACKED = (".gz", ".bz2", ".xz", ".zst")


@dataclass(frozen=True)
class Outputs:
    """What the shared output options say."""

    path: str | None = None
    format: str | None = None  # None: by the suffix of `path`, else JSON Lines
    field: str | None = None  # of --to text
    lineage: bool = True  # whether to write the header and the end line


def write_stream(stream: Stream, outputs: Outputs) -> int:
    """Write a stream in the format asked for; returns how many records there were."""
    name = check_outputs(outputs)
    lineage = stream.lineage if outputs.lineage else None
    with open_output(outputs.path) as out:
        writer = FORMATS.find(name)().writer(out, lineage, outputs.field)
        records = _pump(stream, writer, out)
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
    if name not in WRITTEN:
        raise UsageError(f"{name} cannot be written yet", where=outputs.path, fix="use --to jsonl, arrow or text, or another suffix")
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


def _pump(stream: Stream, writer: Any, out: BinaryIO) -> int:
    records = 0
    for batch in stream.batches:
        writer.write(batch)
        out.flush()
        records += len(batch)
    return records


def _format_by_suffix(path: str | None) -> str:
    suffix = Path(path).suffix.lower() if path else ""
    if suffix in PACKED:
        raise UsageError("compressed output is not written", where=path, fix=f"pipe it through a compressor, as in | gzip > {path}")
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
