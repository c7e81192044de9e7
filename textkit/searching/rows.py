"""The rows of a matrix that are nearest to a vector, by the cosine: every row is looked at, a block at a time."""

from __future__ import annotations

import numpy as np

from textkit.artifacts.mapped import Mapped

BLOCK = 5 << 20  # bytes of rows that are multiplied at once: what a core's cache holds
SCORES = 32 << 20  # bytes of their scores
FEW = 4  # queries
TOGETHER = 1024  # queries that go through the matrix together
LEAST = 1e-30  # squares below it have lost digits
SPARE = 32  # rows held besides the nearest, since sums of float32 order rows that are this near to each other by chance
EXACT = 64  # queries whose rows are looked at once more, in float64, at once


class Rows:
    """A matrix (N, D) to search. Rows without length, and those that `usable` (N,) leaves out, are never found."""

    def __init__(self, matrix: Mapped, usable: np.ndarray | None = None) -> None:
        self.matrix, self._usable = matrix, usable
        self._scale: np.ndarray | None = None  # (N,) 1 / length, or 0; told by the first search, which sees all rows anyway

    def __len__(self) -> int:
        return len(self.matrix)

    @property
    def dim(self) -> int:
        return int(self.matrix.array.shape[1])

    def nearest(self, queries: np.ndarray, k: int, without: np.ndarray | None = None, stop: int | None = None) -> tuple[np.ndarray, np.ndarray]:
        """(Q, D) queries -> (Q, k) rows, the nearest first, and (Q, k) cosines; -1 and 0 where there are no more rows.

        without: (Q, E) rows that are not meant, filled with -1. stop: search the first rows only.
        Of rows equally near, the first ones are taken. A query without length is near to nothing.
        """
        without = np.full((len(queries), 0), -1) if without is None else without
        found = [
            self._nearest(queries[start : start + TOGETHER], k, without[start : start + TOGETHER], stop) for start in range(0, len(queries), TOGETHER)
        ]
        rows, scores = (np.concatenate(parts) for parts in zip(*found, strict=True)) if found else (np.zeros((0, k), np.int64), np.zeros((0, k)))
        return rows, scores

    def _nearest(self, queries: np.ndarray, k: int, without: np.ndarray, stop: int | None) -> tuple[np.ndarray, np.ndarray]:
        with np.errstate(over="ignore", invalid="ignore"):  # in rows that are no vectors, which are not found either
            return self._search(queries, k, without, stop)

    def _search(self, queries: np.ndarray, k: int, without: np.ndarray, stop: int | None) -> tuple[np.ndarray, np.ndarray]:
        units = unit(np.where(np.isfinite(queries).all(axis=1, keepdims=True), queries, 0).astype(np.float64))
        narrow = units.astype(np.float32)
        best = Best(len(queries), k + without.shape[1] + SPARE)
        size = max(64, min(BLOCK // (4 * self.dim), SCORES // (4 * len(queries))))
        scale = self._scale
        known = np.zeros(len(self), np.float32) if scale is None else scale
        for start, block in self.matrix.blocks(size, stop):
            if scale is None:
                known[start : start + len(block)] = self._lengths(start, block)
            part = known[start : start + len(block)]
            scores = _products(narrow, block.astype(np.float32, copy=False))
            scores *= part
            scores[:, part == 0] = -np.inf
            best.take(scores, start)
        if stop is None or stop >= len(self):
            self._scale = known
        return self._exact(units, best.rows(), k, without)

    def _lengths(self, start: int, block: np.ndarray) -> np.ndarray:
        """(B,) 1 / length of each row of a block, 0 for those that are not to be found."""
        block = block.astype(np.float32, copy=False)
        squares = np.vecdot(block, block).astype(np.float64)
        odd = ~(np.isfinite(squares) & (squares > LEAST))  # too long or too short for the square to be right, or of no length
        squares[odd] = np.vecdot(block[odd].astype(np.float64), block[odd].astype(np.float64))
        usable = np.isfinite(squares) & (squares > 0)
        if self._usable is not None:
            usable &= self._usable[start : start + len(block)]
        return np.where(usable, 1 / np.sqrt(np.where(usable, squares, 1)), 0).astype(np.float32)

    def _exact(self, units: np.ndarray, rows: np.ndarray, k: int, without: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The first k of the rows by cosines in float64, which do not depend on what else was asked at once."""
        scores = np.full(rows.shape, -np.inf)
        for start in range(0, len(rows), EXACT):
            part = rows[start : start + EXACT]
            vectors = unit(self.matrix.take(part).astype(np.float64))
            asked = units[start : start + EXACT, None, :]
            unwanted = (part[:, :, None] == without[start : start + EXACT, None, :]).any(axis=2) | ~asked.any(axis=2)
            scores[start : start + EXACT] = np.where((part < 0) | unwanted, -np.inf, np.vecdot(vectors, asked))
        order = np.lexsort((rows, -scores), axis=-1)[:, :k]
        rows, scores = np.take_along_axis(rows, order, 1), np.take_along_axis(scores, order, 1)
        gone = np.isneginf(scores)
        return np.where(gone, -1, rows), np.where(gone, 0.0, scores)


class Best:
    """The `width` best of the scores that came by, for each of Q queries; of equal ones, those of the first rows."""

    def __init__(self, queries: int, width: int) -> None:
        self._width = width
        self._floor = np.full((queries, 1), -np.inf, np.float32)  # what a score must be above
        self._held: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []  # (query, row, score) of candidates
        self._waiting = 0

    def take(self, scores: np.ndarray, start: int) -> None:
        """(Q, B) scores of the rows from `start` on."""
        hits = scores > self._floor
        crowd = 4 * self._width * len(scores)
        if scores.shape[1] > self._width and np.count_nonzero(hits) > crowd:
            hits &= scores >= np.partition(scores, -self._width, axis=1)[:, [-self._width]]
        query, column = np.nonzero(hits)
        if len(query):
            self._held.append((query, column + start, scores[query, column]))
            self._waiting += len(query)
        if self._waiting > crowd:
            self._settle()

    def _settle(self) -> None:
        """Keep the best of those held."""
        query, row, score = (np.concatenate(parts) for parts in zip(*self._held, strict=True))
        order = np.lexsort((row, -score, query))
        query, row, score = query[order], row[order], score[order]
        rank = np.arange(len(query)) - np.searchsorted(query, query)
        last = rank == self._width - 1
        self._floor[query[last], 0] = score[last]
        kept = rank < self._width
        self._held = [(query[kept], row[kept], score[kept])]
        self._waiting = 0

    def rows(self) -> np.ndarray:
        """(Q, width) the rows, the best first, -1 where there were fewer."""
        found = np.full((len(self._floor), self._width), -1, np.int64)
        if self._held:
            self._settle()
            query, row, _ = self._held[0]
            found[query, np.arange(len(query)) - np.searchsorted(query, query)] = row
        return found


def _products(queries: np.ndarray, block: np.ndarray) -> np.ndarray:
    """(Q, D) and (B, D) -> (Q, B). For few queries by one thread: memory sets the pace, and those of BLAS wait for each other in a loop."""
    found: np.ndarray = np.stack([np.vecdot(block, query) for query in queries]) if len(queries) <= FEW else queries @ block.T
    return found


def unit(vectors: np.ndarray) -> np.ndarray:
    """(..., D) vectors made of length 1; those of length 0 stay."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return vectors / np.where(lengths > 0, lengths, 1)
