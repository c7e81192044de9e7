"""One JSON array of objects, on one line or spread over many. Read only.

Each element becomes one raw JSON line with its own bytes: between its tokens a line end becomes a space. From there
on it is JSON Lines. The array is cut at the commas between its elements as its bytes come, so that memory holds some
blocks and the longest element.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, BinaryIO

import polars as pl

from textkit.errors import InputError, UsageError
from textkit.streams.batch import Batch, Position
from textkit.streams.bytesource import ByteSource, nul_byte, undecodable
from textkit.streams.faults import Fault, Faults
from textkit.streams.formats.base import Cut, Event, Reading, Writer, Writing
from textkit.streams.formats.jsonl import Fields, pieces
from textkit.streams.formats.lines import read_lines
from textkit.streams.members import WHOLE_FIX
from textkit.streams.structure import CLOSING, COMMA, NEWLINE, RETURN, Marks, Scanner

if TYPE_CHECKING:
    import numpy as np

SPACE = b" \t\r\n"
FIX = "give one array [{...},{...}], or one object a line"
ELEMENT_FIX = "each element must be one whole {...}"
_FIRST_LINE = re.compile(rb"\[\s*(?:\{\s*(?:[\"}]|\Z)|\]\s*\Z|\Z)")  # and not the [ ] of a list of things to do


class JsonArray:
    suffixes: tuple[str, ...] = ()  # .json is JSON Lines, unless its first bytes prove an array
    binary = False

    def proves(self, source: ByteSource) -> bool:
        line = source.first_line().strip()
        if line != b"[":
            return bool(_FIRST_LINE.match(line))
        size = 1
        while not (inner := source.peek(size).strip(SPACE)[1:].strip(SPACE)) and len(source.peek(size)) == size:
            size += 1
        return inner in (b"{", b"]")

    def read(self, source: ByteSource, reading: Reading) -> Iterator[Event]:
        fields, array = Fields(reading), _Array(source, reading.faults)
        for lines, numbers in array.elements():
            for piece in pieces(lines, Position(source.name, numbers)):
                try:
                    yield from fields.of(piece) if isinstance(piece, Batch) else (piece,)
                except InputError as error:
                    error.fix = ELEMENT_FIX if error.fix == WHOLE_FIX else error.fix
                    raise
        if not array.closed:
            yield Cut("the array has no closing ]: what wrote it was stopped")
        fields.demand()

    def writer(self, out: BinaryIO, writing: Writing) -> Writer:
        raise UsageError("a JSON array is read and not written", fix="use --to jsonl")


class _Array:
    """The elements of one array, and the line on which each starts."""

    def __init__(self, source: ByteSource, faults: Faults) -> None:
        self._source, self._faults = source, faults
        self.closed = False
        self._any = False  # whether there was an element
        self._line = 1  # where the next chunk starts
        self._kept: list[bytes] = []  # of an element that is not whole yet, from its first byte
        self._first = 1  # the line where that one starts

    def elements(self) -> Iterator[tuple[pl.Series, pl.Series]]:
        """(lines (B,), line numbers (B,)) per block."""
        scanner, chunks = Scanner(depth=1), self._opened(self._source.chunks())
        for chunk in chunks:
            yield from self._whole(chunk, scanner.scan(chunk))
            if self.closed:
                self._check_after(chunks)
                return
        rest = b"".join(self._kept)
        if scanner.depth == 1 and not scanner.in_string and rest.rstrip(SPACE).endswith(b"}"):
            yield from self._usable(rest + b"\n", pl.Series([self._first]))

    def _opened(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        """What follows the opening bracket."""
        for chunk in chunks:
            inner = chunk.lstrip(SPACE)
            self._line += chunk.count(b"\n", 0, len(chunk) - len(inner))
            if inner and not inner.startswith(b"["):
                raise InputError("no JSON array: it does not start with [", where=self._place(self._line), fix=FIX)
            if inner:
                yield inner[1:]
                yield from chunks

    def _place(self, line: int) -> str:
        return f"{self._source.name}:{line}"

    def _whole(self, chunk: bytes, marks: Marks) -> Iterator[tuple[pl.Series, pl.Series]]:
        """The elements that end in this chunk. Keeps what follows them."""
        import numpy as np

        clean = np.frombuffer(chunk, dtype=np.uint8).copy()
        newlines = np.flatnonzero(clean == NEWLINE)
        at, byte, depth = self._inside(marks, newlines)
        clean[at[(byte == NEWLINE) | (byte == RETURN)]] = ord(" ")
        ends = at[((byte == COMMA) & (depth == 1)) | (depth == 0)]
        clean[ends] = NEWLINE  # so that a block of elements is one of JSON Lines
        past = int(ends[-1]) + 1 if len(ends) else 0
        if past:
            kept = b"".join(self._kept)
            block = kept + clean[:past].tobytes()
            starts = _first_bytes(block, ends + len(kept)) - len(kept)
            numbers = self._line + newlines.searchsorted(starts)
            numbers[:1] = self._first if kept else numbers[:1]
            yield from self._usable(block, pl.Series(numbers))
        if past or not self._kept:
            past = len(chunk) - len(chunk[past:].lstrip(SPACE))
            self._kept, self._first = [], self._line + int(newlines.searchsorted(past))
        if past < len(chunk):
            self._kept.append(clean[past:].tobytes())
        self._line += len(newlines)

    def _inside(self, marks: Marks, newlines: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The marks as far as the array goes. InputError where no array can go on."""
        at, byte, depth, broken = marks
        closing = (depth == 0).nonzero()[0][:1]
        if len(closing):
            end = int(closing[0]) + 1
            at, byte, depth, broken = at[:end], byte[:end], depth[:end], broken[broken < at[end - 1]]
            self.closed = True
        if len(broken):
            where = self._place(self._line + int(newlines.searchsorted(broken[0])))
            raise InputError("a line ends within a string", where=where, fix=r"close the quote, or write a line end in a string as \n")
        if self.closed and byte[-1] != CLOSING[1]:
            raise InputError("a } that closes nothing", where=self._place(self._line + int(newlines.searchsorted(at[-1]))), fix=FIX)
        return at, byte, depth

    def _usable(self, block: bytes, numbers: pl.Series) -> Iterator[tuple[pl.Series, pl.Series]]:
        """The elements of a block, one a line, without those that are no objects."""
        place = Position(self._source.name, numbers)
        lines = self._lines(block, place)
        blank = lines == ""
        if blank.any() and not (self.closed and len(lines) == 1 and not self._any):  # an empty array has none
            raise InputError("a comma without an element beside it", where=place(blank.arg_true()[0]), fix="take out the comma")
        self._any = True
        usable = lines.str.starts_with("{")
        if usable.all() and not usable.null_count():
            yield lines, numbers
            return
        other = ~(usable | blank)
        if other.any():
            error = "an element of the array that is no object"
            rows = other.fill_null(False).arg_true()
            self._faults.take(Fault(lines[row].encode(), InputError(error, where=place(row), fix=ELEMENT_FIX)) for row in rows)
        usable = usable.fill_null(False)
        yield lines.filter(usable), numbers.filter(usable)

    def _lines(self, block: bytes, place: Position) -> pl.Series:
        """The elements as text; null where one is none, if bad records are left out."""
        try:
            if b"\x00" in block:
                raise nul_byte(block, 1, self._source.name)
            lines = read_lines(block, 1, self._source.name)
        except InputError:  # a loop over records: only where some are no text
            elements = block.removesuffix(b"\n").split(b"\n")
            lines = pl.Series([self._text(element.strip(SPACE), place(row)) for row, element in enumerate(elements)], dtype=pl.String)
        return lines.str.strip_chars(" \t")

    def _text(self, element: bytes, where: str) -> str | None:
        path, _, line = where.rpartition(":")
        try:
            if b"\x00" in element:
                raise nul_byte(element, int(line), path)
            return element.decode()
        except UnicodeDecodeError:
            error = undecodable(element, int(line), path)
        except InputError as nul:
            error = nul
        self._faults.take([Fault(element, error)])
        return None

    def _check_after(self, chunks: Iterator[bytes]) -> None:
        """InputError if more than space follows the array."""
        for chunk in chunks if not self._kept else ():
            past = chunk.lstrip(SPACE)
            self._first = self._line + chunk.count(b"\n", 0, len(chunk) - len(past))
            self._line += chunk.count(b"\n")
            if past:
                self._kept = [past]
                break
        if self._kept:
            raise InputError("more text after the ] of the array", where=self._place(self._first), fix="give one array a file, or one object a line")


def _first_bytes(block: bytes, ends: np.ndarray) -> np.ndarray:
    """Where each element of a block starts, past the space before it; at its end if there is nothing else."""
    import numpy as np

    view = np.frombuffer(block, dtype=np.uint8)
    solid = np.flatnonzero((view != ord(" ")) & (view != ord("\t")))
    return solid[solid.searchsorted(np.concatenate([[0], ends[:-1] + 1]))]
