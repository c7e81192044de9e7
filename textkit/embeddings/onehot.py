"""One-hot vectors: each word has a column of its own. Summed up (`--pool sum`) they count, for models that want plain vectors."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import polars as pl

from textkit.config import setting
from textkit.embeddings.corpus import FIRST, choose_words
from textkit.embeddings.table import Table
from textkit.report import say
from textkit.tokenizers.vocabulary import Vocabulary, count_tokens


class OneHot:
    @dataclass(frozen=True)
    class Config:
        dim: int = setting(1000, "columns at most: the most frequent words get one", least=1, most=10_000)
        min_count: int = setting(1, "words that occur less often get no column", least=1)

    def __init__(self, config: Config, threads: int | None = None) -> None:
        self.config = config

    def fit(self, columns: Iterable[pl.Series]) -> Table:
        """One column a word of (B, T) columns of tokens. InputError if there is none."""
        every, occurrences = choose_words(count_tokens(columns), self.config.min_count)
        size = min(len(every), FIRST + self.config.dim)
        if size < len(every):
            more = "--dim takes more, and vectorize --method binary any number, without writing zeros"
            say(f"{len(every) - FIRST} words, of which the {self.config.dim} most frequent get a column: {more}")
        vectors = np.zeros((size, size - FIRST), np.float32)
        vectors[FIRST:] = np.eye(size - FIRST, dtype=np.float32)
        return Table(Vocabulary(every.tokens[:size]), vectors, occurrences[:size])
