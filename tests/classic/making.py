"""Small random problems for linear models, and their oracles' answers in our shapes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from textkit.arrays import Sparse


@dataclass
class Problem:
    """x as we take it, the same as scikit-learn does, and what is to be learned."""

    x: Sparse | np.ndarray
    matrix: csr_matrix | np.ndarray
    targets: np.ndarray
    labels: int
    weights: np.ndarray | None

    def __repr__(self) -> str:
        return f"Problem({np.asarray(self.matrix.todense() if isinstance(self.x, Sparse) else self.matrix).tolist()}, {self.targets.tolist()})"


def sparse(dense: np.ndarray) -> Sparse:
    matrix = csr_matrix(dense)
    return Sparse(matrix.indices.astype(np.int32), matrix.data.astype(np.float64), matrix.indptr.astype(np.int64), dense.shape[1])


def problem(seed: int, labels: int, *, dense: bool = False, weighted: bool = False, multi: bool = False, records: int = 40) -> Problem:
    """Every label has a fifth of the records, or more; a few records are empty."""
    rng = np.random.default_rng(seed)
    features = int(rng.integers(3, 60))
    values = rng.random((records, features)).round(2) * (rng.random((records, features)) < rng.uniform(0.2, 0.7))
    values[0] = 0
    values[-1] = np.linspace(0.1, 1, features)
    if dense:
        values = rng.normal(size=(records, features))
    codes = rng.permutation(np.concatenate([np.arange(records // 2) % labels, rng.integers(0, labels, records - records // 2)]))
    targets = (rng.random((records, labels)) < 0.5) if multi else codes
    if multi:
        targets[:10], targets[10:20] = True, False
    weights = rng.choice([0.5, 1.0, 3.0], records) if weighted else None
    x = values if dense else sparse(values)
    return Problem(x, values if dense else csr_matrix(values), targets, labels, weights)


@st.composite
def problems(draw: st.DrawFn, kinds: tuple[bool, ...] = (False, True), multi: bool = False) -> Problem:
    """kinds: dense or not."""
    seed, labels = draw(st.integers(0, 10**6)), draw(st.integers(2, 4))
    return problem(seed, labels, dense=draw(st.sampled_from(kinds)), weighted=draw(st.booleans()), multi=multi)


def decisions(model: Any, matrix: Any) -> np.ndarray:
    """scikit-learn's decision_function as (B, C): two labels are d and its negative."""
    found = model.decision_function(matrix)
    return np.stack([-found, found], 1) if found.ndim == 1 else found


def again(model: Any) -> Any:
    """The model as it is after it was saved."""
    kind, manifest, tensors = type(model), model.manifest(), model.tensors()
    due = kind.due(manifest, "here")
    assert due == {name: (str(tensor.dtype), tensor.shape) for name, tensor in tensors.items()}
    assert all(tensor.flags["C_CONTIGUOUS"] for tensor in tensors.values())
    return kind.from_tensors(tensors, manifest)


def same(found: np.ndarray | None, expected: np.ndarray) -> None:
    assert found is not None
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)
