"""The records that went most wrong, found as they come by: no more than those are kept."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from textkit.streams.batch import Batch


class Worst:
    """`count` records with the lowest probability of their own label, and those that are wrong with the highest score.

    Which of the two is wanted shows only at the end: not all models give probabilities.
    """

    def __init__(self, count: int) -> None:
        self._improbable, self._confident = Lowest(count), Lowest(count)
        self._known = True  # whether the scores of all labels are known of all records

    def add(self, batch: Batch, gold: pl.Series, own: np.ndarray | None) -> None:
        """own: (B,) scores of the labels, NaN where the model does not know the label."""
        if not len(batch):
            return
        wrong = (gold != batch.frame["prediction"]).to_numpy()
        score = batch.ours("score").fill_null(0).to_numpy()
        self._confident.add(np.where(wrong, -score, np.inf), batch, gold, own)
        self._known &= own is not None
        if own is not None:
            self._improbable.add(np.nan_to_num(own, nan=-1), batch, gold, own)

    def rows(self, probable: bool) -> list[dict[str, Any]]:
        return (self._improbable if probable and self._known else self._confident).rows()


class Lowest:
    def __init__(self, count: int) -> None:
        self.count = count
        self._keys = np.empty(0)
        self._rows = pl.DataFrame()

    def add(self, keys: np.ndarray, batch: Batch, gold: pl.Series, own: np.ndarray | None) -> None:
        """keys: (B,), of which infinity is never taken."""
        bound = self._keys[-1] if len(self._keys) == self.count else np.inf
        rows = np.flatnonzero(keys < bound)
        rows = rows[np.argsort(keys[rows], kind="stable")[: self.count]]
        if not len(rows):
            return
        joined = np.concatenate([self._keys, keys[rows]])
        order = np.argsort(joined, kind="stable")[: self.count]
        new = _described(rows, batch, gold, own)
        self._rows = (pl.concat([self._rows, new]) if len(self._rows) else new)[order]
        self._keys = joined[order]

    def rows(self) -> list[dict[str, Any]]:
        return self._rows.to_dicts()


def _described(rows: np.ndarray, batch: Batch, gold: pl.Series, own: np.ndarray | None) -> pl.DataFrame:
    positions = pl.Series("where", [batch.position(int(row)) for row in rows])  # a loop over the few that are shown
    own = np.full(len(batch), np.nan) if own is None else own
    texts = batch.ours("text") if batch.has("text") else pl.Series([None] * len(batch), dtype=pl.String)
    columns = {
        "label": gold,
        "prediction": batch.frame["prediction"],
        "score": batch.ours("score"),
        "label_score": pl.Series(own).fill_nan(None),
        "text": texts,
    }
    return pl.DataFrame([positions, *(column.gather(rows).alias(name) for name, column in columns.items())])
