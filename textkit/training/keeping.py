"""Keeping a training safe while it runs: when a checkpoint is written, and what a signal does.

The first SIGTERM, SIGINT or SIGHUP (the terminal is gone) lets the step end, then saves, then ends with exit code 75; a second one ends at once.
"""

from __future__ import annotations

import shlex
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, NoReturn

from textkit.errors import ResourceError, Resumable, UsageError
from textkit.report import say
from textkit.training import checkpoint
from textkit.training.loop import Diverged, Trainer
from textkit.training.partial import Partial
from textkit.training.run import Plan

KEEP = 2  # checkpoints
SHARE = 0.02  # of the time, at most, goes into checkpoints
AFTER_STEP = 120.0  # s between two checkpoints, at least
AFTER_EVALUATION = 10.0  # s, at least: a good moment, at which the best weights may have changed


class Signals:
    """Takes signals while it is entered; `came` is the one that did, or None."""

    def __init__(self) -> None:
        self.came: signal.Signals | None = None
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Signals:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            if signal.getsignal(number) != signal.SIG_IGN:  # a shell ignores SIGINT for `command &`, nohup SIGHUP, and so do we
                self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        while self._before:
            signal.signal(*self._before.popitem())

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.came is not None:
            self.__exit__()
            signal.raise_signal(number)
            return
        self.came = signal.Signals(number)
        say(f"{self.came.name}: saving at the end of this step; once more ends at once")


class Keeper:
    """Called wherever a training may be broken off: writes checkpoints, and ends the run where a signal asked for it."""

    def __init__(self, partial: Partial, plan: Plan, signals: Signals, changed: dict[str, Any]) -> None:
        self._partial, self._signals, self._every, self._changed = partial, signals, plan.save_every, changed
        self.resume = f"textkit train --resume {shlex.quote(plan.save)}"
        self.kept = checkpoint.last_step(partial.checkpoints)  # None: nothing yet
        self._last, self._cost = time.monotonic(), 0.0
        self._trainer: Trainer | None = None

    def __call__(self, trainer: Trainer) -> None:
        self._trainer = trainer
        if self._signals.came is not None:
            self.stop(self._signals.came)
        if trainer.step > (self.kept or 0) and self._due(trainer):
            self._write(trainer)

    def _due(self, trainer: Trainer) -> bool:
        if self._every is not None:
            return trainer.step >= (self.kept or 0) + self._every
        evaluated = bool(trainer.history) and trainer.history[-1]["step"] == trainer.step
        return time.monotonic() - self._last >= max(AFTER_EVALUATION if evaluated else AFTER_STEP, self._cost / SHARE)

    def stop(self, number: signal.Signals) -> NoReturn:
        """Save and end. Before the first step there is nothing to save, and it ends as it would otherwise."""
        if self._trainer is None:
            raise KeyboardInterrupt
        self._write(self._trainer)
        raise Resumable(f"stopped by {number.name} at step {self._trainer.step}, and saved", fix=f"go on with {self.resume}")

    def _write(self, trainer: Trainer) -> None:
        started = time.monotonic()
        try:
            tensors, facts = trainer.snapshot()
            checkpoint.write(self._partial.checkpoints, trainer.step, (tensors, {**facts, "changed": self._changed}), KEEP)
        except ResourceError as error:
            raise ResourceError(error.message, where=error.where, fix=self.onward("make room, and go on")) from error
        self._last, self.kept = time.monotonic(), trainer.step
        self._cost = self._last - started

    def onward(self, words: str, options: str = "") -> str | None:
        """How to go on from the last checkpoint, if there is one."""
        return None if self.kept is None else f"{words} from step {self.kept} with {self.resume}{options}"


@contextmanager
def guarded(partial: Partial, plan: Plan, changed: dict[str, Any]) -> Iterator[Keeper]:
    """While a training runs; `changed` is told in checkpoints.

    Diverged and ResourceError say how to go on. Resumable: it was stopped by a signal, and has saved.
    """
    with Signals() as signals:
        keeper = Keeper(partial, plan, signals, changed)
        try:
            yield keeper
        except Diverged as error:
            raise Diverged(error.message, fix=keeper.onward("go on", " and a lower --lr") or error.fix) from None
        except KeyboardInterrupt:  # polars raises it itself where the signal comes while it computes
            keeper.stop(signal.SIGINT)
        except RuntimeError as error:
            if "deterministic" not in str(error):
                raise
            raise UsageError(f"--deterministic: {str(error).partition('.')[0]}", fix="leave it out, or train on --device cpu") from None
