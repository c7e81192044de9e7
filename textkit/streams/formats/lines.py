"""Blocks of bytes as columns of lines: what all line formats share."""

from __future__ import annotations

import io
from collections.abc import Iterator

import polars as pl

from textkit.errors import InputError
from textkit.streams.bytesource import ByteSource, nul_byte, undecodable
from textkit.streams.faults import Fault, Faults


def line_blocks(source: ByteSource, faults: Faults) -> Iterator[tuple[pl.Series, int]]:
    """(lines, number of the first one) per block. Lines end at \\n, a \\r before it is dropped (never elsewhere).

    A line that is no text is null, if bad records are left out.
    """
    number = 1
    for block in source.blocks():
        lines = to_lines(block, number, source.name, faults)
        yield lines, number
        number += len(lines)


def to_lines(block: bytes, number: int, name: str, faults: Faults) -> pl.Series:
    try:
        if b"\x00" in block:
            raise nul_byte(block, number, name)
        return read_lines(block, number, name)
    except InputError:
        if not faults.skip:
            raise
    return pl.concat(_line(line, number + row, name, faults) for row, line in enumerate(block.removesuffix(b"\n").split(b"\n")))


def read_lines(block: bytes, number: int, name: str) -> pl.Series:
    try:
        return pl.read_lines(io.BytesIO(block)).to_series()
    except pl.exceptions.ComputeError:
        raise undecodable(block, number, name) from None


def _line(line: bytes, number: int, name: str, faults: Faults) -> pl.Series:
    """One line of a block in which some are no text."""
    if b"\x00" in line:
        faults.take([Fault(line, nul_byte(line, number, name))])
    try:
        text = None if b"\x00" in line else line.removesuffix(b"\r").decode()
    except UnicodeDecodeError:
        faults.take([Fault(line, undecodable(line, number, name))])
        text = None
    return pl.Series("lines", [text], dtype=pl.String)
