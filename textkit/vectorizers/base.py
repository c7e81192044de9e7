"""What the methods of `vectorize` share: their settings, and how counts become values.

A method says what a term's count is worth; which terms there are, and in which column each stands, is the same for all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from textkit.config import setting
from textkit.vectorizers.counting import rows_of

Norm = Literal["l1", "l2", "none"]


@dataclass(frozen=True)
class Analysis:
    """Settings of every method, named as in scikit-learn."""

    analyzer: tuple[str, ...] = setting(("word",), "word, char, char_wb, or several of them side by side")
    ngram: tuple[int, ...] = setting((1, 1), "fewest and most units in a term, for each analyzer", least=1)
    lowercase: bool = setting(True, "lower-case the terms")
    stop_words: tuple[str, ...] = setting((), "tokens to leave out")
    select: str | None = setting(None, "chi2:K keeps the K columns that tell most of the label")
    svd: int | None = setting(None, "turn the columns into a dense vector of this many numbers (LSA)", least=1)


@dataclass(frozen=True)
class Choice(Analysis):
    """Settings of the methods that learn which terms there are."""

    min_df: int | float = setting(1, "leave out terms of fewer records than this; a number with a point is a share", least=0)
    max_df: int | float = setting(1.0, "leave out terms of more records than this; a number with a point is a share", least=0)
    max_features: int | None = setting(None, "keep the most frequent terms only", least=1)


class Method:
    """A way to weigh counts. `learned` are the tensors that it keeps."""

    Config: ClassVar[type[Analysis]] = Choice
    hashed = False  # whether terms are hashed to columns instead of learned

    def __init__(self, config: Any, learned: dict[str, np.ndarray]) -> None:
        self.config, self.learned = config, learned

    @classmethod
    def columns(cls, config: Any) -> Any:
        """Where terms stand, for a method that does not learn it."""
        raise NotImplementedError

    @classmethod
    def learn(cls, config: Any, df: np.ndarray, records: int) -> dict[str, np.ndarray]:
        """df: (F,) the records that have each term."""
        return {}

    @classmethod
    def due(cls, config: Any, width: int) -> dict[str, tuple[str, tuple[int | None, ...]]]:
        """Dtypes and shapes of what is learned of `width` terms."""
        return {}

    def weigh(self, counts: np.ndarray, indices: np.ndarray, offsets: np.ndarray) -> np.ndarray:
        """(N,) counts of the terms `indices` of rows that begin at `offsets` -> their values."""
        raise NotImplementedError


def normalized(values: np.ndarray, offsets: np.ndarray, norm: Norm) -> np.ndarray:
    """Each row at length 1; one of nothing but zeros stays as it is."""
    if norm == "none" or not len(values):
        return values
    filled = np.flatnonzero(np.diff(offsets))
    lengths = np.ones(len(offsets) - 1)
    sums = np.add.reduceat(values * values if norm == "l2" else np.abs(values), offsets[filled])
    lengths[filled] = np.where(sums > 0, np.sqrt(sums) if norm == "l2" else sums, 1)
    scaled: np.ndarray = values / lengths[rows_of(offsets)]
    return scaled
