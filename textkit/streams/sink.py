"""Bytes out: stdout, or a file that appears under its name only when it is whole."""

from __future__ import annotations

import io
import os
import stat
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

from textkit.errors import ResourceError, UsageError
from textkit.registry import FORMATS
from textkit.streams.stream import Stream

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
    name = outputs.format or _format_by_suffix(outputs.path)
    if outputs.field and name != "text":
        raise UsageError("--field goes with --to text")
    lineage = stream.lineage if outputs.lineage else None
    with Output(outputs.path) as out:
        writer = FORMATS.find(name)().writer(out, lineage, outputs.field)
        records = _pump(stream, writer, out)
        if outputs.path is not None:
            stream.ending.demand()
        writer.finish(records, complete=stream.ending.problem is None)
    return records


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


class Output:
    """A context that gives a binary file: stdout itself, or a temporary file beside `path` that is renamed at the end.

    If the context is left by an exception nothing appears at `path`, and what was there stays. A device or a named
    pipe is written to as it is, and a symbolic link keeps pointing at its file.
    """

    def __init__(self, path: str | None) -> None:
        self.path = Path(path).resolve() if path not in (None, "-") else None  # type: ignore[arg-type]
        self._temporary: Path | None = None

    def __enter__(self) -> BinaryIO:
        self._file: BinaryIO = _Whole(self._open())  # type: ignore[assignment]
        return self._file

    def _open(self) -> int:
        if self.path is None:
            return sys.stdout.fileno()
        if self.path.is_dir():
            raise UsageError("is a directory", where=str(self.path), fix="give -o a file name")
        try:
            if self.path.exists() and not self.path.is_file():
                return os.open(self.path, os.O_WRONLY)
            descriptor, name = tempfile.mkstemp(prefix=f".{self.path.name[:200]}.", dir=self.path.parent)
            self._temporary = Path(name)
            os.fchmod(descriptor, _mode(self.path))
        except OSError as error:
            raise ResourceError(f"cannot be written ({error.strerror})", where=str(self.path)) from error
        return descriptor

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self.path is None:
            return
        try:
            if kind is None and self._temporary is not None:
                os.fsync(self._file.fileno())
                self._temporary.replace(self.path)
        finally:
            os.close(self._file.fileno())
            if self._temporary is not None:
                self._temporary.unlink(missing_ok=True)


def _mode(path: Path) -> int:
    """The permissions of the file that is replaced, else those of a file that a shell redirection makes."""
    if path.exists():
        return stat.S_IMODE(path.stat().st_mode)
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask


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
