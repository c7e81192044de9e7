"""Inputs of every kind that architectures read, of eight records, for the tests of all of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import torch

from textkit.arrays import Ragged, Sparse
from textkit.nn.inputs import Sizes
from textkit.nn.settings import Reading
from textkit.registry import ARCHS
from textkit.tasks.classify import Classify
from textkit.tasks.classify_neural import Classifying, network
from textkit.tasks.feeding import Feed
from textkit.tasks.spelling import Spelled, Spelling

NEURAL = [name for name in ARCHS if ARCHS.find(name).engine == "torch"]
RECORDS = [[7, 8, 9], [9, 8], [10], [11, 12, 13, 14], [7, 12], [15, 16, 17, 18, 19], [13], []]
TARGETS = np.array([0, 1, 2, 0, 1, 2, 0, 1])
TASK = Classify(["a", "b", "c"])
WORDS = pl.Series(["", "하나", "둘", "a", *(one + other for one in "acgt" for other in "acgt")])  # the token of each id
FEATURES, DIM, BUCKETS = 5, 6, 64


def ragged(records: list[list[int]] = RECORDS) -> Ragged:
    return Ragged.of(pl.Series(records, dtype=pl.List(pl.Int32)))


def vectors() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(len(RECORDS), FEATURES)).astype(np.float32)


def features() -> Sparse:
    """Some columns of `vectors`; the last record has none."""
    dense = np.where(np.random.default_rng(1).random((len(RECORDS), FEATURES)) < 0.6, vectors(), 0).astype(np.float64)
    dense[-1] = 0
    rows, columns = np.nonzero(dense)
    return Sparse(columns.astype(np.int32), dense[rows, columns], np.searchsorted(rows, np.arange(len(RECORDS) + 1)).astype(np.int64), FEATURES)


def settings_of(name: str, **given: Any) -> Any:
    return ARCHS.find(name).Config(**given)


def feed(kind: str = "ids", chars: str = "none", records: list[list[int]] = RECORDS) -> tuple[Feed, Sizes]:
    """What networks read of these records: ids, pair, vector or features; and the sizes it needs."""
    if kind == "vector":
        return Feed(vectors=vectors()), Sizes(features=FEATURES)
    if kind == "features":
        return Feed(features=features()), Sizes(features=FEATURES)
    spelling = Spelling.learn(Reading(chars=chars, char_buckets=BUCKETS), [WORDS])  # type: ignore[arg-type]
    spelled = None if spelling is None else Spelled(ragged(records), spelling.rows(WORDS))
    made = Feed(ragged(records), 0, spelled)
    if kind == "pair":
        made = replace(made, pair=Feed(ragged(records[::-1]), 0, None if spelled is None else replace(spelled, codes=ragged(records[::-1]))))
    return made, Sizes(vocabulary=20, dim=DIM, characters=0 if spelling is None else spelling.kinds)


def build(name: str, kind: str = "ids", task: Classify = TASK, **given: Any) -> torch.nn.Module:
    settings = settings_of(name, **{"char_buckets": BUCKETS, **given})
    _, sizes = feed(kind, settings.chars)
    return network(replace(task, pairs=kind == "pair"), ARCHS.find(name)(settings, sizes))


def problem(kind: str = "ids", chars: str = "none") -> Classifying:
    return Classifying(TASK, feed(kind, chars)[0], TARGETS)
