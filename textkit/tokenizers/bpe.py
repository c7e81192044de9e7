"""BPE: the most frequent pair of neighbouring pieces becomes one piece, again and again (Sennrich, Haddow and Birch 2016).

▁ stands for the white space before a word, as in sentencepiece, so that text can be put together again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import polars as pl

from textkit.config import setting
from textkit.tokenizers.merging import Merges
from textkit.tokenizers.subword import SPACE, Characters, Spelling, Subword, spaced, spaced_words
from textkit.tokenizers.vocabulary import SPECIALS, UNK


class BPE(Subword):
    @dataclass(frozen=True)
    class Config(Spelling):
        max_piece_length: int | None = setting(None, "characters in a piece at the most; none: no limit", least=1)
        byte_fallback: bool = setting(False, "spell characters that are not in the alphabet by their bytes instead of [UNK]")

    def pre_tokenizer(self) -> Any:
        return spaced()

    def words(self, text: pl.Series) -> pl.Series:
        return spaced_words(text)

    def decoder(self) -> Any:
        from tokenizers import decoders

        spaces = decoders.Metaspace(replacement=SPACE, prepend_scheme="always", split=True)
        return decoders.Sequence([decoders.ByteFallback(), spaces]) if self.config.byte_fallback else spaces

    def model(self, words: pl.DataFrame) -> Any:
        from tokenizers.models import BPE

        characters = Characters(words)
        alphabet = characters.kept(self.config)
        spelt = [f"<0x{byte:02X}>" for byte in range(256)] if self.config.byte_fallback else []
        pieces = [*self.specials, *spelt, *map(chr, alphabet)]
        self.check_size(len(pieces))
        merges = Merges(characters.symbols(alphabet, len(pieces) - len(alphabet)), characters.weights, pieces)
        merges.learn(self.config.vocab_size, self.config.min_frequency, self.config.max_piece_length)
        vocabulary = {piece: i for i, piece in enumerate(pieces)}
        return BPE(vocabulary, list(merges.pairs), unk_token=SPECIALS[UNK], byte_fallback=self.config.byte_fallback)
