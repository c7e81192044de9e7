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
# What the tokenizers of others call them, ours first. GPT-2's kind pads with the mark between texts.
PADDINGS = (SPECIALS[PAD], "<pad>", "<|pad|>", "<PAD>", "<|finetune_right_pad_id|>", "<|endoftext|>", "<|end_of_text|>", "<|end▁of▁sentence|>")
UNKNOWNS = (SPECIALS[UNK], "<unk>", "<UNK>", "<|unk|>")


class Vocabulary:
    """`tokens[i]` is the token of id i. Looking up is done on whole columns.

    A vocabulary of others may leave ids without a token: they are in `gaps`, and null in `column`. What its padding and
    unknown tokens are called is looked up among the names of the field, unless it is said.
    """

    def __init__(self, tokens: Iterable[str] | Iterable[str | None], pad: str | None = None, unk: str | None = None) -> None:
        given = list(tokens)
        self.gaps = frozenset(i for i, token in enumerate(given) if token is None)
        self.tokens = [token or "" for token in given]
        self._pad, self._unk = pad, unk

    def __len__(self) -> int:
        return len(self.tokens)

    @cached_property
    def column(self) -> pl.Series:
        """(V,) the tokens, null where an id has none."""
        column = pl.Series("tokens", self.tokens, dtype=pl.String)
        return column.scatter(sorted(self.gaps), None) if self.gaps else column

    @cached_property
    def _known(self) -> pl.DataFrame:
        """Each token once, with its id: where a list of pieces has one twice, the later counts, as in the tokenizers library."""
        every = pl.DataFrame({"token": self.column, "id": pl.int_range(len(self), dtype=pl.Int32, eager=True)})
        return every.filter(pl.col("token").is_not_null()).unique("token", keep="last", maintain_order=True)

    @cached_property
    def _enum(self) -> pl.Enum:
        return pl.Enum(self._known["token"])

    @cached_property
    def unk_id(self) -> int | None:
        """What stands for unknown tokens; None if nothing does."""
        return self._role(self._unk, UNKNOWNS)

    @cached_property
    def pad_id(self) -> int | None:
        """What is meant for padding; None if nothing is."""
        return self._role(self._pad, PADDINGS)

    @property
    def fill_id(self) -> int:
        """What ids are filled with: any id will do where none is meant for it, for the mask tells padding from tokens."""
        return 0 if self.pad_id is None else self.pad_id

    def _role(self, said: str | None, usual: tuple[str, ...]) -> int | None:
        names = usual if said is None else (said,)
        return next((self.tokens.index(name) for name in names if name in self.tokens), None)

    def has(self, ids: pl.Series) -> pl.Series:
        """(N,) ids -> (N,) whether each has a token."""
        known = (ids >= 0) & (ids < len(self))
        return known & ~ids.is_in(sorted(self.gaps)) if self.gaps else known

    def ids(self, tokens: pl.Series) -> pl.Series:
        """(B, T) tokens -> (B, T) ids; tokens that are not in the vocabulary become [UNK], or null where there is no such token."""
        codes = tokens.cast(pl.List(self._enum), strict=False)
        code = pl.element().cat.physical().cast(pl.Int32)
        if len(self._known) < len(self):
            code = code.replace_strict(pl.int_range(len(self._known), dtype=pl.Int32, eager=True), self._known["id"], default=None)
        return codes.list.eval(code.fill_null(self.unk_id) if self.unk_id is not None else code).alias("ids")

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
    def build(
        cls, counts: pl.DataFrame, size: int | None, min_frequency: int, specials: tuple[str, ...] = SPECIALS, breaks: bool = False
    ) -> Vocabulary:
        """The most frequent tokens after the special ones; equal counts in the order of code points.

        counts: columns token, count. size: of the whole vocabulary, None for no limit.
        breaks: whether tokens with a line break are taken too, which vocab.txt cannot hold.
        """
        usable = ~pl.col("token").is_in(specials) & (pl.lit(breaks) | ~pl.col("token").str.contains("\n", literal=True)) & (pl.col("token") != "")
        kept = counts.filter(usable & (pl.col("count") >= min_frequency)).sort(["count", "token"], descending=[True, False])
        room = None if size is None else max(0, size - len(specials))
        return cls([*specials, *kept["token"].head(len(kept) if room is None else room)])


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
