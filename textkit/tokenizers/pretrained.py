"""Tokenizers that others trained: any tokenizer.json of the `tokenizers` library, applied as it is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from textkit.errors import InputError, UsageError
from textkit.streams.members import BadRecords
from textkit.tokenizers.huggingface import Coming, Encoder, in_order, load_tokenizer
from textkit.tokenizers.vocabulary import Vocabulary

if TYPE_CHECKING:
    from tokenizers import Tokenizer


class Pretrained:
    """Cuts as its file says, but neither cuts off nor fills up, and special tokens that stand in a text are text."""

    @dataclass(frozen=True)
    class Config:
        pass

    must_learn = False
    applied = ()
    vocabulary: Vocabulary | None

    def __init__(self, config: Config, file: Path | None = None) -> None:
        if file is None:
            fix = "give --load a tokenizer.json, a vocab.txt or a model folder"
            raise UsageError("a pretrained tokenizer is loaded, not learned", fix=fix)
        self.config, self._file = config, file
        self._tokenizer = load_tokenizer(file)
        self.vocabulary = vocabulary_of(self._tokenizer, str(file))
        plain(self._tokenizer)
        self._tokenizer.encode_special_tokens = True
        self._encoder = Encoder(self._tokenizer, self.vocabulary)

    @classmethod
    def load(cls, config: Config, file: Path) -> Pretrained:
        return cls(config, file)

    def fit(self, texts: Iterable[pl.Series]) -> None:
        raise UsageError("a pretrained tokenizer is never trained")

    def encode(self, text: pl.Series) -> tuple[pl.Series, pl.Series]:
        """(B,) text -> (B, T) tokens, (B, T) ids. Some models have no way to cut some texts: BadRecords tells of those."""
        try:
            return self._encoder(text)
        except BaseException as error:  # what the library raises where a model lacks an unknown token
            if not of_library(error):
                raise
            faults = [(row, fault) for row, line in enumerate(text) if (fault := self._fault(line))]  # a loop to find the bad ones
            if not faults:
                raise
            raise BadRecords(faults) from error

    def later(self, text: pl.Series) -> Coming | None:
        """What `encode` gives, to be made when it is wanted; None if that would bring nothing, or not for all texts."""
        try:
            return self._encoder.later(text)
        except BaseException as error:  # `encode` tells which
            if not of_library(error):
                raise
            return None

    def _fault(self, text: str) -> InputError | None:
        try:
            self._tokenizer.encode(text, add_special_tokens=False)
        except BaseException as error:
            if not of_library(error):
                raise
            return InputError(f"the tokenizer has nothing for some of the text {text[:40]!r} ({error})")
        return None

    def to_json(self) -> str:
        return self._file.read_text(encoding="utf-8").removesuffix("\n")

    def library(self) -> Tokenizer:
        return self._tokenizer


def of_library(error: BaseException) -> bool:
    """Whether it is an error, or the library's way to say that a pattern took too many attempts, which is no child of Exception."""
    return isinstance(error, Exception) or type(error).__name__ == "PanicException"


def vocabulary_of(tokenizer: Tokenizer, where: str) -> Vocabulary:
    """All its tokens, and which of them stand for padding and for unknown ones, where the file says that."""
    tokens = in_order(tokenizer.get_vocab(with_added_tokens=True), where)
    padding: dict[str, Any] = tokenizer.padding or {}
    pad = padding.get("pad_token")
    unk = getattr(tokenizer.model, "unk_token", None)
    return Vocabulary(tokens, *(name if name in tokens else None for name in (pad, unk)))


def plain(tokenizer: Tokenizer) -> list[str]:
    """Switch off what would cut texts off, fill them up or cut them at random; returns the names of what was on."""
    dropout = getattr(tokenizer.model, "dropout", None)
    switches = {"truncation": tokenizer.truncation, "padding": tokenizer.padding, "dropout": dropout}
    tokenizer.no_truncation()
    tokenizer.no_padding()
    if dropout:
        model: Any = tokenizer.model
        model.dropout = None
    return [name for name, on in switches.items() if on]
