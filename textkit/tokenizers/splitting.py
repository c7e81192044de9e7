"""Methods that cut text by a rule and look its tokens up in a vocabulary of counted tokens: a rule is one file more.

The rule is a pattern that polars and the `tokenizers` library read alike: no look-around, and of the classes of
characters only those on whose members the two agree (\\p{L} \\p{M} \\p{N} \\p{P} \\p{S} \\s \\d, but not \\w).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import polars as pl

from textkit.config import setting
from textkit.errors import UsageError
from textkit.tokenizers.huggingface import read_vocabulary
from textkit.tokenizers.normalizing import Normalizing, normalized, normalizer
from textkit.tokenizers.vocabulary import SPECIALS, UNK, Vocabulary, count_tokens

if TYPE_CHECKING:
    from tokenizers import Tokenizer

BOS, EOS = "<s>", "</s>"


class Split:
    """Base of such methods. They run without a vocabulary too, and give tokens alone."""

    @dataclass(frozen=True)
    class Config(Normalizing):
        vocab_size: int | None = setting(None, "most tokens that a learned vocabulary holds; none: all", least=8)
        min_frequency: int = setting(2, "a token enters the vocabulary if it occurs this often", least=1)
        add_special: tuple[str, ...] = setting((), "further special tokens, after the seven that there always are")
        add_bos_eos: bool = setting(False, "put <s> before the tokens of a text and </s> after them")

    must_learn = False
    applied: tuple[str, ...] = ("normalize", "lowercase", "strip_accents")  # the settings that count where nothing is learned
    pattern: str  # what a token is
    joiner: ClassVar[str | None] = " "  # what stands between tokens where they become text again
    composed: ClassVar[bool] = False  # whether that text is then to be composed (NFC)

    def __init__(self, config: Config, vocabulary: Vocabulary | None = None) -> None:
        self.config, self.vocabulary = config, vocabulary
        self._library: Tokenizer | None = None

    @property
    def specials(self) -> tuple[str, ...]:
        return (*SPECIALS, *self.config.add_special)

    def prepared(self, text: pl.Series) -> pl.Series:
        """(B,) texts as the pattern is to see them."""
        return normalized(text, self.config)

    def split(self, text: pl.Series) -> pl.Series:
        """(B,) text -> (B, T) tokens."""
        return self._cut(self.prepared(text)).alias("tokens")

    def _cut(self, text: pl.Series) -> pl.Series:
        tokens = text.str.extract_all(self.pattern)
        if not self._spelled or not text.str.contains_any([*self._spelled]).any():
            return tokens
        token, spelled = pl.element(), pl.element().is_in(self._spelled)
        first, rest = pl.when(spelled).then(token.str.head(1)).otherwise(token), pl.when(spelled).then(token.str.slice(1))
        return tokens.list.eval(pl.concat_list(first, rest).explode().drop_nulls())

    @cached_property
    def _spelled(self) -> tuple[str, ...]:
        """Special tokens that the pattern would take whole where a text spells them.

        There they are text: the first character becomes a token and the rest another one, which nothing mistakes.
        """
        alone = pl.Series(self.specials).str.extract_all(self.pattern)
        return tuple(special for special, tokens in zip(self.specials, alone, strict=True) if tokens.to_list() == [special])

    def fit(self, texts: Iterable[pl.Series]) -> None:
        """Learn the vocabulary. Memory: the distinct tokens."""
        self._check_specials()
        counts = count_tokens(self.split(text) for text in texts)
        self.vocabulary = Vocabulary.build(counts, self.config.vocab_size, self.config.min_frequency, self.specials, breaks=True)
        self._library = None

    def _check_specials(self) -> None:
        for i, token in enumerate(self.specials):
            if token in self.specials[:i]:
                raise UsageError(f"the special token {token!r} is there already")
            if len(token) < 2:  # a longer one is cut in two where a text spells it
                raise UsageError(f"{token!r} can be no special token: a text could spell it", fix="put it in angle brackets, as <sep>")

    def encode(self, text: pl.Series) -> tuple[pl.Series, pl.Series | None]:
        """(B,) text -> (B, T) tokens, (B, T) ids or None without a vocabulary."""
        tokens = self.split(text)
        return tokens, None if self.vocabulary is None else self.vocabulary.ids(tokens)

    def to_json(self) -> str:
        """The same tokenizer for the `tokenizers` library: WordLevel after a split by the pattern."""
        assert self.vocabulary is not None, "only a tokenizer with a vocabulary is saved"
        return json.dumps(json.loads(self._built().to_str()), ensure_ascii=False, indent=1)

    def library(self) -> Tokenizer:
        """The same tokenizer as an object of the library, to which a special token in somebody's text is text."""
        if self._library is None:
            self._library = self._built()
            self._library.encode_special_tokens = True
        return self._library

    def _built(self) -> Tokenizer:
        """Without a vocabulary it has the special tokens only: its offsets are right."""
        from tokenizers import Tokenizer, models, processors

        tokens = self.vocabulary.tokens if self.vocabulary else self.specials
        tokenizer = Tokenizer(models.WordLevel({token: i for i, token in enumerate(tokens)}, unk_token=SPECIALS[UNK]))
        tokenizer.normalizer = self._normalizer()
        tokenizer.pre_tokenizer = self._pre_tokenizer()
        if (decoder := self._decoder()) is not None:
            tokenizer.decoder = decoder
        tokenizer.add_special_tokens([*self.specials])
        if self.config.add_bos_eos:
            ids = [(name, tokenizer.token_to_id(name)) for name in (BOS, EOS)]
            tokenizer.post_processor = processors.TemplateProcessing(
                single=f"{BOS} $A {EOS}", pair=f"{BOS} $A {EOS} {BOS}:1 $B:1 {EOS}:1", special_tokens=ids
            )
        return tokenizer

    def _normalizer(self) -> Any:
        return normalizer(self.config)

    def _pre_tokenizer(self) -> Any:
        from tokenizers import Regex, pre_tokenizers

        cut = pre_tokenizers.Split(Regex(self.pattern), behavior="removed", invert=True)
        if not self._spelled:
            return cut
        spelled = "|".join(f"{re.escape(special[0])}(?={re.escape(special[1:])}\\z)" for special in self._spelled)
        return pre_tokenizers.Sequence([cut, pre_tokenizers.Split(Regex(rf"\A(?:{spelled})"), behavior="isolated")])

    def _decoder(self) -> Any:
        """What makes the library's `decode` give the text back, where anything does."""
        from tokenizers import decoders

        return decoders.Fuse() if self.joiner == "" else None

    @classmethod
    def load(cls, config: Config, file: Path) -> Self:
        return cls(config, Vocabulary(read_vocabulary(file)))
