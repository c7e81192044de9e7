"""Word2Vec (Mikolov et al. 2013, arXiv:1301.3781 and 1310.4546): skip-gram and CBOW, trained by gensim."""

from __future__ import annotations

import os
import tempfile
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
import polars as pl

from textkit.config import setting
from textkit.embeddings.table import Table
from textkit.errors import InputError
from textkit.ragged import flatten, nest
from textkit.report import say
from textkit.tokenizers.vocabulary import SPECIALS, Vocabulary, count_tokens

LINE = 10_000  # gensim reads so many tokens of a line and drops the rest in silence


class Word2Vec:
    @dataclass(frozen=True)
    class Config:
        dim: int = setting(100, "width of the vectors", least=1)
        window: int = setting(5, "words on each side that a word is trained with", least=1, most=10_000)
        min_count: int = setting(5, "words that occur less often get no vector", least=1)
        epochs: int = setting(5, "passes over the corpus", least=1)
        sg: bool = setting(True, "skip-gram; false: CBOW")
        lr: float = setting(0.025, "learning rate at the start", above=0)
        min_lr: float = setting(0.0001, "learning rate at the end", least=0)
        negative: int = setting(5, "negative samples for each word", least=1)
        subsample: float = setting(0.001, "words above this share of the corpus are thinned out", least=0)
        ns_exponent: float = setting(0.75, "shape of the distribution that negative samples come from")
        seed: int = setting(42, "random seed", least=0, most=2**32 - 1)

    def __init__(self, config: Config, threads: int | None = None) -> None:
        """`threads` None: one for a small corpus, so that the bytes are the same each time, else all cores."""
        self.config, self._threads = config, threads

    def fit(self, columns: Iterable[pl.Series]) -> Table:
        """Learn vectors from (B, T) columns of tokens, gone through twice. InputError if there is nothing to learn from."""
        counts = count_tokens(columns)
        vocabulary = self._vocabulary(counts)
        occurrences = _occurrences(vocabulary, counts)
        with tempfile.TemporaryFile(prefix="textkit-") as corpus:
            words, longest = write_corpus(corpus, vocabulary, columns)
            if longest < 2:
                raise InputError("nothing to learn word vectors from: no record has two words, so no word has a neighbour")
            # gensim wants a path, and a file without a name is left behind by no way to die
            vectors = self._train(f"/proc/self/fd/{corpus.fileno()}", occurrences, words)
        return Table(vocabulary, vectors, occurrences)

    def _vocabulary(self, counts: pl.DataFrame) -> Vocabulary:
        if not len(counts):
            raise InputError("nothing to learn word vectors from: there are no tokens")
        vocabulary = Vocabulary.build(counts, None, self.config.min_count)
        if len(vocabulary) == len(SPECIALS):
            say(f"no word occurs {self.config.min_count} times: taking all words (min_count=1)")
            vocabulary = Vocabulary.build(counts, None, 1)
        return vocabulary

    def _train(self, path: str, occurrences: np.ndarray, words: int) -> np.ndarray:
        c = self.config
        threads = self._threads or choose_threads(words * c.epochs)
        frequencies = {str(i): int(n) for i, n in enumerate(occurrences) if n}
        model = self._untrained(frequencies, threads, c.subsample)
        start = zlib.crc32(model.wv.vectors)
        model.train(corpus_file=path, total_words=words, epochs=c.epochs)
        if zlib.crc32(model.wv.vectors) == start:  # a handful of words, all thinned out: gensim would return its random start
            model = self._untrained(frequencies, threads, 0.0)
            model.train(corpus_file=path, total_words=words, epochs=c.epochs)
        assert zlib.crc32(model.wv.vectors) != start, f"gensim trained no word of {words}"
        vectors = np.zeros((len(occurrences), c.dim), np.float32)
        vectors[[int(code) for code in model.wv.index_to_key]] = model.wv.vectors
        plural = "s" * (threads > 1)
        say(f"{len(frequencies)} vectors of {c.dim} from {words} words, {c.epochs} epochs, {threads} thread{plural}", words=words)
        return vectors

    def _untrained(self, frequencies: dict[str, int], threads: int, subsample: float) -> Any:
        from gensim.models import Word2Vec as Gensim

        c = self.config
        model = Gensim(
            vector_size=c.dim, window=c.window, min_count=1, sg=int(c.sg), alpha=c.lr, min_alpha=c.min_lr, negative=c.negative,
            sample=subsample, ns_exponent=c.ns_exponent, seed=c.seed, workers=threads, sorted_vocab=1,
        )  # fmt: skip
        model.build_vocab_from_freq(frequencies)
        return model


SMALL = 2_000_000  # words times epochs: some seconds on one core


def choose_threads(work: int) -> int:
    """One thread gives the same bytes each time; from `SMALL` words on, all cores are worth more than that."""
    return 1 if work < SMALL else len(os.sched_getaffinity(0))


def _occurrences(vocabulary: Vocabulary, counts: pl.DataFrame) -> np.ndarray:
    """(V,) how often each token occurs; 0 for the special ones, which get no vector."""
    joined = vocabulary.column.to_frame("token").join(counts, on="token", how="left", maintain_order="left")
    occurrences: np.ndarray = joined["count"].fill_null(0).cast(pl.Int64).to_numpy().copy()
    occurrences[: len(SPECIALS)] = 0
    return occurrences


def write_corpus(file: BinaryIO, vocabulary: Vocabulary, columns: Iterable[pl.Series]) -> tuple[int, int]:
    """Tokens as integer codes, a record a line (long ones in pieces), for gensim's corpus_file.

    Returns how many, and the length of the longest line.

    Codes, since gensim splits the file at any Unicode space, and a token may hold one. Words without a vector are
    left out before the window is laid, as in word2vec.c.
    """
    words = longest = 0
    for tokens in columns:
        codes = vocabulary.ids(tokens).list.eval(pl.element().filter(pl.element() >= len(SPECIALS)))
        values, lengths = flatten(codes)
        pieces = nest(values.cast(pl.String), _pieces(lengths))
        text = pieces.filter(pieces.list.len() > 0).list.join(" ") + "\n"
        file.write(text.str.join("").item().encode())
        words += len(values)
        longest = max([longest, *pieces.list.len().top_k(1)])
    file.flush()
    return words, longest


def _pieces(lengths: pl.Series) -> pl.Series:
    """Record lengths with those over LINE cut into pieces of at most LINE."""
    if not len(lengths) or int(lengths.max()) <= LINE:  # type: ignore[arg-type]
        return lengths
    whole = pl.lit(LINE, dtype=pl.UInt32).repeat_by(lengths // LINE)
    return pl.select(pl.concat_list(whole, lengths % LINE).explode()).to_series()
