"""`index`: tokens -> ids of a vocabulary counted from the tokens themselves. `train` adds it where ids are missing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from textkit import config
from textkit.artifacts import folder as artifact
from textkit.artifacts.store import Store, Stored
from textkit.config import setting
from textkit.errors import InputError
from textkit.report import say
from textkit.stage import Stage
from textkit.streams.batch import Batch
from textkit.streams.lineage import Entry
from textkit.streams.spool import Spool
from textkit.streams.stream import Stream
from textkit.tokenizers.vocabulary import SPECIALS, Vocabulary, count_tokens

KIND = "vocabulary"


class Index(Stage):
    needs = ("tokens",)

    @dataclass(frozen=True)
    class Config:
        vocab_size: int | None = setting(None, "most tokens that the vocabulary holds; none: all", least=8)
        min_frequency: int = setting(2, "a token enters the vocabulary if it occurs this often", least=1)
        fields: tuple[Literal["text", "pair"], ...] = setting(("text",), "whose tokens get ids, by one vocabulary")

    def __init__(self, settings: Config, vocabulary: Vocabulary | None = None, stored: Stored | None = None) -> None:
        self.config, self.vocabulary, self._stored = settings, vocabulary, stored

    @classmethod
    def restore(cls, entry: Entry, folder: Path | None) -> Index:
        if folder is None:
            raise InputError("the lineage has an index without an artifact")
        manifest = artifact.load(folder, KIND)
        settings = config.from_json(cls.Config, manifest["config"], str(folder))
        return cls(settings, Vocabulary.load(folder), Stored(str(folder), manifest["sha256"]))

    def start(self, stream: Stream) -> tuple[Index, Stream]:
        if self._stored is not None:
            return self, stream
        spool = Spool(stream)
        stream.ending.demand()
        counts = count_tokens(column for name in self._prefixes for column in spool.column(f"{name}tokens"))
        self.vocabulary = Vocabulary.build(counts, self.config.vocab_size, self.config.min_frequency)
        if len(self.vocabulary) == len(SPECIALS):
            self.vocabulary = Vocabulary.build(counts, self.config.vocab_size, 1)  # a handful of records
        if len(self.vocabulary) == len(SPECIALS):
            what = "every text is empty" if spool.records else "there are no records"
            raise InputError(f"nothing to learn a vocabulary from: {what}")
        self._stored = Store().put(self._fill)
        say(f"the tokens had no ids: indexed them by a vocabulary of {len(self.vocabulary)}", vocabulary=len(self.vocabulary))
        return self, spool.stream()

    def _fill(self, draft: Path) -> dict[str, Any]:
        assert self.vocabulary is not None, "learn first"
        self.vocabulary.save(draft)
        return {"kind": KIND, "config": config.to_json(self.config), "vocabulary": {"size": len(self.vocabulary)}}

    def apply(self, batch: Batch) -> Batch:
        assert self.vocabulary is not None, "learn or load first"
        tokens = {name: batch.require(f"{name}tokens")[f"{name}tokens"] for name in self._prefixes}
        return batch.put(*(self.vocabulary.ids(column).alias(f"{name}ids") for name, column in tokens.items()))

    @property
    def _prefixes(self) -> list[str]:
        return ["" if field == "text" else f"{field}_" for field in self.config.fields]

    def entry(self) -> Entry:
        assert self._stored is not None, "learn or load first"
        told = config.to_json(self.config)
        if self.config.fields == ("text",):  # the usual: it changes nothing in the lineage
            del told["fields"]
        return Entry("index", None, told, self._stored.path, self._stored.sha256)

    def copy_to(self, target: Path) -> None:
        assert self._stored is not None, "learn or load first"
        artifact.copy(Path(self._stored.path), target)
