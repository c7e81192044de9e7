"""Vectors as text, a word and its numbers a line: word2vec's and fastText's .vec with a line `V D` before them, GloVe's without.

Read by columns in blocks. A block with a line that is not like the others (a word with a space, bytes that are not
UTF-8, another width) is looked through line by line.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

import numpy as np
import polars as pl

from textkit.embeddings.files.gathering import Gathered, decoded_one
from textkit.embeddings.table import Table
from textkit.errors import InputError
from textkit.streams.ahead import ahead
from textkit.streams.bytesource import ByteSource

PARSED = 16 << 20  # bytes that are parsed at once
NUMBERS = 1 << 22  # that are written at once
BLANK = b" \t\r"


class Form(NamedTuple):
    """How the lines look: what stands between the numbers, how many they are, whether a separator ends the line."""

    separator: bytes
    dim: int
    trailing: bool
    size: int | None  # how many words the header says there are; None: there is no header

    @classmethod
    def of(cls, line: bytes, dim: int | None, size: int | None) -> Form:
        """By the first line with a vector; `dim` is what the header says."""
        line = line.rstrip(b"\r\n")
        separator = b"\t" if b"\t" in line and b" " not in line else b" "
        return cls(separator, numbers_at_end(line) if dim is None else dim, line.endswith(separator), size)


def numbers_at_end(line: bytes) -> int:
    """How many fields are numbers, from the last one back. The first field is the word, whatever it is."""
    count = 0
    for field in reversed(line.split()[1:]):
        if _number(field) is None:
            break
        count += 1
    return count


def _number(field: bytes) -> float | None:
    try:
        return None if b"_" in field else float(field)
    except ValueError:
        return None


def read_text(source: ByteSource, form: Form) -> Table:
    """The whole table. InputError at a line that has another number of numbers, or if there are fewer or more than the header says."""
    gathered, reader = Gathered(source.name, form.dim, form.size), _Lines(source.name, form)
    line, words = 1, 0
    for block in ahead(_large(source)):
        if line == 1 and form.size is not None:
            block, line = block.partition(b"\n")[2], 2
        found = reader.parse(block, line)
        gathered.put(found.words, found.vectors, lambda row, found=found: f"{source.name}:{found.lines[row]}")  # type: ignore[misc]
        words += len(found.words)
        line += block.count(b"\n")
    if form.size is not None and words != form.size:
        what = "cut short: " if words < form.size else ""
        raise InputError(f"{what}by its header it has {form.size} words, and there are {words}", where=source.name, fix="get the file again, whole")
    return gathered.table()


def _large(source: ByteSource) -> Iterator[bytes]:
    """Whole lines, some megabytes of them."""
    parts, size = list[bytes](), 0
    for block in source.blocks():
        parts.append(block)
        size += len(block)
        if size >= PARSED:
            yield b"".join(parts)
            parts, size = [], 0
    if parts:
        yield b"".join(parts)


class _Found(NamedTuple):
    words: pl.Series  # null where it is not UTF-8
    vectors: np.ndarray
    lines: range | list[int]


class _Lines:
    def __init__(self, name: str, form: Form) -> None:
        self._name, self._form = name, form
        numbers = {str(i): pl.Float32 for i in range(form.dim)}
        self._schema = {"word": pl.String, **numbers, **({"end": pl.String} if form.trailing else {})}

    def parse(self, block: bytes, first: int) -> _Found:
        """Lines, the first of which has this number."""
        if b"\r\n" in block:
            block = block.replace(b"\r\n", b"\n")
        lines = block.count(b"\n") + (not block.endswith(b"\n"))
        found = self._by_columns(block, lines)
        return _Found(*found, range(first, first + lines)) if found else self._line_by_line(block, first)

    def _by_columns(self, block: bytes, lines: int) -> tuple[pl.Series, np.ndarray] | None:
        """None if any line is not like the others."""
        if not block or b"\r" in block or block.startswith(codecs.BOM_UTF8):  # which polars would take away
            return None
        try:
            frame = pl.read_csv(block, separator=self._form.separator.decode(), has_header=False, quote_char=None, schema=self._schema)
        except pl.exceptions.PolarsError:
            return None
        if self._form.trailing and frame["end"].null_count() < len(frame):
            return None
        frame = frame.drop("end", strict=False)
        if len(frame) != lines or any(column.null_count() for column in frame):
            return None
        return frame["word"], frame.drop("word").to_numpy(order="c")

    def _line_by_line(self, block: bytes, first: int) -> _Found:
        """A loop, to find what is odd; the lines that look like all others go by columns even so."""
        lines = [(number, line) for number, line in enumerate(block.removesuffix(b"\n").split(b"\n"), first) if line.strip(BLANK)]
        plain = np.array([self._is_plain(line) for _, line in lines], bool)
        data = b"\n".join(line for (_, line), good in zip(lines, plain, strict=True) if good)
        found = self._by_columns(data, int(plain.sum()))
        if found is None:
            plain[:] = False
        words, vectors = np.empty(len(lines), object), np.empty((len(lines), self._form.dim), np.float32)
        if found is not None:
            words[plain], vectors[plain] = found[0].to_list(), found[1]
        for row in np.flatnonzero(~plain):
            words[row], numbers = self._by_hand(lines[row][1], f"{self._name}:{lines[row][0]}")
            with np.errstate(over="ignore"):  # what float32 cannot hold is told of where all vectors are looked at
                vectors[row] = numbers
        return _Found(pl.Series(words.tolist(), dtype=pl.String), vectors, [number for number, _ in lines])

    def _is_plain(self, line: bytes) -> bool:
        form = self._form
        if line.count(form.separator) != form.dim + form.trailing or line.startswith((form.separator, codecs.BOM_UTF8)) or b"\r" in line:
            return False
        return line.isascii() or decoded_one(line) is not None

    def _by_hand(self, line: bytes, where: str) -> tuple[str | None, list[float]]:
        """The last D fields are numbers, and all before them is the word."""
        dim = self._form.dim
        fields = line.rstrip(BLANK).rsplit(self._form.separator, dim)
        if b"" in fields[1:]:
            fields = line.rsplit(None, dim)  # more than one space between two numbers
        numbers = [_number(field) for field in fields[1:]]
        bad = next((field for field, number in zip(fields[1:], numbers, strict=True) if number is None), None)
        word = fields[0]
        width = len(line.split()) - 1
        if len(numbers) < dim or bad is not None or (width > dim and _number(word.split()[-1:][0] if word.split() else b"") is not None):
            raise InputError(_what(bad, width, dim), where=where, fix="see whether the file is whole")
        return decoded_one(word), [number for number in numbers if number is not None]


def _what(bad: bytes | None, width: int, dim: int) -> str:
    if bad is not None and width == dim:
        return f"{bad[:40].decode('utf-8', 'replace')!r} is no number"
    return f"{width} value{'s' * (width != 1)} after the word, and the lines before have {dim}"


def write_text(out: BinaryIO, words: pl.Series, vectors: np.ndarray, header: bool) -> None:
    """Each number with the fewest digits that read back as the same float32."""
    dim = vectors.shape[1]
    if header:
        out.write(f"{len(words)} {dim}\n".encode())
    step = max(1, NUMBERS // dim)
    for start in range(0, len(words), step):
        numbers = pl.from_numpy(vectors[start : start + step], schema=[str(i) for i in range(dim)])
        frame = numbers.insert_column(0, words[start : start + step].alias("word"))
        out.write(frame.write_csv(separator=" ", include_header=False, quote_style="never").encode())
