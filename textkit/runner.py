"""The runner: joins source, stages and sink. Commands only build these; `cli` runs what a command returns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from textkit.stage import Stage, connect
from textkit.streams.sink import Outputs, write_stream
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
        check_exist(self.inputs)
        wanted = tuple(dict.fromkeys([*(name for stage in self.stages[:1] for name in stage.needs), *self.wanted]))
        stream = open_stream(self.inputs, wanted)
        stream.ending.partial = self.partial
        for stage in self.stages:
            stream = connect(stream, stage)
        if self.sink is not None:
            self.sink(stream)
        else:
            write_stream(stream, self.outputs)
        for stage in self.stages:
            stage.finish()
