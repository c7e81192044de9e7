"""Compressed bytes, read and written: .gz, .bz2, .xz and .zst.

What is read is known by its first bytes, what is written by the name's suffix. All of it streams: neither direction
holds more than some megabytes, whatever the file's size or ratio.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from textkit.errors import InputError

PIECE = 1 << 20  # bytes that a decompressor gives at once: a small file may hold gigabytes of zeros
FEED = 1 << 14  # bytes that it takes at once: what is left over is copied at the end of each of many small members
PADDING = b"\x00"
CUT = "it stops before its end"

Read = Callable[[], bytes]  # the next bytes, or none at the end


class Member(Protocol):
    """What decompresses one member: a file is one of them, or several that were joined."""

    eof: bool
    needs_input: bool
    unused_data: bytes

    def decompress(self, data: bytes, max_length: int) -> bytes: ...


class Packer(Protocol):
    def compress(self, data: Any) -> bytes: ...

    def flush(self) -> bytes: ...


@dataclass(frozen=True)
class Compression:
    name: str
    suffix: str
    magics: tuple[bytes, ...]  # what such data begins with: one of these
    unpack: Callable[[Iterator[bytes]], Iterator[bytes]]
    pack: Callable[[], Packer]
    prompt: bool = True  # whether what a paused producer has flushed can be read before more comes


def unpacked(compression: Compression, head: bytes, read: Read, name: str) -> Read:
    """A function that gives the next decompressed bytes of `head` and what `read` gives after it."""
    import lzma
    import zlib

    pieces = compression.unpack(_fed(head, read))

    def read_piece() -> bytes:
        try:
            return next(pieces, b"")
        except (EOFError, zlib.error, lzma.LZMAError, OSError) as error:
            if isinstance(error, OSError) and error.errno is not None:  # the disk's or the pipe's trouble, not the data's
                raise
            told = f"the {compression.name} data is cut short or damaged ({error})"
            raise InputError(told, where=name, fix="make the file again") from None

    return read_piece


def _fed(head: bytes, read: Read) -> Iterator[bytes]:
    data = head or read()
    while data:
        for start in range(0, len(data), FEED):
            yield data[start : start + FEED]
        data = read()


def _members(make: Callable[[], Member], fed: Iterator[bytes]) -> Iterator[bytes]:
    """The data of all members. Zero bytes after a member pad the file, as tapes and some disks do it."""
    data: bytes | None = next(fed, b"")
    while data is not None:  # no data at all is no member, and cut short
        member = make()
        while not member.eof:
            data = data or (next(fed, b"") if member.needs_input else b"")
            if member.needs_input and not data:
                raise EOFError(CUT)
            if piece := member.decompress(data, PIECE):
                yield piece
            data = b""
        data = member.unused_data
        while data is not None and not (data := data.lstrip(PADDING)):
            data = next(fed, None)


class _Inflate:
    """A gzip member with the interface that bz2 and lzma have. Checks its checksum and its length."""

    def __init__(self) -> None:
        import zlib

        self._member = zlib.decompressobj(wbits=31)

    def decompress(self, data: bytes, max_length: int) -> bytes:
        return self._member.decompress(self._member.unconsumed_tail + data, max_length)

    @property
    def eof(self) -> bool:
        return self._member.eof

    @property
    def needs_input(self) -> bool:
        return not self._member.unconsumed_tail

    @property
    def unused_data(self) -> bytes:
        return self._member.unused_data


def _gunzip(fed: Iterator[bytes]) -> Iterator[bytes]:
    return _members(_Inflate, fed)  # type: ignore[arg-type]


def _bunzip2(fed: Iterator[bytes]) -> Iterator[bytes]:
    import bz2

    return _members(bz2.BZ2Decompressor, fed)  # type: ignore[arg-type]


def _unxz(fed: Iterator[bytes]) -> Iterator[bytes]:
    import lzma

    return _members(lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ), fed)  # type: ignore[arg-type, return-value]


def _unzstd(fed: Iterator[bytes]) -> Iterator[bytes]:
    """All frames, by pyarrow, which sees a frame that is cut short, but takes no data at all for a whole stream."""
    import pyarrow as pa

    first = next(fed, None)
    if first is None:
        raise EOFError(CUT)
    stream = pa.CompressedInputStream(pa.PythonFile(_Feed(first, fed), "r"), "zstd")
    while data := stream.read(PIECE):
        yield data


class _Feed(io.RawIOBase):
    """Parts of bytes as a file for pyarrow."""

    def __init__(self, first: bytes, fed: Iterator[bytes]) -> None:
        self._rest, self._fed = first, fed

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        data = self._rest or next(self._fed, b"")
        end = size if size >= 0 else len(data)
        self._rest = data[end:]
        return data[:end]


def _gzip() -> Packer:
    import zlib

    return zlib.compressobj(6, zlib.DEFLATED, wbits=31)  # neither a name nor a time: equal data makes equal files


def _bzip2() -> Packer:
    import bz2

    return bz2.BZ2Compressor(9)


def _xz() -> Packer:
    import lzma

    return lzma.LZMACompressor(preset=6)


class _Zstd:
    """A frame for every some megabytes: pyarrow's streams know no level."""

    FRAME = 4 << 20

    def __init__(self) -> None:
        import pyarrow as pa

        self._codec, self._parts, self._size, self._is_new = pa.Codec("zstd", 3), list[bytes](), 0, True

    def compress(self, data: Any) -> bytes:
        self._parts.append(bytes(data))
        self._size += len(self._parts[-1])
        return self._frame() if self._size >= self.FRAME else b""

    def flush(self) -> bytes:
        return self._frame() if self._parts or self._is_new else b""

    def _frame(self) -> bytes:
        frame: bytes = self._codec.compress(b"".join(self._parts), asbytes=True)
        self._parts, self._size, self._is_new = [], 0, False
        return frame


BZIP2 = tuple(b"BZh%d" % level + body for level in range(1, 10) for body in (b"1AY&SY", b"\x17rE8P\x90"))  # a block, or the end of no data
ZSTD = (b"\x28\xb5\x2f\xfd", *(bytes([skippable]) + b"\x2a\x4d\x18" for skippable in range(0x50, 0x60)))
COMPRESSIONS = (
    Compression("gzip", ".gz", (b"\x1f\x8b",), _gunzip, _gzip),
    Compression("bzip2", ".bz2", BZIP2, _bunzip2, _bzip2),
    Compression("xz", ".xz", (b"\xfd7zXZ\x00",), _unxz, _xz),
    Compression("zstd", ".zst", ZSTD, _unzstd, _Zstd, prompt=False),  # pyarrow reads on until it has what was asked for
)
PACKED = tuple(compression.suffix for compression in COMPRESSIONS)
MAGICS = {magic: compression for compression in COMPRESSIONS for magic in compression.magics}


def may_begin(head: bytes) -> bool:
    """Whether these few bytes may turn out to be the beginning of compressed data."""
    return any(len(head) < len(magic) and magic.startswith(head) for magic in MAGICS)


def compression_of(head: bytes, path: Path | None) -> Compression | None:
    """What the data is compressed with, by its first bytes; by its suffix if it stops within those that would tell."""
    for magic, compression in MAGICS.items():
        if head.startswith(magic):
            return compression
    named = by_suffix(path)
    return named if named and any(magic.startswith(head) for magic in named.magics) else None


def by_suffix(path: Path | None) -> Compression | None:
    suffix = path.suffix.lower() if path is not None else None
    return next((compression for compression in COMPRESSIONS if compression.suffix == suffix), None)


class _Packed(io.RawIOBase):
    """A file that compresses what is written to it. `flush` does nothing: data that leaves in small parts packs badly."""

    def __init__(self, out: BinaryIO, packer: Packer) -> None:
        self._out, self._packer = out, packer

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        view = memoryview(data).cast("B")
        if packed := self._packer.compress(view):
            self._out.write(packed)
        return len(view)

    def finish(self) -> None:
        self._out.write(self._packer.flush())


@contextmanager
def packing(out: BinaryIO, path: str | None) -> Iterator[BinaryIO]:
    """`out`, compressed as the suffix of `path` says. What an exception stops gets no proper end."""
    compression = by_suffix(Path(path)) if path else None
    if compression is None:
        yield out
        return
    packed = _Packed(out, compression.pack())
    yield packed  # type: ignore[misc]
    packed.finish()
