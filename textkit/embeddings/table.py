"""A table of word vectors: a vocabulary and a (V, D) matrix, saved as vocab.txt and safetensors."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from textkit.artifacts import folder as artifact
from textkit.artifacts import tensors
from textkit.errors import InputError
from textkit.tokenizers.vocabulary import SPECIALS, Vocabulary

if TYPE_CHECKING:
    from textkit.embeddings.documents import Documents
    from textkit.embeddings.subwords import Subwords

KIND = "embedding"
FILE = "vectors.safetensors"
OUTPUT = "output.safetensors"


@dataclass
class Table:
    vocabulary: Vocabulary
    vectors: np.ndarray  # (V, D) float32; the rows of special tokens that were not seen are 0
    counts: np.ndarray  # (V,) int64
    subwords: Subwords | None = None  # what words without a vector are made of
    documents: Documents | None = None  # how whole records get vectors, where the method has a way of its own
    output: np.ndarray | None = None  # (V, D) the model's other side, kept if asked for, to go on learning with
    store: str = "float32"  # how the vectors are saved: float32 or float16

    @property
    def dim(self) -> int:
        return int(self.vectors.shape[1])

    def save(self, folder: Path) -> None:
        self.vocabulary.save(folder)
        tensors.save(folder / FILE, {"vectors": self.vectors.astype(self.store, copy=False), "counts": self.counts})
        if self.output is not None:
            tensors.save(folder / OUTPUT, {"output": self.output})
        for part in (self.subwords, self.documents):
            if part is not None:
                part.save(folder)

    @classmethod
    def load(cls, folder: Path) -> Table:
        """Read a saved table; InputError if its files are damaged or do not fit each other."""
        manifest = artifact.load(folder, KIND)
        if "dim" not in manifest:
            raise InputError("is a copy of the vocabulary only: its vectors are in the embedding that it was made of", where=str(folder))
        vocabulary = Vocabulary.load(folder)
        size, dim = len(vocabulary), manifest["dim"]
        store = manifest.get("store", "float32")
        found = tensors.load(folder / FILE, {"vectors": (store, (size, dim)), "counts": ("int64", (size,))})
        table = cls(vocabulary, found["vectors"].astype(np.float32, copy=False), found["counts"], store=store)
        if manifest.get("output"):
            table.output = tensors.load(folder / OUTPUT, {"output": ("float32", (size, dim))})["output"]
        if manifest.get("subwords") is not None:
            from textkit.embeddings.subwords import Subwords

            table.subwords = Subwords.load(folder, manifest["subwords"], dim)
        if manifest.get("documents") is not None:
            from textkit.embeddings.documents import load

            table.documents = load(folder, manifest, table)
        return table

    @cached_property
    def _words(self) -> pl.Enum:
        return pl.Enum(self.vocabulary.tokens)

    def rows_of(self, words: pl.Series) -> np.ndarray:
        """(N,) words -> (N,) int32 the rows of their vectors; -1 for a word without a vector of its own."""
        places = words.cast(self._words, strict=False).to_physical()
        rows = places.fill_null(0).cast(pl.Int32).to_numpy()
        found: np.ndarray = np.where(places.is_not_null().to_numpy() & (self.counts > 0)[rows], rows, np.int32(-1))
        return found

    def vectors_of(self, words: pl.Series) -> tuple[np.ndarray, np.ndarray]:
        """(N,) words -> (N, D) their vectors, and (N,) whether each has one: of its own, or by its subwords; others are zeros."""
        rows = self.rows_of(words)
        known = rows >= 0
        vectors = np.where(known[:, None], self.vectors[np.maximum(rows, 0)], np.float32(0))
        if self.subwords is not None and not known.all():
            made, found = self.subwords.vectors_of(words.filter(pl.Series(~known)))
            vectors[~known] = made
            known = known.copy()
            known[~known] = found
        return vectors, known

    def rows_for(self, vocabulary: Vocabulary, seed: int) -> np.ndarray:
        """(V', D): the vectors in the order of another vocabulary, matched by token.

        A token without a vector gets that of its subwords if there are any, else a small seeded row, a tenth of the table's
        spread; [PAD] gets zeros.
        """
        mine = pl.DataFrame({"tokens": self.vocabulary.column, "row": np.arange(len(self.vocabulary))})
        trained = mine.filter(pl.Series(self.counts > 0))
        rows = vocabulary.column.to_frame("tokens").join(trained, on="tokens", how="left", maintain_order="left")["row"]
        known = rows.is_not_null().to_numpy()
        spread = float(self.vectors[self.counts > 0].std()) if (self.counts > 0).any() else 1.0
        aligned = np.random.default_rng(seed).normal(0, 0.1 * spread, (len(vocabulary), self.dim)).astype(np.float32)
        aligned[known] = self.vectors[rows.drop_nulls().to_numpy()]
        if self.subwords is not None:
            words = vocabulary.column
            made = np.flatnonzero(~known & (words.is_not_null() & (words != "") & ~words.is_in(SPECIALS)).to_numpy())
            vectors, found = self.subwords.vectors_of(words.gather(made))
            aligned[made[found]] = vectors[found]
        if vocabulary.pad_id is not None:
            aligned[vocabulary.pad_id] = 0
        return aligned

    def stored_as(self, store: str) -> Table:
        """The table as it will be once it was saved as `store` (float32 or float16) and loaded again. InputError if that cannot hold it."""
        if store == self.store:
            return self
        subwords = self.subwords and replace(self.subwords, vectors=_rounded(self.subwords.vectors, store), store=store)
        vectors = _rounded(self.vectors, store)
        documents = self.documents and self.documents.on(vectors)
        return replace(self, vectors=vectors, subwords=subwords, documents=documents, store=store)


def _rounded(vectors: np.ndarray, store: str) -> np.ndarray:
    with np.errstate(over="ignore"):
        found: np.ndarray = vectors.astype(store).astype(np.float32)
    if not np.isfinite(found).all():
        raise InputError(f"the vectors have numbers that {store} cannot hold", fix="leave out --store")
    return found


def describe(table: Table) -> dict[str, Any]:
    """What a manifest says of a table."""
    parts = {"subwords": table.subwords, "documents": table.documents}
    more = {name: part.describe() for name, part in parts.items() if part is not None}
    output = {} if table.output is None else {"output": True}
    store = {} if table.store == "float32" else {"store": table.store}
    return {"dim": table.dim, "vocabulary": {"size": len(table.vocabulary)}, **more, **output, **store}
