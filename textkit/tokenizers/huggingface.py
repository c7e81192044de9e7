"""Tokenizers of the `tokenizers` library on whole columns."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from textkit.errors import InputError
from textkit.ragged import flatten, nest
from textkit.tokenizers.remembered import Remembered, Texts, looks_past_spaces
from textkit.tokenizers.vocabulary import SPECIALS, Vocabulary

if TYPE_CHECKING:
    from tokenizers import Tokenizer

FILE = "tokenizer.json"
CONFIG_FILE = "tokenizer_config.json"  # what transformers asks for beside it
ROLES = dict(zip(("pad", "unk", "cls", "sep", "mask", "bos", "eos"), SPECIALS, strict=True))


def load_tokenizer(file: Path) -> Tokenizer:
    from tokenizers import Tokenizer

    try:
        return Tokenizer.from_file(str(file))
    except Exception as error:  # the library raises plain Exception for every fault of the file
        raise InputError(f"not a tokenizer.json that this version of tokenizers reads ({error})", where=str(file)) from None


def config_json(added: list[str]) -> str:
    """What `transformers.AutoTokenizer` needs to know to take the tokenizer.json beside it as it is."""
    special = {f"{role}_token": token for role, token in ROLES.items()}
    kind = {"tokenizer_class": "PreTrainedTokenizerFast", "clean_up_tokenization_spaces": False}
    return json.dumps({**kind, **special, "extra_special_tokens": added}, ensure_ascii=False, indent=1)


def read_vocabulary(file: Path) -> list[str | None]:
    """The tokens of any tokenizer.json in the order of their ids, None where an id has none, without importing the library."""
    try:
        whole = json.loads(file.read_text(encoding="utf-8"))
        pieces = whole["model"]["vocab"]
        ids = dict(pieces) if isinstance(pieces, dict) else {piece: i for i, (piece, _) in enumerate(pieces)}
        contents = dict.fromkeys(token["content"] for token in whole.get("added_tokens") or ())
        # the library gives new tokens the ids after its model's, whatever the file says
        ids |= {content: i for i, content in enumerate((content for content in contents if content not in ids), len(pieces))}
        return in_order(ids, str(file))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(f"no vocabulary in it ({error!r})", where=str(file)) from None


def in_order(ids: dict[str, int], where: str) -> list[str | None]:
    """Tokens by their ids, None where an id has none."""
    last = max(ids.values(), default=-1)
    if last > SPREAD * len(ids) + SPREAD or min(ids.values(), default=0) < 0:
        raise InputError(f"{len(ids)} tokens with ids up to {last}: the vocabulary is damaged", where=where)
    tokens: list[str | None] = [None] * (last + 1)
    for token, i in ids.items():
        tokens[i] = token
    return tokens


SPREAD = 1000  # ids for each token: a vocabulary has gaps, but not many times its size


class Encoder:
    """A tokenizer of the library on columns. `words` cuts text as the tokenizer does, if each word then stands for itself."""

    def __init__(self, tokenizer: Tokenizer, vocabulary: Vocabulary, words: Callable[[pl.Series], pl.Series] | None = None) -> None:
        self._tokenizer, self._vocabulary = tokenizer, vocabulary
        local = not looks_past_spaces(json.loads(tokenizer.to_str()))
        self._remembered = Remembered(tokenizer, vocabulary.column, words) if local else None

    def __call__(self, text: pl.Series) -> tuple[pl.Series, pl.Series]:
        """(B,) text -> (B, T) tokens, (B, T) ids, no special tokens added."""
        later = self.later(text)
        tokens, ids = self._columns(self._ids(text)) if later is None else later.columns()
        return tokens, ids

    def later(self, text: pl.Series) -> Coming | None:
        """The same, to be made when it is wanted; None if that would bring nothing."""
        texts = None if self._remembered is None or not len(text) else self._remembered.texts(text)
        return None if texts is None else Coming(texts, self._columns)

    def _ids(self, text: pl.Series) -> pl.Series:
        # the loop over records only collects the library's lists
        rows = [encoding.ids for encoding in self._tokenizer.encode_batch_fast(text.to_list(), add_special_tokens=False)]
        lengths = pl.Series([len(row) for row in rows], dtype=pl.UInt32)
        return nest(pl.Series(list(chain.from_iterable(rows)), dtype=pl.Int32), lengths)

    def _columns(self, ids: pl.Series) -> tuple[pl.Series, pl.Series]:
        flat, lengths = flatten(ids)
        return nest(self._vocabulary.column.gather(flat), lengths).alias("tokens"), ids.alias("ids")


class Coming:
    """Columns tokens and ids of some texts, whose pieces are known."""

    names = ("tokens", "ids")

    def __init__(self, texts: Texts, columns: Callable[[pl.Series], tuple[pl.Series, pl.Series]]) -> None:
        self._texts, self._columns = texts, columns

    def columns(self) -> list[pl.Series]:
        return [*self._columns(self._texts.ids())]

    def members(self) -> pl.Series:
        lists = (pl.format('"{}":[{}]', pl.lit(name), pl.col(name)) for name in self.names)
        return self._texts.json().select(pl.concat_str(lists, separator=",")).to_series()
