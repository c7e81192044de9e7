"""Networks from scratch on texts to classify: the accuracy of every architecture on every set, and how long it takes.

    python tests/benchmarks/archs.py [--sets nsmc30k,sst2,rt_polarity,trec] [--archs cnn,lstm] [--seeds N] [-- MORE OPTIONS OF TRAIN]

A text of English is cut into words. Of NSMC subwords are learned, and word vectors to start from (of the same reviews): as
in the main job. `nsmc30k` is its first 30,000 reviews. Nothing comes from other data. The test set is looked at once, at the end of a run;
the epoch is chosen by a tenth of the training data. Goals, means of 3 seeds: nsmc 86.5 in at most 20 minutes (transformer 85.5), sst2 79.0,
rt_polarity 75.5, trec 90.0 with cnn or lstm.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from linear import corpora, write
from measure import TEXTKIT, machine

from textkit.registry import ARCHS

SETS = ("nsmc30k", "sst2", "rt_polarity", "trec")
NEURAL = tuple(name for name, entry in ARCHS.items() if entry.target.startswith("textkit.archs."))
KOREAN = "tokenize --method wordpiece --vocab-size 16000 | embed --method word2vec --dim 64 | pad --length 48 | "


def tables(name: str, folder: Path) -> tuple[str, str]:
    """Files to train on and to test on."""
    train, test = corpora("nsmc" if name == "nsmc30k" else name)
    if name == "nsmc30k":
        train = train[:30_000]
    return tuple(write(frame, folder, f"{name}-{part}")[0] for frame, part in ((train, "train"), (test, "test")))  # type: ignore[return-value]


def trained(name: str, arch: str, seed: int, files: tuple[str, str], folder: Path, more: list[str]) -> tuple[float, float]:
    """Seconds from the raw file to the saved model, and its accuracy on the test set."""
    model = folder / "model"
    chain = (KOREAN if name.startswith("nsmc") else "") + f"train classify --arch {arch} --seed {seed} --force --save {model} {' '.join(more)}"
    began = time.perf_counter()
    subprocess.run([*TEXTKIT, "pipe", "-q", chain, files[0]], check=True)
    seconds = time.perf_counter() - began
    found = subprocess.run([*TEXTKIT, "evaluate", "-q", str(model), files[1], "--json"], capture_output=True, check=True)
    return seconds, json.loads(found.stdout)["accuracy"]


def main() -> None:
    own, more = (sys.argv[1 : sys.argv.index("--")], sys.argv[sys.argv.index("--") + 1 :]) if "--" in sys.argv else (sys.argv[1:], [])
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", default=",".join(SETS), help="of nsmc, nsmc30k, sst2, rt_polarity, trec")
    parser.add_argument("--archs", default=",".join(NEURAL))
    parser.add_argument("--seeds", type=int, default=1)
    given = parser.parse_args(own)
    print(machine())
    with tempfile.TemporaryDirectory(prefix="textkit-") as place:
        folder = Path(place)
        for name in given.sets.split(","):
            files = tables(name, folder)
            for arch in given.archs.split(","):
                runs = [trained(name, arch, seed, files, folder, more) for seed in range(1, given.seeds + 1)]
                mean = 100 * statistics.fmean(accuracy for _, accuracy in runs)
                each = " ".join(f"{100 * accuracy:.2f}" for _, accuracy in runs)
                print(f"{name:<12} {arch:<12} {mean:6.2f} %  {statistics.median(seconds for seconds, _ in runs):6.1f} s   ({each})", flush=True)


if __name__ == "__main__":
    main()
