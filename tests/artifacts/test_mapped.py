"""Arrays of files: what safetensors wrote, without reading it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from textkit.artifacts import mapped, tensors
from textkit.errors import InputError

ARRAYS = {
    "vectors": np.arange(60, dtype=np.float32).reshape(20, 3),
    "half": np.arange(6, dtype=np.float16).reshape(2, 3),
    "counts": np.arange(20, dtype=np.int64),
    "none": np.zeros((0, 3), np.float32),
}
DUE: dict[str, tuple[str, tuple[int | None, ...]]] = {name: (str(array.dtype), array.shape) for name, array in ARRAYS.items()}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    tensors.save(tmp_path / "arrays.safetensors", ARRAYS)
    return tmp_path / "arrays.safetensors"


def test_the_same_as_when_they_are_read(file: Path) -> None:
    found = mapped.load(file, DUE)
    for name, array in tensors.load(file, DUE).items():
        np.testing.assert_array_equal(found[name].array, array)
        assert found[name].array.dtype == array.dtype
        assert len(found[name]) == len(array)


@pytest.mark.parametrize("rows", [1, 7, 20, 100])
def test_blocks_are_the_whole(file: Path, rows: int) -> None:
    found = mapped.load(file, DUE)["vectors"]
    for stop in (None, 13, 50):
        blocks = [(start, block.copy()) for start, block in found.blocks(rows, stop)]
        np.testing.assert_array_equal(np.concatenate([block for _, block in blocks]), ARRAYS["vectors"][:stop])
        assert [start for start, _ in blocks] == list(range(0, min(stop or 20, 20), rows))
    found.release()
    np.testing.assert_array_equal(found.array, ARRAYS["vectors"])


def test_rows_from_anywhere(file: Path) -> None:
    found = mapped.load(file, DUE)
    rows = np.random.default_rng(1).integers(0, 20, (13, 7))
    np.testing.assert_array_equal(found["vectors"].take(rows), ARRAYS["vectors"][rows])
    np.testing.assert_array_equal(found["counts"].take(rows), ARRAYS["counts"][rows])
    assert found["vectors"].take(rows[:0]).shape == (0, 7, 3)


def test_it_cannot_be_written_to(file: Path) -> None:
    with pytest.raises(ValueError, match="read-only"):
        mapped.load(file, DUE)["vectors"].array[0, 0] = 1


def test_other_tensors_than_those_due(file: Path) -> None:
    with pytest.raises(InputError, match="should be float32"):
        mapped.load(file, {**DUE, "vectors": ("float32", (20, 4))})
    with pytest.raises(InputError, match="missing or unknown: half"):
        mapped.load(file, {name: due for name, due in DUE.items() if name != "half"})


@given(data=st.data())
@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_damaged_it_is_an_error_and_no_crash(tmp_path: Path, data: st.DataObject) -> None:
    place = tmp_path / "arrays"
    tensors.save(place, ARRAYS)
    found = bytearray(place.read_bytes())
    at = data.draw(st.integers(0, 200))
    found[at : at + data.draw(st.integers(0, 9))] = data.draw(st.binary(max_size=9))
    place.write_bytes(found[: data.draw(st.integers(0, len(found)))])
    try:
        arrays = mapped.load(place, DUE)
    except InputError:
        return
    for name, array in arrays.items():
        assert array.array.shape == ARRAYS[name].shape
        array.array.sum()
