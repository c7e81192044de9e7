"""`vectorize`: tokens or text -> features, or with --svd a vector."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from textkit import config
from textkit.arrays import Sparse
from textkit.artifacts import folder as artifact
from textkit.artifacts.store import Store, Stored
from textkit.errors import InputError
from textkit.ragged import nest
from textkit.registry import VECTORIZERS
from textkit.report import say
from textkit.stage import Stage
from textkit.streams import members
from textkit.streams.ahead import ahead
from textkit.streams.batch import Batch
from textkit.streams.lineage import Entry
from textkit.streams.spool import Spool
from textkit.streams.stream import Stream
from textkit.vectorizers import files, reducing
from textkit.vectorizers.analyzing import ANALYZERS
from textkit.vectorizers.fitting import Fitting
from textkit.vectorizers.reducing import Reduction
from textkit.vectorizers.vectorizer import Vectorizer, check, parts_of
from textkit.vectorizers.writing import objects

KIND = "vectorizer"


class Vectorize(Stage):
    """A vectorizer as a stage. `store` says where to put what it learns; a hashing one learns only what --select and --svd ask for."""

    def __init__(
        self,
        method: str,
        settings: Any,
        vectorizer: Vectorizer | None = None,
        reduction: Reduction | None = None,
        *,
        store: Store | None = None,
        stored: Stored | None = None,
        vocabulary: pl.Series | None = None,
        terms: bool = False,
        seed: int = 42,
    ) -> None:
        self.method, self.config, self._vectorizer, self._reduction = method, settings, vectorizer, reduction or Reduction()
        self._store, self._stored, self._given, self._terms, self._seed = store, stored, vocabulary, terms, seed
        self.needs = tuple(dict.fromkeys(ANALYZERS[name].needs for name, *_ in parts_of(settings)))
        if settings.select and store:
            self.needs += ("label",)
        self._made: Iterator[Sparse] | None = None  # the rows of the batches that it learned from
        self._names: pl.Series | None = None

    @classmethod
    def of(cls, method: str, settings: Any = None, **more: Any) -> Vectorize:
        """A vectorizer that learns from the stream, or at once the one that needs not learn."""
        method_class = VECTORIZERS.find(method)
        settings = settings or method_class.Config()
        check(settings)
        reducing.wanted(settings)
        learns = not method_class.hashed or settings.select or settings.svd
        more["store"] = more.get("store") or Store() if learns else None
        return cls(method, settings, Vectorizer(method_class, settings) if method_class.hashed else None, **more)

    @classmethod
    def load(cls, folder: str | Path, terms: bool = False) -> Vectorize:
        folder = Path(folder)
        manifest = artifact.load(folder, KIND)
        method_class = VECTORIZERS.find(manifest["method"], where=str(folder))
        settings = config.from_json(method_class.Config, manifest["config"], str(folder))
        if method_class.hashed:
            vectorizer = Vectorizer(method_class, settings)
        else:
            vectorizer = Vectorizer(method_class, settings, *files.load(folder, manifest, method_class, settings))
        reduction = Reduction.load(folder, settings, sum(vectorizer.widths))
        return cls(manifest["method"], settings, vectorizer, reduction, stored=Stored(str(folder), manifest["sha256"]), terms=terms)

    @classmethod
    def restore(cls, entry: Entry, folder: Path | None) -> Vectorize:
        if folder is not None:
            return cls.load(folder, entry.config.get("terms", False))
        method_class = VECTORIZERS.find(entry.method or "", where="the lineage")
        values = {name: value for name, value in entry.config.items() if name not in ("terms", "features")}
        if not method_class.hashed:
            raise InputError("the lineage has a vectorizer without an artifact")
        return cls.of(entry.method or "", config.from_json(method_class.Config, values, "the lineage"))

    def start(self, stream: Stream) -> tuple[Vectorize, Stream]:
        if self._store is None:
            return self, stream
        labels: list[pl.Series] = []
        # the stages before run beside the counting, unless both threads would count bad records
        batches = stream.batches if stream.faults.skip else ahead(stream.batches)
        watched = _labels(batches, labels) if self.config.select else batches
        fitting = None
        if self._vectorizer is None:
            fitting = Fitting(VECTORIZERS.find(self.method), self.config, self._given)
            watched = fitting.watched(watched)
        spool = Spool(replace(stream, batches=watched))
        stream.ending.demand()
        if not spool.records:
            raise InputError("nothing to learn from: there are no records")
        if fitting is not None:
            self._vectorizer = fitting.done()
        self._reduce(fitting, spool, labels)
        self._made = fitting.rows() if fitting else None
        self._stored = self._store.put(self._fill)
        say(f"learned {self.width} columns from {spool.records} records", columns=self.width)
        return self, spool.stream()

    def _reduce(self, fitting: Fitting | None, spool: Spool, labels: list[pl.Series]) -> None:
        assert self._vectorizer is not None

        def rows() -> Iterator[Sparse]:
            return fitting.rows() if fitting else map(self._vectorizer.rows, spool.batches())  # type: ignore[union-attr]

        if keep := reducing.wanted(self.config):
            self._reduction.selected = reducing.chi2(rows(), pl.concat(labels), keep)
        if self.config.svd:
            self._reduction.components = reducing.directions([self._reduction.select(part) for part in rows()], self.config.svd, self._seed)

    def _fill(self, draft: Path) -> dict[str, Any]:
        assert self._vectorizer is not None
        parts = files.save(self._vectorizer, draft)
        self._reduction.save(draft)
        return {"kind": KIND, "method": self.method, "config": config.to_json(self.config), "features": self.width, "parts": parts}

    @property
    def width(self) -> int:
        """How many columns the features have."""
        assert self._vectorizer is not None, "learn or load first"
        return sum(self._vectorizer.widths) if self._reduction.selected is None else len(self._reduction.selected)

    @property
    def named(self) -> bool:
        """Whether its columns are terms, and no hashes."""
        return not VECTORIZERS.find(self.method).hashed

    @property
    def names(self) -> pl.Series:
        """(F,) the term of each column. InputError if hashes have taken their place."""
        if self._names is None:
            assert self._vectorizer is not None, "learn or load first"
            if any(columns.vocabulary is None for columns in self._vectorizer.columns):
                raise InputError("columns by hash have no terms", fix="use --method tfidf or counts")
            names = self._vectorizer.names()
            self._names = names if self._reduction.selected is None else names.gather(self._reduction.selected)
        return self._names

    def rows(self, batch: Batch) -> Sparse:
        """(B, F) of a batch; of one that was learned from, what was counted then."""
        assert self._vectorizer is not None, "learn or load first"
        if self._made is None:
            found = self._vectorizer.rows(batch)
        else:
            found = next(self._made)
            assert len(found) == len(batch), "the batches come again as they were"
        return self._reduction.select(found)

    def apply(self, batch: Batch) -> Batch:
        if not len(batch):
            return batch
        rows = self.rows(batch)
        if self.config.svd:
            flat = pl.Series(self._reduction.vectors(rows).ravel())
            return batch.put(nest(flat, pl.Series([self.config.svd], dtype=pl.UInt32).new_from_index(0, len(rows))).alias("vector"))
        if self._terms:
            return Batch(pl.DataFrame(), batch.position, raw=members.insert(batch.drop(["terms"]).lines(), _shown(rows, self.names)))
        return batch.put(as_column(rows))

    def entry(self) -> Entry:
        stored = self._stored or Stored(None, None)  # type: ignore[arg-type]
        settings = {**config.to_json(self.config), "features": self.width, "terms": self._terms}
        return Entry("vectorize", self.method, settings, stored.path, stored.sha256)

    def copy_to(self, target: Path) -> None:
        if self._stored is not None:
            artifact.copy(Path(self._stored.path), target)


def _labels(batches: Iterator[Batch], labels: list[pl.Series]) -> Iterator[Batch]:
    for batch in batches:
        labels.append(batch.require("label", fix="--select needs labels; name theirs with --label-field")["label"])
        yield batch


def as_column(rows: Sparse) -> pl.Series:
    """(B,) features."""
    lengths = pl.Series(rows.lengths.astype(np.uint32))
    indices, values = nest(pl.Series("indices", rows.indices), lengths), nest(pl.Series("values", rows.values), lengths)
    return pl.DataFrame({"indices": indices, "values": values}).to_struct("features")


def _shown(rows: Sparse, names: pl.Series) -> pl.Series:
    """(B,) `"terms":{"term":weight}}`, the greatest weight first, as the end of a JSON object."""
    row = np.repeat(np.arange(len(rows)), rows.lengths)
    order = np.lexsort((-rows.values, row))
    return '"terms":' + objects(names.gather(rows.indices[order]), rows.values[order], rows.lengths) + "}"
