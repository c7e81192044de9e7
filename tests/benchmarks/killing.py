"""Training that is killed 20 times, at random moments, and resumed each time: are the weights those of an undisturbed run?

killing.py [COUNT] [SEED]: SIGKILL comes COUNT times, now at any time since the start, now while it trains. So it hits
starting up, reading, training, validating and the writing of checkpoints, which is done every third step.
"""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from measure import TEXTKIT, machine

REVIEWS = Path(__file__).parent.parent.parent / "sample_corpora" / "reviews_en.tsv"
TRAIN = ["train", "classify", str(REVIEWS), "--arch", "lstm", "-s", "hidden=16", "--epochs", "12", "--deterministic", "-q"]


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    when = random.Random(sys.argv[2] if len(sys.argv) > 2 else "1")
    print(machine())
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        os.environ["TEXTKIT_CACHE"] = str(folder / "cache")
        started = time.perf_counter()
        run(folder, [*TRAIN, "--save", "plain"])
        took = time.perf_counter() - started
        print(f"undisturbed: {took:.1f} s, {weights(folder / 'plain')[:12]}")
        first = [*TRAIN, "--save-every", "3", "--save", "model"]
        ends, killed = [], 0
        while killed < count:
            after = when.uniform(0, took / 3) if killed % 2 else when.uniform(0, 1)
            if not run(folder, words(folder, first), after, step(folder) if killed % 2 == 0 else None):
                ends.append(ended(folder))  # before it was killed: another one
            else:
                killed += 1
                print(f"kill {killed:2}: after {after:4.1f} s{' of training' if killed % 2 else ''}, step {step(folder)}", flush=True)
        run(folder, words(folder, first))
        ends.append(ended(folder))
        sys.exit(not all(ends))


def ended(folder: Path) -> bool:
    """Whether the weights are those that are due; the model is removed."""
    same = weights(folder / "plain") == weights(folder / "model")
    left = sorted(path.name for path in folder.iterdir() if path.name not in ("cache", "plain", "model"))
    print(f"killed and resumed: {weights(folder / 'model')[:12]}, {'the same' if same else 'NOT THE SAME'}; left behind: {left or 'nothing'}")
    shutil.rmtree(folder / "model")
    return same


def words(folder: Path, first: list[str]) -> list[str]:
    """How to go on: by --resume, once there is something to resume."""
    return ["train", "--resume", "model", "-q"] if (folder / "model.partial" / "manifest.json").exists() else first


def run(folder: Path, arguments: list[str], kill_after: float | None = None, past: int | None = None) -> bool:
    """Whether it was killed: `kill_after` seconds after it was started, or after it came past a step."""
    process = subprocess.Popen([*TEXTKIT, *arguments], cwd=folder)
    while past is not None and step(folder) <= past and process.poll() is None:
        time.sleep(0.01)
    try:
        code = process.wait(kill_after)
        assert code == 0, f"exit code {code}"
        return False
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return True


def step(folder: Path) -> int:
    """Of the last checkpoint."""
    return max((int(path.name) for path in (folder / "model.partial" / "checkpoints").glob("[0-9]*")), default=0)


def weights(save: Path) -> str:
    return hashlib.sha256((save / "model.safetensors").read_bytes()).hexdigest()


if __name__ == "__main__":
    main()
