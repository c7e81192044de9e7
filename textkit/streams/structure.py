"""Where the brackets, commas and colons of JSON stand that are no part of a string, found by columns of bytes.

Bytes may come in blocks cut anywhere: what is open at the end of one is open at the start of the next.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np

QUOTE, BACKSLASH, COMMA, COLON, NEWLINE, RETURN = b'"\\,:\n\r'
OPENING, CLOSING = b"{[", b"}]"


class Marks(NamedTuple):
    at: np.ndarray  # (M,) places of the marks outside strings: {}[],: and the ends of lines
    byte: np.ndarray  # (M,) which one stands there
    depth: np.ndarray  # (M,) how many brackets are open after it
    broken: np.ndarray  # places of line ends inside strings, where JSON has none


class Scanner:
    """Goes through one JSON text, block by block."""

    def __init__(self, depth: int = 0) -> None:
        import numpy as np

        self.depth, self.in_string, self._escaped = depth, False, False
        self._told = np.zeros(256, dtype=bool)
        self._told[list(b"{}[],:\n\r")] = True
        self._noted = self._told.copy()
        self._noted[[QUOTE, BACKSLASH]] = True
        self._step = np.zeros(256, dtype=np.int8)
        self._step[list(OPENING)], self._step[list(CLOSING)] = 1, -1

    def scan(self, block: bytes) -> Marks:
        import numpy as np

        view = np.frombuffer(block, dtype=np.uint8)
        at = np.flatnonzero(self._noted.take(view))
        byte = view[at]
        is_quote = byte == QUOTE
        slashes = np.flatnonzero(byte == BACKSLASH)
        if len(block) and (self._escaped or len(slashes)):
            is_quote[self._after_odd(at, slashes, len(block))] = False  # a line end stays: no backslash makes it one of a string
        inside = (np.cumsum(is_quote, dtype=np.int8) + self.in_string) & 1 == 1  # after each mark
        if len(at):
            self.in_string = bool(inside[-1])
        told = self._told.take(byte)
        broken = at[inside & told & ((byte == NEWLINE) | (byte == RETURN))]
        outside = told & ~inside
        at, byte = at[outside], byte[outside]
        depth = np.cumsum(self._step.take(byte), dtype=np.int32) + self.depth
        if len(depth):
            self.depth = int(depth[-1])
        return Marks(at, byte, depth, broken)

    def _after_odd(self, at: np.ndarray, slashes: np.ndarray, size: int) -> np.ndarray:
        """Which of the marks come right after an odd number of backslashes in a row. `slashes`: which are backslashes."""
        import numpy as np

        first = np.flatnonzero(np.diff(at[slashes], prepend=-2) != 1)  # of each run
        length = np.diff(first, append=len(slashes))
        past = slashes[first] + length  # the mark that follows it
        start = at[slashes[first]]
        carried = self._escaped
        odd = (length - (carried & (start == 0))) % 2 == 1
        past, escaped = past[odd], (start + length)[odd]
        if carried and not (len(start) and start[0] == 0):
            past, escaped = np.append(0, past), np.append(0, escaped)
        self._escaped = bool(len(escaped)) and int(escaped[-1]) == size
        there = past < len(at)
        past, escaped = past[there], escaped[there]
        found: np.ndarray = past[at[past] == escaped]
        return found
