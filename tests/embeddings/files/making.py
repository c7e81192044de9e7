"""A table of vectors as gensim has it, with words that try readers."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from textkit.embeddings.table import Table
from textkit.tokenizers.vocabulary import SPECIALS, Vocabulary

WORDS = [
    "the",
    "영화",
    "é",
    "a\u00a0b",
    "\U0001f600",
    '"quoted',
    "#hash",
    "\ufeffmark",
    "1",
    "-0.5",
    "nan",
    "\u3000",
    "\u2028",
    "__label__x",
    "x,y",
    "\x1c",
]
ODD = [0.1, 1e-42, -0.0, 3.4e38, 1e-5, 123456789.0, 16777217.0, 1.17549435e-38]  # values that a sloppy reader or writer rounds


def vectors_for(count: int, dim: int = 8, seed: int = 1) -> np.ndarray:
    vectors = np.random.default_rng(seed).normal(size=(count, dim)).astype(np.float32)
    vectors[1, :8] = np.array(ODD, np.float32)[:dim]
    return vectors


def keyed(words: list[str] = WORDS, dim: int = 8) -> Any:
    from gensim.models import KeyedVectors

    found = KeyedVectors(dim)
    found.add_vectors(words, vectors_for(len(words), dim))
    return found


def table_of(words: list[str] = WORDS, dim: int = 8) -> Table:
    head = len(SPECIALS)
    counts = np.array([0] * head + [1] * len(words), np.int64)
    return Table(Vocabulary([*SPECIALS, *words]), np.concatenate([np.zeros((head, dim), np.float32), vectors_for(len(words), dim)]), counts)


def words_of(table: Table) -> dict[str, np.ndarray]:
    return {word: table.vectors[row] for row, word in enumerate(table.vocabulary.tokens) if table.counts[row]}


def same(table: Table, words: list[str], vectors: np.ndarray) -> None:
    """The words with a vector are these in this order, bit by bit; our special tokens come first and have none."""
    head = len(SPECIALS)
    assert table.vocabulary.tokens == [*SPECIALS, *words]
    assert (table.vectors[:head] == 0).all()
    assert table.counts.tolist() == [0] * head + [1] * len(words)
    assert table.vectors[head:].tobytes() == vectors.astype(np.float32).tobytes()


def queries(*words: str) -> pl.Series:
    return pl.Series([*words], dtype=pl.String)
