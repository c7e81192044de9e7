"""Hangul syllables taken apart into conjoining jamo, each a token; any other character is one as `chars` has it.

The tokens put together and composed (NFC) are the text. To learn subwords over jamo, give a subword method
`normalize=nfd`: it then sees the same letters.
"""

from __future__ import annotations

from typing import Any

import polars as pl

from textkit.tokenizers.chars import OTHER
from textkit.tokenizers.normalizing import Normalizing, normalized, normalizer
from textkit.tokenizers.splitting import Split

_APART = Normalizing(normalize="nfd")


class Jamo(Split):
    """Jamo of Hangul, characters of all else. For subwords over jamo, give those methods -s normalize=nfd."""

    pattern = OTHER
    joiner = ""
    composed = True

    def prepared(self, text: pl.Series) -> pl.Series:
        return normalized(super().prepared(text), _APART)

    def _normalizer(self) -> Any:
        from tokenizers import normalizers

        return normalizers.Sequence([normalizer(self.config), normalizer(_APART)])
