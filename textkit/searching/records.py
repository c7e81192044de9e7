"""The records of a file whose vectors are nearest to that of a query: search by meaning."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO

import numpy as np
import polars as pl

from textkit.artifacts.mapped import Mapped, map_file
from textkit.embeddings.stage import Embed
from textkit.errors import InputError, LineageError
from textkit.report import say
from textkit.searching.answering import neighbours
from textkit.searching.rows import Rows
from textkit.stage import Stage, connect, restore
from textkit.streams.batch import Batch
from textkit.streams.lineage import Entry, Lineage
from textkit.streams.source import Inputs, open_stream
from textkit.streams.stream import Stream

MAKE = "make them with textkit embed --pool mean"
OURS = ("text", "tokens", "ids", "mask", "vector")  # what a query was made of


class Records:
    """The vectors and texts of a file, on disk: it is read once, and its memory does not grow with it."""

    def __init__(self, inputs: Inputs) -> None:
        stream = open_stream(inputs, ("vector", "text"))
        self.lineage, self.near, self.path = stream.lineage, stream.near, inputs.paths[0]
        with tempfile.TemporaryFile(prefix="textkit-") as vectors, tempfile.TemporaryFile(prefix="textkit-") as ends:
            self._texts = tempfile.TemporaryFile(prefix="textkit-")
            dim, size, end = 0, 0, 0
            for batch in filter(len, stream.batches):
                dim = dim or len(batch.require("vector", fix=MAKE)["vector"][0])
                vectors.write(matrix(batch, dim).tobytes())
                end = self._write(batch, ends, end)
                size += len(batch)
            stream.ending.demand()
            if not size:
                raise InputError("there are no records to search", where=self.path)
            for file in (vectors, ends, self._texts):
                file.flush()
            self.rows = Rows(map_file(vectors, "float32", (size, dim)))
            self._ends: Mapped = map_file(ends, "int64", (size,))

    def _write(self, batch: Batch, ends: IO[bytes], end: int) -> int:
        """Write a batch's texts one behind the other, and where each ends; returns where the last one does."""
        texts = batch.read_ours("text")["text"].fill_null("")
        self._texts.write(texts.str.join("").item().encode())
        places = end + np.cumsum(texts.str.len_bytes().to_numpy().astype(np.int64))
        ends.write(places.tobytes())
        return int(places[-1]) if len(places) else end

    def texts(self, rows: np.ndarray) -> pl.Series:
        """(N,) row numbers -> (N,) their texts."""
        ends = self._ends.take(rows)
        starts = np.where(rows > 0, self._ends.take(np.maximum(rows - 1, 0)), 0)
        found = []
        for start, end in zip(starts, ends, strict=True):  # k for a query, each from a place of its own
            self._texts.seek(int(start))
            found.append(self._texts.read(int(end - start)).decode())
        return pl.Series("text", found, dtype=pl.String)


def matrix(batch: Batch, dim: int) -> np.ndarray:
    """(B, D) the vectors of a batch; InputError if they are not all of this length."""
    vectors = batch.require("vector", fix=MAKE)["vector"]
    lengths = vectors.list.len()
    odd = (lengths != dim) | (vectors.list.eval(pl.element().is_null()).list.any() & (lengths > 0))
    if odd.any():
        row = int(odd.arg_true()[0])
        raise InputError(f"a vector of {lengths[row]} numbers, where {dim} are due", where=batch.position(row), fix="embed all with one embedding")
    return vectors.explode(empty_as_null=False).to_numpy().reshape(len(vectors), dim)


class Nearest(Stage):
    """Records with `vector`, or with `text` that becomes one -> records with `query` and `neighbours`: number, score and text."""

    def __init__(self, embedding: Path, sha256: str, records: Records, k: int) -> None:
        self._embedding, self._sha256, self._records, self.k = embedding, sha256, records, k
        found = [place for place, entry in enumerate(records.lineage.stages) if entry.stage == "embed"]
        self._asked = self._unanswered = 0
        self._made = records.lineage.stages[: found[-1] + 1] if found else ()
        if self._made and self._made[-1].sha256 != sha256:
            fix = f"give the one that they were made with ({self._made[-1].artifact})"
            raise LineageError(f"the vectors of {records.path} are of another embedding than {embedding}", fix=fix)

    @classmethod
    def restore(cls, entry: Entry, folder: Path | None) -> Nearest:
        raise InputError("answers of similar cannot be made again by a chain: their queries are no longer in the records")

    def start(self, stream: Stream) -> tuple[Nearest, Stream]:
        first = stream.peek()
        if first is None or first.has("vector"):
            self._agree(stream.lineage)
            return self, stream
        for stage in self._chain():
            stream = connect(stream, stage)
        return self, stream

    def _agree(self, lineage: Lineage) -> None:
        """Vectors of two embeddings have nothing to do with each other."""
        theirs = [entry for entry in lineage.stages if entry.stage == "embed"]
        if theirs and theirs[-1].sha256 != self._sha256:
            raise LineageError(f"the vectors of the queries are of another embedding than {self._embedding}")

    def _chain(self) -> Sequence[Stage]:
        """What made the vectors of the records, to make those of the queries."""
        if not self._made:
            say(f"{self._records.path} does not say how its vectors were made: taking the mean of the words of a query")
            return (Embed.load(self._embedding, "mean"),)
        *before, embed = self._made
        return (*(restore(entry, self._records.near) for entry in before), restore(embed, folder=self._embedding))

    def apply(self, batch: Batch) -> Batch:
        queries = batch.read_ours("text")["text"].alias("query")
        rows, scores = self._records.rows.nearest(matrix(batch, self._records.rows.dim), self.k)
        self._asked, self._unanswered = self._asked + len(rows), self._unanswered + int((rows < 0).all(axis=1).sum())
        found = neighbours(rows, scores[rows >= 0], lambda rows: {"record": rows + 1, "text": self._records.texts(rows)})
        return batch.drop([name for name in OURS if batch.has(name)]).put(queries, found)

    def finish(self) -> dict[str, int]:
        if self._unanswered:
            say(f"warning: {self._unanswered} of {self._asked} queries are of no word with a vector", unknown=self._unanswered)
        return {}

    def entry(self) -> Entry:
        return Entry("similar", "records", {"k": self.k}, str(self._embedding), self._sha256)
