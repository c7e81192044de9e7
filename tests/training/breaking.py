"""A training that tests break off, and go on with."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.making import REVIEWS, stream_of, trained
from textkit.artifacts import folder as artifact
from textkit.errors import Resumable
from textkit.training.loop import Trainer
from textkit.training.resuming import go_on

torch.set_num_threads(1)  # tensors this small are only slowed down by more
SETTINGS = {"arch": "lstm", "settings": ("hidden=4", "embedding_dim=4"), "training": {"epochs": 3, "batch_size": 4}}
STEPS = 4  # in an epoch

When = Callable[[Trainer], bool]


def begin(save: Path, **plan: Any) -> str:
    return trained(stream_of(REVIEWS), save, **{**SETTINGS, **plan})


def sha256(save: Path) -> str:
    return str(artifact.load(save, "bundle")["sha256"])


def resumed(save: Path, **changes: Any) -> str:
    go_on(str(save), None, False, changes)
    return sha256(save)


def by(number: int) -> Callable[[], None]:
    return lambda: signal.raise_signal(number)


def at(step: int) -> When:
    return lambda trainer: trainer.step == step


def stopped(tmp_path: Path, disturb: Any, step: int = 2, **plan: Any) -> Path:
    disturb(at(step), by(signal.SIGTERM))
    with pytest.raises(Resumable):
        begin(tmp_path / "model", **plan)
    return tmp_path / "model"


class Killed(BaseException):
    """As near to SIGKILL as one process comes: nothing is saved."""


def kill() -> None:
    raise Killed
