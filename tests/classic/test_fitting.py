"""What fitting gives to the solvers, and what it keeps from the process."""

from __future__ import annotations

import warnings

import numpy as np
import sklearn.linear_model  # noqa: F401 (loads the libraries that are limited)
from scipy.sparse import csr_matrix
from threadpoolctl import threadpool_info

from tests.classic.making import sparse
from textkit.classic import fitting


def blas() -> set[int]:
    return {library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"}


def test_linear_algebra_has_one_thread_until_the_last_fit_is_done() -> None:
    before = blas()
    with fitting.ONE_THREAD:
        with fitting.ONE_THREAD:
            assert blas() == {1}
        assert blas() == {1}
    assert blas() == before


def test_the_solvers_always_find_a_value() -> None:
    nothing = fitting.as_matrix(sparse(np.zeros((2, 3))))
    assert (nothing.nnz, nothing.shape, nothing.sum()) == (1, (2, 3), 0)  # type: ignore[union-attr]
    full = csr_matrix(np.eye(2))
    assert fitting.filled(full) is full


def test_features_that_a_record_has() -> None:
    dense = np.array([[0.0, 1.0, 0.0], [0.0, -1.0, 2.0]])
    explicit = csr_matrix((np.array([0.0, 1.0]), (np.array([0, 0]), np.array([0, 2]))), shape=(1, 3))
    assert fitting.seen(dense).tolist() == fitting.seen(csr_matrix(dense)).tolist() == [False, True, True]
    assert fitting.seen(explicit).tolist() == [False, False, True]


def test_warnings_of_others_are_still_heard() -> None:
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        fitting.hush()
        fitting.hush()
        warnings.warn_explicit("theirs", RuntimeWarning, "x.py", 1, module="sklearn.svm")
        warnings.warn_explicit("ours", RuntimeWarning, "x.py", 1, module="textkit.streams")
    assert [str(warning.message) for warning in heard] == ["ours"]
