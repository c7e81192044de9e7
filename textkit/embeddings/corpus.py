"""A corpus as gensim reads it fastest: a file of integer codes, a record a line."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
import polars as pl

from textkit.errors import InputError
from textkit.ragged import flatten, nest
from textkit.report import say
from textkit.tokenizers.vocabulary import SPECIALS, Vocabulary

FIRST = len(SPECIALS)  # the code of the most frequent word
LINE = 10_000  # gensim reads so many tokens of a line and drops the rest in silence
SMALL = 2_000_000  # words times epochs: some seconds on one core


@dataclass
class Corpus:
    path: str
    words: int
    lines: int
    longest: int  # of the lines, in words


def choose_threads(work: int) -> int:
    """One thread gives the same bytes each time; from `SMALL` words on, all cores are worth more than that."""
    return 1 if work < SMALL else len(os.sched_getaffinity(0))


def choose_words(counts: pl.DataFrame, min_count: int, known: pl.DataFrame | None = None) -> tuple[Vocabulary, np.ndarray]:
    """The words to learn, most frequent first, and (V,) how often each occurs: 0 for the special ones, which get no vector.

    `known` are words with counts that were learned before: they stay, and their counts are added. All words are taken if
    none is frequent enough.
    """
    if not len(counts):
        raise InputError("nothing to learn word vectors from: there are no tokens")
    frequent = _frequent(counts, min_count, known)
    vocabulary = Vocabulary.build(frequent, None, 1)
    if len(vocabulary) == FIRST:
        say(f"no word occurs {min_count} times: taking all words (min_count=1)")
        frequent = _frequent(counts, 1, known)
        vocabulary = Vocabulary.build(frequent, None, 1)
    joined = vocabulary.column.to_frame("token").join(frequent, on="token", how="left", maintain_order="left")
    occurrences: np.ndarray = joined["count"].fill_null(0).cast(pl.Int64).to_numpy().copy()
    occurrences[:FIRST] = 0
    return vocabulary, occurrences


def _frequent(counts: pl.DataFrame, min_count: int, known: pl.DataFrame | None) -> pl.DataFrame:
    counts = counts.cast({"count": pl.Int64})
    if known is None:
        return counts.filter(pl.col("count") >= min_count)
    new = counts.filter((pl.col("count") >= min_count) | pl.col("token").is_in(known["token"].implode()))
    return pl.concat([known, new]).group_by("token").agg(pl.col("count").sum())


def write_corpus(file: BinaryIO, vocabulary: Vocabulary, columns: Iterable[pl.Series]) -> Corpus:
    """Tokens as integer codes, a record a line (long ones in pieces), for gensim's corpus_file.

    Codes, since gensim splits the file at any Unicode space, and a token may hold one. Words without a vector are
    left out before the window is laid, as in word2vec.c.
    """
    corpus = Corpus("", 0, 0, 0)
    for tokens in columns:
        codes = vocabulary.ids(tokens).list.eval(pl.element().filter(pl.element() >= FIRST))
        values, lengths = flatten(codes)
        pieces = nest(values.cast(pl.String), cut(lengths))
        lines = pieces.filter(pieces.list.len() > 0)
        file.write((lines.list.join(" ") + "\n").str.join("").item().encode())
        corpus.words += len(values)
        corpus.lines += len(lines)
        corpus.longest = max([corpus.longest, *lines.list.len().top_k(1)])
    file.flush()
    return corpus


def cut(lengths: pl.Series) -> pl.Series:
    """Record lengths with those over LINE cut into pieces of at most LINE."""
    if not len(lengths) or int(lengths.max()) <= LINE:  # type: ignore[arg-type]
        return lengths
    whole = pl.lit(LINE, dtype=pl.UInt32).repeat_by(lengths // LINE)
    return pl.select(pl.concat_list(whole, lengths % LINE).explode()).to_series()
