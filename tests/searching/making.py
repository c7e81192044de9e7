"""Tables of words to search, saved, and as gensim has them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from gensim.models import KeyedVectors

from textkit.artifacts import folder
from textkit.embeddings.table import KIND, Table, describe
from textkit.tokenizers.vocabulary import SPECIALS, Vocabulary

ANIMALS = ["cat", "dog", "horse", "new york", "Cat", "-", "e-mail", "왕"]


def table_of(words: list[str], dim: int = 12, seed: int = 0) -> Table:
    """Vectors at random, of different lengths; the special tokens have none."""
    rng = np.random.default_rng(seed)
    size = len(SPECIALS) + len(words)
    vectors = (rng.normal(size=(size, dim)) * rng.uniform(0.1, 9, (size, 1))).astype(np.float32)
    vectors[: len(SPECIALS)] = 0
    counts = np.array([0] * len(SPECIALS) + list(range(len(words), 0, -1)), np.int64)
    return Table(Vocabulary([*SPECIALS, *words]), vectors, counts)


def saved(path: Path, table: Table) -> Path:
    path.mkdir()
    table.save(path)
    folder.seal(path, {"kind": KIND, "method": "word2vec", "config": {}, **describe(table)})
    return path


def of_gensim(table: Table) -> KeyedVectors:
    found = KeyedVectors(table.dim)
    seen = np.flatnonzero(table.counts)
    found.add_vectors([table.vocabulary.tokens[row] for row in seen], table.vectors[seen])
    return found
