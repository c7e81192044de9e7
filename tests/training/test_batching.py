"""Batches: every record once, alike in length, the same for the same seed."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from textkit.training.batching import CELLS, PIECE, WINDOW, cells_of, padding_share, shuffled_batches, sorted_batches, steps_of

LENGTHS = st.lists(st.integers(0, 40), min_size=1, max_size=80).map(np.array)


@given(LENGTHS, st.integers(1, 9), st.integers(0, 5))
@settings(max_examples=60)
def test_every_record_stands_in_one_batch(lengths: np.ndarray, size: int, seed: int) -> None:
    rows = np.arange(0, len(lengths), 2)
    batches = shuffled_batches(rows, lengths, size, np.random.default_rng(seed))
    assert sorted(np.concatenate(batches)) == rows.tolist()
    assert max(map(len, batches)) <= size
    assert len(batches) == -(-len(rows) // size)


@given(LENGTHS, st.integers(1, 9))
@settings(max_examples=60)
def test_for_predicting_the_longest_come_first(lengths: np.ndarray, size: int) -> None:
    order = np.concatenate(sorted_batches(lengths, size))
    assert sorted(order) == list(range(len(lengths)))
    assert (np.diff(lengths[order]) <= 0).all()


def test_a_seed_gives_the_same_batches_and_each_pass_others() -> None:
    lengths = np.arange(500) % 17

    def passes(seed: int) -> list[list[list[int]]]:
        rng = np.random.default_rng(seed)
        return [[batch.tolist() for batch in shuffled_batches(np.arange(500), lengths, 8, rng)] for _ in range(2)]

    assert passes(1) == passes(1)
    assert passes(1) != passes(2)
    assert passes(1)[0] != passes(1)[1]


def test_batches_are_of_similar_length_but_not_in_their_order() -> None:
    lengths = np.random.default_rng(0).integers(1, 100, 2000)
    batches = shuffled_batches(np.arange(2000), lengths, 16, np.random.default_rng(0))
    unsorted = [np.arange(start, start + 16) for start in range(0, 2000, 16)]
    assert padding_share(batches, lengths) < 0.1 < padding_share(unsorted, lengths)
    longest = [lengths[batch].max() for batch in batches[:WINDOW]]
    assert longest != sorted(longest)


def test_padding_share_by_hand() -> None:
    """Lengths 3 and 1 padded to 3, and an empty record alone, padded to 1: 3 of 7 cells."""
    assert padding_share([np.array([0, 1]), np.array([2])], np.array([3, 1, 0])) == pytest.approx(3 / 7)


def shuffled(lengths: np.ndarray) -> list[np.ndarray]:
    return shuffled_batches(np.arange(len(lengths)), lengths, 256, np.random.default_rng(0))


def by_length(lengths: np.ndarray) -> list[np.ndarray]:
    return sorted_batches(lengths, 256)


@pytest.mark.parametrize("batches", [shuffled, by_length])
def test_one_long_record_does_not_blow_the_batch_up(batches: Callable[[np.ndarray], list[np.ndarray]]) -> None:
    lengths = np.array([2] * 299 + [50_000])
    found = batches(lengths)
    assert sorted(np.concatenate(found)) == list(range(300))
    assert max(len(batch) * int(lengths[batch].max()) for batch in found) <= CELLS


@given(LENGTHS, st.integers(1, 9), st.integers(1, 4), st.integers(0, 3))
@settings(max_examples=40)
def test_every_record_stands_in_one_step(lengths: np.ndarray, size: int, accumulate: int, epoch: int) -> None:
    rows = np.arange(len(lengths))
    for sizes in ((size, 0, accumulate), (size, 20, accumulate), ("full", 0, 1)):
        steps = steps_of(rows, lengths, (1, epoch), *sizes)
        assert sorted(np.concatenate([batch for step in steps for batch in step])) == rows.tolist()
        assert len(steps) == 1 or max(map(len, steps)) <= accumulate


def test_the_order_follows_from_seed_and_epoch_alone() -> None:
    lengths = np.arange(300) % 17

    def order(seed: int, epoch: int) -> list[list[int]]:
        return [batch.tolist() for step in steps_of(np.arange(300), lengths, (seed, epoch), 8) for batch in step]

    assert order(1, 2) == order(1, 2)
    assert order(1, 2) != order(1, 3)
    assert order(1, 2) != order(2, 2)


@pytest.mark.parametrize("tokens", [100, 1000])
def test_batches_by_tokens_are_full_of_them(tokens: int) -> None:
    lengths = np.random.default_rng(0).integers(1, 60, 3000)
    batches = [batch for (batch,) in steps_of(np.arange(3000), lengths, (0, 1), 1, tokens)]
    sizes = [cells_of(batch, lengths) for batch in batches]
    assert max(sizes) <= tokens
    assert np.mean(sizes) > 0.6 * tokens
    assert padding_share(batches, lengths) < 0.1


def test_full_is_cut_into_pieces_by_length() -> None:
    lengths = np.random.default_rng(0).integers(1, 60, 3000)
    (step,) = steps_of(np.arange(3000), lengths, (0, 1), "full")
    assert max(map(len, step)) <= PIECE
    assert max(cells_of(batch, lengths) for batch in step) <= CELLS
    assert padding_share(step, lengths) < 0.1


def test_padding_of_texts_is_below_5_percent() -> None:
    """Lengths as those of reviews: most are short, some are very long."""
    lengths = np.minimum(np.random.default_rng(0).lognormal(2.6, 0.6, 20_000).astype(int) + 1, 70)
    batches = shuffled_batches(np.arange(20_000), lengths, 64, np.random.default_rng(0))
    assert padding_share(batches, lengths) < 0.05
