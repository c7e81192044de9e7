"""The settings that architectures have in common; each adds its own to them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from textkit.config import setting

Chars = Literal["none", "cnn", "lstm", "ngrams", "cnn+ngrams", "lstm+ngrams"]
SPELLED = "chars=" + "|".join(get_args(Chars)[1:])  # with any but none
How = Literal["last", "mean", "max", "attention"]


@dataclass(frozen=True)
class Reading:
    """Of every network that reads tokens."""

    embedding_dim: int = setting(128, "width of the token embedding, where no embed stage gives one", least=1)
    embedding_std: float = setting(0.1, "spread of its first values: with a small one rare tokens add little noise", above=0)
    dropout: float = setting(0.3, "share of embedding and readout values dropped in training", least=0, most=1)
    word_dropout: float = setting(0.0, "share of tokens that are taken for unknown ones in training", least=0, most=1)
    chars: Chars = setting("none", "networks that add what a token's characters tell: ngrams is the fastest, lstm+ngrams tags best")
    char_unit: Literal["auto", "char", "jamo"] = setting(
        "auto", "what is spelled: Hangul as jamo or as syllables; auto: jamo where there is any", only=SPELLED
    )
    char_dim: int = setting(32, "width of a letter's embedding", least=1, only="chars=cnn|lstm|cnn+ngrams|lstm+ngrams")
    char_hidden: int = setting(64, "width of what each of these adds", least=1, only=SPELLED)
    char_buckets: int = setting(1 << 15, "n-grams are hashed into so many rows", least=1, only="chars=ngrams|cnn+ngrams|lstm+ngrams")


@dataclass(frozen=True)
class Unrolling(Reading):
    """Of recurrent layers with a readout."""

    hidden: int = setting(128, "width of the hidden state, in each direction", least=1)
    layers: int = setting(1, "stacked layers", least=1)
    bidirectional: bool = setting(True, "read from both ends")
    readout: How = setting("max", "the record's vector: its last state, or of all states the mean, the maximum or what attention picks")
