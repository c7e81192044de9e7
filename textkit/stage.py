"""What a stage is, and how stages are joined to a chain."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textkit.artifacts import cache
from textkit.artifacts.folder import read_whole
from textkit.registry import STAGES
from textkit.report import say
from textkit.streams.batch import Batch
from textkit.streams.faults import Faults
from textkit.streams.lineage import Entry, Lineage
from textkit.streams.policy import screened
from textkit.streams.stream import Stream

if TYPE_CHECKING:
    from textkit.tokenizers.vocabulary import Vocabulary


class Stage(ABC):
    """A filter. `needs` are the columns it reads; of tokens and ids either will do where both are named."""

    needs: tuple[str, ...] = ()

    def start(self, stream: Stream) -> tuple[Stage, Stream]:
        """Given the stream once, before the first batch: a stage that learns does it here.

        Returns the stream to go on with and the stage to apply to it, whose `entry` then tells all that it depends on.
        """
        return self, stream

    @abstractmethod
    def apply(self, batch: Batch) -> Batch: ...

    @abstractmethod
    def entry(self) -> Entry: ...

    @classmethod
    @abstractmethod
    def restore(cls, entry: Entry, folder: Path | None) -> Stage:
        """The stage of a lineage entry, its artifact in `folder`."""

    def finish(self) -> dict[str, int]:
        """Say on stderr what happened on the whole; returns counts of records for the summary: {"truncated": 3}."""
        return {}

    def copy_to(self, target: Path) -> None:  # noqa: B027 - not every stage has an artifact
        """Copy what applying the stage needs into a folder of a bundle."""


class Listing(Stage):
    """Puts records of its own in the place of those that another stage reads: a list, of which no lineage tells."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage

    def apply(self, batch: Batch) -> Batch:
        return batch

    def entry(self) -> Entry:
        return self.stage.entry()

    @classmethod
    def restore(cls, entry: Entry, folder: Path | None) -> Stage:
        raise AssertionError("a list has no header, so no lineage tells of it")


def connect(stream: Stream, stage: Stage) -> Stream:
    """The stream that comes out of `stage`. What the stage learns, it learns here."""
    for link in (*missing(stream, stage.needs), stage):
        if stream.faults.skip:
            stream = screened(stream, link.needs)
        ready, stream = link.start(stream)
        stream = stream.map(_applying(ready, stream.faults), stream.lineage.plus(ready.entry()))
    return stream


def _applying(stage: Stage, faults: Faults) -> Callable[[Batch], Batch]:
    return lambda batch: faults.attempt(stage.apply, batch)


def missing(stream: Stream, needs: tuple[str, ...]) -> list[Stage]:
    """The stages that must come first: text is tokenized as `words` where tokens are needed and there are none."""
    first = stream.peek()
    either = {"tokens", "ids"} & {*needs}
    if "tokens" not in needs or first is None or any(first.has(name) for name in either):
        return []
    if not first.has("text"):
        first.require("text", fix="name the column with --text-field")
    say("no tokens in the input: tokenizing its text as words")
    return [STAGES.find("tokenize").of("words")]


def ids_owner(lineage: Lineage, name: str = "ids") -> Entry | None:
    """The stage whose vocabulary the ids (or target_ids, pair_ids) belong to: the last one that made them."""
    return next((entry for entry in reversed(lineage.stages) if owns_ids(entry, name)), None)


def owns_ids(entry: Entry, name: str = "ids") -> bool:
    if entry.sha256 is None:
        return False
    if entry.stage in ("tokenize", "index"):
        return (name.removesuffix("_ids") if name != "ids" else "text") in entry.config.get("fields", ("text",))
    return name == "ids" and entry.config.get("ids") is True


def vocabulary_of(entry: Entry, near: tuple[Path, ...]) -> Vocabulary:
    """The vocabulary of the stage that owns the ids."""
    stage: Any = restore(entry, near)
    vocabulary: Vocabulary = stage.vocabulary
    return vocabulary


def restore(entry: Entry, near: tuple[Path, ...] = (), folder: Path | None = None) -> Stage:
    """The stage of a lineage entry, its artifact found where the lineage says, or in `folder`."""
    if entry.sha256 is not None and folder is None:
        folder = cache.locate(entry, near)
    stage_class = STAGES.find(entry.stage, where="the lineage")
    stage: Stage = stage_class.restore(entry, folder) if folder is None else read_whole(folder, lambda: stage_class.restore(entry, folder))
    return stage
