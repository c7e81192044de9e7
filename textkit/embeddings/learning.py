"""What learning with gensim has in common: the words, the corpus file, the threads, what is said of it."""

from __future__ import annotations

import tempfile
import time
import zlib
from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import polars as pl

from textkit.config import setting
from textkit.embeddings.corpus import FIRST, Corpus, choose_threads, choose_words, write_corpus
from textkit.embeddings.table import Table
from textkit.embeddings.watching import Watch
from textkit.errors import InputError, UsageError
from textkit.report import say
from textkit.tokenizers.vocabulary import Vocabulary, count_tokens


@dataclass(frozen=True)
class Training:
    """Settings that all methods of gensim's have."""

    dim: int = setting(100, "width of the vectors", least=1)
    window: int = setting(5, "words on each side that a word is trained with", least=1, most=10_000)
    min_count: int = setting(5, "words that occur less often get no vector", least=1)
    epochs: int = setting(5, "passes over the corpus", least=1)
    lr: float = setting(0.025, "learning rate at the start", above=0)
    min_lr: float = setting(0.0001, "learning rate at the end", least=0)
    negative: int = setting(5, "negative samples for each word", least=1)
    hs: bool = setting(False, "hierarchical softmax instead of negative samples")
    subsample: float = setting(0.001, "words above this share of the corpus are thinned out", least=0)
    ns_exponent: float = setting(0.75, "shape of the distribution that negative samples come from", least=-10, most=10)
    seed: int = setting(42, "random seed", least=0, most=2**32 - 1)


@dataclass(frozen=True)
class Windowed(Training):
    """Of methods that learn a word from its neighbours."""

    sg: bool = setting(True, "skip-gram; false: CBOW")
    updated: str | None = setting(None, "hash of the embedding that --update went on with")
    keep_output: bool = setting(False, "save the model's output side too, as much again, for --update to go on with")


class Learner(ABC):
    """`fit` learns a table, or goes on with an old one."""

    Config: ClassVar[type]
    continues: ClassVar[bool] = False  # whether it can go on with an old table
    threaded: ClassVar[bool] = True
    by_lines: ClassVar[bool] = False  # whether the learning rate falls by lines read, not by words
    shortest: ClassVar[int] = 2  # words that a record must have to be learned from

    def __init__(self, config: Any, threads: int | None = None, old: Table | None = None) -> None:
        """`threads` None: one for a small corpus, so that the bytes are the same each time, else all cores.

        UsageError if the old table is of other settings, or they do not fit each other.
        """
        self.config, self._threads, self._old = config, threads, old
        if config.min_lr > config.lr:
            raise UsageError(f"the learning rate would rise from lr={config.lr} to min_lr={config.min_lr}", fix=f"give -s min_lr={config.lr} or less")
        for name, value in {} if old is None else self.settings_of(old).items():
            if getattr(config, name) != value:
                raise UsageError(f"the old embedding has {name}={value}, which cannot become {getattr(config, name)}")

    @classmethod
    def settings_of(cls, table: Table) -> dict[str, Any]:
        """The settings of a table that cannot change when it is gone on with."""
        return {"dim": table.dim}

    def fit(self, columns: Iterable[pl.Series]) -> Table:
        """Learn vectors from (B, T) columns of tokens, gone through twice. InputError if there is nothing to learn from."""
        known = None if self._old is None else _counted(self._old)
        vocabulary, occurrences = choose_words(count_tokens(columns), self.config.min_count, known)
        with tempfile.TemporaryFile(prefix="textkit-") as file:
            corpus = write_corpus(file, vocabulary, columns)
            if corpus.longest < self.shortest:
                raise InputError("nothing to learn word vectors from: no record has two words, so no word has a neighbour")
            # gensim wants a path, and a file without a name is left behind by no way to die
            corpus.path = f"/proc/self/fd/{file.fileno()}"
            model = self._learned(corpus, vocabulary, occurrences)
        return self._table(model, vocabulary, occurrences)

    def _learned(self, corpus: Corpus, vocabulary: Vocabulary, occurrences: np.ndarray) -> Any:
        c = self.config
        threads = self._threads or choose_threads(corpus.words * c.epochs)
        for subsample in dict.fromkeys((c.subsample, 0.0)):
            model = self._untrained(corpus, vocabulary, occurrences, threads, subsample)
            if self._old is not None:
                self._continue(model, vocabulary, self._old)
            start, began = self._state(model), time.monotonic()
            with Watch(model, corpus, c.epochs) as watch:
                lines = corpus.lines if self.by_lines else None
                model.train(corpus_file=corpus.path, total_words=corpus.words, total_examples=lines, epochs=c.epochs, callbacks=[watch])
            if self._state(model) != start:
                break  # else a handful of words were all thinned out: gensim would return its random start
        else:
            why = "there are too few words, or the learning rate is too small, or far too large"
            raise InputError(f"nothing was learned: {why}", fix="raise --epochs, or give another --lr")
        self._tell(len(occurrences) - FIRST, corpus, threads, time.monotonic() - began, watch.loss())
        return model

    def _tell(self, vectors: int, corpus: Corpus, threads: int, seconds: float, loss: float | None) -> None:
        c = self.config
        facts = {"words": corpus.words, "words_per_second": round(corpus.words * c.epochs / seconds), "loss": loss and round(loss, 4)}
        told = f"{facts['words_per_second']} words/s" + (f", loss {loss:.4f}" if loss is not None else "")
        plural = "s" * (threads > 1)
        say(f"{vectors} vectors of {c.dim} from {corpus.words} words, {c.epochs} epochs, {threads} thread{plural}, {told}", **facts)

    @abstractmethod
    def _untrained(self, corpus: Corpus, vocabulary: Vocabulary, occurrences: np.ndarray, threads: int, subsample: float) -> Any:
        """gensim's model at its random start; word i of it is the one with code `FIRST` + i."""

    def _options(self, threads: int, subsample: float) -> dict[str, Any]:
        c = self.config
        return {
            "vector_size": c.dim, "window": c.window, "min_count": 1, "alpha": c.lr, "min_alpha": c.min_lr,
            "hs": int(c.hs), "negative": 0 if c.hs else c.negative, "sample": subsample, "ns_exponent": c.ns_exponent,
            "seed": c.seed, "workers": threads, "sorted_vocab": 0,
        }  # fmt: skip

    def _state(self, model: Any) -> int:
        """Tells whether anything was learned."""
        return zlib.crc32(model.wv.vectors)

    def _continue(self, model: Any, vocabulary: Vocabulary, old: Table) -> None:
        """Put what was learned before into the model. Of methods that `continues`."""
        raise NotImplementedError

    def _table(self, model: Any, vocabulary: Vocabulary, occurrences: np.ndarray) -> Table:
        vectors = np.zeros((len(occurrences), self.config.dim), np.float32)
        vectors[FIRST:] = model.wv.vectors
        table = Table(vocabulary, vectors, occurrences)
        if getattr(self.config, "keep_output", False):
            output = model.syn1 if self.config.hs else model.syn1neg
            table.output = np.concatenate([np.zeros((FIRST, self.config.dim), np.float32), output])
        return table


def frequencies(occurrences: np.ndarray) -> dict[str, int]:
    """Counts as gensim takes them, by code."""
    return {str(FIRST + i): int(n) for i, n in enumerate(occurrences[FIRST:])}


def _counted(table: Table) -> pl.DataFrame:
    """The words of a table that have vectors. Tables of other programs may not tell how often a word occurs."""
    words = pl.DataFrame({"token": table.vocabulary.column, "count": table.counts})
    return words.filter((pl.col("count") > 0) & pl.col("token").is_not_null())


def old_rows(vocabulary: Vocabulary, old: Table) -> tuple[np.ndarray, np.ndarray]:
    """The words of a model that an old table has: their places in the model, and their rows in the table."""
    mine = pl.DataFrame({"token": old.vocabulary.column, "row": np.arange(len(old.vocabulary))}).filter(pl.Series(old.counts > 0))
    words = vocabulary.column[FIRST:].to_frame("token").with_row_index("place")
    both = words.join(mine, on="token", how="inner", maintain_order="left")
    return both["place"].to_numpy(), both["row"].to_numpy()


def take_output(model: Any, vocabulary: Vocabulary, old: Table, hs: bool) -> None:
    """Go on with the output side of an old model, as far as it was kept."""
    if hs or old.output is None:
        why = "depends on all words" if hs else "was not kept (-s keep_output=true does)"
        say(f"the output side of the old model {why}: it is learned anew from zero, the old vectors are gone on with")
        return
    places, rows = old_rows(vocabulary, old)
    model.syn1neg[places] = old.output[rows]
