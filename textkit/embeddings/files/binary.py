"""word2vec's binary form: a line `V D`, then each word, a space, and D float32; word2vec.c ends each with a line break."""

from __future__ import annotations

from typing import BinaryIO

import numpy as np
import polars as pl

from textkit.embeddings.files.feed import LONGEST, Feed
from textkit.embeddings.files.gathering import Gathered, decoded
from textkit.embeddings.table import Table
from textkit.errors import InputError
from textkit.streams.bytesource import ByteSource

STEP = 1 << 14  # words that are written at once


def read_binary(source: ByteSource, size: int, dim: int) -> Table:
    """The table after the header, which is not read yet. InputError if there are more or fewer words than it says."""
    gathered, feed = Gathered(source.name, dim, size), Feed(source)
    block = feed.part()
    block = block[block.index(b"\n") + 1 :]
    done = 0
    while done < size:
        words, places, end = _scan(block, dim, size - done, source.name)
        if words:
            names = decoded(words)
            first = done + 1
            gathered.put(names, _vectors(block, places, dim), lambda row, first=first: f"{source.name}: word {first + row}")  # type: ignore[misc]
            done += len(words)
        if done < size:
            rest = block[end:]
            block = feed.part(rest)
            if len(block) == len(rest):
                raise InputError(f"cut short: by its header it has {size} words, and {done} are whole", where=source.name, fix="get the file again")
    if (block[end:] or feed.part()).strip(b"\n"):
        raise InputError(f"goes on after the {size} words of its header", where=source.name, fix="get the file again")
    return gathered.table()


def _scan(block: bytes, dim: int, most: int, name: str) -> tuple[list[bytes], list[int], int]:
    """The words that are in a block with their vectors, where the vectors begin, and where the next word does."""
    words, places, at, width = list[bytes](), list[int](), 0, 4 * dim
    for _ in range(most):  # a loop: where a word begins is known only when the one before is
        space = block.find(b" ", at, at + LONGEST)
        if space < 0 and len(block) - at > LONGEST:
            raise InputError("damaged: no end of a word where one is due", where=name, fix="get the file again")
        if space < 0 or space + 1 + width > len(block):
            break
        words.append(block[at:space].lstrip(b"\n"))
        places.append(space + 1)
        at = space + 1 + width
    return words, places, at


def _vectors(block: bytes, places: list[int], dim: int) -> np.ndarray:
    """(N, D) the vectors that begin at these bytes."""
    every = np.lib.stride_tricks.sliding_window_view(np.frombuffer(block, np.uint8), 4 * dim)
    return every[places].view("<f4").astype(np.float32, copy=False)


def write_binary(out: BinaryIO, words: pl.Series, vectors: np.ndarray) -> None:
    """As gensim writes it."""
    out.write(f"{len(words)} {vectors.shape[1]}\n".encode())
    for start in range(0, len(words), STEP):
        rows = vectors[start : start + STEP].astype("<f4", copy=False)
        data = rows.tobytes()
        width = 4 * rows.shape[1]
        names = words[start : start + STEP]
        out.write(b"".join(part for i, name in enumerate(names) for part in (name.encode(), b" ", data[i * width : (i + 1) * width])))
