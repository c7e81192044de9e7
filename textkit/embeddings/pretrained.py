"""Vectors that others trained, in a file of word2vec, GloVe or fastText: applied as they are."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import polars as pl

from textkit.errors import UsageError


class Pretrained:
    """Read by `--load FILE`, and never trained here."""

    @dataclass(frozen=True)
    class Config:
        pass

    def __init__(self, config: Config, threads: int | None = None) -> None:
        raise UsageError("a pretrained embedding is loaded, not learned", fix="give --load a file of word2vec, GloVe or fastText")

    def fit(self, columns: Iterable[pl.Series]) -> Any:
        raise AssertionError("there is none to fit")
