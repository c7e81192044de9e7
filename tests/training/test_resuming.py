"""Training that is broken off and gone on with: the end is the same bit for bit, and nothing is needed but SAVE.partial."""

from __future__ import annotations

import json
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.making import REVIEWS, stream_of, trained
from textkit.artifacts import folder as artifact
from textkit.errors import InputError, ResourceError, Resumable, UsageError
from textkit.locking import held
from textkit.predicting import Predict
from textkit.showing.artifacts import facts_of_artifact
from textkit.showing.picture import rows, title
from textkit.training import checkpoint, keeping, loop, partial
from textkit.training.keeping import Keeper
from textkit.training.loop import Trainer
from textkit.training.partial import Partial
from textkit.training.resuming import go_on
from textkit.training.run import Plan

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


def by(number: int) -> Callable[[], None]:
    return lambda: signal.raise_signal(number)


def at(step: int) -> When:
    return lambda trainer: trainer.step == step


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


class Killed(BaseException):
    """As near to SIGKILL as one process comes: nothing is saved."""


def kill() -> None:
    raise Killed


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


def stopped(tmp_path: Path, disturb: Any, step: int = 2, **plan: Any) -> Path:
    disturb(at(step), by(signal.SIGTERM))
    with pytest.raises(Resumable):
        begin(tmp_path / "model", **plan)
    return tmp_path / "model"


def test_neither_the_cache_nor_what_it_began_with_is_needed(tmp_path: Path, disturb: Any, cache: Path) -> None:
    begin(tmp_path / "other")
    due = begin(tmp_path / "due", init_from=str(tmp_path / "other"))
    save = stopped(tmp_path, disturb, init_from=str(tmp_path / "other"))
    shutil.rmtree(tmp_path / "other")
    shutil.rmtree(cache)
    assert resumed(save) == due
    shutil.rmtree(tmp_path / "due")
    assert Predict.load(save).task.labels == ["bad", "good"]


def test_the_folder_may_be_moved(tmp_path: Path, disturb: Any, due: str) -> None:
    stopped(tmp_path, disturb)
    (tmp_path / "there").mkdir()
    (tmp_path / "model.partial").rename(tmp_path / "there" / "mine.partial")
    assert resumed(tmp_path / "there" / "mine") == due


def test_the_old_model_serves_until_the_end(tmp_path: Path, disturb: Any, due: str) -> None:
    old = begin(tmp_path / "model", seed=1)
    save = stopped(tmp_path, disturb, force=True)
    assert sha256(save) == old != due
    assert resumed(save) == due


def test_a_model_that_came_meanwhile_is_not_replaced(tmp_path: Path, disturb: Any, due: str) -> None:
    save = stopped(tmp_path, disturb)
    begin(tmp_path / "other", seed=1)
    (tmp_path / "other").rename(save)
    with pytest.raises(UsageError, match="exists already; add --force"):
        resumed(save)
    go_on(str(save), "classify", True, {})
    assert sha256(save) == due


def test_killed_after_it_was_saved_nothing_is_left_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], due: str
) -> None:
    with monkeypatch.context() as killed:
        killed.setattr(partial, "_remove", lambda folder: None)
        begin(tmp_path / "model")
    before = (tmp_path / "model").stat().st_mtime_ns
    assert resumed(tmp_path / "model") == due
    assert "is complete" in capsys.readouterr().err
    assert (tmp_path / "model").stat().st_mtime_ns == before
    assert not (tmp_path / "model.partial").exists()


def test_an_unfinished_training_is_not_thrown_away_unasked(tmp_path: Path, disturb: Any, due: str) -> None:
    save = stopped(tmp_path, disturb, seed=1)
    with pytest.raises(UsageError, match=r"model\.partial: holds an unfinished training; .*--resume .*model.*--force"):
        begin(save)
    assert begin(save, force=True) == due
    assert not Path(f"{save}.partial").exists()


def test_what_a_kill_left_before_the_first_step_is_no_obstacle(tmp_path: Path, due: str) -> None:
    partial = tmp_path / "model.partial"
    (partial / "data").mkdir(parents=True)
    (partial / "data" / "ids.bin").write_bytes(b"half")
    (partial / "lock").touch()
    assert begin(tmp_path / "model") == due
    assert not partial.exists()


@pytest.mark.parametrize("force", [False, True])
def test_a_folder_of_somebody_elses_stays(tmp_path: Path, force: bool) -> None:
    (tmp_path / "model.partial").mkdir()
    (tmp_path / "model.partial" / "mine").write_text("precious")
    with pytest.raises(UsageError, match=r"model\.partial: is not textkit's"):
        begin(tmp_path / "model", force=force)
    assert (tmp_path / "model.partial" / "mine").read_text() == "precious"


def test_two_at_once_are_refused(tmp_path: Path, disturb: Any) -> None:
    save = stopped(tmp_path, disturb)
    with held(f"{save}.partial/lock") as free:
        assert free
        with pytest.raises(UsageError, match="another process is training this"):
            resumed(save)
        with pytest.raises(UsageError, match="another process is training this"):
            begin(save, force=True)
    resumed(save)


def test_an_error_before_anything_was_saved_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="all 3 records have the label"):
        trained(stream_of([{"text": "a b", "label": "x"}] * 3), tmp_path / "model", **SETTINGS)
    assert not list(tmp_path.iterdir())


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


def test_a_folder_that_is_damaged_is_not_trained_on(tmp_path: Path, disturb: Any) -> None:
    save = stopped(tmp_path, disturb)
    file = Path(f"{save}.partial") / "data" / "ids.bin"
    file.write_bytes(b"\1" + file.read_bytes()[1:])
    with pytest.raises(InputError, match=r"ids\.bin.*--save and --force"):
        resumed(save)


def test_what_is_shown_of_it_is_how_far_it_is_and_how_to_go_on(tmp_path: Path, disturb: Any) -> None:
    save = stopped(tmp_path, disturb, step=2)
    facts = facts_of_artifact(f"{save}.partial")
    assert title(facts).endswith("model.partial: an unfinished training, classify with " + facts["plan"]["arch"])
    told = dict(rows(facts))
    assert (told["checkpoint"], told["go on with"]) == ("after step 2", f"textkit train --resume {save}")


def test_without_a_partial_folder_there_is_nothing_to_go_on_with(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such training"):
        resumed(tmp_path / "model")
    begin(tmp_path / "model")
    with pytest.raises(InputError, match="is complete"):
        resumed(tmp_path / "model")


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
