"""Tokenizers of the `tokenizers` library on whole columns."""

from __future__ import annotations

import json
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from textkit.errors import InputError
from textkit.ragged import nest
from textkit.tokenizers.vocabulary import Vocabulary

if TYPE_CHECKING:
    from tokenizers import Tokenizer

FILE = "tokenizer.json"


def load_tokenizer(file: Path) -> Tokenizer:
    from tokenizers import Tokenizer

    try:
        return Tokenizer.from_file(str(file))
    except Exception as error:  # the library raises plain Exception for every fault of the file
        raise InputError(f"not a tokenizer.json that this version of tokenizers reads ({error})", where=str(file)) from None


def read_vocabulary(file: Path) -> list[str]:
    """The tokens of a tokenizer.json in the order of their ids, without importing the library."""
    try:
        vocabulary: dict[str, int] = json.loads(file.read_text(encoding="utf-8"))["model"]["vocab"]
        tokens = sorted(vocabulary, key=vocabulary.__getitem__)
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"no vocabulary in it ({error!r})", where=str(file)) from None
    if [vocabulary[token] for token in tokens] != list(range(len(tokens))):
        raise InputError("the ids of the vocabulary have gaps", where=str(file))
    return tokens


def encode(tokenizer: Tokenizer, vocabulary: Vocabulary, text: pl.Series) -> tuple[pl.Series, pl.Series]:
    """(B,) text -> (B, T) tokens, (B, T) ids, no special tokens added.

    The loop over records only collects the library's lists; tokens are gathered from the ids by column.
    """
    rows = [encoding.ids for encoding in tokenizer.encode_batch_fast(text.to_list(), add_special_tokens=False)]
    lengths = pl.Series([len(row) for row in rows], dtype=pl.UInt32)
    flat = pl.Series(list(chain.from_iterable(rows)), dtype=pl.Int32)
    tokens = nest(vocabulary.column.gather(flat), lengths)
    return tokens.alias("tokens"), nest(flat, lengths).alias("ids")
