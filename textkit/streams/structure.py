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
        self._is_mark = np.zeros(256, dtype=bool)
        self._is_mark[list(b'"\\{}[],:\n\r')] = True
        self._step = np.zeros(256, dtype=np.int64)
        self._step[list(OPENING)], self._step[list(CLOSING)] = 1, -1

    def scan(self, block: bytes) -> Marks:
        import numpy as np

        view = np.frombuffer(block, dtype=np.uint8)
        at = np.flatnonzero(self._is_mark.take(view))
        byte = view[at]
        if self._escaped or (byte == BACKSLASH).any():
            at, byte = self._without_escaped(at, byte, len(block))
        is_quote = byte == QUOTE
        inside = (np.cumsum(is_quote) + self.in_string) & 1 == 1  # after each mark
        if len(at):
            self.in_string = bool(inside[-1])
        broken = at[inside & ((byte == NEWLINE) | (byte == RETURN))]
        outside = ~is_quote & ~inside
        at, byte = at[outside], byte[outside]
        depth = np.cumsum(self._step[byte]) + self.depth
        if len(depth):
            self.depth = int(depth[-1])
        return Marks(at, byte, depth, broken)

    def _without_escaped(self, at: np.ndarray, byte: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
        """The marks without backslashes and the quotes they escape: those after an odd number of them in a row."""
        import numpy as np

        slashes = at[byte == BACKSLASH]
        first = np.flatnonzero(np.diff(slashes, prepend=-2) != 1)  # of each run
        length = np.diff(first, append=len(slashes))
        start = slashes[first]
        carried = self._escaped
        odd = (length - (carried & (start == 0))) % 2 == 1
        escaped = (start + length)[odd]
        if carried and not (len(start) and start[0] == 0):
            escaped = np.concatenate([[0], escaped])
        self._escaped = bool(len(escaped)) and int(escaped[-1]) == size
        found = np.searchsorted(at, escaped)
        found = found[found < len(at)]
        gone = byte == BACKSLASH
        quotes = found[(at[found] == escaped[: len(found)]) & (byte[found] == QUOTE)]
        gone[quotes] = True  # a line end stays: no backslash makes it one of a string
        return at[~gone], byte[~gone]
