"""SAVE.partial: whose it is, what it is guarded from, and that it is all that is needed."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.making import stream_of, trained
from tests.training.breaking import SETTINGS, begin, resumed, sha256, stopped
from textkit.errors import InputError, UsageError
from textkit.locking import held
from textkit.predicting import Predict
from textkit.showing.artifacts import facts_of_artifact
from textkit.showing.picture import rows, title
from textkit.training import partial
from textkit.training.resuming import go_on


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
