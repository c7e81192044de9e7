"""Training that is broken off and gone on with: the end is the same bit for bit."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.training.breaking import STEPS, Killed, When, at, begin, by, kill, resumed, sha256, stopped
from textkit.artifacts import folder as artifact
from textkit.errors import InputError, Resumable, UsageError
from textkit.training import checkpoint, loop
from textkit.training.resuming import go_on


def evaluating(step: int) -> When:
    """In the midst of an evaluation."""
    return lambda trainer: trainer.step == step and not trainer.model.training and not any(entry["step"] == step for entry in trainer.history)


def evaluated(step: int) -> When:
    return lambda trainer: any(entry["step"] == step for entry in trainer.history)


MOMENTS = {
    "the first step": at(1),
    "within an epoch": at(STEPS + 2),
    "the end of an epoch": at(2 * STEPS),
    "validation": evaluating(STEPS),
    "after validation": evaluated(STEPS),
    "the last validation": evaluating(3 * STEPS),
    "when all is done": evaluated(3 * STEPS),
}


@pytest.mark.parametrize("when", MOMENTS.values(), ids=MOMENTS)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_stopped_by_a_signal_and_gone_on_with_it_ends_the_same(tmp_path: Path, disturb: Any, due: str, when: When, number: int) -> None:
    disturb(when, by(number))
    with pytest.raises(Resumable, match=rf"stopped by {signal.Signals(number).name} at step \d+, and saved; go on with textkit train --resume"):
        begin(tmp_path / "model")
    assert [path.name for path in tmp_path.iterdir()] == ["model.partial"]
    assert resumed(tmp_path / "model") == due
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_stopped_again_and_again(tmp_path: Path, disturb: Any, due: str) -> None:
    disturb(at(1), by(signal.SIGTERM))
    with pytest.raises(Resumable):
        begin(tmp_path / "model")
    for step in (2, STEPS, STEPS + 1, 3 * STEPS):
        disturb(at(step), by(signal.SIGTERM))
        with pytest.raises(Resumable):
            resumed(tmp_path / "model")
    assert resumed(tmp_path / "model") == due


def test_the_history_is_that_of_one_run(tmp_path: Path, disturb: Any) -> None:
    disturb(at(STEPS + 1), by(signal.SIGTERM))
    with pytest.raises(Resumable):
        begin(tmp_path / "model")
    resumed(tmp_path / "model")
    history = [json.loads(line) for line in (tmp_path / "model" / "history.jsonl").read_text().splitlines()]
    assert [entry["step"] for entry in history] == [STEPS, 2 * STEPS, 3 * STEPS]
    assert [entry["seconds"] for entry in history] == sorted(entry["seconds"] for entry in history)


def test_killed_it_goes_on_from_the_last_checkpoint(tmp_path: Path, disturb: Any, due: str, capsys: pytest.CaptureFixture[str]) -> None:
    disturb(at(STEPS + 3), kill)
    with pytest.raises(Killed):
        begin(tmp_path / "model", save_every=2)
    assert resumed(tmp_path / "model") == due
    assert f"going on from step {STEPS + 2}\n" in capsys.readouterr().err


def test_of_a_damaged_checkpoint_it_goes_on_from_the_one_before(tmp_path: Path, disturb: Any, due: str) -> None:
    disturb(at(STEPS + 3), kill)
    with pytest.raises(Killed):
        begin(tmp_path / "model", save_every=2)
    for place in checkpoint.standing(tmp_path / "model.partial" / "checkpoints")[1:]:
        (place / checkpoint.STATE).write_bytes(b"nonsense")
    assert resumed(tmp_path / "model") == due


def test_of_damaged_checkpoints_only_it_starts_anew(tmp_path: Path, disturb: Any, due: str) -> None:
    disturb(at(2), by(signal.SIGTERM))
    with pytest.raises(Resumable):
        begin(tmp_path / "model")
    for place in checkpoint.standing(tmp_path / "model.partial" / "checkpoints"):
        (place / checkpoint.STATE).unlink()
    assert resumed(tmp_path / "model") == due


def test_settings_may_be_changed_and_it_says_so(tmp_path: Path, disturb: Any, due: str, capsys: pytest.CaptureFixture[str]) -> None:
    save = stopped(tmp_path, disturb)
    assert resumed(save, lr=0.5, epochs=4) != due
    assert "changed to lr=0.5 epochs=4 from lr=default epochs=3\n" in capsys.readouterr().err
    told = artifact.load(save, "bundle")["training"]
    assert (told["lr"], told["epochs"]) == (0.5, 4)


def test_what_was_changed_stays_changed(tmp_path: Path, disturb: Any) -> None:
    due = stopped(tmp_path / "one", disturb)
    resumed(due, lr=0.5)
    save = stopped(tmp_path / "other", disturb)
    disturb(at(5), by(signal.SIGTERM))
    with pytest.raises(Resumable):
        resumed(save, lr=0.5)
    assert resumed(save) == sha256(due)


def diverge() -> None:
    raise loop.Diverged("training diverged", fix="use a lower --lr")


def test_divergence_says_how_to_go_on(tmp_path: Path, disturb: Any) -> None:
    disturb(at(3), diverge)
    with pytest.raises(InputError, match=r"diverged; use a lower --lr$"):
        begin(tmp_path / "model")
    assert not list(tmp_path.iterdir())
    disturb(at(3), diverge)
    with pytest.raises(InputError, match=r"diverged; go on from step 2 with textkit train --resume .*model and a lower --lr$"):
        begin(tmp_path / "model", save_every=2)
    resumed(tmp_path / "model", lr=0.001)


def test_another_task_is_refused(tmp_path: Path, disturb: Any) -> None:
    save = stopped(tmp_path, disturb)
    with pytest.raises(UsageError, match="holds a training to classify, not to tag"):
        go_on(str(save), "tag", False, {})


def test_deterministic_sets_the_threads_that_it_began_with(tmp_path: Path, disturb: Any, due: str) -> None:
    save = stopped(tmp_path, disturb, deterministic=True)
    try:
        torch.set_num_threads(2)
        assert torch.are_deterministic_algorithms_enabled()
        assert resumed(save) == due
        assert torch.get_num_threads() == 1
    finally:
        torch.use_deterministic_algorithms(False)
        torch.set_num_threads(1)


def test_other_threads_are_told_of_otherwise(tmp_path: Path, disturb: Any, capsys: pytest.CaptureFixture[str]) -> None:
    save = stopped(tmp_path, disturb)
    try:
        torch.set_num_threads(2)
        resumed(save)
    finally:
        torch.set_num_threads(1)
    assert "going on with threads=2" in capsys.readouterr().err
