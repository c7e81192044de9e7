"""Vectors of whole records, where a method has a way of its own to make them: what `--pool doc` puts into records."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import polars as pl

from textkit.errors import InputError

if TYPE_CHECKING:
    from textkit.embeddings.table import Table


@dataclass
class Documents(ABC):
    """A part of a table, whose `vectors` (V, D) it has too. Its other arrays are in a file of their own."""

    kind: ClassVar[str]
    vectors: np.ndarray

    @abstractmethod
    def vectors_of(self, tokens: pl.Series) -> np.ndarray:
        """(B, T) tokens -> (B, D) float32; a record without a known token gets zeros. The same tokens get the same vector."""

    @abstractmethod
    def save(self, folder: Path) -> None: ...

    def on(self, vectors: np.ndarray) -> Self:
        """The same with other vectors of the words: rounded ones."""
        return replace(self, vectors=vectors)

    def describe(self) -> dict[str, Any]:
        """What a manifest says of it."""
        return {"kind": self.kind}


def load(folder: Path, manifest: dict[str, Any], table: Table) -> Documents:
    """What a saved table has to make vectors of records. InputError if this version does not know it."""
    kind = manifest["documents"].get("kind") if isinstance(manifest["documents"], dict) else None
    if kind == "doc2vec":
        from textkit.embeddings.doc2vec import Inference

        return Inference.load(folder, manifest, table)
    if kind == "lsa":
        from textkit.embeddings.lsa import Projection

        return Projection.load(folder, manifest, table)
    raise InputError(f"no way to make vectors of records is called {kind!r} in this version", where=str(folder), fix="update textkit")
