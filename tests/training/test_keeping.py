"""When checkpoints are written, and what becomes of a training that cannot write one."""

from __future__ import annotations

import signal
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.training.breaking import at, begin, by, resumed
from textkit.errors import ResourceError
from textkit.training import checkpoint, keeping
from textkit.training.partial import Partial
from textkit.training.run import Plan


def test_a_full_disk_leaves_the_checkpoint_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, due: str) -> None:
    write = checkpoint.write

    def full(folder: Path, step: int, *rest: Any) -> None:
        if step == 4:
            raise ResourceError("cannot be written: no space left on device")
        write(folder, step, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(checkpoint, "write", full)
        with pytest.raises(ResourceError, match=r"no space left on device; make room, and go on from step 2 with textkit train --resume"):
            begin(tmp_path / "model", save_every=2)
    assert resumed(tmp_path / "model") == due


def test_checkpoints_by_time_cost_a_small_share_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock on which a step takes 1 s and a checkpoint 2 s."""
    now, written = [0.0], []
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    monkeypatch.setattr(keeping, "AFTER_STEP", 5.0)

    def write(folder: Path, step: int, *_: Any) -> None:
        now[0] += 2
        written.append(step)

    monkeypatch.setattr(checkpoint, "write", write)

    class Run:
        history: tuple[()] = ()
        step = 0

        def snapshot(self) -> tuple[dict[str, Any], dict[str, Any]]:
            return {}, {}

    with keeping.guarded(Partial(tmp_path), Plan("classify", "model"), {}) as keeper:
        run: Any = Run()
        for run.step in range(1, 500):
            now[0] += 1
            keeper(run)
    assert written[0] == 5
    assert {later - one for one, later in pairwise(written)} == {100}
    assert 2 * len(written[1:]) <= keeping.SHARE * now[0]


def test_a_second_signal_ends_at_once(tmp_path: Path, disturb: Any) -> None:
    class Ended(BaseException): ...

    def end(*_: Any) -> None:
        raise Ended

    before = signal.signal(signal.SIGTERM, end)

    def twice() -> None:
        by(signal.SIGTERM)()
        by(signal.SIGTERM)()

    disturb(at(2), twice)
    try:
        with pytest.raises(Ended):
            begin(tmp_path / "model")
        assert signal.getsignal(signal.SIGTERM) is end
    finally:
        signal.signal(signal.SIGTERM, before)
