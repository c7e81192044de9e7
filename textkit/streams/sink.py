"""Bytes out: stdout, or a file that appears under its name only when it is whole."""

from __future__ import annotations

import io
import os
import secrets
import stat
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from textkit.errors import InputError, ResourceError, UsageError
from textkit.registry import FORMATS
from textkit.report import say
from textkit.streams.ahead import ahead
from textkit.streams.batch import Batch
from textkit.streams.bytesource import plain_suffix, widen_pipe
from textkit.streams.compression import packing
from textkit.streams.formats.base import Writing
from textkit.streams.lineage import Lineage
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
    delimiter: str | None = None  # of CSV
    typed: bool = False  # whether Arrow gives the user's own fields types


def write_stream(stream: Stream, outputs: Outputs) -> int:
    """Write a stream in the format asked for; returns how many records there were."""
    check_outputs(outputs)
    with open_output(outputs.path) as out:
        written = Written(out, outputs, stream.lineage)
        # where bad records are left out, both threads would count them
        for batch in stream.batches if stream.faults.skip else ahead(stream.batches):
            stream.faults.attempt(written.write, batch)
        if outputs.path is not None or not written.marks_end:  # else the next command sees by the missing end mark what happened
            stream.ending.demand()
        written.finish(complete=stream.ending.problem is None)
    if stream.ending.problem:
        say(f"warning: {stream.ending.problem}")
    if not written.records:
        say("the input held no records")
    return written.records


class Written:
    """A stream on its way out: the writer of its format, the fields that the user wants, how many records there were."""

    def __init__(self, out: BinaryIO, outputs: Outputs, lineage: Lineage) -> None:
        shown = lineage if outputs.lineage else None
        writing = Writing(shown, outputs.field, outputs.keep, outputs.quotes, outputs.typed, outputs.delimiter)
        self._out, self._outputs = out, outputs
        self._writer = FORMATS.find(check_outputs(outputs))().writer(out, writing)
        self._unseen = {*(outputs.keep or ()), *outputs.drop}  # fields that no record has shown yet
        self.records = 0

    @property
    def marks_end(self) -> bool:
        """Whether a reader of the output can tell a whole stream from one cut short."""
        marks: bool = self._writer.marks_end
        return marks

    def write(self, batch: Batch) -> None:
        self._unseen = {name for name in self._unseen if not batch.shows(name)}
        self._writer.write(narrowed(batch, self._outputs))
        self._out.flush()
        self.records += len(batch)

    def finish(self, complete: bool) -> None:
        for name in self._unseen if self.records else ():
            if name in self._outputs.drop:
                say(f"warning: no record has a field {name!r} to drop")
            else:
                raise InputError(f"no record has a field {name!r} to keep", fix="see the names with textkit show")
        self._writer.finish(self.records, complete or not self.marks_end)


def check_outputs(outputs: Outputs) -> str:
    """The format's name. UsageError or ResourceError if the output cannot be: asked before the work, not after it."""
    name = outputs.format or _format_by_suffix(outputs.path)
    if outputs.field and name != "text":
        raise UsageError("--field goes with --to text")
    if FORMATS.find(name).binary and outputs.path in (None, "-") and sys.stdout.isatty():
        raise UsageError(f"{name} is binary, and not for a terminal", fix="give -o FILE, or pipe it into a command")
    folder = Path(outputs.path).parent if outputs.path not in (None, "-") else Path()  # type: ignore[arg-type]
    if not folder.is_dir():
        raise ResourceError("cannot be written: there is no such folder", where=outputs.path, fix=f"make {folder} first")
    return name


def chosen(stream: Stream, outputs: Outputs) -> Stream:
    """The stream with the fields that the user wants to have."""
    return stream.map(lambda batch: narrowed(batch, outputs)) if outputs.keep is not None or outputs.drop else stream


def narrowed(batch: Batch, outputs: Outputs) -> Batch:
    """The batch with the fields that the user wants to have."""
    if outputs.keep is not None:
        batch = batch.keep(outputs.keep)
    return batch.drop(outputs.drop) if outputs.drop else batch


def _format_by_suffix(path: str | None) -> str:
    suffix = plain_suffix(Path(path)) if path else ""
    return next((name for name, entry in FORMATS.items() if suffix and suffix in entry.load().suffixes), "jsonl")


@contextmanager
def open_output(path: str | None) -> Iterator[BinaryIO]:
    """stdout itself, or a file that takes its place at `path` at the end; compressed if the suffix of `path` says so.

    If the context is left by an exception nothing appears at `path`, and what was there stays. A device or a named
    pipe is written to as it is, and a symbolic link keeps pointing at its file.
    """
    if path in (None, "-"):
        widen_pipe(sys.stdout.fileno())
        yield _whole(sys.stdout.fileno())
        return
    with open_files((path,)) as (out,):  # type: ignore[arg-type]
        yield out


@contextmanager
def open_files(paths: Sequence[str]) -> Iterator[list[BinaryIO]]:
    """Files as `open_output` opens them. None takes its place before all of them are whole and on the disk."""
    with ExitStack() as places, ExitStack() as drafts:  # left from the right to the left: first all drafts, then all places
        yield [_open_file(path, places, drafts) for path in paths]


def _open_file(path: str, places: ExitStack, drafts: ExitStack) -> BinaryIO:
    given = Path(path)
    try:
        given.resolve()
    except RuntimeError:
        raise UsageError("is a link to itself", where=path, fix="give a file name") from None
    if given.is_dir():
        raise UsageError("is a directory", where=path, fix="give a file name")
    if given.exists() and not given.is_file():
        file: BinaryIO = drafts.enter_context(given.open("wb", buffering=0))  # type: ignore[arg-type]
    else:
        target = given.resolve()
        file = drafts.enter_context(_drafted(places.enter_context(_replacing(target)), target))
    return drafts.enter_context(packing(_whole(file.fileno()), path))


@contextmanager
def _replacing(target: Path) -> Iterator[Path]:
    """The name of a file that replaces `target` at the end."""
    temporary = target.with_name(f".{target.name[:40]}.{secrets.token_hex(4)}")
    try:
        yield temporary
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def _drafted(temporary: Path, target: Path) -> Iterator[BinaryIO]:
    """A file, without a name if the system can do that, that gets this one once it is whole and on the disk."""
    with _create(temporary, target) as file:
        yield file
        os.fsync(file.fileno())
        if not temporary.exists():
            _give_name(file, temporary)


def _create(temporary: Path, target: Path) -> BinaryIO:
    """The file to write, with the permissions of the one that it will replace."""
    try:
        file = _unnamed(target.parent) or temporary.open("xb", buffering=0)
        if target.exists():
            os.fchmod(file.fileno(), stat.S_IMODE(target.stat().st_mode))
    except OSError as error:
        raise ResourceError(f"cannot be written ({error.strerror})", where=str(target)) from error
    return file


def _unnamed(folder: Path) -> BinaryIO | None:
    """A file without a name, of which nothing stays if the process is killed. None where there is no such thing."""
    if not (hasattr(os, "O_TMPFILE") and Path("/proc/self/fd").is_dir()):
        return None
    try:
        return os.fdopen(os.open(folder, os.O_TMPFILE | os.O_WRONLY, 0o666), "wb", buffering=0)
    except OSError:  # this file system has none, or nothing can be written here: the named file will tell
        return None


def _give_name(file: BinaryIO, name: Path) -> None:
    folder = os.open(name.parent, os.O_RDONLY)  # with a folder's descriptor os.link is linkat, which follows the link in /proc
    try:
        os.link(f"/proc/self/fd/{file.fileno()}", name.name, dst_dir_fd=folder, follow_symlinks=True)
    finally:
        os.close(folder)


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
