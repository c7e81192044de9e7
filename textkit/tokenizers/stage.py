"""`tokenize`: text -> tokens, and ids where the method has a vocabulary."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl

from textkit import config
from textkit.artifacts import folder as artifact
from textkit.artifacts.store import Store, Stored
from textkit.errors import InputError
from textkit.ragged import flatten
from textkit.registry import TOKENIZERS
from textkit.report import say
from textkit.stage import Stage
from textkit.streams.batch import Batch
from textkit.streams.deferred import Deferred, Later
from textkit.streams.lineage import Entry
from textkit.streams.spool import Spool
from textkit.streams.stream import Stream
from textkit.tokenizers.applying import Applying, Finishing, decomposed, within, without_applying
from textkit.tokenizers.foreign import adopted
from textkit.tokenizers.huggingface import CONFIG_FILE, FILE, config_json
from textkit.tokenizers.vocabulary import SPECIALS, Vocabulary

KIND = "tokenizer"
OUTDATED = ("ids", "mask", "type_ids", "offsets", "word_starts")  # what belongs to other tokens than the new ones
MADE = ("vector", "token_vectors", "features")  # what an earlier stage made of them; without one it is the user's own


class Tokenize(Stage):
    """Any method of the registry as a stage. `store` says where to put what it learns; None: learn nothing."""

    def __init__(
        self, method: str, tokenizer: Any, store: Store | None = None, stored: Stored | None = None, applying: Applying | None = None
    ) -> None:
        self.method, self.tokenizer, self._store, self._stored = method, tokenizer, store, stored
        applying = applying or Applying()
        settled = getattr(tokenizer.config, "add_bos_eos", False)  # what was saved so stays so
        self.applying = replace(applying, add_bos_eos=True) if settled else applying
        self._finishing = Finishing(tokenizer, self.applying)
        self._outdated = tuple(prefix(field) + name for field in self.applying.fields for name in OUTDATED)  # a bundle's chain is never started
        self._composes = getattr(tokenizer.config, "normalize", None) == "nfc"
        self._records = self._decomposed = self._truncated = 0

    @property
    def needs(self) -> tuple[str, ...]:  # type: ignore[override]
        return ("tokens",) if self.applying.words else self.applying.fields

    @property
    def vocabulary(self) -> Vocabulary | None:
        vocabulary: Vocabulary | None = self.tokenizer.vocabulary
        return vocabulary

    @classmethod
    def of(cls, method: str, settings: Any = None, store: Store | None = None, applying: Applying | None = None) -> Tokenize:
        """A tokenizer that has learned nothing yet; with a `store` it will learn from the stream."""
        tokenizer_class = TOKENIZERS.find(method)
        return cls(method, tokenizer_class(settings or tokenizer_class.Config()), store, applying=applying)

    @classmethod
    def load(cls, folder: str | Path, applying: Applying | None = None) -> Tokenize:
        """A saved tokenizer, or another program's; InputError if it is not one or is damaged."""
        folder = adopted(folder)
        manifest = artifact.load(folder, KIND)
        tokenizer_class = TOKENIZERS.find(manifest["method"], where=str(folder))
        settings = config.from_json(tokenizer_class.Config, manifest["config"], str(folder))
        tokenizer = tokenizer_class.load(settings, Path(folder) / FILE)
        return cls(manifest["method"], tokenizer, stored=Stored(str(folder), manifest["sha256"]), applying=applying)

    @classmethod
    def restore(cls, entry: Entry, folder: Path | None) -> Tokenize:
        method, where = entry.method or "", "the lineage"
        applying = Applying.of(entry.config, where)
        if folder is not None:
            return cls.load(folder, applying)
        settings = config.from_json(TOKENIZERS.find(method, where).Config, without_applying(entry.config), where)
        return cls.of(method, settings, applying=applying)

    def start(self, stream: Stream) -> tuple[Tokenize, Stream]:
        made = MADE if stream.lineage.stages and "text" in self.applying.fields else ()
        self._outdated = (*(prefix(field) + name for field in self.applying.fields for name in OUTDATED), *made)
        self._keep_words(stream)
        if self._store is None:
            return self, stream
        spool = Spool(stream)
        stream.ending.demand()
        texts = _Texts(spool, self._texts)
        self.tokenizer.fit(texts)
        vocabulary = len(self.tokenizer.vocabulary)
        if vocabulary <= len(SPECIALS) + len(self._added()):
            what = "every text is empty" if spool.records else "there are no records"
            if spool.records and any(text.str.strip_chars().str.len_bytes().sum() for text in texts):
                what = f"no token occurs {self.tokenizer.config.min_frequency} times (--min-frequency 1 takes all)"
            raise InputError(f"nothing to learn a vocabulary from: {what}")
        self._finishing = Finishing(self.tokenizer, self.applying)
        self._stored = self._store.put(self._fill)
        say(f"learned {vocabulary} tokens from {spool.records} records", vocabulary=vocabulary, records=spool.records)
        return self, spool.stream()

    def _keep_words(self, stream: Stream) -> None:
        """Tags are of words: where there are such, it is words that are cut up, so that each keeps its own."""
        first = stream.peek()
        if self.applying == Applying() and first is not None and first.has("tags") and first.has("tokens"):
            self.applying = replace(self.applying, words=True)
            say("the records have tags: cutting up their tokens, and word_starts says where each one starts")

    def _texts(self, batch: Batch) -> dict[str, pl.Series]:
        """What is cut up, by field: (B,) texts, or all words of the records."""
        if self.applying.words:
            return {"tokens": flatten(batch.require("tokens")["tokens"])[0]}
        return {field: batch.require(field, fix=f"name the column with --{field}-field")[field] for field in self.needs}

    def _added(self) -> list[str]:
        return [*getattr(self.tokenizer.config, "add_special", ())]

    def _fill(self, draft: Path) -> dict[str, Any]:
        (draft / FILE).write_text(self.tokenizer.to_json() + "\n", encoding="utf-8")
        (draft / CONFIG_FILE).write_text(config_json(self._added()) + "\n", encoding="utf-8")
        vocabulary = {"size": len(self.tokenizer.vocabulary), "special_tokens": [*SPECIALS, *self._added()]}
        return {"kind": KIND, "method": self.method, "config": config.to_json(self.tokenizer.config), "vocabulary": vocabulary}

    def apply(self, batch: Batch) -> Batch:
        texts = self._texts(batch)
        if self.applying.words:
            self._count(batch, texts, pl.Series([False]))
            columns = within(self._finishing, batch.read("tokens")["tokens"])
            return batch.drop(name for name in self._outdated if batch.has(name)).put(*columns)
        later = self._later(texts["text"]) if self.applying == Applying() else None
        if later is not None:
            self._count(batch, texts, pl.Series([False]))
            return Deferred(batch.drop(name for name in self._outdated if batch.has(name)), later)
        columns = []
        cut = pl.Series([False]).new_from_index(0, len(batch))
        for field, text in texts.items():
            made, too_long = self._finishing(text)
            columns += [column.alias(prefix(field) + column.name) for column in made]
            cut |= too_long
        self._count(batch, texts, cut)
        return batch.drop(name for name in self._outdated if batch.has(name)).put(*columns)

    def _later(self, text: pl.Series) -> Later | None:
        later: Callable[[pl.Series], Later | None] | None = getattr(self.tokenizer, "later", None)
        return None if later is None else later(text)

    def _count(self, batch: Batch, texts: dict[str, pl.Series], cut: pl.Series) -> None:
        self._records += len(batch)
        self._truncated += int(cut.sum())
        if self._composes:
            self._decomposed += max(decomposed(text) for text in texts.values())

    def finish(self) -> dict[str, int]:
        """The share of records that were not in the form in which most texts are."""
        if self._decomposed:
            share = 100 * self._decomposed / self._records
            facts = {"decomposed": self._decomposed, "records": self._records}
            say(f"{share:.1f} % of {self._records} records are NFD text; normalized to NFC", **facts)
        return {"truncated": self._truncated}

    def entry(self) -> Entry:
        settings = config.to_json(self.tokenizer.config)
        if self._stored is None:  # settings of learning change nothing where nothing is learned
            applied = {name: settings[name] for name in self.tokenizer.applied}
            return Entry("tokenize", self.method, applied | self.applying.unusual())
        return Entry("tokenize", self.method, settings | self.applying.unusual(), self._stored.path, self._stored.sha256)

    def copy_to(self, target: Path) -> None:
        if self._stored:
            artifact.copy(Path(self._stored.path), target)


def prefix(field: str) -> str:
    """Of the columns that belong to a field of the record: those of its text have none."""
    return "" if field == "text" else f"{field}_"


@dataclass(frozen=True)
class _Texts:
    """All texts, which may be gone through as often as need be."""

    spool: Spool
    of: Callable[[Batch], dict[str, pl.Series]]

    def __iter__(self) -> Iterator[pl.Series]:
        for batch in self.spool.batches():
            yield from self.of(batch).values()
