"""Tokens are what a pattern of one's own matches: -s pattern=... in the syntax of Oniguruma, as in Ruby."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import polars as pl

from textkit.config import setting
from textkit.errors import InputError, UsageError
from textkit.tokenizers.splitting import Split
from textkit.tokenizers.vocabulary import Vocabulary

DEFAULT = r"[\p{L}\p{M}\p{N}_]+|[^\s\p{L}\p{M}\p{N}_]+"  # runs of letters and digits, and of other things
_LITERAL = r"[^\\.^$|?*+()\[\]{}]"
_ESCAPE = r"\\(?:[sSdD.^$|?*+()\[\]{}\\/-]|[pP]\{[LMNPS]\})"
_ITEM = rf"(?:{_ESCAPE}|[^\\\[\]&~^-](?:-[^\\\[\]&~^-])?)"
# Patterns that polars and Oniguruma read alike: characters and classes, each perhaps repeated, one after another or as alternatives.
ALIKE = re.compile(rf"(?:(?:{_LITERAL}|{_ESCAPE}|\[\^?{_ITEM}+\])(?:[+*?]\??(?![+*?]))?|\|)+", re.DOTALL)
PROBE = "a A1 _-.,'\n\t가ㄱé\u0301中👍🏽\x01"  # a text to try whether a pattern matches nothing at all somewhere


class Regex(Split):
    """The matches of the pattern, from left to right; what stands between them is left out."""

    @dataclass(frozen=True)
    class Config(Split.Config):
        pattern: str = setting(DEFAULT, "what a token is, as a regular expression of Oniguruma")

    applied = (*Split.applied, "pattern")

    def __init__(self, config: Config, vocabulary: Vocabulary | None = None) -> None:
        check(config.pattern)
        super().__init__(config, vocabulary)
        self.pattern = config.pattern

    @cached_property
    def _spelled(self) -> tuple[str, ...]:
        return self.specials  # a pattern may look around, so any of them

    @cached_property
    def _cutter(self) -> Any:
        return self._pre_tokenizer()

    def _cut(self, text: pl.Series) -> pl.Series:
        if ALIKE.fullmatch(self.pattern):
            return super()._cut(text)
        # a loop over records: polars reads other patterns in another way than the library, whose tokens these are to be
        rows = [self._matches(line) for line in text]
        return pl.Series(rows, dtype=pl.List(pl.String))

    def _matches(self, line: str) -> list[str]:
        try:
            return [token for token, _ in self._cutter.pre_tokenize_str(line)]
        except BaseException as error:
            if type(error).__name__ != "PanicException":  # how the library says that it gave up; no child of Exception
                raise
        raise InputError(
            f"the pattern {self.pattern!r} takes too many attempts at the text {line[:40]!r}",
            fix="avoid repeats inside of repeats, as in (a+)+",
        )


def check(pattern: str) -> None:
    """UsageError if it is no pattern, or one that matches the empty text."""
    from tokenizers import Regex as Compiled
    from tokenizers import normalizers, pre_tokenizers

    try:
        compiled = Compiled(pattern)
    except Exception as error:  # the library raises plain Exception
        raise UsageError(f"setting pattern is no regular expression: {error}", fix="write it as Oniguruma (Ruby) does") from None
    if ALIKE.fullmatch(pattern):
        empty = pl.Series([""]).str.contains(pattern).item()
    else:  # each match becomes the mark, and no empty one is among the pieces
        matches = normalizers.Replace(compiled, "\ue000").normalize_str(PROBE).count("\ue000")
        empty = matches > len(pre_tokenizers.Split(compiled, "removed", invert=True).pre_tokenize_str(PROBE))
    if empty:
        raise UsageError(f"setting pattern {pattern!r} matches the empty text, which is no token", fix="use + rather than *")
