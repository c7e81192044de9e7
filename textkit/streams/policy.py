"""Which records of a stream are used: the first so many, so many at random, those that hold what is needed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import polars as pl

from textkit.streams.batch import Batch
from textkit.streams.stream import Stream

if TYPE_CHECKING:
    import numpy as np

    Drawn = list[tuple[Batch, np.ndarray]]  # records and the random number of each
SLACK = 1 << 16  # records kept beyond the sample before they are sorted out


def limited(batches: Iterator[Batch], count: int) -> Iterator[Batch]:
    """The first `count` records. Reads no further than that."""
    while count > 0 and (batch := next(batches, None)) is not None:
        yield batch.head(count)
        count -= len(batch)


def sampled(batches: Iterator[Batch], count: int, seed: int) -> Iterator[Batch]:
    """`count` records at random, each as likely as any other, in their order: those with the smallest random numbers.

    Does not depend on where batches begin. Memory: twice the sample and a batch.
    """
    import numpy as np

    draw = np.random.default_rng(seed)
    kept: Drawn = []
    bound, held = 1.0, 0
    for batch in batches:
        numbers = draw.random(len(batch))
        kept.append(_below(bound, batch, numbers))
        held += len(kept[-1][0])
        if held > 2 * count + SLACK:
            kept, bound = _smallest(kept, count)
            held = count
    yield from (batch for batch, _ in _smallest(kept, count)[0] if len(batch))


def _below(bound: float, batch: Batch, numbers: np.ndarray) -> tuple[Batch, np.ndarray]:
    chosen = numbers < bound
    return batch.filter(pl.Series(chosen)), numbers[chosen]


def _smallest(kept: Drawn, count: int) -> tuple[Drawn, float]:
    """The records of the `count` smallest numbers, and the number that is next."""
    import numpy as np

    numbers = np.concatenate([numbers for _, numbers in kept] or [np.empty(0)])
    if len(numbers) <= count:
        return kept, 1.0
    bound = float(np.partition(numbers, count)[count])
    return [_below(bound, batch, drawn) for batch, drawn in kept], bound


def screened(stream: Stream, needs: tuple[str, ...]) -> Stream:
    """The records that have what the next stage reads: the columns of `needs` that the stream shows at its start.

    For a stage that learns, and so cannot leave a record out as it comes to it.
    """
    first = stream.peek()
    if first is None or not needs:
        return stream
    due = tuple(name for name in needs if first.has(name)) or needs[:1]

    def whole(batch: Batch) -> Batch:
        batch.require(*due)
        return batch

    return stream.map(lambda batch: stream.faults.attempt(whole, batch))
