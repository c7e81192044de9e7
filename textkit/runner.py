"""The runner: joins source, stages and sink. Commands only build these; `cli` runs what a command returns."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from textkit.report import Progress
from textkit.stage import Stage, connect
from textkit.streams.batch import Batch
from textkit.streams.sink import Outputs, check_outputs, write_stream
from textkit.streams.source import Inputs, check_exist, open_stream
from textkit.streams.stream import Stream


@dataclass(frozen=True)
class Job:
    """What a command asks for: inputs, stages to pass them through, and where the result goes.

    `sink` takes the last stream; without one it is written to `outputs`.
    """

    inputs: Inputs = field(default_factory=Inputs)
    stages: tuple[Stage, ...] = ()
    outputs: Outputs = field(default_factory=Outputs)
    sink: Callable[[Stream], Any] | None = None
    partial: bool = False
    wanted: tuple[str, ...] = ()  # columns that the sink reads

    def run(self) -> None:
        signal.siginterrupt(signal.SIGINT, True)  # the handler that polars puts before ours lets a blocked read or write sleep on
        check_exist(self.inputs)
        check_outputs(self.outputs)
        wanted = tuple(dict.fromkeys([*(name for stage in self.stages[:1] for name in stage.needs), *self.wanted]))
        stream = open_stream(self.inputs, wanted)
        stream.ending.partial = self.partial
        stream.batches = _counted(stream.batches, bar=self.sink is not None or not data_on_terminal(self.outputs))
        for stage in self.stages:
            stream = connect(stream, stage)
        if self.sink is not None:
            self.sink(stream)
        else:
            write_stream(stream, self.outputs)
        for stage in self.stages:
            stage.finish()


def data_on_terminal(outputs: Outputs) -> bool:
    """Whether records go to the terminal, where a bar would mix with them."""
    return outputs.path is None and sys.stdout.isatty()


def _counted(batches: Iterator[Batch], bar: bool) -> Iterator[Batch]:
    """The batches, with progress shown while they are read."""
    with Progress("reading", bar=bar) as progress:
        for batch in batches:
            yield batch
            progress.add(len(batch))
