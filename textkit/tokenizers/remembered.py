"""Each distinct piece of text is segmented once: what a tokenizer made of it is remembered.

Text obeys Zipf's law, so the model runs only on what has not been seen before, and all else is a lookup by columns.
A piece is what stands between two spaces. That gives the tokenizer's own result where nothing that it does looks past
a space; `looks_past_spaces` reads that from the tokenizer's JSON, and where it is not sure the text goes as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain
from typing import TYPE_CHECKING, Any

import polars as pl

from textkit.memory import Memory
from textkit.ragged import flatten, nest

if TYPE_CHECKING:
    from tokenizers import Tokenizer

GROUP = 1000  # pieces in one sequence for the library: an object for each piece would cost more than segmenting it
LARGEST = 64 << 20  # bytes of pieces to remember; then it starts anew
INNER = "##"  # what WordPiece puts before a token that continues a word
END = "\x00\uffff"  # the piece between two texts; if one holds it too, that is seen by their number
# What works on single characters, or on a character and its neighbours that are no space.
LOCAL_NORMALIZERS = ("NFC", "NFD", "NFKC", "NFKD", "Lowercase", "StripAccents", "BertNormalizer")
FIRST_SPLITS = ("BertPreTokenizer", "Whitespace", "WhitespaceSplit")  # these drop the spaces, and what comes after sees one piece
LOCAL_MODELS = ("WordPiece", "BPE", "Unigram", "WordLevel")  # all of them see one word at a time
NO_IDS = pl.Series("ids", [[]], dtype=pl.List(pl.Int32))  # of the piece that is nothing


class Texts:
    """Some texts as the codes of their pieces, with code 0 between two texts."""

    def __init__(self, codes: pl.Series, memory: Memory, spelling: Spelling) -> None:
        self._codes, self._memory, self._spelling = codes, memory, spelling

    def ids(self) -> pl.Series:
        """(B, T) ids."""
        found = self._memory.made.gather(self._codes)
        last = pl.Series([len(self._codes) - 1], dtype=pl.UInt32)
        ends = found.list.len().cum_sum().gather(pl.concat([(self._codes == 0).arg_true(), last]))
        return nest(found.filter(found.list.len() > 0).explode(), (ends - ends.shift(1, fill_value=0)).cast(pl.UInt32)).alias("ids")

    def json(self) -> pl.DataFrame:
        """Their tokens and ids as the insides of JSON lists: columns tokens, ids."""
        rows = pl.all().gather(pl.lit(self._codes)).str.join("").str.split("\n").explode().str.strip_prefix(",")
        return self._spelling.of(self._memory.made).select(rows)


class Spelling:
    """What tokens and ids look like in JSON. Memory: that of each distinct piece."""

    def __init__(self, vocabulary: pl.Series) -> None:
        token = vocabulary.fill_null("").alias("t").to_frame().select(pl.struct("t").struct.json_encode()).to_series()
        self._token = pl.DataFrame(
            {"tokens": "," + token.str.strip_prefix('{"t":').str.strip_suffix("}"), "ids": [f",{i}" for i in range(len(token))]}
        )
        self._known = pl.DataFrame({"tokens": ["\n"], "ids": ["\n"]})  # each piece's, by its code

    def of(self, ids: pl.Series) -> pl.DataFrame:
        """The pieces that have these ids, spelt; of those known already, nothing is done."""
        if len(ids) > len(self._known):
            new = ids[len(self._known) :]
            lengths = new.list.len()
            flat = self._token.select(pl.all().gather(new.filter(lengths > 0).explode()))
            spelt = flat.select(nest(column, lengths).list.join("").alias(column.name) for column in flat)
            self._known = pl.concat([self._known, spelt], rechunk=True)
        return self._known


class Remembered:
    """A tokenizer that remembers. `words` cuts pieces as WordPiece itself does, where that is known: then words are remembered too."""

    def __init__(self, tokenizer: Tokenizer, vocabulary: pl.Series, words: Callable[[pl.Series], pl.Series] | None = None) -> None:
        self._tokenizer, self._vocabulary, self._split = tokenizer, vocabulary, words
        self._begins = ~vocabulary.fill_null("").str.starts_with(INNER)  # whether a token is the first of its word
        self._forget()

    def _forget(self) -> None:
        self._words = Memory(self._by_beginnings, "", NO_IDS)
        self._pieces = Memory(self._by_words if self._split else self._by_library, END, NO_IDS)
        self._spelling: Spelling | None = None

    def texts(self, text: pl.Series) -> Texts | None:
        """(B,) texts, B > 0, as codes; None where one of them holds what should stand between them."""
        if self._pieces.bytes + self._words.bytes > LARGEST:
            self._forget()
        codes = self._pieces.codes(text.str.join(f" {END} ").str.split(" ").explode())
        self._spelling = self._spelling or Spelling(self._vocabulary)
        return Texts(codes, self._pieces, self._spelling) if (codes == 0).sum() == len(text) - 1 else None

    def _by_words(self, pieces: pl.Series) -> pl.Series:
        """(P,) pieces -> (P, T) ids, each word segmented once."""
        assert self._split is not None
        words, counts = flatten(self._split(pieces))
        found = self._words(words)
        sizes = found.list.len().cum_sum()
        ends = pl.concat([pl.Series([0], dtype=sizes.dtype), sizes]).gather(counts.cum_sum())
        return nest(found.filter(found.list.len() > 0).explode(), (ends - ends.shift(1, fill_value=0)).cast(pl.UInt32)).alias("ids")

    def _by_beginnings(self, words: pl.Series) -> pl.Series:
        """(P,) words -> (P, T) ids: what begins a word looks otherwise than what continues it, so that they can go as one text, at half the cost."""
        texts = [words[start : start + GROUP].str.join(" ").item() for start in range(0, len(words), GROUP)]
        encodings = self._tokenizer.encode_batch_fast(texts, add_special_tokens=False)
        ids = pl.Series("ids", list(chain.from_iterable(encoding.ids for encoding in encodings)), dtype=pl.Int32)
        begins = self._begins.gather(ids).arg_true()
        if len(begins) != len(words):  # the library cuts one of them once more
            return self._by_library(words)
        return nest(ids, begins.shift(-1, fill_value=len(ids)) - begins)

    def _by_library(self, pieces: pl.Series) -> pl.Series:
        """(P,) pieces -> (P, T) ids by the library, on all threads."""
        groups = [pieces[start : start + GROUP].to_list() for start in range(0, len(pieces), GROUP)]
        encodings = self._tokenizer.encode_batch(groups, is_pretokenized=True, add_special_tokens=False)
        ids = pl.Series(list(chain.from_iterable(encoding.ids for encoding in encodings)), dtype=pl.Int32)
        within = pl.Series(list(chain.from_iterable(encoding.word_ids for encoding in encodings)), dtype=pl.UInt32)
        sizes = pl.Series([len(encoding) for encoding in encodings], dtype=pl.UInt32)
        group = pl.int_range(len(sizes), dtype=pl.UInt32, eager=True).repeat_by(sizes).filter(sizes > 0).explode()
        found = pl.DataFrame({"piece": (within + group * GROUP).set_sorted()}).group_by("piece").len()
        lengths = pl.zeros(len(pieces), dtype=pl.UInt32, eager=True).scatter(found["piece"], found["len"])
        return nest(ids, lengths).alias("ids")


def looks_past_spaces(tokenizer: dict[str, Any]) -> bool:
    """Whether a tokenizer.json may treat a text otherwise than the pieces between its spaces, one by one."""
    normalizers = _parts(tokenizer.get("normalizer"), "normalizers")
    splits = _parts(tokenizer.get("pre_tokenizer"), "pretokenizers")
    local = all(part["type"] in LOCAL_NORMALIZERS for part in normalizers)
    local = local and bool(splits) and splits[0]["type"] in FIRST_SPLITS
    local = local and all(part.get("prepend_scheme", "always") != "first" for part in splits)  # which asks where a piece stands
    local = local and all(token["special"] for token in tokenizer.get("added_tokens") or ())  # others are looked for in the whole text
    local = local and tokenizer["model"].get("type") in LOCAL_MODELS and not tokenizer["model"].get("dropout")
    return not local or bool(tokenizer.get("truncation") or tokenizer.get("padding"))


def _parts(step: dict[str, Any] | None, members: str) -> list[dict[str, Any]]:
    if step is None:
        return []
    return [part for one in step[members] for part in _parts(one, members)] if step["type"] == "Sequence" else [step]
