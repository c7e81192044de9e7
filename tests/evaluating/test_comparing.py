"""Two models on the same records."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from textkit.evaluating.comparing import FEW, compare, mcnemar


@given(st.integers(0, FEW - 1), st.integers(0, FEW - 1))
def test_few_differences_are_tested_exactly(one: int, other: int) -> None:
    found = mcnemar(one, other)
    if one + other < FEW:
        due = stats.binomtest(one, one + other, 0.5).pvalue if one + other else 1.0
        assert found.method == "exact binomial"
        assert found.p == pytest.approx(due, abs=1e-12)


@given(st.integers(0, 10**6), st.integers(FEW, 10**6))
def test_many_are_tested_by_chi_square(one: int, other: int) -> None:
    found = mcnemar(one, other)
    statistic = max(0, abs(one - other) - 1) ** 2 / (one + other)
    assert found.method == "chi-square"
    assert found.p == pytest.approx(stats.chi2.sf(statistic, 1), abs=1e-12, rel=1e-9)


def made(records: int, good: float, better: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    draw = np.random.default_rng(5)
    gold = draw.integers(0, 3, records)
    this, other = (np.where(draw.random(records) < right, gold, (gold + 1) % 3) for right in (good, better))
    return gold, this, other


def test_a_clear_difference() -> None:
    gold, this, other = made(1000, 0.7, 0.9)
    found = compare(gold, this, other, 3, ("old", "new"), 0.95, 42)
    assert found.better == "new"
    assert found.significant
    assert found.only_this == ((this == gold) & (other != gold)).sum()
    assert found.intervals["accuracy"][0] > 0.1
    low, high = found.intervals["f1_macro"]
    assert low < found.values["f1_macro"][1] - found.values["f1_macro"][0] < high
    assert found.verdict().startswith("new is better, and that is hardly chance (McNemar p = ")


def test_a_difference_that_may_be_chance() -> None:
    gold, this, other = made(60, 0.8, 0.8)
    found = compare(gold, this, other, 3, ("old", "new"), 0.95, 42)
    assert not found.significant
    assert found.intervals["accuracy"][0] <= 0 <= found.intervals["accuracy"][1]
    assert "cannot be told from chance" in found.verdict()


def test_the_pairing_counts() -> None:
    """Two models with the same mistakes differ by nothing, in any resample."""
    gold, this, _ = made(100, 0.7, 0.7)
    found = compare(gold, this, this.copy(), 3, ("a", "b"), 0.95, 42)
    assert found.to_json() == {
        "this": "a",
        "other": "b",
        "confidence": 0.95,
        "accuracy": {"this": round((this == gold).mean(), 6), "other": round((this == gold).mean(), 6), "difference": 0.0, "interval": [0.0, 0.0]},
        "f1_macro": found.to_json()["f1_macro"],
        "mcnemar": {"method": "exact binomial", "only_this_right": 0, "only_other_right": 0, "p": 1.0},
        "better": None,
        "significant": False,
    }
    assert found.intervals["f1_macro"] == [0.0, 0.0]
    assert found.verdict() == "Both have the same accuracy (McNemar p = 1)."


def test_the_level_is_that_of_the_test_too() -> None:
    """9 to 2: p = 0.065, enough for 0.9 and not for 0.95."""
    gold = np.zeros(20, np.int64)
    this, other = gold.copy(), gold.copy()
    this[:9], other[9:11] = 1, 1
    assert compare(gold, this, other, 2, ("a", "b"), 0.9, 42).significant
    assert not compare(gold, this, other, 2, ("a", "b"), 0.95, 42).significant
