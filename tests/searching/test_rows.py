"""The nearest rows: as numpy finds them by looking at all scores at once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from textkit.artifacts.mapped import Mapped, map_file
from textkit.searching import rows as searching
from textkit.searching.rows import Best, Rows, unit


def by_sorting(matrix: np.ndarray, query: np.ndarray, k: int, without: set[int], stop: int) -> list[int]:
    scores = unit(matrix[:stop].astype(np.float64)) @ unit(query.astype(np.float64))
    order = np.lexsort((np.arange(stop), -scores.round(12)))
    return [int(row) for row in order if matrix[row].any() and int(row) not in without][:k]


@pytest.mark.parametrize("dim", [1, 7, 300])
@pytest.mark.parametrize("queries", [1, 3, 70])
def test_in_blocks_it_finds_what_sorting_finds(dim: int, queries: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(searching, "BLOCK", 4 * dim * 128)
    monkeypatch.setattr(searching, "TOGETHER", 32)
    rng = np.random.default_rng(dim)
    matrix = rng.normal(size=(1000, dim)).astype(np.float32)
    matrix[::10] = 0
    asked = rng.normal(size=(queries, dim)).astype(np.float32)
    without = rng.integers(-1, 1000, (queries, 2))
    for stop in (None, 555):
        rows, scores = Rows(Mapped(matrix)).nearest(asked, 5, without, stop)
        for place, query in enumerate(asked):
            assert list(rows[place]) == by_sorting(matrix, query, 5, {*map(int, without[place])}, stop or 1000)
        np.testing.assert_allclose(scores[0], unit(matrix[rows[0]].astype(float)) @ unit(asked[0].astype(float)), atol=1e-12)


@given(st.lists(st.integers(0, 3), min_size=1, max_size=60), st.integers(1, 8), st.integers(1, 9))
@settings(max_examples=150)
def test_the_best_of_few_scores_with_many_ties(scores: list[int], width: int, block: int) -> None:
    """Whatever the blocks are, equal scores are taken in the order of their rows."""
    best = Best(1, width)
    every = np.array([scores], np.float32)
    for start in range(0, len(scores), block):
        best.take(every[:, start : start + block], start)
    due = [int(row) for row in np.lexsort((np.arange(len(scores)), -every[0]))[:width]]
    assert [row for row in best.rows()[0] if row >= 0] == due


def test_many_rows_alike_are_taken_from_the_first_on() -> None:
    matrix = np.ones((20_000, 4), np.float32)
    rows, scores = Rows(Mapped(matrix)).nearest(np.ones((1, 4)), 3)
    assert rows.tolist() == [[0, 1, 2]]
    np.testing.assert_allclose(scores, 1)


def test_an_answer_does_not_depend_on_what_else_is_asked() -> None:
    rng = np.random.default_rng(5)
    matrix, queries = rng.normal(size=(5000, 50)).astype(np.float32), rng.normal(size=(300, 50)).astype(np.float32)
    together = Rows(Mapped(matrix)).nearest(queries, 10)
    alone = Rows(Mapped(matrix))
    for place in range(0, 300, 37):
        rows, scores = alone.nearest(queries[[place]], 10)
        np.testing.assert_array_equal(rows[0], together[0][place])
        np.testing.assert_array_equal(scores[0], together[1][place])


def test_fewer_rows_than_asked_for_and_rows_that_may_not_be_used() -> None:
    matrix = np.eye(4, dtype=np.float32)
    rows, scores = Rows(Mapped(matrix), np.array([True, False, True, False])).nearest(np.ones((1, 4)), 3)
    assert rows.tolist() == [[0, 2, -1]]
    np.testing.assert_allclose(scores, [[0.5, 0.5, 0]])


def test_rows_that_are_very_long_or_very_short() -> None:
    matrix = np.array([[1, 0], [3e25, 3e25], [0, 1e-25], [np.nan, 1], [np.inf, 1]], np.float32)
    rows, scores = Rows(Mapped(matrix)).nearest(np.array([[0.0, 2.0]]), 5)
    assert rows.tolist() == [[2, 1, 0, -1, -1]]
    np.testing.assert_allclose(scores, [[1, 0.5**0.5, 0, 0, 0]])


def test_no_queries() -> None:
    rows, scores = Rows(Mapped(np.eye(4, dtype=np.float32))).nearest(np.zeros((0, 4)), 3)
    assert rows.shape == scores.shape == (0, 3)


def test_a_matrix_that_is_mapped_is_not_held_in_memory(tmp_path: Path) -> None:
    """The pages of a block are given back: what the process holds stays far below the size of the file."""
    dim, size = 64, 400_000  # 102 MB
    with (tmp_path / "matrix").open("wb") as file:
        for start in range(0, size, 50_000):
            file.write(np.random.default_rng(start).normal(size=(50_000, dim)).astype(np.float32).tobytes())
    with (tmp_path / "matrix").open("rb") as file:
        rows = Rows(map_file(file, "float32", (size, dim)))
    rows.nearest(np.ones((1, dim)), 3)
    status = Path("/proc/self/smaps").read_text()
    part = status[status.index(str(tmp_path / "matrix")) :]
    held = next(int(line.split()[1]) for line in part.splitlines() if line.startswith("Rss:"))
    assert held < 20_000  # kB
    assert rows.nearest(rows.matrix.array[[399_999]], 1)[0].tolist() == [[399_999]]
