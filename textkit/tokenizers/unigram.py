"""Unigram: of all ways to cut a word into learned pieces the most probable one (Kudo 2018), as in sentencepiece.

▁ stands for the white space before a word, so that text can be put together again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import polars as pl

from textkit.config import setting
from textkit.tokenizers.pruning import Unigrams
from textkit.tokenizers.subword import SPACE, Characters, Spelling, Subword, spaced, spaced_words
from textkit.tokenizers.vocabulary import UNK

LETTERS = 8_000_000  # of distinct words to learn from at the most, the frequent ones first: each takes some 200 bytes of memory


class Unigram(Subword):
    """Learned here and not by the library: its trainer gives other scores, and an other order, in each run."""

    @dataclass(frozen=True)
    class Config(Spelling):
        min_frequency: int = setting(2, "a piece of several characters occurs this often", least=1, most=2**31)
        max_piece_length: int = setting(16, "characters in a piece at the most", least=1, most=48)
        shrinking_factor: float = setting(0.75, "share of the pieces that each round of pruning keeps", above=0, most=0.99)

    def pre_tokenizer(self) -> Any:
        return spaced()

    def words(self, text: pl.Series) -> pl.Series:
        return spaced_words(text)

    def decoder(self) -> Any:
        from tokenizers import decoders

        return decoders.Metaspace(replacement=SPACE, prepend_scheme="always", split=True)

    def model(self, words: pl.DataFrame) -> Any:
        from tokenizers.models import Unigram

        characters = Characters(words)
        alphabet = characters.kept(self.config)
        self.check_size(len(self.specials) + len(alphabet))
        words = words.sort(["count", "token"], descending=[True, False])
        characters = Characters(words.filter(words["token"].str.len_chars().cum_sum().shift(1, fill_value=0) < LETTERS))
        letters = [chr(code) for code in alphabet]
        unigrams = Unigrams(characters.symbols(alphabet, 0), characters.weights, letters, self.config.max_piece_length, self.config.min_frequency)
        learned = unigrams.learn(self.config.vocab_size - len(self.specials), self.config.shrinking_factor)
        return Unigram([*((special, 0.0) for special in self.specials), *learned], unk_id=UNK)
