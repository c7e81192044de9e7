"""Word2Vec (Mikolov et al. 2013, arXiv:1301.3781 and 1310.4546): skip-gram and CBOW, trained by gensim."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from textkit.embeddings.corpus import Corpus
from textkit.embeddings.learning import Learner, Windowed, frequencies, old_rows, take_output
from textkit.embeddings.table import Table
from textkit.tokenizers.vocabulary import Vocabulary


class Word2Vec(Learner):
    @dataclass(frozen=True)
    class Config(Windowed):
        pass

    continues = True

    def _untrained(self, corpus: Corpus, vocabulary: Vocabulary, occurrences: np.ndarray, threads: int, subsample: float) -> Any:
        from gensim.models import Word2Vec as Gensim

        model = Gensim(sg=int(self.config.sg), **self._options(threads, subsample))
        model.build_vocab_from_freq(frequencies(occurrences))
        return model

    def _continue(self, model: Any, vocabulary: Vocabulary, old: Table) -> None:
        places, rows = old_rows(vocabulary, old)
        model.wv.vectors[places] = old.vectors[rows]
        take_output(model, vocabulary, old, self.config.hs)
