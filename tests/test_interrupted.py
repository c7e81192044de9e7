"""Training as a process that is stopped, killed and starved: what --resume makes of it is what an undisturbed run makes."""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import TEXTKIT, Textkit
from tests.test_failures import on_a_small_disk, told_once

PATIENCE = 60.0  # s: a slow machine is no failure
NETWORK = ["--arch", "lstm", "-s", "hidden=4", "-s", "embedding_dim=4", "--batch-size", "2", "--deterministic"]
LONG = [*NETWORK, "--epochs", "6"]


def start(folder: Path, *arguments: object) -> subprocess.Popen[bytes]:
    command = [*TEXTKIT, *map(str, arguments)]
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd=folder, env=dict(os.environ))


def wait_for(process: subprocess.Popen[bytes], what: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not what():
        assert process.poll() is None, process.stderr.read()  # type: ignore[union-attr]
        assert time.monotonic() < deadline, "it never came to that"
        time.sleep(0.005)


def last_step(save: Path) -> int:
    return max((int(path.name) for path in Path(f"{save}.partial", "checkpoints").glob("[0-9]*")), default=0)


def weights(save: Path) -> str:
    return hashlib.sha256((save / "model.safetensors").read_bytes()).hexdigest()


@pytest.fixture(scope="module")
def undisturbed(made: Path) -> str:
    """The weights of a run of LONG that nothing happened to."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TEXTKIT_CACHE", str(made / "cache"))
        patch.setenv("OMP_NUM_THREADS", "1")
        Textkit(made)("train", "classify", *LONG, "--save", "undisturbed", "reviews.tsv")
    return weights(made / "undisturbed")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_saves_and_neither_input_nor_upstream_is_needed_again(
    textkit: Textkit, made: Path, cache: Path, undisturbed: str, number: int
) -> None:
    shutil.copy(made / "reviews.tsv", textkit.folder)
    process = start(textkit.folder, "train", "classify", *LONG, "--save-every", 5, "--save", "model", "reviews.tsv")
    wait_for(process, lambda: last_step(textkit.folder / "model") >= 10)
    process.send_signal(number)
    _, told = process.communicate(timeout=PATIENCE)
    assert process.returncode == 75, told
    assert told_once(told.decode()).endswith("and saved; go on with textkit train --resume model")
    (textkit.folder / "reviews.tsv").unlink()
    shutil.rmtree(cache)
    assert "going on from step" in textkit("train", "--resume", "model").stderr
    assert weights(textkit.folder / "model") == undisturbed
    assert "prediction" in textkit("predict", "model", stdin="good film\n").stdout
    assert not (textkit.folder / "model.partial").exists()


def test_a_signal_while_it_validates(textkit: Textkit, made: Path) -> None:
    """Two records to learn, so many to validate that this takes most of the time."""
    lines = (made / "reviews.tsv").read_text().splitlines(keepends=True)
    (textkit.folder / "many.tsv").write_text(lines[0] + "".join(lines[1:]) * 400)
    (textkit.folder / "few.tsv").write_text("".join(lines[:5]))
    process = start(textkit.folder, "train", "classify", *LONG, "--valid", "many.tsv", "--save-every", 1, "--save", "model", "few.tsv")
    wait_for(process, lambda: last_step(textkit.folder / "model") == 2)  # of an epoch
    process.send_signal(signal.SIGTERM)
    _, told = process.communicate(timeout=PATIENCE)
    assert process.returncode == 75, told
    assert b"stopped by SIGTERM at step 2, and saved" in told
    assert b"epoch=1 " not in told


def test_killed_at_random_it_ends_the_same(textkit: Textkit, made: Path, undisturbed: str) -> None:
    """tests/benchmarks/killing.py does it more often."""
    save, when = textkit.folder / "model", random.Random(7)
    words = ["train", "classify", *LONG, "--save-every", 3, "--save", "model", made / "reviews.tsv"]
    for _ in range(3):
        process = start(textkit.folder, *words)
        begun = last_step(save)
        wait_for(process, lambda begun=begun: last_step(save) > begun)  # type: ignore[misc]
        time.sleep(when.uniform(0, 0.1))
        process.kill()
        process.communicate(timeout=PATIENCE)
        words = ["train", "--resume", "model"]
        if save.exists():
            break  # this machine was faster than the signal
    else:
        textkit(*words)
    assert weights(save) == undisturbed


def test_a_signal_while_it_still_reads_leaves_nothing(textkit: Textkit, made: Path) -> None:
    stream = textkit("tokenize", "--load", made / "tok", made / "reviews.tsv").stdout
    command = [*TEXTKIT, "train", "classify", *NETWORK, "--save", "model"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, cwd=textkit.folder, env=dict(os.environ))
    process.stdin.write("".join(stream.splitlines(keepends=True)[:-1]).encode())  # type: ignore[union-attr]
    process.stdin.flush()  # type: ignore[union-attr]
    wait_for(process, lambda: (textkit.folder / "model.partial" / "data").exists())
    process.send_signal(signal.SIGTERM)
    assert process.wait(PATIENCE) == 143
    assert not list(textkit.folder.iterdir())


def test_a_log_reader_that_leaves_does_not_matter(textkit: Textkit, made: Path, undisturbed: str) -> None:
    process = start(textkit.folder, "train", "classify", *LONG, "--save", "model", made / "reviews.tsv")
    process.stderr.close()  # type: ignore[union-attr]
    assert process.wait(PATIENCE) == 0
    assert weights(textkit.folder / "model") == undisturbed


def test_another_run_to_the_same_place_is_refused(textkit: Textkit, made: Path) -> None:
    words = ["train", "classify", *NETWORK, "--epochs", 1000, "--save", "model", made / "reviews.tsv"]
    process = start(textkit.folder, *words)
    wait_for(process, lambda: (textkit.folder / "model.partial" / "manifest.json").exists())
    assert "model.partial: another process is training this" in told_once(textkit(*words, "--force", code=2).stderr)
    process.kill()
    process.communicate(timeout=PATIENCE)
    told = told_once(textkit(*words, code=2).stderr)
    assert told.endswith("holds an unfinished training; go on with it by textkit train --resume model, or add --force to begin anew")


def test_a_disk_that_fills_up_keeps_the_checkpoint_before(textkit: Textkit, made: Path) -> None:
    """A checkpoint takes 300 KB."""
    train = f"textkit train classify --arch lstm -s hidden=4 -s embedding_dim=256 --save-every 1 --save disk/model {made / 'reviews.tsv'}"
    script = f"{train}; code=$?; ls disk/model.partial/checkpoints; exit $code"
    done = on_a_small_disk(textkit, "size=800k", script)
    assert done.returncode == 6, done.stderr
    assert "no space left on device; make room, and go on from step " in told_once(done.stderr)
    assert [len(line) for line in done.stdout.split()] == [9, 9]


@pytest.mark.parametrize("size", ["4k", "16k"])
def test_a_disk_that_is_too_small_from_the_start_keeps_nothing(textkit: Textkit, made: Path, size: str) -> None:
    train = f"textkit train classify {' '.join(NETWORK)} --save disk/model {made / 'reviews.tsv'}"
    done = on_a_small_disk(textkit, f"size={size}", f"{train}; code=$?; ls -A disk; exit $code")
    assert done.returncode == 6, done.stderr
    assert "disk/model" in told_once(done.stderr)
    assert "cannot be written: no space left on device" in told_once(done.stderr)
    assert not done.stdout


@pytest.mark.parametrize(
    ("words", "code", "due"),
    [
        (["--resume", "gone"], 3, "no such training"),
        (["--resume", "gone", "--arch", "lstm"], 2, "--arch is for a new training"),
        (["classify", "--resume", "gone", "reviews.tsv"], 2, "is for a new training"),
        ([], 2, "train takes a task first"),
    ],
)
def test_what_resume_does_not_take(textkit: Textkit, words: list[str], code: int, due: str) -> None:
    assert due in told_once(textkit("train", *words, code=code).stderr)


def test_resume_is_no_stage_of_a_pipe(textkit: Textkit) -> None:
    assert "no stage of a pipe" in told_once(textkit("pipe", "tokenize | train --resume model", code=2).stderr)
