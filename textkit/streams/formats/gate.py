"""An output that can be shut, for libraries that end a file even when they are left by an exception."""

from __future__ import annotations

import io
from typing import Any, BinaryIO


class Gate(io.RawIOBase):
    """The output, until it is shut: what is written after that goes nowhere."""

    def __init__(self, out: BinaryIO) -> None:
        self._out, self.shut = out, False

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        return memoryview(data).nbytes if self.shut else self._out.write(data)

    def flush(self) -> None:
        """What counts is the output's own flush."""
