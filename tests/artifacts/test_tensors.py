"""Weights: what was saved comes back bit by bit, and whatever is off in a file is an error that says what was due."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import numpy as np
import pytest

from textkit.artifacts import tensors
from textkit.errors import InputError

WEIGHTS = {"w": np.arange(6, dtype=np.float32).reshape(2, 3), "b": np.array([1.5, -0.0, np.inf]), "empty": np.empty((0, 3), np.int32)}
DUE: dict[str, tuple[str, tuple[int | None, ...]]] = {"w": ("float32", (None, 3)), "b": ("float64", (3,)), "empty": ("int32", (0, 3))}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    tensors.save(tmp_path / "w.safetensors", WEIGHTS)
    return tmp_path / "w.safetensors"


def test_bit_by_bit(file: Path) -> None:
    found = tensors.load(file, DUE)
    assert {name: (array.dtype, array.shape, array.tobytes()) for name, array in found.items()} == {
        name: (array.dtype, array.shape, array.tobytes()) for name, array in WEIGHTS.items()
    }


def test_a_view_is_saved_as_what_it_shows(tmp_path: Path) -> None:
    tensors.save(tmp_path / "t", {"t": WEIGHTS["w"].T, "s": WEIGHTS["w"][:, ::2]})
    found = tensors.load(tmp_path / "t", {"t": ("float32", (3, 2)), "s": ("float32", (2, 2))})
    assert (found["t"] == WEIGHTS["w"].T).all()
    assert (found["s"] == [[0, 2], [3, 5]]).all()


def test_the_file_is_plain_safetensors(file: Path) -> None:
    """Any other reader of the format reads it: 8 bytes of length, a JSON header, the data."""
    data = file.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    start, end = header["w"]["data_offsets"]
    assert header["w"]["dtype"] == "F32"
    assert header["w"]["shape"] == [2, 3]
    assert data[8 + length + start : 8 + length + end] == WEIGHTS["w"].tobytes()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"w": ("float64", (2, 3))}, r"tensor w is float32 \(2, 3\), and should be float64 \(2, 3\)"),
        ({"w": ("float32", (3, 2))}, r"tensor w is float32 \(2, 3\), and should be float32 \(3, 2\)"),
        ({"w": ("float32", (2, 3, 1))}, "tensor w is float32"),
        ({"w": ("float32", ())}, "tensor w is float32"),
        ({"more": ("float32", (1,))}, "tensors are missing or unknown: more"),
    ],
)
def test_other_than_due_is_refused(file: Path, change: dict[str, tuple[str, tuple[int | None, ...]]], told: str) -> None:
    with pytest.raises(InputError, match=told):
        tensors.load(file, DUE | change)


def test_a_tensor_that_is_not_due_is_refused(file: Path) -> None:
    with pytest.raises(InputError, match="tensors are missing or unknown: b, empty"):
        tensors.load(file, {"w": DUE["w"]})


@pytest.mark.parametrize("kept", [0, 4, 8, 40, -1])
def test_a_file_cut_short_is_refused(file: Path, kept: int) -> None:
    file.write_bytes(file.read_bytes()[:kept])
    with pytest.raises(InputError, match="not readable as safetensors"):
        tensors.load(file, DUE)


@pytest.mark.parametrize("data", [b"\xff" * 100, b"\x80\x04\x95pickle", struct.pack("<Q", 1 << 60) + b"{}", struct.pack("<Q", 2) + b"[]"])
def test_what_is_no_safetensors_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "x").write_bytes(data)
    with pytest.raises(InputError, match="not readable as safetensors"):
        tensors.load(tmp_path / "x", DUE)


def test_a_missing_file_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="gone"):
        tensors.load(tmp_path / "gone", DUE)
