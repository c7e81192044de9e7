"""Byte-level BPE, as in GPT-2 (Radford et al. 2019): merges of bytes, so that nothing is unknown and every text comes back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import polars as pl

from textkit.config import setting
from textkit.tokenizers.merging import Merges
from textkit.tokenizers.subword import Characters, Learning, Subword

# GPT-2's expression ends in \s+(?!\S)|\s+ : the last of several spaces goes to the word behind them. Polars cannot look
# ahead, so a mark is put before that space; MARK is no character, and what is counted here only steers the merges.
MARK = "\U0010ffff"
PATTERN = rf"'s|'t|'re|'ve|'m|'ll|'d| ?\p{{L}}+| ?\p{{N}}+| ?[^\s\p{{L}}\p{{N}}{MARK}]+|\s+"
PRINTED = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]  # bytes that stand for themselves


def byte_characters() -> list[str]:
    """The character that stands for each byte in the vocabulary."""
    others = iter(range(256, 512))
    return [chr(byte if byte in PRINTED else next(others)) for byte in range(256)]


class ByteBPE(Subword):
    @dataclass(frozen=True)
    class Config(Learning):
        max_piece_length: int | None = setting(None, "bytes in a piece at the most; none: no limit", least=1)

    def pre_tokenizer(self) -> Any:
        from tokenizers.pre_tokenizers import ByteLevel

        return ByteLevel(add_prefix_space=False, use_regex=True)

    def words(self, text: pl.Series) -> pl.Series:
        return text.str.replace_all(r"(\s)(\s\S)", f"${{1}}{MARK}${{2}}").str.extract_all(PATTERN)

    def decoder(self) -> Any:
        from tokenizers.decoders import ByteLevel

        return ByteLevel()

    def model(self, words: pl.DataFrame) -> Any:
        import numpy as np
        from tokenizers.models import BPE

        characters, letters = Characters(words, as_bytes=True), byte_characters()
        order = sorted(range(256), key=letters.__getitem__)
        pieces = [*self.specials, *(letters[byte] for byte in order)]
        self.check_size(len(pieces))
        merges = Merges(characters.symbols(np.array(order), len(self.specials)), characters.weights, pieces)
        merges.learn(self.config.vocab_size, self.config.min_frequency, self.config.max_piece_length)
        return BPE({piece: i for i, piece in enumerate(pieces)}, list(merges.pairs))
