"""A saved table of word vectors to look words up in: no list of its words is made, and its vectors stay on disk."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from textkit.artifacts import checking, mapped
from textkit.artifacts.checking import Check
from textkit.embeddings.table import FILE, KIND
from textkit.errors import InputError
from textkit.searching.rows import Rows
from textkit.tokenizers import vocabulary


class Words:
    """`words` (V,) and `rows`, to search. `check` is that of the large files, to be demanded at the end of the run."""

    def __init__(self, folder: Path, manifest: dict[str, Any], check: Check, by_subwords: bool = True) -> None:
        self.folder, self.manifest, self.check, self._by_subwords = folder, manifest, check, by_subwords
        self.words = _column(folder / vocabulary.FILE)
        shape = (len(self.words), manifest["dim"])
        found = mapped.load(folder / FILE, {"vectors": (manifest.get("store", "float32"), shape), "counts": ("int64", shape[:1])})
        self.usable = found["counts"].array > 0  # (V,) whether a word has a vector of its own
        self.rows = Rows(found["vectors"], self.usable)

    @classmethod
    def load(cls, folder: str | Path, by_subwords: bool = True) -> Words:
        manifest, check = checking.load(folder, KIND)
        if "dim" not in manifest:
            raise InputError("is a copy of the vocabulary only: its vectors are in the embedding that it was made of", where=str(folder))
        return cls(Path(folder), manifest, check, by_subwords)

    @property
    def dim(self) -> int:
        return self.rows.dim

    @cached_property
    def subwords(self) -> Any:
        """What words without a vector are made of; None if the table has no such thing, or it shall not be used."""
        if self.manifest.get("subwords") is None or not self._by_subwords:
            return None
        from textkit.embeddings.subwords import Subwords

        self.check.demand()  # read whole, so it is worth the wait
        return Subwords.load(self.folder, self.manifest["subwords"], self.dim)

    def places(self, words: pl.Series) -> np.ndarray:
        """(N,) words -> (N,) their rows, -1 for those that have no vector of their own, nor has their composed form."""
        rows, composed = self._rows_of(words), words.str.normalize("NFC")  # macOS gives Hangul and accents in pieces
        return rows if (composed == words).all() else np.where(rows < 0, self._rows_of(composed), rows)

    def _rows_of(self, words: pl.Series) -> np.ndarray:
        asked = words.unique().drop_nulls()
        rows = self.words.is_in(asked.implode()).arg_true()  # a look at all words, where an index of them would take longer to make
        there = pl.DataFrame({"word": self.words.gather(rows), "row": rows.cast(pl.Int64)})
        there = there.filter(pl.Series(self.usable[rows.to_numpy()], dtype=pl.Boolean))
        joined = words.alias("word").to_frame().join(there, on="word", how="left", maintain_order="left")
        return joined["row"].fill_null(-1).to_numpy()

    def vectors_of(self, words: pl.Series) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(N,) words -> (N, D) their vectors, by subwords where they have none of their own, (N,) their rows or -1, (N,) whether there is one."""
        rows = self.places(words)
        known = rows >= 0
        vectors = np.zeros((len(words), self.dim), np.float32)
        vectors[known] = self.rows.matrix.take(rows[known])
        if not known.all() and self.subwords is not None:
            made, found = self.subwords.vectors_of(words.filter(pl.Series(~known)).str.normalize("NFC"))
            vectors[~known] = made
            known = known.copy()
            known[~known] = found
        return vectors, rows, known


def _column(file: Path) -> pl.Series:
    """The lines of a vocabulary, without a Python string for each."""
    try:
        text = file.read_bytes().decode()
    except UnicodeDecodeError as error:
        raise InputError(f"not UTF-8 ({error.reason})", where=str(file), fix="make the artifact again") from None
    return pl.Series("word", [text.removesuffix("\n")]).str.split("\n").explode()
