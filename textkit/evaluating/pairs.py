"""Pairs of words that people have scored: does the cosine of their vectors rise and fall with it?"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from textkit.errors import InputError
from textkit.evaluating.lexicon import Lexicon
from textkit.searching.rows import unit
from textkit.streams.bytesource import ByteSource, nul_byte, undecodable

DIGITS = 7  # of a cosine: a word and itself are as near as any other word and itself
PAIR_FIX = "a line is two words and a score, with tabs, commas or spaces between them"


@dataclass(frozen=True)
class PairReport:
    """Correlations of all pairs whose words are in the table, and of all: those of words without any vector count as 0."""

    file: str
    pairs: int
    known: int
    by_subwords: int  # pairs more that have vectors, by subwords
    spearman: float | None  # None: too few pairs, or all alike
    pearson: float | None
    spearman_all: float | None
    pearson_all: float | None

    def to_json(self) -> dict[str, Any]:
        return {**vars(self), "coverage": round(self.known / self.pairs, 6)}


def measure_pairs(path: str, lexicon: Lexicon, encoding: str = "utf-8") -> PairReport:
    """InputError if the file has no pairs, or a line that is none."""
    words, gold = _read(path, encoding)
    vectors, rows, known = lexicon.vectors_of(words)
    size = len(gold)
    units = unit(vectors)
    cosines = np.vecdot(units[:size], units[size:]).round(DIGITS)
    in_table = (rows[:size] >= 0) & (rows[size:] >= 0)
    either = known[:size] & known[size:]
    cosines[~either] = 0
    found = [(_pearson(ranks(gold[some]), ranks(cosines[some])), _pearson(gold[some], cosines[some])) for some in (in_table, np.full(size, True))]
    return PairReport(path, size, int(in_table.sum()), int((either & ~in_table).sum()), *found[0], *found[1])


def _read(path: str, encoding: str) -> tuple[pl.Series, np.ndarray]:
    """The first words of all pairs and then the second ones, and the (N,) scores."""
    first: list[str] = []
    second: list[str] = []
    gold: list[float] = []
    for where, line in lines_of(path, encoding):
        cells = _cells(line)
        score = _number(cells[2]) if len(cells) > 2 else None
        if score is None and not gold and len(cells) > 2:  # the names of the columns
            continue
        if score is None or not cells[0] or not cells[1]:
            raise InputError(f"not a pair: {line!r}", where=where, fix=PAIR_FIX)
        first.append(cells[0])
        second.append(cells[1])
        gold.append(score)
    if not gold:
        raise InputError("there are no pairs", where=path, fix=PAIR_FIX)
    return pl.Series("word", first + second, dtype=pl.String), np.array(gold)


def _cells(line: str) -> list[str]:
    """What stands between tabs, else between commas, else between spaces."""
    parts = line.split("\t") if "\t" in line else next(csv.reader([line])) if "," in line else line.split()
    return [part.strip() for part in parts]


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if np.isfinite(value) else None


def lines_of(path: str, encoding: str) -> Iterator[tuple[str, str]]:
    """Where each line of a small file stands, and the line; not those that are empty or comments. InputError if it cannot be read.

    As of all inputs: compressed or not, and `-` is stdin.
    """
    source = ByteSource(None if path == "-" else path, encoding)
    try:
        data = b"".join(source.chunks())
    finally:
        source.close()
    if b"\x00" in data:
        raise nul_byte(data, 1, source.name)
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise undecodable(data, 1, source.name) from None
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip() and not line.startswith("#"):
            yield f"{source.name}:{number}", line.strip()


def ranks(values: np.ndarray) -> np.ndarray:
    """(N,) numbers -> (N,) their ranks; equal ones share the mean of theirs, as Spearman has it."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    shared: np.ndarray = (np.cumsum(counts) - (counts - 1) / 2)[place]
    return shared


def _pearson(first: np.ndarray, second: np.ndarray) -> float | None:
    if len(first) < 2 or (first == first[0]).all() or (second == second[0]).all():
        return None
    return round(float(np.corrcoef(first, second)[0, 1]), 6)
