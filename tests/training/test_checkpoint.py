"""Checkpoints: what was written comes back bit for bit, the last ones stay, a damaged one is passed over."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from textkit.artifacts import tensors
from textkit.errors import ResourceError
from textkit.training import checkpoint

STATE: checkpoint.State = (
    {
        "w": torch.tensor([[1.5, float("inf")], [-0.0, 1e-45]]),
        "step": torch.tensor(7.0),  # of no dimension, as optimizers have it
        "random": torch.arange(200, dtype=torch.uint8),
        "empty": torch.empty(0, 3),
        "turned": torch.arange(6.0).reshape(2, 3).T,
    },
    {"epoch": 3, "seconds": 0.1 + 0.2, "history": [{"loss": 1e-320}], "big": 2**100},
)


def steps(folder: Path) -> list[int]:
    return [int(place.name) for place in checkpoint.standing(folder)]


def test_the_state_comes_back_bit_for_bit(tmp_path: Path) -> None:
    checkpoint.write(tmp_path, 12, STATE, 2)
    step, (found, facts) = checkpoint.read_last(tmp_path) or pytest.fail("there is none")
    assert (step, facts) == (12, STATE[1])
    assert {name: (value.dtype, value.shape) for name, value in found.items()} == {
        name: (value.dtype, value.shape) for name, value in STATE[0].items()
    }
    assert all(value.numpy().tobytes() == STATE[0][name].numpy().tobytes() for name, value in found.items())


def test_the_last_ones_stay_in_order_of_steps(tmp_path: Path) -> None:
    for step in (1, 9, 10, 100, 1000):
        checkpoint.write(tmp_path, step, STATE, 2)
    assert steps(tmp_path) == [100, 1000]
    assert checkpoint.last_step(tmp_path) == 1000
    assert not list(tmp_path.glob(".*"))


def test_a_step_may_be_written_twice(tmp_path: Path) -> None:
    """As after the evaluation that follows it."""
    checkpoint.write(tmp_path, 5, STATE, 2)
    checkpoint.write(tmp_path, 5, (STATE[0], {"epoch": 4}), 2)
    assert steps(tmp_path) == [5]
    assert (checkpoint.read_last(tmp_path) or pytest.fail("there is none"))[1][1] == {"epoch": 4}


def test_without_any_there_is_none(tmp_path: Path) -> None:
    assert checkpoint.read_last(tmp_path) is None
    assert checkpoint.last_step(tmp_path) is None


def break_bit(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-2])


@pytest.mark.parametrize("name", ["state.safetensors", "manifest.json"])
@pytest.mark.parametrize("harm", [break_bit, cut, Path.unlink])
def test_a_damaged_one_is_passed_over_in_words(tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, harm: object) -> None:
    for step in (1, 2):
        checkpoint.write(tmp_path, step, STATE, 2)
    harm(tmp_path / "000000002" / name)  # type: ignore[operator]
    assert (checkpoint.read_last(tmp_path) or pytest.fail("there is none"))[0] == 1
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert "damaged checkpoint" in told
    assert "000000002" in told
    assert checkpoint.last_step(tmp_path) == 1  # it does not count any more: the next one comes after step 1


def test_a_full_disk_leaves_the_one_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoint.write(tmp_path, 1, STATE, 1)

    def full(path: Path, found: object) -> None:
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tensors, "save", full)
    with pytest.raises(ResourceError, match="no space left"):
        checkpoint.write(tmp_path, 2, STATE, 1)
    assert [path.name for path in tmp_path.iterdir()] == ["000000001"]
    assert checkpoint.read_last(tmp_path) is not None
