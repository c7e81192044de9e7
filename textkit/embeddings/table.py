"""A table of word vectors: a vocabulary and a (V, D) matrix, saved as vocab.txt and safetensors."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from textkit.artifacts import folder as artifact
from textkit.artifacts import tensors
from textkit.ragged import flatten
from textkit.tokenizers.vocabulary import Vocabulary

if TYPE_CHECKING:
    from textkit.embeddings.subwords import Subwords

KIND = "embedding"
FILE = "vectors.safetensors"


@dataclass
class Table:
    vocabulary: Vocabulary
    vectors: np.ndarray  # (V, D) float32; the rows of special tokens that were not seen are 0
    counts: np.ndarray  # (V,) int64
    subwords: Subwords | None = None  # what words without a vector are made of

    @property
    def dim(self) -> int:
        return int(self.vectors.shape[1])

    def save(self, folder: Path) -> None:
        self.vocabulary.save(folder)
        tensors.save(folder / FILE, {"vectors": self.vectors, "counts": self.counts})

    @classmethod
    def load(cls, folder: Path) -> Table:
        """Read a saved table; InputError if its files are damaged or do not fit each other."""
        manifest = artifact.load(folder, KIND)
        vocabulary = Vocabulary.load(folder)
        size, dim = len(vocabulary), manifest["dim"]
        found = tensors.load(folder / FILE, {"vectors": ("float32", (size, dim)), "counts": ("int64", (size,))})
        return cls(vocabulary, found["vectors"], found["counts"])

    def vectors_of(self, words: pl.Series) -> tuple[np.ndarray, np.ndarray]:
        """(N,) words -> (N, D) their vectors, and (N,) whether each has one: of its own, or by its subwords; others are zeros."""
        places = words.cast(pl.Enum(self.vocabulary.tokens), strict=False).to_physical()
        known = (places.is_not_null() & pl.Series(self.counts > 0).gather(places.fill_null(0))).to_numpy()
        rows = places.fill_null(0).to_numpy()
        vectors = np.where(known[:, None], self.vectors[rows], np.float32(0))
        if self.subwords is not None and not known.all():
            made, found = self.subwords.vectors_of(words.filter(pl.Series(~known)))
            vectors[~known] = made
            known = known.copy()
            known[~known] = found
        return vectors, known

    def rows_for(self, vocabulary: Vocabulary, seed: int) -> np.ndarray:
        """(V', D): the vectors in the order of another vocabulary, matched by token.

        A token without a vector gets a small seeded row, a tenth of the table's spread; [PAD] gets zeros.
        """
        mine = pl.DataFrame({"tokens": self.vocabulary.column, "row": np.arange(len(self.vocabulary))})
        trained = mine.filter(pl.Series(self.counts > 0))
        rows = vocabulary.column.to_frame("tokens").join(trained, on="tokens", how="left", maintain_order="left")["row"]
        known = rows.is_not_null().to_numpy()
        spread = float(self.vectors[self.counts > 0].std()) if (self.counts > 0).any() else 1.0
        aligned = np.random.default_rng(seed).normal(0, 0.1 * spread, (len(vocabulary), self.dim)).astype(np.float32)
        aligned[known] = self.vectors[rows.drop_nulls().to_numpy()]
        if vocabulary.pad_id is not None:
            aligned[vocabulary.pad_id] = 0
        return aligned

    def pool(self, tokens: pl.Series) -> pl.Series:
        """(B, T) tokens -> (B, D): the mean of the vectors of the tokens that have one, else zeros."""
        flat, lengths = flatten(self.vocabulary.ids(tokens))
        ids = flat.to_numpy()
        weight = (self.counts > 0).astype(np.float32)[ids]
        record = np.repeat(np.arange(len(lengths)), lengths.to_numpy())
        total = np.zeros((len(lengths), self.dim), np.float32)
        filled = lengths.to_numpy() > 0
        starts = np.concatenate([[0], np.cumsum(lengths.to_numpy()[filled])[:-1]]).astype(np.int64)
        if len(ids):
            total[filled] = np.add.reduceat(self.vectors[ids] * weight[:, None], starts)
        seen = np.bincount(record, weights=weight, minlength=len(lengths))
        mean = total / np.maximum(seen, 1)[:, None].astype(np.float32)
        return pl.Series("vector", mean, dtype=pl.Array(pl.Float32, self.dim)).arr.to_list()


def describe(table: Table) -> dict[str, Any]:
    """What a manifest says of a table."""
    return {"dim": table.dim, "vocabulary": {"size": len(table.vocabulary)}}
