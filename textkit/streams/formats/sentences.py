"""Lines as sentences, which blank lines divide: what the CoNLL formats share.

A line of white space only is blank too: files in use have such. Blocks of bytes end anywhere, so the lines of a
sentence that is not over are carried to the next one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import polars as pl

from textkit.errors import InputError
from textkit.streams.bytesource import ByteSource
from textkit.streams.faults import Fault, Faults
from textkit.streams.formats.lines import line_blocks

LONGEST = 64 << 20  # bytes after which a sentence is taken for a file of another kind


@dataclass(frozen=True)
class Sentences:
    """Some whole sentences. `lines` has no blank ones; its columns: number (of the line in the file), line (null if it
    is no text, which `broken` then tells of by number), sentence (0, 1, ...), first (of its sentence)."""

    path: str
    lines: pl.DataFrame
    broken: dict[int, Fault]

    def starts(self) -> pl.Series:
        """The number of each sentence's first line."""
        return self.lines.filter("first")["number"]

    def errors(self, told: pl.DataFrame, fix: str) -> list[tuple[int, InputError]]:
        """(sentence, error) by the first bad line of each bad sentence. `told`: number, sentence, message; in order."""
        first = told.unique("sentence", keep="first", maintain_order=True)
        return [(sentence, self._error(number, message, fix)) for number, sentence, message in first.rows()]

    def _error(self, number: int, message: str, fix: str) -> InputError:
        return self.broken[number].error if number in self.broken else InputError(message, where=f"{self.path}:{number}", fix=fix)

    def leave_out(self, errors: list[tuple[int, InputError]], faults: Faults) -> pl.Series:
        """Hand bad sentences to `faults`, each as one record; which of all sentences are left."""
        faults.take(Fault(self._bytes(sentence), error) for sentence, error in errors)
        every = pl.Series(range(int(self.lines["first"].sum())), dtype=pl.UInt32)
        return ~every.is_in([sentence for sentence, _ in errors])

    def _bytes(self, sentence: int) -> bytes:
        rows = self.lines.filter(pl.col("sentence") == sentence).select("number", "line").rows()
        return b"\n".join(self.broken[number].raw if line is None else line.encode() for number, line in rows)


def sentence_blocks(source: ByteSource, faults: Faults) -> Iterator[Sentences]:
    """The sentences that each block completes; those of the last one need no blank line after them."""
    broken = _Broken(faults.skip)
    parts: list[pl.Series] = []  # lines of a sentence that is not over
    start, size = 1, 0
    for lines, number in line_blocks(source, broken):
        over = is_blank(lines).arg_true()
        end = over[-1] + 1 if len(over) else 0
        if end:
            yield from _sentences(source.name, pl.concat([*parts, lines[:end]]), start, broken)
            parts, start, size = [], number + end, 0
        rest = lines[end:]
        parts.append(rest)
        size += int(rest.str.len_bytes().sum())
        if size > LONGEST:
            fix = "sentences end with blank lines: see that the file is of this format"
            raise InputError("the sentence that starts here does not end", where=f"{source.name}:{start}", fix=fix)
    if parts:
        yield from _sentences(source.name, pl.concat(parts), start, broken)


def is_blank(lines: pl.Series) -> pl.Series:
    return (lines.str.strip_chars(" \t\r") == "").fill_null(False)


def _sentences(path: str, lines: pl.Series, start: int, broken: _Broken) -> Iterator[Sentences]:
    blank = is_blank(lines)
    first = ~blank & blank.shift(1, fill_value=True)
    frame = pl.DataFrame({"line": lines, "first": first}).with_row_index("number", start)
    frame = frame.with_columns((pl.col("first").cum_sum() - 1).alias("sentence")).filter(~blank)
    if len(frame):
        yield Sentences(path, frame, broken.pop(frame.filter(pl.col("line").is_null())["number"]))


def counted(what: str, count: pl.Expr, due: int) -> pl.Expr:
    """`2 fields where 10 are due`"""
    plural = pl.when(count == 1).then(pl.lit("")).otherwise(pl.lit("s"))
    return pl.concat_str(count, pl.lit(f" {what}"), plural, pl.lit(f" where {due} are due"))


class _Broken(Faults):
    """Keeps what is said of lines that are no text: their sentences are the records that are left out."""

    def __init__(self, skip: bool) -> None:
        super().__init__(skip)
        self._kept: list[Fault] = []

    def take(self, faults: Iterable[Fault]) -> None:
        self._kept += faults

    def pop(self, numbers: pl.Series) -> dict[int, Fault]:
        """The faults of the next lines, in order, by the lines' numbers."""
        kept, self._kept = self._kept[: len(numbers)], self._kept[len(numbers) :]
        return dict(zip(numbers, kept, strict=True))
