"""Bytes out: stdout, or a file that appears under its name only when it is whole."""

from __future__ import annotations

import io
import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

from textkit.errors import ResourceError, UsageError
from textkit.registry import FORMATS
from textkit.streams.stream import Stream


@dataclass(frozen=True)
class Outputs:
    """What the shared output options say."""

    path: str | None = None
    format: str | None = None  # None: by the suffix of `path`, else JSON Lines
    field: str | None = None  # of --to text
    lineage: bool = True  # whether to write the header and the end line


def write_stream(stream: Stream, outputs: Outputs) -> int:
    """Write a stream in the format asked for; returns how many records there were."""
    if outputs.field and outputs.format != "text":
        raise UsageError("--field goes with --to text")
    name = outputs.format or _format_by_suffix(outputs.path)
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
    return next((name for name, entry in FORMATS.items() if suffix and suffix in entry.load().suffixes), "jsonl")


class Output:
    """A context that gives a binary file: stdout itself, or a temporary file beside `path` that is renamed at the end.

    If the context is left by an exception nothing appears at `path`, and what was there stays.
    """

    def __init__(self, path: str | None) -> None:
        self.path = Path(path) if path not in (None, "-") else None  # type: ignore[arg-type]

    def __enter__(self) -> BinaryIO:
        if self.path is None:
            self._file: BinaryIO = _Stdout()  # type: ignore[assignment]
            return self._file
        if self.path.is_dir():
            raise UsageError("is a directory", where=str(self.path), fix="give -o a file name")
        try:
            descriptor, self._temporary = tempfile.mkstemp(prefix=f".{self.path.name}.", dir=self.path.parent)
        except OSError as error:
            raise ResourceError(f"cannot be written ({error.strerror})", where=str(self.path)) from error
        mask = os.umask(0)
        os.umask(mask)
        os.fchmod(descriptor, 0o666 & ~mask)  # as a file that a shell redirection makes
        self._file = os.fdopen(descriptor, "wb", buffering=0)
        return self._file

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self.path is None:
            return
        try:
            if kind is None:
                os.fsync(self._file.fileno())
                self._file.close()
                Path(self._temporary).replace(self.path)
        finally:
            self._file.close()
            Path(self._temporary).unlink(missing_ok=True)


class _Stdout(io.RawIOBase):
    """Descriptor 1 without buffering: every write is whole, and a reader that left is a BrokenPipeError."""

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        view = memoryview(data).cast("B")
        done = 0
        while done < len(view):
            done += os.write(sys.stdout.fileno(), view[done:])
        return done

    def fileno(self) -> int:
        return sys.stdout.fileno()
