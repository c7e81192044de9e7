"""What a training is broken off by, and what it has to come to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.training.breaking import When, begin
from textkit.training.keeping import Keeper
from textkit.training.loop import Trainer


@pytest.fixture(scope="module")
def due(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The hash of the bundle of an undisturbed run."""
    return begin(tmp_path_factory.mktemp("due") / "model")


@pytest.fixture
def disturb(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Lets something happen, once, at the first moment of the training that `when` is true of."""
    call = Keeper.__call__
    waiting: list[tuple[When, Callable[[], Any]]] = []

    def watched(self: Keeper, trainer: Trainer) -> None:
        if waiting and waiting[0][0](trainer):
            waiting.pop(0)[1]()
        call(self, trainer)

    monkeypatch.setattr(Keeper, "__call__", watched)
    yield lambda when, happens: waiting.append((when, happens))
    assert not waiting, "it never came to that"
