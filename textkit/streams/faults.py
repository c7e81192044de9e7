"""What is done with bad records: the first one stops the run, or all are left out, counted and kept aside."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, TypeVar

from textkit.errors import InputError
from textkit.streams.batch import Batch
from textkit.streams.members import BadRecords

T = TypeVar("T")


class Fault(NamedTuple):
    raw: bytes  # the record as it was read
    error: InputError


class Faults:
    """One for all the inputs and stages of a command. `reject` takes a line of JSON for each record left out."""

    def __init__(self, skip: bool = False, reject: Callable[[bytes], Any] | None = None) -> None:
        self.skip, self._reject = skip, reject
        self.skipped = 0

    def take(self, faults: Iterable[Fault]) -> None:
        """Raise the first one, or count all of them."""
        for fault in faults:  # a loop over records: the bad ones
            if not self.skip:
                raise fault.error
            self.skipped += 1
            if self._reject is not None:
                self._reject(_line(fault))

    def attempt(self, function: Callable[[Batch], T], batch: Batch) -> T:
        """`function` of the batch, or of those records in it that are not bad."""
        while True:
            try:
                return function(batch)
            except BadRecords as bad:
                if not self.skip:
                    raise
                batch = self._leave_out(batch, bad)

    def _leave_out(self, batch: Batch, bad: BadRecords) -> Batch:
        rows = [row for row, _ in bad.faults]
        lines = batch.raw if batch.raw is not None else batch.lines()
        self.take(Fault(lines[row].encode(), error) for row, error in bad.faults)
        return batch.without(rows)


def _line(fault: Fault) -> bytes:
    """Position, reason and the record itself; one that is no UTF-8 by its bytes, as a Python program would spell them."""
    raw = fault.raw.decode("utf-8", "backslashreplace")
    reason = fault.error.message
    return json.dumps({"position": fault.error.where, "reason": reason, "raw": raw}, ensure_ascii=False).encode() + b"\n"
