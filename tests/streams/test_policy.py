"""Which records are used: the first so many, so many at random, those that hold what is needed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from textkit.errors import InputError
from textkit.streams import policy
from textkit.streams.batch import Batch, Position
from textkit.streams.faults import Faults
from textkit.streams.lineage import Lineage
from textkit.streams.members import BadRecords
from textkit.streams.policy import limited, sampled, screened
from textkit.streams.stream import Stream


def batches(count: int, size: int, raw: bool = False) -> Iterator[Batch]:
    """Records 0 to `count`, `size` a batch, as columns or as JSON lines."""
    for start in range(0, count, size):
        numbers = [str(number) for number in range(start, min(count, start + size))]
        if raw:
            yield Batch(pl.DataFrame(), Position("f", 1 + start), raw=pl.Series([f'{{"text":"{number}"}}' for number in numbers]))
        else:
            yield Batch(pl.DataFrame({"text": numbers}), Position("f", 1 + start), added=frozenset({"text"}))


def numbers_in(found: Iterator[Batch]) -> list[int]:
    return [int(text) for batch in found for text in batch.read("text")["text"]]


@pytest.mark.parametrize("raw", [True, False])
@pytest.mark.parametrize("size", [1, 3, 10, 100])
@pytest.mark.parametrize("count", [0, 1, 9, 10, 11, 1000])
def test_limited_gives_the_first(count: int, size: int, raw: bool) -> None:
    assert numbers_in(limited(batches(50, size, raw), count)) == list(range(min(50, count)))


@pytest.mark.parametrize("count", [0, 1, 5, 10])
def test_limited_reads_no_further(count: int) -> None:
    def failing() -> Iterator[Batch]:
        yield from batches(10, 5)
        raise AssertionError("read too far")

    assert numbers_in(limited(failing() if count > 5 else iter([*batches(5, 5)]), count)) == list(range(count))
    asked = []
    found = limited((asked.append(1) or batch for batch in batches(100, 5)), count)
    assert len(numbers_in(found)) == count
    assert len(asked) == -(-count // 5)


@pytest.mark.parametrize("raw", [True, False])
@settings(max_examples=60, deadline=None)
@given(total=st.integers(0, 60), count=st.integers(1, 70), sizes=st.tuples(st.integers(1, 60), st.integers(1, 7)), seed=st.integers(0, 2**32 - 1))
def test_sampled(raw: bool, total: int, count: int, sizes: tuple[int, int], seed: int) -> None:
    one, other = (numbers_in(sampled(batches(total, size, raw), count, seed)) for size in sizes)
    assert one == other == sorted({*one})
    assert len(one) == min(total, count)
    assert {*one} <= {*range(total)}


@settings(max_examples=30, deadline=None)
@given(total=st.integers(0, 200), count=st.integers(1, 20), size=st.integers(1, 30), seed=st.integers(0, 99))
def test_what_is_sorted_out_on_the_way_changes_nothing(total: int, count: int, size: int, seed: int) -> None:
    due = numbers_in(sampled(batches(total, total or 1), count, seed))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(policy, "SLACK", 3)
        assert numbers_in(sampled(batches(total, size), count, seed)) == due


def test_the_sample_is_another_with_another_seed() -> None:
    assert numbers_in(sampled(batches(1000, 100), 10, 1)) != numbers_in(sampled(batches(1000, 100), 10, 2))


def test_every_record_is_as_likely() -> None:
    """Chi-square of 20 cells, each due 150 times of 1000 samples of 3: over 43.8 in one of 1000 (19 degrees of freedom, variance shrunk by 17/19)."""
    counts = Counter(number for seed in range(1000) for number in numbers_in(sampled(batches(20, 20), 3, seed)))
    chi_square = sum((counts[number] - 150) ** 2 / 150 for number in range(20))
    assert 5 < chi_square < 43.8
    pairs = Counter(tuple(numbers_in(sampled(batches(5, 2), 2, seed))) for seed in range(1000))
    assert len(pairs) == 10
    assert sum((count - 100) ** 2 / 100 for count in pairs.values()) < 27.9  # 9 degrees of freedom


def screen(lines: list[str], needs: tuple[str, ...], faults: Faults) -> list[str]:
    parts = [Batch(pl.DataFrame(), Position("f", 1 + at), raw=pl.Series(lines[at : at + 2])) for at in range(0, len(lines), 2)]
    return [line for batch in screened(Stream(Lineage(), iter(parts), faults=faults), needs).batches for line in batch.lines()]


LINES = ['{"tokens":["a"],"x":1e400}', '{"tokens":null}', '{"ids":[1]}', '{"tokens":[],"tokens":["b"]}', '{"tokens":5}']


def test_screened_leaves_out_what_lacks_a_column_or_holds_another_type() -> None:
    faults = Faults(skip=True)
    assert screen(LINES, ("tokens", "ids"), faults) == [LINES[0], LINES[3]]
    assert faults.skipped == 3
    assert screen(LINES[2:3], ("tokens", "ids"), faults) == LINES[2:3]  # either will do, the one that is there


def test_screened_raises_at_the_first_one_if_none_may_be_left_out() -> None:
    with pytest.raises(BadRecords, match="f:2: the record has no 'tokens'"):
        screen(LINES, ("tokens",), Faults())


def test_screened_needs_nothing_and_of_nothing() -> None:
    assert screen(LINES, (), Faults()) == LINES
    assert screen([], ("tokens",), Faults()) == []
    with pytest.raises(InputError):
        screen(['{"a":1}'], ("tokens",), Faults())
