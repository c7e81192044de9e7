"""`tokenize`: text -> tokens, and ids where the method has a vocabulary."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from textkit import config
from textkit.artifacts import folder as artifact
from textkit.artifacts.store import Store, Stored
from textkit.errors import InputError
from textkit.registry import TOKENIZERS
from textkit.report import say
from textkit.stage import Stage
from textkit.streams.batch import Batch
from textkit.streams.lineage import Entry
from textkit.streams.spool import Spool
from textkit.streams.stream import Stream
from textkit.tokenizers.huggingface import FILE
from textkit.tokenizers.vocabulary import SPECIALS, Vocabulary

KIND = "tokenizer"
TEXT_FIX = "name the column with --text-field"
OUTDATED = ("ids", "mask", "type_ids")  # what belongs to other tokens than the new ones
MADE = ("vector", "features")  # what an earlier stage made of them; without one it is the user's own


class Tokenize(Stage):
    """Any method of the registry as a stage. `store` says where to put what it learns; None: learn nothing."""

    needs = ("text",)

    def __init__(self, method: str, tokenizer: Any, store: Store | None = None, stored: Stored | None = None) -> None:
        self.method, self.tokenizer, self._store, self._stored = method, tokenizer, store, stored
        self._outdated: tuple[str, ...] = OUTDATED

    @property
    def vocabulary(self) -> Vocabulary | None:
        vocabulary: Vocabulary | None = self.tokenizer.vocabulary
        return vocabulary

    @classmethod
    def of(cls, method: str, settings: Any = None, store: Store | None = None) -> Tokenize:
        """A tokenizer that has learned nothing yet; with a `store` it will learn from the stream."""
        tokenizer_class = TOKENIZERS.find(method)
        return cls(method, tokenizer_class(settings or tokenizer_class.Config()), store)

    @classmethod
    def load(cls, folder: str | Path) -> Tokenize:
        """A saved tokenizer; InputError if it is not one or is damaged."""
        manifest = artifact.load(folder, KIND)
        tokenizer_class = TOKENIZERS.find(manifest["method"], where=str(folder))
        settings = config.from_json(tokenizer_class.Config, manifest["config"], str(folder))
        tokenizer = tokenizer_class.load(settings, Path(folder) / FILE)
        return cls(manifest["method"], tokenizer, stored=Stored(str(folder), manifest["sha256"]))

    @classmethod
    def restore(cls, entry: Entry, folder: Path | None) -> Tokenize:
        if folder is not None:
            return cls.load(folder)
        method, where = entry.method or "", "the lineage"
        return cls.of(method, config.from_json(TOKENIZERS.find(method, where).Config, entry.config, where))

    def start(self, stream: Stream) -> tuple[Tokenize, Stream]:
        self._outdated = OUTDATED + MADE if stream.lineage.stages else OUTDATED
        if self._store is None:
            return self, stream
        spool = Spool(stream)
        stream.ending.demand()
        texts = spool.column("text", fix=TEXT_FIX)
        self.tokenizer.fit(texts)
        vocabulary = len(self.tokenizer.vocabulary)
        if vocabulary == len(SPECIALS):
            what = "every text is empty" if spool.records else "there are no records"
            if spool.records and any(text.str.strip_chars().str.len_bytes().sum() for text in texts):
                what = f"no token occurs {self.tokenizer.config.min_frequency} times (-s min_frequency=1 takes all)"
            raise InputError(f"nothing to learn a vocabulary from: {what}")
        self._stored = self._store.put(self._fill)
        say(f"learned {vocabulary} tokens from {spool.records} records", vocabulary=vocabulary, records=spool.records)
        return self, spool.stream()

    def _fill(self, draft: Path) -> dict[str, Any]:
        (draft / FILE).write_text(self.tokenizer.to_json() + "\n", encoding="utf-8")
        vocabulary = {"size": len(self.tokenizer.vocabulary), "special_tokens": list(SPECIALS)}
        return {"kind": KIND, "method": self.method, "config": config.to_json(self.tokenizer.config), "vocabulary": vocabulary}

    def apply(self, batch: Batch) -> Batch:
        text = batch.require("text", fix=TEXT_FIX)["text"]
        tokens, ids = self.tokenizer.encode(text)
        batch = batch.drop(name for name in self._outdated if batch.has(name))
        return batch.put(tokens) if ids is None else batch.put(tokens, ids)

    def entry(self) -> Entry:
        settings = config.to_json(self.tokenizer.config)
        if self._stored is None:  # settings of learning change nothing where nothing is learned
            return Entry("tokenize", self.method, {name: settings[name] for name in self.tokenizer.applied})
        return Entry("tokenize", self.method, settings, self._stored.path, self._stored.sha256)

    def copy_to(self, target: Path) -> None:
        if self._stored:
            artifact.copy(Path(self._stored.path), target)
