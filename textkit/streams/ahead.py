"""Batches and the like made ahead: another thread makes the next one while the one before is written. polars lets both run at once."""

from __future__ import annotations

from collections.abc import Iterator
from queue import Full, Queue
from threading import Event, Thread
from typing import NamedTuple, TypeVar

T = TypeVar("T")

WAIT = 0.1  # s after which a maker sees that nobody takes batches any more


class _Stopped(NamedTuple):
    error: BaseException | None


def ahead(batches: Iterator[T]) -> Iterator[T]:
    """The same batches, and the error that ends them if one does. Memory: one batch more."""
    made: Queue[T | _Stopped] = Queue(maxsize=1)
    gone = Event()
    Thread(target=_make, args=(batches, made, gone), daemon=True).start()
    try:
        while not isinstance(item := made.get(), _Stopped):
            yield item
        if item.error is not None:
            raise item.error
    finally:
        gone.set()


def _make(batches: Iterator[T], made: Queue[T | _Stopped], gone: Event) -> None:
    last = _Stopped(None)
    try:
        for batch in batches:
            if not _put(made, batch, gone):
                return
    except BaseException as error:
        last = _Stopped(error)
    _put(made, last, gone)


def _put(made: Queue[T | _Stopped], item: T | _Stopped, gone: Event) -> bool:
    while not gone.is_set():
        try:
            made.put(item, timeout=WAIT)
            return True
        except Full:
            continue
    return False
