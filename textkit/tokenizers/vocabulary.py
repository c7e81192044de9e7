"""A vocabulary: tokens and their ids, with textkit's special tokens at 0 to 6."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from pathlib import Path

import polars as pl

from textkit.errors import InputError

SPECIALS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "<s>", "</s>")
PAD, UNK = 0, 1
FILE = "vocab.txt"


class Vocabulary:
    """`tokens[i]` is the token of id i. Looking up is done on whole columns."""

    def __init__(self, tokens: Iterable[str]) -> None:
        self.tokens = list(tokens)

    def __len__(self) -> int:
        return len(self.tokens)

    @cached_property
    def column(self) -> pl.Series:
        return pl.Series("tokens", self.tokens, dtype=pl.String)

    @cached_property
    def _enum(self) -> pl.Enum:
        return pl.Enum(self.column)

    @cached_property
    def unk_id(self) -> int:
        return self.tokens.index(SPECIALS[UNK]) if SPECIALS[UNK] in self.tokens else UNK

    @cached_property
    def pad_id(self) -> int:
        return self.tokens.index(SPECIALS[PAD]) if SPECIALS[PAD] in self.tokens else PAD

    def ids(self, tokens: pl.Series) -> pl.Series:
        """(B, T) tokens -> (B, T) ids; tokens that are not in the vocabulary become [UNK]."""
        codes = tokens.cast(pl.List(self._enum), strict=False)
        known = pl.element().cat.physical().cast(pl.Int32).fill_null(self.unk_id)
        return codes.list.eval(known).alias("ids")

    def save(self, folder: Path) -> None:
        (folder / FILE).write_bytes(("\n".join(self.tokens) + "\n").encode())

    @classmethod
    def load(cls, folder: Path) -> Vocabulary:
        """Read vocab.txt; InputError if a token stands twice."""
        tokens = (folder / FILE).read_bytes().decode().split("\n")[:-1]
        if len({*tokens}) != len(tokens):
            raise InputError("a token stands twice in the vocabulary", where=str(folder / FILE))
        return cls(tokens)

    @classmethod
    def build(cls, counts: pl.DataFrame, size: int | None, min_frequency: int) -> Vocabulary:
        """The most frequent tokens after the special ones; equal counts in the order of code points.

        counts: columns token, count. size: of the whole vocabulary, None for no limit.
        """
        usable = ~pl.col("token").is_in(SPECIALS) & ~pl.col("token").str.contains("\n", literal=True) & (pl.col("token") != "")
        kept = counts.filter(usable & (pl.col("count") >= min_frequency)).sort(["count", "token"], descending=[True, False])
        room = None if size is None else max(0, size - len(SPECIALS))
        return cls([*SPECIALS, *kept["token"].head(len(kept) if room is None else room)])


def count_tokens(columns: Iterable[pl.Series]) -> pl.DataFrame:
    """Distinct tokens and their counts over (B, T) columns of tokens. Memory: a few times the distinct tokens."""
    counts = pl.DataFrame(schema={"token": pl.String, "count": pl.UInt32})
    waiting: list[pl.DataFrame] = []
    for tokens in columns:
        waiting.append(tokens.explode().drop_nulls().alias("token").value_counts(name="count").cast({"count": pl.UInt32}))
        if sum(map(len, waiting)) > max(len(counts), MERGE):  # merging at each batch would take quadratic time
            counts, waiting = _merge([counts, *waiting]), []
    return _merge([counts, *waiting])


MERGE = 1 << 18  # distinct tokens of single batches that wait to be merged


def _merge(parts: list[pl.DataFrame]) -> pl.DataFrame:
    return pl.concat(parts).group_by("token").agg(pl.col("count").sum())
