"""Terms and their weights as raw JSON, by columns: a term is a key of its own, so that no column of polars can hold it."""

from __future__ import annotations

import numpy as np
import polars as pl

from textkit.ragged import nest

DECIMALS = 6


def objects(terms: pl.Series, weights: np.ndarray, lengths: np.ndarray) -> pl.Series:
    """(M,) terms and weights -> (B,) `{"term":weight,...}`. lengths: (B,) how many each has."""
    keys = terms.alias("t").to_frame().select(pl.struct("t").struct.json_encode()).to_series()
    each = keys.str.strip_prefix('{"t":').str.strip_suffix("}") + ":" + numbers(weights)
    return "{" + nest(each, pl.Series(lengths.astype(np.uint32))).list.join(",") + "}"


def numbers(values: np.ndarray) -> pl.Series:
    """(M,) rounded, as JSON spells them."""
    return pl.Series(values.round(DECIMALS) + 0.0, dtype=pl.Float64).cast(pl.String)  # + 0.0 makes -0.0 a plain 0
