"""Paragraph vectors (Le and Mikolov 2014, arXiv:1405.4053): distributed memory (PV-DM) or bag of words (PV-DBOW), by gensim.

Word vectors come out as of any method (in PV-DBOW they are learned beside, by skip-gram). What `--pool doc` puts into a
record is inferred from its tokens, the records that it was learned from being no exception: so a text has one vector,
wherever it is met.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import polars as pl

from textkit import config
from textkit.artifacts import tensors
from textkit.config import setting
from textkit.embeddings.corpus import FIRST, LINE, Corpus
from textkit.embeddings.documents import Documents
from textkit.embeddings.learning import Learner, Training, frequencies
from textkit.embeddings.table import Table
from textkit.tokenizers.vocabulary import Vocabulary

FILE = "doc2vec.safetensors"


class Doc2Vec(Learner):
    documents = True  # it has vectors of records too

    @dataclass(frozen=True)
    class Config(Training):
        dm: bool = setting(True, "distributed memory; false: bag of words")
        epochs: int = setting(10, "passes over the corpus", least=1)
        infer_epochs: int | None = setting(None, "passes over a record to infer its vector; none: as many as over the corpus", least=1)

    by_lines = True

    def _untrained(self, corpus: Corpus, vocabulary: Vocabulary, occurrences: np.ndarray, threads: int, subsample: float) -> Any:
        model = gensim_model(self.config, self._options(threads, subsample))
        model.dv.index_to_key = range(corpus.lines)  # a line of the corpus file is a document, and its number the name
        model.build_vocab_from_freq(frequencies(occurrences), corpus_count=corpus.lines)
        return model

    def _state(self, model: Any) -> int:
        return zlib.crc32(model.dv.vectors, zlib.crc32(model.wv.vectors))

    def _table(self, model: Any, vocabulary: Vocabulary, occurrences: np.ndarray) -> Table:
        table = super()._table(model, vocabulary, occurrences)
        output = np.concatenate([np.zeros((FIRST, self.config.dim), np.float32), model.syn1 if self.config.hs else model.syn1neg])
        table.documents = Inference(table.vectors, self.config, vocabulary, occurrences, output)
        return table


def gensim_model(settings: Any, options: dict[str, Any]) -> Any:
    from gensim.models import Doc2Vec as Gensim

    return Gensim(dm=int(settings.dm), dbow_words=1, **options)


@dataclass
class Inference(Documents):
    """Vectors of records, learned with the words' vectors and the output side held fast."""

    kind: ClassVar[str] = "doc2vec"
    vectors: np.ndarray  # (V, D)
    config: Any
    vocabulary: Vocabulary
    counts: np.ndarray  # (V,)
    output: np.ndarray  # (V, D)

    def vectors_of(self, tokens: pl.Series) -> np.ndarray:
        """(B, T) tokens -> (B, D). Start and random draws depend on a record's words alone: the same ones get the same vector."""
        ids = self.vocabulary.ids(tokens)
        known = ids.list.eval(pl.element().filter(pl.element() >= FIRST).cast(pl.String))
        vectors = np.zeros((len(tokens), self.vectors.shape[1]), np.float32)
        for row, words in enumerate(known):  # a loop over records: gensim learns one document at a time
            if words is not None and len(words):
                vectors[row] = self._inferred(words.to_list())
        return vectors

    def _inferred(self, words: list[str]) -> np.ndarray:
        from gensim.models.doc2vec_inner import train_document_dbow, train_document_dm

        model, epochs = self._model, self.config.infer_epochs or self.config.epochs
        learn = train_document_dm if self.config.dm else train_document_dbow
        model.random.seed(zlib.crc32(" ".join(words).encode(), self.config.seed))
        vector = self.start(model.random)
        pieces = [words[start : start + LINE] for start in range(0, len(words), LINE)]
        rates = np.linspace(self.config.lr, self.config.min_lr, max(2, epochs))[:epochs]
        lock = np.ones(1, np.float32)
        for rate in rates.tolist():
            for piece in pieces:
                learn(model, piece, [0], rate, learn_words=False, learn_hidden=False, doctag_vectors=vector, doctags_lockf=lock)
        return np.asarray(vector[0])

    def start(self, random: Any) -> np.ndarray:
        """(1, D) where a vector begins."""
        width = self.vectors.shape[1]
        begun: np.ndarray = ((random.random_sample((1, width)) - 0.5) / width).astype(np.float32)
        return begun

    @cached_property
    def _model(self) -> Any:
        model = gensim_model(self.config, Doc2Vec(self.config)._options(1, self.config.subsample))
        model.build_vocab_from_freq(frequencies(self.counts))
        model.wv.vectors = np.ascontiguousarray(self.vectors[FIRST:])
        setattr(model, "syn1" if self.config.hs else "syn1neg", np.ascontiguousarray(self.output[FIRST:]))
        return model

    def save(self, folder: Path) -> None:
        tensors.save(folder / FILE, {"output": self.output})

    @classmethod
    def load(cls, folder: Path, manifest: dict[str, Any], table: Table) -> Inference:
        """Read what `save` wrote; InputError if it does not fit the table."""
        settings = config.from_json(Doc2Vec.Config, manifest["config"], str(folder))
        output = tensors.load(folder / FILE, {"output": ("float32", table.vectors.shape)})["output"]
        return cls(table.vectors, settings, table.vocabulary, table.counts, output)
