"""Words, numbers and punctuation of any script, by one regular expression over Unicode classes.

A word is a run of letters, marks and digits ("don't" and "3.14" are whole); runs of . ! ? ~ and ... are one token,
any other symbol is one, an emoji with its modifiers and joiners too.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from textkit.config import setting
from textkit.tokenizers.huggingface import read_vocabulary
from textkit.tokenizers.vocabulary import SPECIALS, UNK, Vocabulary, count_tokens

_WORD = r"\p{L}\p{M}\p{N}_"
_INSIDE = rf"{_WORD}\x{{AD}}\x{{200C}}\x{{200D}}"  # soft hyphens, and the joiners of Persian and Indic words
_SYMBOL = rf"[^\s{_WORD}]"
_MODIFIER = r"[\p{M}\x{1F3FB}-\x{1F3FF}\x{E0020}-\x{E007F}]"  # skin tones, and the tags that spell a region's flag
PATTERN = "|".join(
    [
        r"\p{N}+(?:[.,:]\p{N}+)+",
        rf"[{_WORD}][{_INSIDE}]*(?:['’][{_WORD}][{_INSIDE}]*)*",
        r"[.!?…~]+",
        r"[\x{1F1E6}-\x{1F1FF}]{2}",
        rf"{_SYMBOL}{_MODIFIER}*(?:\x{{200D}}{_SYMBOL}{_MODIFIER}*)*",
    ]
)


class Words:
    """Splits by PATTERN after NFC. With a vocabulary (learned, or loaded) it gives ids too."""

    @dataclass(frozen=True)
    class Config:
        vocab_size: int | None = setting(None, "most tokens that a learned vocabulary holds; none: all", least=8)
        min_frequency: int = setting(2, "a token enters the vocabulary if it occurs this often", least=1)
        lowercase: bool = setting(False, "lower-case the text")

    must_learn = False  # it also runs without a vocabulary
    applied = ("lowercase",)  # the settings that count where nothing is learned

    def __init__(self, config: Config, vocabulary: Vocabulary | None = None) -> None:
        self.config, self.vocabulary = config, vocabulary

    def split(self, text: pl.Series) -> pl.Series:
        """(B,) text -> (B, T) tokens."""
        text = text.str.normalize("NFC")
        if self.config.lowercase:
            # as the tokenizers library does it, which a saved tokenizer.json must agree with (polars differs on 'ΟΔΟΣ')
            from tokenizers.normalizers import Lowercase

            text = pl.Series(text.name, [Lowercase().normalize_str(line) for line in text], dtype=pl.String)
        return text.str.extract_all(PATTERN).alias("tokens")

    def fit(self, texts: Iterable[pl.Series]) -> None:
        counts = count_tokens(self.split(text) for text in texts)
        self.vocabulary = Vocabulary.build(counts, self.config.vocab_size, self.config.min_frequency)

    def encode(self, text: pl.Series) -> tuple[pl.Series, pl.Series | None]:
        """(B,) text -> (B, T) tokens, (B, T) ids or None without a vocabulary."""
        tokens = self.split(text)
        return tokens, None if self.vocabulary is None else self.vocabulary.ids(tokens)

    def to_json(self) -> str:
        """The same tokenizer for the `tokenizers` library: WordLevel after a split by PATTERN."""
        from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers

        assert self.vocabulary is not None, "only a tokenizer with a vocabulary is saved"
        model = models.WordLevel({token: i for i, token in enumerate(self.vocabulary.tokens)}, unk_token=SPECIALS[UNK])
        tokenizer = Tokenizer(model)
        lower = [normalizers.Lowercase()] if self.config.lowercase else []
        tokenizer.normalizer = normalizers.Sequence([normalizers.NFC(), *lower])
        tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(PATTERN), behavior="removed", invert=True)
        tokenizer.add_special_tokens(list(SPECIALS))
        return json.dumps(json.loads(tokenizer.to_str()), ensure_ascii=False, indent=1)

    @classmethod
    def load(cls, config: Config, file: Path) -> Words:
        return cls(config, Vocabulary(read_vocabulary(file)))
