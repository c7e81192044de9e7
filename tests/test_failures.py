"""What the machine does to us: places that cannot be written, full disks, SIGKILL. Nothing half-made is ever left."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import TEXTKIT, Textkit

LEARN = {
    "tokenize": ["tokenize", "--method", "wordpiece"],
    "embed": ["embed", "--dim", "256"],
    "train": ["train", "classify", "--arch", "logreg"],
}
learns = pytest.mark.parametrize("words", LEARN.values(), ids=LEARN)


def told_once(stderr: str) -> str:
    errors = [line for line in stderr.splitlines() if "error:" in line]
    assert len(errors) == 1, stderr
    return errors[0]


@learns
@pytest.mark.parametrize("place", ["/proc/model", "/sys/model", "reviews.tsv/model"])
def test_a_target_that_cannot_be_written_is_told_before_any_work(textkit: Textkit, made: Path, words: list[str], place: str) -> None:
    """True of root as well. The input is never read: it does not exist."""
    (textkit.folder / "reviews.tsv").write_bytes((made / "reviews.tsv").read_bytes())
    result = textkit(*words, "--save", place, "gone.tsv", code=6)
    assert re.search(f"error: {place}: cannot be written: .*; choose another place", told_once(result.stderr))


def test_output_that_cannot_be_written(textkit: Textkit, made: Path) -> None:
    assert "/proc/out.jsonl: cannot be written" in told_once(textkit("tokenize", "-o", "/proc/out.jsonl", made / "reviews.tsv", code=6).stderr)


MOUNT = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", 'mount -t tmpfs -o "$1" none "$2" && shift 2 && exec "$@"', "sh"]


def on_a_small_disk(textkit: Textkit, options: str, script: str) -> subprocess.CompletedProcess[str]:
    """Run a script with a file system of its own at ./disk, which is seen by nobody else and goes when the script ends."""
    (textkit.folder / "disk").mkdir(exist_ok=True)
    probe = [*MOUNT, options, str(textkit.folder / "disk"), "true"]
    if subprocess.run(probe, capture_output=True).returncode:
        pytest.skip("this system lets no user mount")
    function = f'textkit() {{ "{sys.executable}" -m textkit "$@"; }}\n'
    command = [*MOUNT, options, "disk", "bash", "-c", function + script]
    return subprocess.run(command, capture_output=True, text=True, cwd=textkit.folder, env=dict(os.environ), timeout=120)


@learns
def test_a_read_only_disk(textkit: Textkit, made: Path, words: list[str]) -> None:
    done = on_a_small_disk(textkit, "ro", f"textkit {shlex.join(words)} --save disk/new {made / 'reviews.tsv'}")
    assert done.returncode == 6, done.stderr
    assert "error: disk/new: cannot be written" in told_once(done.stderr)


@learns
@pytest.mark.parametrize("size", ["4k", "8k"])
def test_a_full_disk_keeps_nothing_half_made(textkit: Textkit, made: Path, words: list[str], size: str) -> None:
    """tmpfs counts pages of 4 KB, so that the artifact breaks off at its first or at a later file."""
    script = f"textkit {shlex.join(words)} --save disk/new {made / 'reviews.tsv'}; code=$?; ls -A disk; exit $code"
    done = on_a_small_disk(textkit, f"size={size}", script)
    assert done.returncode == 6, done.stderr
    assert "disk/new: cannot be written: no space left on device" in told_once(done.stderr)
    assert done.stdout.splitlines()[-1:] != ["new"]
    assert ".draft" not in done.stdout


def test_a_full_disk_keeps_the_artifact_that_was_there(textkit: Textkit, made: Path) -> None:
    again = f"textkit train classify --arch logreg --save disk/model --force {made / 'reviews.tsv'}"
    script = f"cp -r {made / 'model'} disk && {again}; code=$?; ls -A disk; textkit show disk/model --json >&2; exit $code"
    done = on_a_small_disk(textkit, "size=160k", script)
    assert done.returncode == 6, done.stderr
    assert done.stdout == "model\n"
    assert '"arch": "logreg"' in done.stderr.splitlines()[-1]


@learns
def test_a_quota_is_a_full_disk_too(textkit: Textkit, made: Path, words: list[str]) -> None:
    """Without any mount: no file may grow past 1 KB."""
    done = textkit.shell(f"ulimit -f 1; textkit {shlex.join(words)} --save new {made / 'reviews.tsv'} >/dev/null", code=6)
    assert "file too large" in told_once(done.stderr)
    assert [*textkit.folder.iterdir()] == []


def test_a_full_cache_is_told(textkit: Textkit, made: Path) -> None:
    script = f"TEXTKIT_CACHE=disk textkit embed --dim 256 {made / 'reviews.tsv'}; code=$?; ls -A disk; exit $code"
    done = on_a_small_disk(textkit, "size=12k", script)
    assert done.returncode == 6, done.stderr
    assert "disk: cannot be written: no space left on device" in told_once(done.stderr)
    assert done.stdout == ""


def start(textkit: Textkit, *words: str, **pipes: object) -> subprocess.Popen[bytes]:
    return subprocess.Popen([*TEXTKIT, *words], cwd=textkit.folder, stderr=subprocess.PIPE, env=dict(os.environ), **pipes)  # type: ignore[call-overload, no-any-return]


def test_train_killed_while_it_trains_leaves_no_model(textkit: Textkit, made: Path) -> None:
    words = ["train", "classify", "--arch", "lstm", "-s", "hidden=8", "--epochs", "9999", "--save", "model", str(made / "reviews.tsv")]
    process = start(textkit, *words)
    assert process.stderr is not None
    told = b""
    while b"epoch=2" not in told:
        told = process.stderr.readline()
        assert told, "it ended before it was killed"
    process.kill()
    process.communicate()
    assert not (textkit.folder / "model").exists()
    assert textkit("predict", "model", stdin="x", code=3).stderr.endswith("model: no such artifact; give a folder that --save made\n")


@pytest.mark.parametrize("killed", [0, 1, 2])
def test_a_stage_killed_before_train_gives_no_model_of_half_the_data(textkit: Textkit, made: Path, killed: int) -> None:
    """tokenize | pad | pad | train: half the records have reached train when one stage is killed, and all before it."""
    lines = (made / "reviews.tsv").read_bytes().splitlines(keepends=True)
    filters: list[subprocess.Popen[bytes]] = []
    for words in (["tokenize"], ["pad", "--length", "20"], ["pad", "--length", "16"]):
        filters.append(start(textkit, *words, stdin=filters[-1].stdout if filters else subprocess.PIPE, stdout=subprocess.PIPE))
        if len(filters) > 1:
            filters[-2].stdout.close()  # type: ignore[union-attr]
    train = start(textkit, "train", "classify", "--arch", "logreg", "--save", "model", stdin=subprocess.PIPE)
    source, out = filters[0].stdin, filters[-1].stdout
    assert source is not None and out is not None
    source.write(b"".join(lines[:21]))
    source.flush()
    arrived = [out.readline() for _ in range(21)]
    assert b'"stages"' in arrived[0] and b'"tokens"' in arrived[-1]
    for process in filters[: killed + 1]:
        process.kill()
    _, told = train.communicate(b"".join(arrived) + out.read(), timeout=60)
    assert train.returncode == 3, told.decode()
    assert "<stdin> stops after 20 records without its end line: what wrote it was stopped" in told_once(told.decode())
    assert [*textkit.folder.iterdir()] == []
    for process in filters:
        process.wait(60)
        process.stderr.close()  # type: ignore[union-attr]
    out.close()
    source.close()


@pytest.mark.parametrize("stage", [["embed", "--save", "vec"], ["tokenize", "--method", "wordpiece", "--save", "tok"]], ids=lambda words: words[0])
def test_a_killed_upstream_leaves_nothing_learned(textkit: Textkit, made: Path, stage: list[str]) -> None:
    whole = textkit("tokenize", made / "reviews.tsv").stdout.splitlines(keepends=True)
    result = textkit(*stage, stdin="".join(whole[:20]), code=3)
    assert "<stdin> stops after 19 records without its end line" in told_once(result.stderr)
    assert result.stdout == ""
    assert [*textkit.folder.iterdir()] == []
