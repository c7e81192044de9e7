"""Bytes in: a path or stdin, decompressed, decoded to UTF-8, in blocks of whole lines.

A block is some megabytes, or less where a pipe has paused: `tail -f log | textkit ...` shows each line at once and
bulk input runs at full speed. Blocks of a regular file do not depend on timing.
"""

from __future__ import annotations

import codecs
import contextlib
import os
import select
import stat
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, cast

from textkit.errors import InputError
from textkit.streams.compression import PACKED, compression_of, may_begin, unpacked

BLOCK = 2 << 20  # bytes: enough for vectorized work, little enough to stay in memory many times over
FIRST = 1 << 20  # bytes of the first block, of which the others grow: what comes after reading has something to do soon
READ = 1 << 20
PAUSE = 0.02  # s without data after which a pipe is taken to have paused
PATIENCE = 0.1  # s after its first byte at which a block leaves in any case
SPELL = 0.5  # s in which a signal is seen for sure
PIPE_SIZE = 1 << 20
BOM = codecs.BOM_UTF8
BOMS = {"UTF-32": (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE), "UTF-16": (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)}  # one of 32 begins as one of 16
DIRECTORY_FIX = "give a file; a folder that textkit saved goes to --load, predict, evaluate or show"


class ByteSource:
    """One input. `name` stands in messages; `path` is None for stdin.

    `unbuffered`: whole lines of a pipe leave at once, even if more may be about to come.
    """

    def __init__(self, path: str | None, encoding: str = "utf-8", *, unbuffered: bool = False) -> None:
        self.name = path or "<stdin>"
        self.path = Path(path) if path else None
        self._file = self._open()
        self._piped = self._live = not stat.S_ISREG(os.fstat(self._file.fileno()).st_mode)
        if self._live:
            widen_pipe(self._file.fileno())
        self._size = 0 if self._live else os.fstat(self._file.fileno()).st_size
        self._taken = 0 if self._live else os.lseek(self._file.fileno(), 0, os.SEEK_CUR)
        self._unbuffered = unbuffered
        self._head = b""
        self._read = self._read_pipe_or_file
        self.compression: str | None = None  # what the input is compressed with
        self._unpack()
        if encoding.lower().replace("_", "-") not in ("utf-8", "utf8", "utf-8-sig"):
            self._read, self._head = self._transcoded(encoding, self._head), b""
        if self.starts_with(BOM):
            self._head = self._head[len(BOM) :]

    def _open(self) -> BinaryIO:
        try:
            if self.path is not None:
                return self.path.open("rb", buffering=0)
            return open(sys.stdin.fileno(), "rb", buffering=0, closefd=False)
        except IsADirectoryError:
            raise InputError("is a directory", where=self.name, fix=DIRECTORY_FIX) from None
        except FileNotFoundError:
            raise InputError("no such file", where=self.name) from None
        except PermissionError:
            raise InputError("may not be read", where=self.name, fix="see its permissions") from None

    def _unpack(self) -> None:
        while may_begin(self._head) and (data := self._read()):
            self._head += data
        if compression := compression_of(self._head, self.path):
            self._read, self._head = unpacked(compression, self._head, self._read, self.name), b""
            self._live = self._live and compression.prompt
            self.compression = compression.name

    def close(self) -> None:
        self._file.close()

    def _read_pipe_or_file(self) -> bytes:
        # a signal that comes just before a blocking read would wait for the next data: so the wait is in short spells
        while self._piped and not select.select([self._file], [], [], SPELL)[0]:
            continue
        data = os.read(self._file.fileno(), READ)
        self._taken += len(data)
        if not data and self._taken < self._size and os.fstat(self._file.fileno()).st_size < self._size:
            raise InputError("the file became shorter while it was read", where=self.name, fix="give it once it is whole")
        return data

    def _transcoded(self, encoding: str, head: bytes) -> Callable[[], bytes]:
        decoder, read, name = codecs.getincrementaldecoder(encoding)(), self._read, self.name
        pending = [head] if head else []
        done, line = False, 1

        def read_utf8() -> bytes:
            nonlocal done, line
            while not done:
                data = pending.pop() if pending else read()
                done, before = not data, decoder.getstate()
                try:
                    text = decoder.decode(data, final=done)
                except UnicodeDecodeError as error:
                    with contextlib.suppress(UnicodeError):  # a decoder that cannot go on gives the line where it began
                        decoder.errors = "replace"
                        decoder.setstate(before)
                        line += decoder.decode(data, final=done).partition("\ufffd")[0].count("\n")
                    raise InputError(f"not {encoding} ({error.reason})", where=f"{name}:{line}", fix="give another --encoding") from None
                except UnicodeError as error:  # a stream that must tell its byte order, and does not
                    fix = f"give another --encoding, for example {encoding}-le"
                    raise InputError(f"not {encoding} ({error})", where=f"{name}:{line}", fix=fix) from None
                line += text.count("\n")
                if text:
                    return text.encode("utf-8", "surrogatepass")
            return b""

        return read_utf8

    def _fill(self, size: int) -> bytes:
        """At least `size` bytes of what comes next, or all there is, without taking them."""
        while len(self._head) < size and (data := self._read()):
            self._head += data
        return self._head

    def starts_with(self, magic: bytes) -> bool:
        """Whether the bytes start so. Waits for more of them only while they may: a short line must not be held up."""
        while len(self._head) < len(magic) and magic.startswith(self._head) and (data := self._read()):
            self._head += data
        return self._head.startswith(magic)

    def first_line(self, limit: int = BLOCK) -> bytes:
        """The first line without its end, or the first `limit` bytes, without taking it."""
        seen = 0
        while (end := self._head.find(b"\n", seen)) < 0 and len(self._head) < limit and (data := self._read()):
            seen = len(self._head)
            self._head += data
        return self._head[: end if end >= 0 else limit]

    def peek(self, size: int) -> bytes:
        return self._fill(size)[:size]

    def chunks(self) -> Iterator[bytes]:
        """All bytes, as they come."""
        if self._head:
            head, self._head = self._head, b""
            yield head
        while data := self._read():
            yield data

    def seekable(self) -> BinaryIO:
        """All bytes as a file to move about in: the input itself if it is a plain file, else an unnamed copy on disk."""
        descriptor = self._file.fileno()
        plain = not self._piped and self._read == self._read_pipe_or_file
        if plain and os.lseek(descriptor, 0, os.SEEK_CUR) == len(self._head):
            os.lseek(descriptor, 0, os.SEEK_SET)
            return os.fdopen(os.dup(descriptor), "rb")
        copy = tempfile.TemporaryFile(prefix="textkit-")
        for chunk in self.chunks():
            copy.write(chunk)
        copy.seek(0)
        return cast(BinaryIO, copy)

    def blocks(self) -> Iterator[bytes]:
        """All bytes, in blocks that end at the end of a line (the last one may not)."""
        parts, size, since = ([self._head] if self._head else []), len(self._head), time.monotonic()
        has_end = b"\n" in self._head  # whether `parts` hold the end of a line: joining them to look would take quadratic time
        self._head = b""
        enough = min(FIRST, BLOCK)
        while True:
            if has_end and ((self._live and self._paused(since)) or size >= enough):
                whole, rest = _split_last_line(parts)
                yield whole
                enough = min(2 * enough, BLOCK)
                parts, size, since, has_end = ([rest] if rest else []), len(rest), time.monotonic(), False
            data = self._read()
            if not data:
                break
            has_end = has_end or b"\n" in data
            since = since if size else time.monotonic()
            parts.append(data)
            size += len(data)
        if size:
            yield b"".join(parts)

    def _paused(self, since: float) -> bool:
        if self._unbuffered or time.monotonic() - since > PATIENCE:
            return True
        return not select.select([self._file], [], [], PAUSE)[0]


def plain_suffix(path: Path) -> str:
    """The last suffix that is not one of compression: `.tsv` of `a.tsv.gz`."""
    suffixes = [suffix.lower() for suffix in path.suffixes if suffix.lower() not in PACKED]
    return suffixes[-1] if suffixes else ""


def _split_last_line(parts: list[bytes]) -> tuple[bytes, bytes]:
    data = b"".join(parts)
    end = data.rfind(b"\n") + 1
    return data[:end], data[end:]


def widen_pipe(descriptor: int) -> None:
    """A larger pipe means fewer switches between processes; where the system refuses, the usual size does."""
    import fcntl

    if stat.S_ISFIFO(os.fstat(descriptor).st_mode) and hasattr(fcntl, "F_SETPIPE_SZ"):
        try:
            fcntl.fcntl(descriptor, fcntl.F_SETPIPE_SZ, PIPE_SIZE)
        except OSError:  # over the user's quota of pipe memory
            return


def nul_byte(block: bytes, line: int, name: str) -> InputError:
    """The error for a block with a NUL byte, whose first line is `line`."""
    if line == 1 and (marked := _marked(block, name)):
        return marked
    where = f"{name}:{line + block.count(10, 0, block.index(0))}"
    return InputError("a NUL byte: this is no text file", where=where, fix="give text, or name its --encoding")


def undecodable(block: bytes, line: int, name: str) -> InputError:
    """The error for a block that is not UTF-8: which line, and the encoding that would read it."""
    if line == 1 and (marked := _marked(block, name)):
        return marked
    try:
        block.decode()
    except UnicodeDecodeError as error:
        where = f"{name}:{line + block.count(bytes([10]), 0, error.start)}"
        start, end = block.rfind(b"\n", 0, error.start) + 1, block.find(b"\n", error.start)
        if error.reason == "unexpected end of data" and (start or line == 1):
            return InputError("not UTF-8: cut short within its last character", where=where, fix="get the whole file, or name its --encoding")
        bad = block[start : end if end >= 0 else None]
        if _decodes(bad, "cp949") and _decodes(block, "cp949"):
            return InputError("not UTF-8, but it reads as CP949 (Korean Windows)", where=where, fix="add --encoding cp949")
        return InputError("not UTF-8", where=where, fix="name its encoding, for example --encoding cp949 or --encoding latin-1")
    raise AssertionError("the block is UTF-8")


def _marked(block: bytes, name: str) -> InputError | None:
    """The error for a block that starts with a mark of its byte order."""
    encoding = next((encoding for encoding, marks in BOMS.items() if block.startswith(marks)), None)
    if encoding is None:
        return None
    return InputError(f"not UTF-8: it looks like {encoding}", where=f"{name}:1", fix=f"add --encoding {encoding.lower()}")


def _decodes(data: bytes, encoding: str) -> bool:
    try:
        return "\x00" not in data.decode(encoding)
    except UnicodeDecodeError:
        return False
