"""A stream: the lineage that made it, then its records in batches, then whether its end was seen."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from textkit.errors import InputError
from textkit.streams.batch import Batch
from textkit.streams.faults import Faults
from textkit.streams.lineage import Lineage

INCOMPLETE_FIX = "see why the stage before it stopped, or accept the part that came with --partial"


@dataclass
class Ending:
    """How the input ended; says nothing until the batches are used up. Shared by all stages of one process."""

    problem: str | None = None  # why the input may not be whole
    partial: bool = False  # whether the user accepts half an input

    def demand(self) -> None:
        """InputError if the input was cut short and the caller is about to keep a result of it."""
        if self.problem and not self.partial:
            raise InputError(self.problem, fix=INCOMPLETE_FIX)


class Opened(NamedTuple):
    """An input as it was recognised."""

    name: str
    format: str
    compression: str | None


@dataclass
class Stream:
    lineage: Lineage
    batches: Iterator[Batch]
    ending: Ending = field(default_factory=Ending)
    near: tuple[Path, ...] = ()  # folders to look for artifacts in: where the stream's files are
    opened: list[Opened] = field(default_factory=list)  # the inputs so far
    faults: Faults = field(default_factory=Faults)  # what stages do about bad records

    def map(self, function: Callable[[Batch], Batch], lineage: Lineage | None = None) -> Stream:
        return replace(self, batches=map(function, self.batches), lineage=self.lineage if lineage is None else lineage)

    def peek(self) -> Batch | None:
        """The first batch with records, without taking it."""
        first = next((batch for batch in self.batches if len(batch)), None)
        self.batches = self.batches if first is None else chain([first], self.batches)
        return first
