"""Latent semantic analysis (Deerwester et al. 1990): the singular value decomposition of TF-IDF, records by words.

The decomposition is by subspace iteration (Halko et al. 2011, arXiv:0909.4061) over counts that wait in an unnamed file.
Memory: a few tables of vectors, however many records there are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import polars as pl

from textkit import config
from textkit.artifacts import tensors
from textkit.config import setting
from textkit.embeddings.corpus import FIRST, choose_words
from textkit.embeddings.documents import Documents
from textkit.embeddings.table import Table
from textkit.ragged import flatten
from textkit.report import Progress, say
from textkit.tokenizers.vocabulary import Vocabulary, count_tokens
from textkit.vectorizers.counting import Counted, Found, count
from textkit.vectorizers.fitting import Waiting
from textkit.vectorizers.tfidf import Tfidf

FILE = "lsa.safetensors"
MORE = 10  # directions that are followed besides those wanted, which makes those wanted exact sooner
TINY = 1e-6  # of the largest singular value: below it a direction is but rounding


class LSA:
    documents = True  # it has vectors of records too

    @dataclass(frozen=True)
    class Config:
        dim: int = setting(100, "width of the vectors", least=1)
        min_count: int = setting(5, "words that occur less often get no vector", least=1)
        sublinear_tf: bool = setting(False, "1 + ln(tf) instead of tf")
        iterations: int = setting(5, "passes over the counts that make the vectors more exact", least=1)
        seed: int = setting(42, "random seed", least=0, most=2**32 - 1)

    def __init__(self, config: Config, threads: int | None = None) -> None:
        self.config = config

    def fit(self, columns: Iterable[pl.Series]) -> Table:
        """Learn vectors from (B, T) columns of tokens, gone through twice. InputError if there is nothing to learn from."""
        vocabulary, occurrences = choose_words(count_tokens(columns), self.config.min_count)
        waiting, df, records = Waiting(), np.zeros(len(vocabulary), np.int64), 0
        for tokens in columns:
            counted = counts_of(vocabulary, tokens)
            waiting.add(counted)
            df += np.bincount(counted.codes, minlength=len(df))
            records += len(tokens)
        weigher = weighing(self.config, **Tfidf.learn(Tfidf.Config(), df, records))
        directions, singular = self._decomposed(lambda: (matrix(weigher, block, len(vocabulary)) for block in waiting), len(vocabulary), records)
        vectors = (directions * singular).astype(np.float32)
        vectors[:FIRST] = 0
        say(f"{len(vocabulary) - FIRST} vectors of {self.config.dim} from {records} records", records=records)
        table = Table(vocabulary, vectors, occurrences)
        table.documents = Projection(vectors, self.config, vocabulary, weigher.learned["idf"], singular.astype(np.float32))
        return table

    def _decomposed(self, blocks: Any, width: int, records: int) -> tuple[np.ndarray, np.ndarray]:
        """(F, D) the right singular vectors of the matrix of these blocks of rows, and (D,) its singular values, the largest first."""
        from scipy.linalg import lu

        c = self.config
        basis = np.random.default_rng(c.seed).normal(size=(width, min(c.dim + MORE, width)))
        with Progress("decomposing", (c.iterations + 1) * records) as progress:
            for _ in range(c.iterations):
                basis = lu(basis, permute_l=True)[0]  # spans the same, keeps it from overflowing, and takes no time beside QR
                basis = _summed(progress, blocks(), lambda rows, basis=basis: rows.T @ (rows @ basis))
            basis = np.linalg.qr(basis)[0]
            small = _summed(progress, blocks(), lambda rows: _square(rows @ basis))
        values, turns = np.linalg.eigh(small)
        values, turns = values[::-1][: c.dim], turns[:, ::-1][:, : c.dim]
        singular = np.sqrt(np.maximum(values, 0))
        kept = singular > TINY * singular[0]
        if kept.sum() < c.dim:
            plural = "" if kept.sum() == 1 else "s"
            say(f"the records have {kept.sum()} independent direction{plural}: the other {c.dim - kept.sum()} numbers of each vector are 0")
        directions = _turned(basis @ turns[:, kept])
        room = c.dim - int(kept.sum())
        return np.pad(directions, ((0, 0), (0, room))), np.pad(singular[kept], (0, room))


def _summed(progress: Progress, blocks: Iterator[Any], of: Any) -> np.ndarray:
    total: Any = 0
    for rows in blocks:
        total = total + of(rows)
        progress.add(rows.shape[0])
    return np.asarray(total)


def _square(rows: np.ndarray) -> np.ndarray:
    return np.asarray(rows.T @ rows)


def _turned(directions: np.ndarray) -> np.ndarray:
    """Each direction so that its largest number is positive: a decomposition leaves open which way it points."""
    largest = np.take_along_axis(directions, np.abs(directions).argmax(0)[None], axis=0)
    turned: np.ndarray = directions * np.where(largest < 0, -1.0, 1.0)
    return turned


def counts_of(vocabulary: Vocabulary, tokens: pl.Series) -> Counted:
    """How often each record has each word."""
    ids = vocabulary.ids(tokens).list.eval(pl.element().filter(pl.element() >= FIRST))
    codes, lengths = flatten(ids)
    return count(Found(np.repeat(np.arange(len(tokens)), lengths.to_numpy()), codes.to_numpy().astype(np.int64), len(tokens)))


def weighing(settings: Any, **learned: np.ndarray) -> Tfidf:
    return Tfidf(Tfidf.Config(sublinear_tf=settings.sublinear_tf), learned)


def matrix(weigher: Tfidf, counted: Counted, width: int) -> Any:
    """The records as rows of TF-IDF."""
    from scipy.sparse import csr_matrix

    values = weigher.weigh(counted.counts, counted.codes, counted.offsets)
    return csr_matrix((values, counted.codes, counted.offsets), shape=(len(counted.offsets) - 1, width))


@dataclass
class Projection(Documents):
    """Vectors of records: their TF-IDF along the directions that were found."""

    kind: ClassVar[str] = "lsa"
    vectors: np.ndarray  # (V, D): each direction as long as its singular value
    config: Any
    vocabulary: Vocabulary
    idf: np.ndarray  # (V,) float64
    singular: np.ndarray  # (D,)

    def vectors_of(self, tokens: pl.Series) -> np.ndarray:
        """(B, T) tokens -> (B, D)."""
        rows = matrix(weighing(self.config, idf=self.idf), counts_of(self.vocabulary, tokens), len(self.vocabulary)).astype(np.float32)
        along: np.ndarray = rows @ self.vectors
        return np.asarray(along / np.where(self.singular > 0, self.singular, 1))

    def save(self, folder: Path) -> None:
        tensors.save(folder / FILE, {"idf": self.idf, "singular": self.singular})

    @classmethod
    def load(cls, folder: Path, manifest: dict[str, Any], table: Table) -> Projection:
        """Read what `save` wrote; InputError if it does not fit the table."""
        settings = config.from_json(LSA.Config, manifest["config"], str(folder))
        size, dim = table.vectors.shape
        found = tensors.load(folder / FILE, {"idf": ("float64", (size,)), "singular": ("float32", (dim,))})
        return cls(table.vectors, settings, table.vocabulary, found["idf"], found["singular"])
