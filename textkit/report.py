"""What a run tells people: lines and a bar on stderr. stdout is for data only.

A terminal gets a rich bar, a log gets a greppable line every 30 s. A lost stderr only silences us.
"""

from __future__ import annotations

import json
import os
import stat
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

EVERY = 30.0  # s between lines in a log

_mode = "auto"
_name = "textkit"


def configure(mode: str, name: str) -> None:
    """Called once per process with --progress and the command's name."""
    global _mode, _name
    _mode, _name = mode, name


def call(name: str) -> None:
    """Speak as this command from now on."""
    global _name
    _name = name


@contextmanager
def named(name: str) -> Iterator[None]:
    """Speak as this stage of a pipe. An error on the way leaves it so: it is the stage's."""
    global _name
    before, _name = _name, name
    yield
    _name = before


@contextmanager
def hushed() -> Iterator[None]:
    """Let nothing be said but errors: what is done many times over tells of itself in its own words."""
    global _mode
    before, _mode = _mode, "none"
    try:
        yield
    finally:
        _mode = before


def say(message: str, **facts: Any) -> None:
    """One line on stderr: `textkit pad: 3 % of records truncated`, or with --progress json an object with the facts."""
    if _mode == "none":
        return
    if _mode == "json":
        _write(json.dumps({"command": _name, "message": message, **facts}, ensure_ascii=False))
    else:
        _write(f"{_name}: {message}")


def show(lines: Iterable[str]) -> None:
    """A picture or a table on stderr, for people only: programs get its facts with `say`."""
    if _mode not in ("none", "json"):
        for line in lines:
            _write(line)


def in_words(facts: dict[str, Any]) -> str:
    """`epoch=1 valid_loss=0.6917`: for people, four decimals do."""
    return " ".join(f"{name}={value:.4f}" if isinstance(value, float) else f"{name}={value}" for name, value in facts.items())


def stopped(signal: str, code: int) -> None:
    """A signal ended the run: no error, but one to a program that reads them."""
    if "--errors-json" in sys.argv:
        error(f"stopped by {signal}", code)
    else:
        say(f"stopped by {signal}")


def error(message: str, code: int, where: str | None = None, fix: str | None = None) -> None:
    """The one line of an error. Printed in every mode; an object if all other lines are, or --errors-json asks for it."""
    if _mode == "json" or "--errors-json" in sys.argv:  # which click may not have come to
        facts = {"command": _name, "error": message, "where": where, "fix": fix, "exit_code": code}
        _write(json.dumps(facts, ensure_ascii=False))
    else:
        text = f"{where}: {message}" if where else message
        _write(" ".join(f"{_name}: error: {text}{'; ' + fix if fix else ''}".split()))


def _write(line: str) -> None:
    try:
        sys.stderr.write(line + "\n")
        sys.stderr.flush()
    except (OSError, ValueError):  # nobody reads: the work goes on in silence
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # else the interpreter tries once more at the end, and exits 120


class Progress:
    """Counts something while it is done: `with Progress("epoch 1", total=100, unit="records") as p: p.add(32)`."""

    def __init__(self, what: str, total: int | None = None, unit: str = "records", bar: bool = True) -> None:
        self._may_bar = bar
        self.what, self.total, self.unit = what, total, unit
        self.done = 0
        self._started = self._last = time.monotonic()
        self._bar: Any = None

    def __enter__(self) -> Progress:
        if self._may_bar and draws():
            self._bar, self._task = _rich_bar(self.what, self.total, self.unit)
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def add(self, count: int, note: str = "") -> None:
        self.done += count
        if self._bar is not None:
            rate = self.done / max(1e-9, time.monotonic() - self._started)
            self._bar.update(self._task, advance=count, note=f"{rate:,.0f}/s {note}".rstrip())
        elif time.monotonic() - self._last >= EVERY and _mode != "none":
            self._last = time.monotonic()
            of = f"/{self.total}" if self.total else ""
            rate = self.done / (self._last - self._started)
            facts = {"what": self.what, "done": self.done, "total": self.total, "per_second": round(rate, 1)}
            say(f"{self.what}: {self.done}{of} {self.unit}, {rate:.0f}/s {note}".rstrip(), **facts)


def draws() -> bool:
    """Whether a bar is to be drawn, rather than lines written."""
    return _mode == "bar" or (_mode == "auto" and _on_terminal())


def _on_terminal() -> bool:
    """A bar is for a person at a terminal, and for the last command of a pipe: the bars of several would mix."""
    if not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
        return False
    return not stat.S_ISFIFO(os.fstat(sys.stdout.fileno()).st_mode)


def _rich_bar(what: str, total: int | None, unit: str) -> tuple[Any, Any]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as RichProgress

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(unit),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
    )
    bar = RichProgress(*columns, console=Console(stderr=True), transient=True)
    return bar, bar.add_task(what, total=total, note="")
