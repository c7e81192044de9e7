"""How a method is applied to records, whatever the method: to which fields, with which tokens left out, cut off or put around.

These settings stand in the lineage with those of the method, where they differ from what is usual, so that whoever
applies the stage again does all of it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any, Literal

import polars as pl

from textkit import config
from textkit.config import setting
from textkit.errors import UsageError
from textkit.ragged import flatten, nest
from textkit.tokenizers.vocabulary import SPECIALS

Field = Literal["text", "pair", "target"]
BOS, EOS = "<s>", "</s>"
SPANS = pl.List(pl.List(pl.Int32))
# Marks, jamo and kana signs that NFC joins to the character before them.
JOINED = r"[\x{300}-\x{36F}\x{1161}-\x{1175}\x{11A8}-\x{11C2}\x{3099}\x{309A}]"
_JOINED = re.compile("[\u0300-\u036f\u1161-\u1175\u11a8-\u11c2\u3099\u309a]")


@dataclass(frozen=True)
class Applying:
    fields: tuple[Field, ...] = setting(("text",), "fields that are tokenized")
    offsets: bool = setting(False, "say where in the text each token stands")
    max_tokens: int | None = setting(None, "tokens in a record at the most, <s> and </s> included; none: all", least=1, most=2**31 - 1)
    stop_words: tuple[str, ...] = setting((), "tokens to leave out")
    add_bos_eos: bool = setting(False, "put <s> before the tokens and </s> after them")
    words: bool = setting(False, "cut up the tokens that there are, which have tags, and say where each starts")

    @classmethod
    def of(cls, found: Mapping[str, Any], where: str) -> Applying:
        """From the settings of a lineage entry, which has those of the method too."""
        return config.from_json(cls, {name: value for name, value in found.items() if name in NAMES}, where)

    def unusual(self) -> dict[str, Any]:
        usual = config.to_json(Applying())
        return {name: value for name, value in config.to_json(self).items() if value != usual[name]}


NAMES = tuple(field.name for field in fields(Applying))


def without_applying(found: Mapping[str, Any]) -> dict[str, Any]:
    """The method's own of a lineage entry's settings."""
    return {name: value for name, value in found.items() if name not in NAMES}


class Finishing:
    """A method's tokens, ids and offsets as the settings want them; a record's columns stay as long as one another."""

    def __init__(self, tokenizer: Any, applying: Applying) -> None:
        self._tokenizer, self._applying = tokenizer, applying
        self._around = () if not applying.add_bos_eos else (BOS, EOS)
        vocabulary = tokenizer.vocabulary
        if vocabulary is not None and any(token not in vocabulary.tokens for token in self._around):
            raise UsageError("--add-bos-eos puts <s> and </s> around a text, and this tokenizer's vocabulary has no such tokens")
        if applying.offsets and not tokenizer.must_learn:
            tokenizer.library()  # UsageError of a method that the library does not know
        if applying.max_tokens is not None and applying.max_tokens < len(self._around):
            raise UsageError("--max-tokens counts <s> and </s>, so with --add-bos-eos it is at least 2")

    def __call__(self, text: pl.Series) -> tuple[list[pl.Series], pl.Series]:
        """(B,) text -> (B, T) tokens, ids and offsets, as far as there are any; (B,) whether a record was cut."""
        tokens, ids = self._tokenizer.encode(text)
        columns = [tokens] if ids is None else [tokens, ids]
        if self._applying.offsets:
            columns.append(offsets(self._tokenizer, text))
            assert (columns[-1].list.len() == tokens.list.len()).all(), "the library cuts as the method does"
        return self.finished(columns)

    def finished(self, columns: list[pl.Series]) -> tuple[list[pl.Series], pl.Series]:
        columns = self.wanted(columns)
        cut = pl.Series([False]).new_from_index(0, len(columns[0]))
        if self._applying.max_tokens is not None:
            room = self._applying.max_tokens - len(self._around)
            cut = columns[0].list.len() > room
            columns = [column.list.head(room) for column in columns]
        return ([self._surrounded(column) for column in columns] if self._around else columns), cut

    def wanted(self, columns: list[pl.Series]) -> list[pl.Series]:
        """Without the stop words."""
        if not self._applying.stop_words:
            return columns
        flat, lengths = flatten(columns[0])
        kept = ~flat.is_in(self.stop_tokens)
        left = nest(kept, lengths).list.sum().cast(pl.UInt32)
        return [nest(flatten(column)[0].filter(kept), left).alias(column.name) for column in columns]

    @cached_property
    def stop_tokens(self) -> list[str]:
        """Those stop words that are one token each, as the method writes them: in its case and form, and with its space."""
        words = pl.Series(self._applying.stop_words, dtype=pl.String)
        found, _ = self._tokenizer.encode(pl.concat([words, " " + words]))
        alone = {*found.filter(found.list.len() == 1).explode()}
        unknown = getattr(self._tokenizer.vocabulary, "unk_id", None)
        return sorted(alone - {*SPECIALS, None if unknown is None else self._tokenizer.vocabulary.tokens[unknown]})

    def _surrounded(self, column: pl.Series) -> pl.Series:
        if column.dtype == SPANS:  # what stands nowhere in the text is at 0, as the library has it
            first = last = pl.Series([[[0, 0]]], dtype=SPANS)
        elif column.dtype == pl.List(pl.String):
            first, last = (pl.Series([[token]], dtype=column.dtype) for token in self._around)
        else:
            tokens = self._tokenizer.vocabulary.tokens
            first, last = (pl.Series([[tokens.index(token)]], dtype=column.dtype) for token in self._around)
        parts = [first.new_from_index(0, len(column)), column, last.new_from_index(0, len(column))]
        return pl.select(pl.concat_list(parts)).to_series().alias(column.name)


def within(finishing: Finishing, words: pl.Series) -> list[pl.Series]:
    """(B, words) -> (B, T) tokens and ids of each record's words one behind the other, (B, words) where each word starts."""
    flat, lengths = flatten(words)
    made, _ = finishing(flat)
    pieces = nest(made[0].list.len().cast(pl.Int32), lengths)
    total = pieces.list.sum().cast(pl.UInt32)
    starts = pieces.list.eval(pl.element().cum_sum() - pl.element()).cast(pl.List(pl.Int32))
    return [*(nest(flatten(column)[0], total).alias(column.name) for column in made), starts.alias("word_starts")]


def offsets(tokenizer: Any, text: pl.Series) -> pl.Series:
    """(B,) text -> (B, T, 2) where each token begins and ends, in code points of the text as it came."""
    lines = text.to_list()
    # loops over records: the library gives its offsets one record at a time
    rows = [encoding.offsets for encoding in tokenizer.library().encode_batch(lines, add_special_tokens=False)]
    for row in text.str.contains(JOINED).arg_true():
        rows[row] = _whole(lines[row], rows[row])
    return pl.Series("offsets", rows, dtype=SPANS)


def _whole(text: str, spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Of a token whose last character was composed of several, the library's offsets have the first of those alone."""
    starts = {start for start, _ in spans}
    found = []
    for start, end in spans:
        while start < end < len(text) and end not in starts and _JOINED.match(text[end]):
            end += 1
        found.append((start, end))
    return found


def decomposed(text: pl.Series) -> int:
    """How many of the texts have characters in several parts, as macOS writes file names."""
    odd = text.filter(text.str.contains(JOINED))
    return int((odd != odd.str.normalize("NFC")).sum())
