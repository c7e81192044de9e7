"""The runner: joins source, stages and sink. Commands only build these; `cli` runs what a command returns."""

from __future__ import annotations

import os
import signal
import stat
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from textkit.errors import InputError, ResourceError, UsageError
from textkit.report import Progress, named, say
from textkit.stage import Stage, connect
from textkit.streams.batch import Batch
from textkit.streams.boundary import handed_on, renamed
from textkit.streams.compression import PACKED
from textkit.streams.faults import Faults
from textkit.streams.policy import limited, sampled, screened
from textkit.streams.sink import Outputs, check_outputs, chosen, write_stream
from textkit.streams.source import Inputs, check_exist, named_files, open_stream
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
    wanted: tuple[str, ...] = ()  # columns that the sink reads
    draws: bool = False  # whether the sink writes to the terminal as the records come, so that a bar would mix with it
    due: tuple[str, ...] = ()  # of these, those that no record may lack
    check: Callable[[Batch], Any] | None = None  # BadRecords tells of those that the sink cannot use otherwise
    name: str = "textkit"

    def run(self) -> None:
        run((self,))


@dataclass(frozen=True)
class Chain:
    """Several commands in one process."""

    jobs: tuple[Job, ...]
    name: str = "textkit pipe"

    def run(self) -> None:
        run(self.jobs)


def run(jobs: Sequence[Job]) -> None:
    """One command, or several in one process whose records go from each to the next without being written."""
    # ours before that of polars, which raises KeyboardInterrupt also where a shell had the signal ignored for `command &`
    signal.signal(signal.SIGINT, signal.getsignal(signal.SIGINT))
    signal.siginterrupt(signal.SIGINT, True)
    first, last = jobs[0], jobs[-1]
    check_exist(first.inputs)
    check_outputs(last.outputs)
    check_places(jobs)
    with ExitStack() as files:
        runs = [Run(job, files) for job in jobs]
        stream = runs[0].open(bar=not (last.draws if last.sink is not None else data_on_terminal(last.outputs)))
        for before, after in pairwise(runs):
            stream = after.fed(before.through(stream), before.job.outputs)
        last_run = runs[-1]
        last_run.end(last_run.through(stream))
        for one in runs:
            one.tell()


class Run:
    """A job while it runs: counts what comes through and what is left out."""

    def __init__(self, job: Job, files: ExitStack) -> None:
        self.job = job
        reject = None if job.inputs.reject is None else files.enter_context(_log(job.inputs.reject)).write
        self.faults = Faults(job.inputs.skip, reject)
        self.reading = replace(job.inputs.reading, faults=self.faults)
        self.records, self.started = 0, time.monotonic()

    def open(self, bar: bool) -> Stream:
        """The stream of the job's inputs."""
        stream = open_stream(replace(self.job.inputs, reading=self.reading), self._wanted())
        stream.batches = _watched(stream.batches, bar)
        return stream

    def _wanted(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys([*(name for stage in self.job.stages[:1] for name in stage.needs), *self.job.wanted]))

    def fed(self, stream: Stream, outputs: Outputs) -> Stream:
        """What the command before would have written, with these settings, and this one read."""
        with named(self.job.name):
            stream = handed_on(chosen(stream, outputs), outputs.lineage)
            return renamed(stream, replace(self.reading, wanted=self._wanted()))

    def through(self, stream: Stream) -> Stream:
        """The stream that comes out of the job's stages."""
        inputs = self.job.inputs
        with named(self.job.name):
            stream = replace(stream, faults=self.faults)
            stream.ending.partial |= inputs.partial
            if inputs.limit is not None:
                stream = replace(stream, batches=limited(stream.batches, inputs.limit))
            if inputs.sample is not None:
                stream = replace(stream, batches=sampled(stream.batches, inputs.sample, inputs.seed))
            for stage in self.job.stages:
                stream = connect(stream, stage)
            if self.faults.skip:
                stream = screened(stream, self.job.due)
                stream = stream.map(lambda batch: self.faults.attempt(self._checked, batch)) if self.job.check else stream
        return replace(stream, batches=self._counted(stream.batches))

    def _checked(self, batch: Batch) -> Batch:
        assert self.job.check is not None  # or nobody asks
        self.job.check(batch)
        return batch

    def _counted(self, batches: Iterator[Batch]) -> Iterator[Batch]:
        while True:
            with named(self.job.name):
                batch = next(batches, None)
                if batch is None and self.faults.skipped and not self.records:
                    where = f"in {self.job.inputs.reject}" if self.job.inputs.reject else "with --on-error fail"
                    raise InputError(f"all {self.faults.skipped} records are bad", fix=f"see why {where}")
            if batch is None:
                return
            self.records += len(batch)
            yield batch

    def end(self, stream: Stream) -> None:
        """Where the records go at last."""
        with named(self.job.name):
            if self.job.sink is not None:
                self.job.sink(stream)
                sys.stdout.flush()  # what it printed must have arrived before anything is said of success
            else:
                write_stream(stream, self.job.outputs)

    def tell(self) -> None:
        """What happened on the whole: a line of the job's stages each, then how many records and how fast."""
        with named(self.job.name):
            facts = {"records": self.records, "skipped": self.faults.skipped}
            for stage in self.job.stages:
                facts |= stage.finish()
            seconds = time.monotonic() - self.started
            counts = "".join(f", {count} {what}" for what, count in facts.items() if count and what != "records")
            rate = self.records / seconds
            speed = {"seconds": round(seconds, 3), "records_per_second": round(rate, 1)}
            say(f"{self.records} record{'s' * (self.records != 1)}{counts} in {seconds:.1f} s, {rate:,.0f}/s", **facts, **speed)


def check_places(jobs: Sequence[Job]) -> None:
    """UsageError if one file would be read and written at once, or written twice."""
    inputs = [Path(path) for path in named_files(jobs[0].inputs)]
    rejects = [Path(job.inputs.reject) for job in jobs if job.inputs.reject is not None]
    outputs = [*inputs, *(Path(jobs[-1].outputs.path) for _ in (1,) if jobs[-1].outputs.path is not None)]
    for number, reject in enumerate(rejects):
        if any(_same(reject, other) for other in [*outputs, *rejects[:number]]):
            raise UsageError("--reject names a file that is read or written already", where=str(reject), fix="name another")
    if jobs[-1].outputs.path is None and stat.S_ISREG(os.fstat(1).st_mode):
        standard = Path("/dev/stdin") if not inputs else None
        for path in [*inputs, *([standard] if standard else [])]:
            if path.exists() and os.path.samestat(path.stat(), os.fstat(1)):
                raise UsageError("is input and output at once", where=str(path), fix="-o FILE replaces a file when all is read")


def _same(one: Path, other: Path) -> bool:
    return one.samefile(other) if one.exists() and other.exists() else one.absolute() == other.absolute()


def _log(path: str) -> Any:
    """The file of rejected records: a log, so it appears at once and stays if the run fails."""
    if path in ("", "-") or Path(path).suffix in PACKED:
        raise UsageError(f"--reject takes the name of a file of JSON Lines, not {path!r}")
    device = path.startswith(("/dev/", "/proc/"))  # stderr may be a file with lines of others
    try:
        return Path(path).open("ab" if device else "wb", buffering=0)
    except OSError as error:
        raise ResourceError(f"cannot be written ({error.strerror})", where=path) from None


def data_on_terminal(outputs: Outputs) -> bool:
    """Whether records go to the terminal, where a bar would mix with them."""
    return outputs.path is None and sys.stdout.isatty()


def _watched(batches: Iterator[Batch], bar: bool) -> Iterator[Batch]:
    """The batches, with progress shown while they are read."""
    with Progress("reading", bar=bar) as progress:
        for batch in batches:
            yield batch
            progress.add(len(batch))
