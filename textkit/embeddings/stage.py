"""`embed`: word vectors. They travel by reference in the lineage; `pool` puts one vector into each record."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl

from textkit import config
from textkit.artifacts import folder as artifact
from textkit.artifacts.store import Store, Stored
from textkit.embeddings.table import KIND, Table, describe
from textkit.errors import InputError
from textkit.registry import EMBEDDINGS
from textkit.report import say
from textkit.stage import Stage
from textkit.streams.batch import Batch
from textkit.streams.lineage import Entry
from textkit.streams.spool import Spool
from textkit.streams.stream import Stream
from textkit.tokenizers.vocabulary import Vocabulary


class Embed(Stage):
    """A table of vectors as a stage. Where the stream has tokens and no ids it adds ids of its own vocabulary."""

    needs = ("tokens",)

    def __init__(self, method: str, settings: Any, pool: str, *, learner: Any = None, store: Store | None = None) -> None:
        self.method, self.config, self.pool = method, settings, pool
        self._learner, self._store, self._stored = learner, store, None  # type: tuple[Any, Store | None, Stored | None]
        self._adds_ids: bool | None = None  # None: see whether the stream has them
        self._tokens = self._unknown = 0
        self._table: Table | None = None
        self.vocabulary: Vocabulary | None = None

    @classmethod
    def load(cls, folder: str | Path, pool: str = "none") -> Embed:
        """A saved embedding. The vectors are read only if records are to be pooled."""
        manifest = artifact.load(folder, KIND)
        settings = config.from_json(EMBEDDINGS.find(manifest["method"], str(folder)).Config, manifest["config"], str(folder))
        stage = cls(manifest["method"], settings, pool)
        stage._stored = Stored(str(folder), manifest["sha256"])
        stage._table = Table.load(Path(folder)) if pool != "none" else None
        stage.vocabulary = stage._table.vocabulary if stage._table else Vocabulary.load(Path(folder))
        return stage

    @classmethod
    def restore(cls, entry: Entry, folder: Path | None) -> Embed:
        if folder is None:
            raise InputError("the lineage has an embedding without an artifact")
        stage = cls.load(folder, entry.config.get("pool", "none"))
        stage._adds_ids = entry.config.get("ids", False)
        return stage

    def start(self, stream: Stream) -> tuple[Embed, Stream]:
        first = stream.peek()
        if self._adds_ids is None:
            self._adds_ids = first is not None and not first.has("ids")
        if self._store is None:
            return self, stream
        spool = Spool(stream)
        stream.ending.demand()
        if not spool.records:
            raise InputError("nothing to learn word vectors from: there are no records")
        self._table = self._learner.fit(spool.column("tokens"))
        self.vocabulary = self._table.vocabulary
        self._stored = self._store.put(self._fill)
        if self.pool == "none":
            say("the vectors travel by reference, for train to start from; --pool mean puts one into each record")
        return self, spool.stream()

    def _fill(self, draft: Path) -> dict[str, Any]:
        assert self._table is not None, "learn first"
        self._table.save(draft)
        return {"kind": KIND, "method": self.method, "config": config.to_json(self.config), **describe(self._table)}

    def apply(self, batch: Batch) -> Batch:
        tokens = batch.require("tokens")["tokens"]
        columns = [self._ids(tokens, self.vocabulary)] if self._adds_ids and self.vocabulary else []
        columns += [self._table.pool(tokens)] if self.pool != "none" and self._table else []
        return batch.put(*columns) if columns else batch

    def _ids(self, tokens: pl.Series, vocabulary: Vocabulary) -> pl.Series:
        ids = vocabulary.ids(tokens)
        flat = ids.explode().drop_nulls()
        self._tokens, self._unknown = self._tokens + len(flat), self._unknown + int((flat == vocabulary.unk_id).sum())
        return ids

    def finish(self) -> dict[str, int]:
        """The share of tokens without a vector: much of it means that other tokens were meant."""
        if self._tokens:
            share = 100 * self._unknown / self._tokens
            say(f"{share:.1f} % of {self._tokens} tokens are not in the vocabulary", tokens=self._tokens, unknown=self._unknown)
        return {}

    def entry(self) -> Entry:
        assert self._stored is not None, "learn or load first"
        settings = {**config.to_json(self.config), "pool": self.pool, "ids": bool(self._adds_ids)}
        return Entry("embed", self.method, settings, self._stored.path, self._stored.sha256)

    def copy_to(self, target: Path) -> None:
        """Predicting needs the vectors only to pool them; otherwise the vocabulary is all that is kept."""
        assert self._stored is not None, "learn or load first"
        if self.pool != "none":
            artifact.copy(Path(self._stored.path), target)
        elif self.vocabulary is not None:
            target.mkdir(parents=True)
            self.vocabulary.save(target)
            size = {"size": len(self.vocabulary)}
            artifact.seal(target, {"kind": KIND, "method": self.method, "config": config.to_json(self.config), "vocabulary": size})
