"""WordPiece: words are cut into the longest pieces that a learned vocabulary has, from left to right.

Schuster and Nakajima 2012; used in BERT (Devlin et al. 2019).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import polars as pl

from textkit.config import setting
from textkit.tokenizers.merging import Merges
from textkit.tokenizers.remembered import INNER
from textkit.tokenizers.subword import Characters, Spelling, Subword
from textkit.tokenizers.vocabulary import SPECIALS, UNK

# What BertPreTokenizer leaves whole: anything between white space, ASCII symbols and punctuation. The library knows the
# punctuation of Unicode 8, in which two more characters were punctuation.
BETWEEN_PUNCTUATION = r"[^\s[\p{P}&&\p{Age:8.0}]\x{166D}\x{111C9}$+<=>^`|~]+"


class WordPiece(Subword):
    """NFC, a split at white space and punctuation as in BERT, then longest match. Accents and case are kept."""

    @dataclass(frozen=True)
    class Config(Spelling):
        max_piece_length: int | None = setting(None, "characters in a piece at the most; none: no limit", least=1)

    words_stand_alone = True

    def pre_tokenizer(self) -> Any:
        from tokenizers.pre_tokenizers import BertPreTokenizer

        return BertPreTokenizer()

    def words(self, text: pl.Series) -> pl.Series:
        return text.str.extract_all(rf"{BETWEEN_PUNCTUATION}|\S")

    def decoder(self) -> Any:
        from tokenizers.decoders import WordPiece

        return WordPiece(prefix=INNER)

    def model(self, words: pl.DataFrame) -> Any:
        """Pieces as merges make them, as the library's trainer does it. The ids are those that it gives in one of its runs:
        it numbers the ##c in the order of a hash map, so that they differ from run to run (huggingface/tokenizers#1794).
        """
        import numpy as np
        from tokenizers.models import WordPiece

        characters = Characters(words)
        alphabet, first = characters.kept(self.config), characters.first()
        inner = np.intersect1d(alphabet, characters.codes[~first])
        pieces = [*self.specials, *(INNER + chr(code) for code in inner), *map(chr, alphabet)]
        base = len(self.specials)
        symbols = np.where(first, characters.symbols(alphabet, base + len(inner)), characters.symbols(inner, base))
        self.check_size(len(pieces))
        merges = Merges(symbols, characters.weights, pieces, lambda left, right: left + right.removeprefix(INNER))
        merges.learn(self.config.vocab_size, self.config.min_frequency, self.config.max_piece_length)
        vocabulary = {piece: i for i, piece in enumerate(pieces)}
        return WordPiece(vocabulary, unk_token=SPECIALS[UNK], max_input_chars_per_word=100, continuing_subword_prefix=INNER)
