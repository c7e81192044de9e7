"""FastText (Bojanowski et al. 2017, arXiv:1607.04606): words as the sum of their n-grams, trained by gensim.

With `subword=jamo` the n-grams are over the letters of Hangul, and over its syllables beside them (Park et al. 2018).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import polars as pl

from textkit.config import setting
from textkit.embeddings.corpus import FIRST, Corpus
from textkit.embeddings.learning import Learner, Windowed, frequencies, old_rows, take_output
from textkit.embeddings.subwords import Subwords, ngrams
from textkit.embeddings.table import Table
from textkit.errors import UsageError
from textkit.report import say
from textkit.tokenizers.vocabulary import Vocabulary

MOST = 2_000_000  # buckets: as many as fastText takes for any corpus


class FastText(Learner):
    @dataclass(frozen=True)
    class Config(Windowed):
        min_n: int = setting(3, "characters of the shortest n-grams, the marks < and > of a word's ends among them", least=1)
        max_n: int = setting(6, "characters of the longest n-grams; 0: no n-grams", least=0)
        bucket: Literal["auto"] | int = setting(
            "auto", "rows for n-grams, which share them by hash; auto: by how many there are", least=1, most=100_000_000
        )
        subword: Literal["char", "jamo"] = setting("char", "n-grams of characters, or of the letters of Hangul, three a syllable (with max_n=4)")
        syllables: int = setting(4, "with subword=jamo also n-grams of 1 to so many whole syllables; 0: none", least=0)

    continues = True

    def __init__(self, config: Config, threads: int | None = None, old: Table | None = None) -> None:
        """UsageError if no n-gram can be so long and so short, and for what goes with n-grams of jamo only."""
        super().__init__(config, threads, old)
        if 0 < config.max_n < config.min_n:
            raise UsageError(f"min_n={config.min_n} is more than max_n={config.max_n}", fix="give max_n=0 for no n-grams at all")
        if config.subword == "jamo" and not config.max_n:
            raise UsageError("subword=jamo is about n-grams, and max_n=0 means none")
        if config.subword != "jamo" and config.syllables != FastText.Config.syllables:
            raise UsageError("syllables is about n-grams of Hangul", fix="add --subword jamo")

    @classmethod
    def settings_of(cls, table: Table) -> dict[str, Any]:
        of = table.subwords
        if of is None:
            return {"dim": table.dim, "max_n": 0}
        subword, syllables = ("jamo", {"syllables": of.syllables}) if of.jamo else ("char", {})
        return {"dim": table.dim, "min_n": of.min_n, "max_n": of.max_n, "bucket": len(of.vectors), "subword": subword, **syllables}

    def _untrained(self, corpus: Corpus, vocabulary: Vocabulary, occurrences: np.ndarray, threads: int, subsample: float) -> Any:
        from gensim.models import FastText as Gensim

        from textkit.embeddings.composing import Composed

        c = self.config
        words = vocabulary.column[FIRST:]
        parts = [*ngrams(words, c.min_n, c.max_n, c.subword == "jamo", c.syllables)] if c.max_n >= c.min_n else []
        hashes = np.concatenate([part for part, _ in parts]) if parts else np.zeros(0, np.uint32)
        sizes = np.concatenate([part for _, part in parts]) if parts else np.zeros(len(words), np.int64)
        buckets = (buckets_for(hashes) if c.bucket == "auto" else c.bucket) if len(hashes) else 0
        if subsample == c.subsample:  # and not when it begins again without thinning out
            _tell_size(len(words), buckets, c)
        model = Gensim(sg=int(c.sg), min_n=c.min_n, max_n=c.max_n, bucket=buckets, **self._options(threads, subsample))
        model.wv = Composed(c.dim, c.min_n, c.max_n, hashes % np.uint32(max(1, buckets)), sizes, buckets)
        model.build_vocab_from_freq(frequencies(occurrences))
        return model

    def _continue(self, model: Any, vocabulary: Vocabulary, old: Table) -> None:
        places, rows = old_rows(vocabulary, old)
        if old.subwords is None:
            model.wv.vectors_vocab[places] = old.vectors[rows]
        else:  # a vector is the mean of the word's own and its n-grams'
            sums, sizes = old.subwords.sums(old.vocabulary.column.gather(rows))
            model.wv.vectors_vocab[places] = old.vectors[rows] * (sizes + 1)[:, None].astype(np.float32) - sums
            model.wv.vectors_ngrams[:] = old.subwords.vectors
        model.wv.adjust_vectors()
        take_output(model, vocabulary, old, self.config.hs)

    def _table(self, model: Any, vocabulary: Vocabulary, occurrences: np.ndarray) -> Table:
        c, jamo = self.config, self.config.subword == "jamo"
        table = super()._table(model, vocabulary, occurrences)
        if model.wv.bucket:
            table.subwords = Subwords(model.wv.vectors_ngrams, c.min_n, c.max_n, jamo, c.syllables if jamo else 0)
        return table


def buckets_for(hashes: np.ndarray) -> int:
    """A power of two of which the n-grams fill half at the most, or `MOST`.

    Where they fill more of it, many share a row, which costs analogies of word forms a tenth of what they get right.
    """
    distinct = pl.Series(hashes).n_unique()
    return min(MOST, 1 << max(0, 2 * distinct - 1).bit_length())


def _tell_size(words: int, buckets: int, config: Any) -> None:
    """Before it is learned: memory is what a large vocabulary runs out of."""
    row = 4 * config.dim
    saved, learning = (words + buckets) * row, (3 * words + buckets) * row
    say(
        f"{words} words and {buckets} buckets of n-grams: {_mb(learning)} of vectors while it learns, {_mb(saved)} saved",
        vocabulary=words, buckets=buckets, bytes_learning=learning, bytes_saved=saved,
    )  # fmt: skip


def _mb(size: int) -> str:
    return f"{size / 1e6:.1f} MB"
