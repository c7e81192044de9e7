"""`embed`: word vectors. They travel by reference in the lineage; pooling puts one vector into each record."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl

from textkit import config
from textkit.artifacts import folder as artifact
from textkit.artifacts.store import Store, Stored
from textkit.embeddings.foreign import adopted
from textkit.embeddings.pooling import MOST, WEIGHED, Found, Pooling, as_lists, look_up, pooled, token_vectors, unit
from textkit.embeddings.table import KIND, Table, describe
from textkit.embeddings.weighing import Weighing, facts_of, learn
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
    """A table of vectors as a stage. Where the stream has tokens and no ids it adds ids of its own vocabulary.

    With a `store` it keeps what it learns from the stream: the table if there is a `learner`, and what words weigh in
    pooling, unless the table that was loaded has that with it.
    """

    needs = ("tokens",)

    def __init__(
        self, method: str, settings: Any, pool: str | Pooling, *, learner: Any = None, store: Store | None = None, saves: str | None = None
    ) -> None:
        self.method, self.config, self.pooling = method, settings, pool if isinstance(pool, Pooling) else Pooling(pool)
        self._learner, self._store, self._saves = learner, store, saves
        self._stored: Stored | None = None
        self._adds_ids: bool | None = None  # None: see whether the stream has them
        self._tokens = self._unknown = 0
        self._table: Table | None = None
        self._weighing: Weighing | None = None
        self.vocabulary: Vocabulary | None = None

    @classmethod
    def load(cls, folder: str | Path, pool: str | Pooling = "none", store: Store | None = None, saves: str | None = None) -> Embed:
        """A saved embedding, or another program's vectors. They are read only if records are to get some.

        `store` is where to put what weighed pooling learns where the embedding does not have it; None: InputError then.
        """
        folder = adopted(folder)
        manifest = artifact.load(folder, KIND)
        settings = config.from_json(EMBEDDINGS.find(manifest["method"], str(folder)).Config, manifest["config"], str(folder))
        stage = cls(manifest["method"], settings, pool, saves=saves)
        stage._stored = Stored(str(folder), manifest["sha256"])
        if stage.pooling.active or saves:
            stage._take(Table.load(Path(folder)))
            stage._find_weighing(Path(folder), manifest.get("pooling"), exactly=store is not None)
        stage.vocabulary = stage._table.vocabulary if stage._table else Vocabulary.load(Path(folder))
        if (store and store.save) or stage._lacks_weighing:
            stage._store = store
        if stage._lacks_weighing and store is None:
            raise InputError(f"the embedding has nothing learned for --pool {stage.pooling.pool}", where=str(folder), fix="make it again")
        return stage

    @classmethod
    def restore(cls, entry: Entry, folder: Path | None) -> Embed:
        if folder is None:
            raise InputError("the lineage has an embedding without an artifact")
        stage = cls.load(folder, Pooling.of(entry.config))
        stage._adds_ids = entry.config.get("ids", False)
        return stage

    def _take(self, table: Table) -> None:
        """Use this table, as it is once it is saved and loaded."""
        self._table = table.stored_as(self._saves or table.store)
        self.vocabulary = table.vocabulary
        if self.pooling.active:
            self.pooling = self.pooling.settled(self._table)

    @property
    def learns(self) -> bool:
        return self._learner is not None

    def table(self) -> Table:
        """The table that was learned or loaded."""
        if self._table is None:
            assert self._stored is not None, "learn or load first"
            self._table = Table.load(Path(self._stored.path))
        return self._table

    @property
    def _lacks_weighing(self) -> bool:
        return self.pooling.pool in WEIGHED and self._weighing is None

    def _find_weighing(self, folder: Path, told: dict[str, Any] | None, exactly: bool) -> None:
        """What was learned for this pool. Of an artifact that a hash names it is the right one, whatever else would have led to it."""
        if self.pooling.pool in WEIGHED and told is not None and (told == facts_of(self.pooling) or not exactly):
            assert self._table is not None, "read before"
            self._weighing = Weighing.load(folder, told, self._table)

    def start(self, stream: Stream) -> tuple[Embed, Stream]:
        first = stream.peek()
        if self._adds_ids is None:
            self._adds_ids = first is not None and not first.has("ids")
        if self._store is not None:
            stream = self._learn(stream) if self._learner or self._lacks_weighing else stream
            self._stored = self._store.put(self._fill)
            if self._saves and self.pooling.pool == "doc":  # which has arrays of its own
                self._table = Table.load(Path(self._stored.path))
        if self.pooling.token_vectors:
            stream = replace(stream, batches=self._slices(stream.batches))
        return self, stream

    def _learn(self, stream: Stream) -> Stream:
        spool = Spool(stream)
        stream.ending.demand()
        if not spool.records:
            what = "word vectors" if self._learner else f"--pool {self.pooling.pool}"
            raise InputError(f"nothing to learn {what} from: there are no records")
        if self._learner:
            self._take(self._learner.fit(spool.column("tokens")))
        if self._lacks_weighing:
            assert self._table is not None, "learned or loaded"
            self._weighing = learn(self._table, spool.column("tokens"), self.pooling)
            what = "each word's weight" + (" and the direction to take out" if self._weighing.component.any() else "")
            say(f"--pool {self.pooling.pool}: learned {what} from {spool.records} records", records=spool.records)
        return spool.stream()

    def _fill(self, draft: Path) -> dict[str, Any]:
        manifest = self._new(draft) if self._learner else self._copied(draft)
        if self._weighing is not None:
            self._weighing.save(draft)
            manifest["pooling"] = self._weighing.told
        return manifest

    def _new(self, draft: Path) -> dict[str, Any]:
        assert self._table is not None, "learn first"
        self._table.save(draft)
        return {"kind": KIND, "method": self.method, "config": config.to_json(self.config), **describe(self._table)}

    def _copied(self, draft: Path) -> dict[str, Any]:
        """What was loaded, all files of it, with its vectors in the type that is asked for."""
        assert self._stored is not None, "loaded"
        artifact.copy(Path(self._stored.path), draft)
        manifest = artifact.read_manifest(draft)
        (draft / artifact.MANIFEST).unlink()
        if self._saves:
            assert self._table is not None, "loaded to be saved so"
            self._table.save(draft)
            manifest = {**{name: value for name, value in manifest.items() if name != "store"}, **describe(self._table)}
        return {name: value for name, value in manifest.items() if name not in ("textkit", "version", "sha256", "files", "checksum")}

    def _slices(self, batches: Iterator[Batch]) -> Iterator[Batch]:
        """The batches in parts whose tokens' vectors take some megabytes: those of a whole batch would take hundreds."""
        assert self._table is not None, "learn or load first"
        room = max(1, MOST // self._table.dim)
        for batch in batches:
            part = batch.ours("tokens").list.len().fill_null(0).cum_sum() // room
            for number in part.unique(maintain_order=True) if len(part) else ():
                yield batch.filter(part == number)

    def apply(self, batch: Batch) -> Batch:
        tokens = batch.require("tokens")["tokens"]
        columns = [self._ids(tokens, self.vocabulary)] if self._adds_ids and self.vocabulary else []
        if self.pooling.active and self._table is not None:
            columns += self._made(batch, tokens, self._table)
        return batch.put(*columns) if columns else batch

    def _ids(self, tokens: pl.Series, vocabulary: Vocabulary) -> pl.Series:
        ids = vocabulary.ids(tokens)
        if not self.pooling.active:
            flat = ids.explode().drop_nulls()
            self._count(len(flat), int((flat == vocabulary.unk_id).sum()))
        return ids

    def _made(self, batch: Batch, tokens: pl.Series, table: Table) -> list[pl.Series]:
        """The vectors of these records, and those of their tokens."""
        asked, columns, found = self.pooling, [], None
        if asked.token_vectors or asked.pool not in ("none", "doc"):
            assert asked.oov is not None, "settled"
            found = look_up(table, tokens, asked.oov, batch.position)
            self._count(len(found.places), found.unknown)
        if asked.pool != "none":
            vectors = self._pooled(tokens, table, found)
            columns.append(as_lists(unit(vectors) if asked.unit else vectors).alias("vector"))
        if asked.token_vectors and found is not None:
            columns.append(token_vectors(found, asked.unit))
        return columns

    def _pooled(self, tokens: pl.Series, table: Table, found: Found | None) -> Any:
        if found is None or self.pooling.pool == "doc":
            assert table.documents is not None, "settled"
            return table.documents.vectors_of(tokens)
        return pooled(found, self.pooling.pool, self._weighing)

    def _count(self, tokens: int, unknown: int) -> None:
        self._tokens, self._unknown = self._tokens + tokens, self._unknown + unknown

    def finish(self) -> dict[str, int]:
        """The share of tokens without a vector: much of it means that other tokens were meant."""
        if self._tokens:
            share = 100 * self._unknown / self._tokens
            what = "have no vector" if self.pooling.active else "are not in the vocabulary"
            say(f"{share:.1f} % of {self._tokens} tokens {what}", tokens=self._tokens, unknown=self._unknown)
        if self._learner and not self.pooling.active:
            say("the vectors travel by reference, for train to start from; --pool mean puts one into each record")
        return {}

    def entry(self) -> Entry:
        assert self._stored is not None, "learn or load first"
        settings = {**config.to_json(self.config), **self.pooling.to_json(self._table), "ids": bool(self._adds_ids)}
        return Entry("embed", self.method, settings, self._stored.path, self._stored.sha256)

    def copy_to(self, target: Path) -> None:
        """Predicting needs the vectors only to put them into records; otherwise the vocabulary is all that is kept."""
        assert self._stored is not None, "learn or load first"
        if self.pooling.active:
            artifact.copy(Path(self._stored.path), target)
        elif self.vocabulary is not None:
            target.mkdir(parents=True)
            self.vocabulary.save(target)
            size = {"size": len(self.vocabulary)}
            artifact.seal(target, {"kind": KIND, "method": self.method, "config": config.to_json(self.config), "vocabulary": size})
