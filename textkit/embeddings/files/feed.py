"""Bytes of a binary file, as many as are asked for: of a pipe or a compressed file too."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np

from textkit.errors import InputError
from textkit.streams.bytesource import ByteSource

PART = 8 << 20  # bytes to work on at once
LONGEST = 1 << 16  # bytes of a word


class Feed:
    def __init__(self, source: ByteSource) -> None:
        self.name, self._chunks, self._rest = source.name, source.chunks(), b""

    def part(self, rest: bytes = b"") -> bytes:
        """`rest` and what comes after it, some megabytes; the same as `rest` at the end."""
        parts, size = [rest, self._rest], len(self._rest)
        self._rest = b""
        while size < PART and (chunk := next(self._chunks, b"")):
            parts.append(chunk)
            size += len(chunk)
        return b"".join(parts)

    def give_back(self, rest: bytes) -> None:
        self._rest = rest + self._rest

    def unpack(self, form: str) -> tuple[Any, ...]:
        """Numbers in little-endian order, as `struct` has them."""
        data = bytearray(struct.calcsize("<" + form))
        self._into(memoryview(data))
        return struct.unpack("<" + form, data)

    def fill(self, rows: np.ndarray) -> None:
        """Read (N, D) float32 into an array that is whole in memory."""
        self._into(memoryview(rows.data).cast("B"))

    def skip(self, size: int) -> None:
        while size:
            data = self._rest or next(self._chunks, b"")
            if not data:
                raise self.cut()
            self._rest = data[size:]
            size -= min(size, len(data))

    def _into(self, target: memoryview) -> None:
        done = 0
        while done < len(target):
            data = self._rest or next(self._chunks, b"")
            if not data:
                raise self.cut()
            taken = min(len(data), len(target) - done)
            target[done : done + taken] = data[:taken]
            self._rest = data[taken:]
            done += taken

    def cut(self) -> InputError:
        return InputError("the file is cut short", where=self.name, fix="get it again, whole")
