"""`split`: each record goes to one of several files, at random and in shares that are exact.

Which one depends on the seed and the record's place alone (its number, or its number among those of its label, or its
group), never on where batches begin. The random numbers are computed here, so that they are the same on every machine
and in every version.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from textkit.errors import InputError, UsageError
from textkit.report import say
from textkit.streams import members, values
from textkit.streams.batch import Batch
from textkit.streams.columns import dtype_of
from textkit.streams.sink import Outputs, Written, open_files
from textkit.streams.spool import Spool
from textkit.streams.stream import Stream

if TYPE_CHECKING:
    import numpy as np

    Numbers = np.ndarray[Any, np.dtype[Any]]

LARGEST_BLOCK = 1000  # records
NEARLY = 1e-3  # of a record in a block that a part may get too many or too few
CELLS = 1 << 22  # random numbers at once
BLOCK_BITS = 40  # of a number that names a label and a block of it


@dataclass(frozen=True)
class Split:
    """What `textkit split` was asked for. `ratios` and `counts` are in the order of `parts`; one of the two is given."""

    parts: dict[str, Outputs]  # "train": where it goes
    ratios: tuple[float, ...] = ()
    counts: tuple[int | None, ...] = ()  # None: the rest
    stratify: str | None = None
    group: str | None = None
    seed: int = 42

    @property
    def field(self) -> str | None:
        return self.group if self.stratify is None else self.stratify

    def check(self, batch: Batch) -> None:
        """BadRecords if some cannot be dealt."""
        if self.field is not None:
            required(batch, self.field)


def split(stream: Stream, plan: Split) -> None:
    """Write all parts. They appear when all of them are whole."""
    paths = [str(outputs.path) for outputs in plan.parts.values()]
    with open_files(paths) as files:
        parts = [Written(out, outputs, stream.lineage) for out, outputs in zip(files, plan.parts.values(), strict=True)]
        for batch, chosen in _dealt_exactly(stream, plan) if plan.counts else _dealt(stream, plan):
            for number, part in enumerate(parts):
                own = batch.filter(pl.Series(chosen == number))
                if len(own) or own.raw is None:  # of a table even no records have columns
                    part.write(own)
        stream.ending.demand()
        for part in parts:
            part.finish(complete=stream.ending.problem is None)
    _tell(stream, dict(zip(plan.parts, (part.records for part in parts), strict=True)))


def _tell(stream: Stream, records: dict[str, int]) -> None:
    if stream.ending.problem:
        say(f"warning: {stream.ending.problem}")
    total = sum(records.values())
    if not total:
        say("the input held no records")
        return
    shares = (f"{name} {count} ({100 * count / total:.1f} %)" for name, count in records.items())
    say(f"{total} records: {', '.join(shares)}", **records)
    for name, count in records.items():
        if not count:
            say(f"warning: {name} got no record; try another --seed, or --counts")


def spelling(batch: Batch, name: str) -> pl.Series:
    """(B,) the field's values as texts, null where a record has none: a string by its characters, all else by its JSON."""
    if batch.raw is None or name in batch.added or dtype_of(name) is not None:
        column = batch.read(name)[name]
        if column.dtype.is_nested():
            raise InputError(f"{name!r} holds lists, and one value a record is needed", where=batch.position(0), fix="name another field")
        return column.cast(pl.String)
    found = values.values(batch.raw, name)
    given = pl.select(pl.when(found != "null").then(found)).to_series().alias(name)
    odd = given.filter(given.str.contains("\\", literal=True)).unique()  # a loop over those few that are spelt with escapes
    plain = pl.select(pl.when(given.str.starts_with('"')).then(given.str.strip_prefix('"').str.strip_suffix('"')).otherwise(given)).to_series()
    decoded = [_decoded(text) for text in odd]
    return pl.select(pl.when(given.is_in(odd.implode())).then(given.replace(odd, decoded)).otherwise(plain)).to_series() if decoded else plain


def _decoded(spelt: str) -> str:
    """A JSON string's characters; its spelling, if half of a surrogate pair is among them; other JSON as it is."""
    try:
        text = json.loads(spelt)
        return text if isinstance(text, str) and text.encode() else spelt
    except UnicodeEncodeError:
        return spelt


def required(batch: Batch, name: str) -> pl.Series:
    """The same, but BadRecords tells of those that lack the field."""
    column = spelling(batch, name)
    rows = column.is_null().arg_true()
    if len(rows):
        fix = "name another field, or leave such records out with --on-error skip"
        raise members.BadRecords([(row, InputError(f"the record has no {name!r}", where=batch.position(row), fix=fix)) for row in rows])
    return column


def _dealt(stream: Stream, plan: Split) -> Iterator[tuple[Batch, Numbers]]:
    """Batches, and the number of each record's part, by ratios."""
    dealer = Groups(plan) if plan.group else Blocks(plan)
    for batch in stream.batches:
        yield batch, dealer.deal(_strata(batch, plan.field))


def _strata(batch: Batch, name: str | None) -> pl.Series:
    """(B,) what a record is counted with: its label, or nothing."""
    return pl.Series([""]).new_from_index(0, len(batch)) if name is None else required(batch, name)


class Groups:
    """All records of a group in one part: a group's hash says in which. So the shares are what chance makes of them."""

    def __init__(self, plan: Split) -> None:
        self._seed = plan.seed
        total = sum(plan.ratios)
        self._bounds = [sum(plan.ratios[: i + 1]) / total * 2.0**64 for i in range(len(plan.ratios) - 1)]

    def deal(self, groups: pl.Series) -> Numbers:
        distinct = groups.unique()
        numbers = [fingerprint(self._seed, group) for group in distinct]  # a loop over the groups of a batch: no column function is stable
        parts = [sum(number >= bound for bound in self._bounds) for number in numbers]
        return groups.replace_strict(distinct, pl.Series(parts, dtype=pl.Int64), return_dtype=pl.Int64).to_numpy()


def fingerprint(seed: int, text: str) -> int:
    """64 bits, the same on every machine."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8, key=seed.to_bytes(8, "little")).digest(), "little")


class Blocks:
    """Permuted blocks: of each n records of a label in a row, the parts get exactly their shares, in an order by chance."""

    def __init__(self, plan: Split) -> None:
        self._seed = plan.seed
        self._shares = block(plan.ratios)
        self._seen: dict[str, int] = {}  # label -> how many records of it have come

    def deal(self, labels: pl.Series) -> Numbers:
        size = sum(self._shares)
        distinct, counts = _sizes(labels)
        starts = [self._seen.get(label, 0) for label in distinct]
        self._seen |= {label: start + count for label, start, count in zip(distinct, starts, counts, strict=True)}
        code = labels.replace_strict(distinct, pl.Series(range(len(distinct)), dtype=pl.Int64), return_dtype=pl.Int64).to_numpy()
        number = (_numbers(labels) + labels.replace_strict(distinct, pl.Series(starts, dtype=pl.Int64), return_dtype=pl.Int64)).to_numpy()
        return self._parts(_keys(distinct, self._seed), code, number // size, number % size)

    def _parts(self, keys: Numbers, code: Numbers, block: Numbers, slot: Numbers) -> Numbers:
        """The part of each record: its slot's rank among the random numbers of its block's slots, and whose share that is."""
        import numpy as np

        size = sum(self._shares)
        whole, which = np.unique((code << BLOCK_BITS) + block, return_inverse=True)  # the blocks of all labels that occur here
        base = keys[whole >> BLOCK_BITS][:, None]
        first = (whole & ((1 << BLOCK_BITS) - 1)).astype(np.uint64)[:, None] * np.uint64(size)
        parts = np.repeat(np.arange(len(self._shares), dtype=np.uint8), self._shares)[None]
        found = np.empty((len(whole), size), np.uint8)
        for start in range(0, len(whole), max(1, CELLS // size)):
            rows = slice(start, start + max(1, CELLS // size))
            numbers = randoms(base[rows], first[rows] + np.arange(size, dtype=np.uint64))
            np.put_along_axis(found[rows], numbers.argsort(axis=1, kind="stable"), parts, axis=1)
        return found[which, slot]  # type: ignore[no-any-return]


def _sizes(labels: pl.Series) -> tuple[pl.Series, pl.Series]:
    """The labels that there are, in order, and how many records have each."""
    counts = labels.alias("label").value_counts(name="count").sort("label")
    return counts["label"], counts["count"].cast(pl.Int64)


def _numbers(labels: pl.Series) -> pl.Series:
    """(B,) how many records of the same label come before."""
    return labels.to_frame("label").select(pl.int_range(pl.len()).over("label")).to_series()


def _keys(labels: pl.Series, seed: int) -> Numbers:
    """(L,) the key of each label's random numbers."""
    return pl.Series([fingerprint(seed, label) for label in labels], dtype=pl.UInt64).to_numpy()  # a loop over labels, not records


def randoms(key: Numbers, number: Numbers) -> Numbers:
    """A random number for each number of a key: SplitMix64 (Steele, Lea and Flood 2014)."""
    import numpy as np

    z = key + (number + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))  # type: ignore[no-any-return]


def block(ratios: Sequence[float]) -> list[int]:
    """How many records of a block each part gets, in the smallest block that gives all of them their shares, or nearly so."""
    total = sum(ratios)

    def lack(size: int) -> float:
        shares = apportion(size, ratios)
        return max(abs(size * ratio / total - share) for ratio, share in zip(ratios, shares, strict=True)) if min(shares) else 1.0

    sizes = range(len(ratios), LARGEST_BLOCK + 1)
    size = next((size for size in sizes if lack(size) <= NEARLY), None) or min(sizes, key=lambda size: lack(size) / size)
    if min(ratios) * LARGEST_BLOCK < total:
        raise UsageError(f"a part gets at least 1 of {LARGEST_BLOCK} records by --ratios", fix="give --counts, with one as rest")
    return apportion(size, ratios)


def apportion(count: int, weights: Sequence[float]) -> list[int]:
    """`count` shared out by weights: each its whole part, then one more to those that lack most (the first, if equal)."""
    total = sum(weights)
    if not total:
        return [0] * len(weights)
    shares = [int(count * weight // total) for weight in weights]
    lacks = [count * weight / total - share for weight, share in zip(weights, shares, strict=True)]
    for at in sorted(range(len(weights)), key=lambda at: (-round(lacks[at], 9), at))[: count - sum(shares)]:
        shares[at] += 1
    return shares


def _dealt_exactly(stream: Stream, plan: Split) -> Iterator[tuple[Batch, Numbers]]:
    """Batches, and the number of each record's part, by counts. All records wait on disk; in memory is what they are counted with."""
    spool, strata = Spool(), []
    for batch in stream.batches:
        strata.append(_strata(batch, plan.field))
        spool.add(batch)
    stream.ending.demand()
    parts = exactly(pl.concat(strata or [pl.Series(dtype=pl.String)]), counts_of(spool.records, plan.counts), plan.seed)
    start = 0
    for batch in spool.batches():
        yield batch, parts[start : start + len(batch)]
        start += len(batch)


def counts_of(records: int, counts: Sequence[int | None]) -> list[int]:
    """The counts with the rest as a number. InputError if they are not those of the records."""
    named = sum(count for count in counts if count is not None)
    if named > records or (named < records and None not in counts):
        fix = "write rest for one of them" if named < records else None
        raise InputError(f"--counts wants {named} records, and there are {records}", fix=fix)
    return [records - named if count is None else count for count in counts]


def exactly(labels: pl.Series, counts: Sequence[int], seed: int) -> Numbers:
    """(N,) the part of each record: of each label so many by chance as `shares_of_labels` gives each part."""
    import numpy as np

    if not len(labels):
        return np.empty(0, np.int64)
    distinct, sizes = _sizes(labels)
    shares = np.array(shares_of_labels(sizes.to_list(), counts), dtype=np.int64).reshape(-1, len(counts))
    code = labels.replace_strict(distinct, pl.Series(range(len(distinct)), dtype=pl.Int64), return_dtype=pl.Int64)
    keys = randoms(_keys(distinct, seed)[code.to_numpy()], _numbers(labels).to_numpy().astype(np.uint64))
    rank = pl.DataFrame({"code": code, "key": keys}).select(pl.col("key").rank("ordinal").over("code")).to_series().to_numpy()
    bounds = shares.cumsum(axis=1)[code.to_numpy()]  # (N, parts)
    return (rank[:, None] > bounds[:, :-1]).sum(axis=1)  # type: ignore[no-any-return]


def shares_of_labels(sizes: Sequence[int], counts: Sequence[int]) -> list[list[int]]:
    """Per label, how many of its records each part gets: its count shared out by what is left of each label, the smallest part first."""
    left = [*sizes]
    table = [[0] * len(counts) for _ in sizes]
    for part in sorted(range(len(counts)), key=lambda part: counts[part]):
        for label, share in enumerate(apportion(counts[part], left)):
            table[label][part] = share
            left[label] -= share
    return table
