"""Blocks of bytes as columns of lines: what all line formats share."""

from __future__ import annotations

import io
from collections.abc import Iterator

import polars as pl

from textkit.streams.bytesource import ByteSource, nul_byte, undecodable


def line_blocks(source: ByteSource) -> Iterator[tuple[pl.Series, int]]:
    """(lines, number of the first one) per block. Lines end at \\n, a \\r before it is dropped (never elsewhere)."""
    number = 1
    for block in source.blocks():
        lines = to_lines(block, number, source.name)
        yield lines, number
        number += len(lines)


def to_lines(block: bytes, number: int, name: str) -> pl.Series:
    if b"\x00" in block:
        raise nul_byte(block, number, name)
    try:
        return pl.read_lines(io.BytesIO(block)).to_series()
    except pl.exceptions.ComputeError:
        raise undecodable(block, number, name) from None
