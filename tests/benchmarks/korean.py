"""Word vectors of Korean: FastText with n-grams of characters, of jamo, and of jamo with syllables beside them (Park et al. 2018).

    python tests/benchmarks/korean.py [--seeds N] [--epochs N] [NAME ...]

All learn skip-gram from the reviews of NSMC, cut at white space, and are measured on the pairs of words of the Korean
WordSim-353 (Spearman's rho) and on Korean analogies (per cent right), words that were never seen among them.
Goal: jamo are better than characters on both. Of 353 pairs one standard error is 5 points of 100.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
from pathlib import Path
from typing import Any

from measure import DATA, machine, run_pipe

JAMO = ["--subword", "jamo"]
SETTINGS = {
    "characters 3-6": [],  # what --method fasttext does by itself
    "characters 1-4": ["--min-n", "1", "--max-n", "4"],
    "jamo 3-6, no syllables": [*JAMO, "-s", "syllables=0"],
    "jamo 3-6": JAMO,
    "jamo 3-5": [*JAMO, "--max-n", "5"],
    "jamo 3-4": [*JAMO, "--max-n", "4"],
    "jamo 3": [*JAMO, "--max-n", "3"],
}


def measured(vectors: Path, folder: Path) -> dict[str, Any]:
    sets = DATA / "embedding_eval"
    out = folder / "measured.json"
    arguments = ["--pairs", str(sets / "ko_ws353.csv"), "--analogies", str(sets / "ko_word_analogy.txt")]
    run_pipe(["evaluate", str(vectors), *arguments, "--json", "--progress", "none"], stdout=str(out))
    found: dict[str, Any] = json.loads(out.read_text())
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", default=[*SETTINGS], metavar="NAME", help="which settings: all of them")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=5)
    given = parser.parse_args()
    print(machine())
    with tempfile.TemporaryDirectory(prefix="textkit-") as name:
        folder = Path(name)
        tokens, vectors = folder / "tokens.jsonl", folder / "vec"
        run_pipe(["tokenize", "--method", "whitespace", str(DATA / "nsmc" / "ratings_train.txt.gz"), "--progress", "none"], stdout=str(tokens))
        for title in given.names:
            runs = []
            for seed in range(1, given.seeds + 1):
                common = ["--sg", "--epochs", str(given.epochs), "--seed", str(seed), "--threads", "2", "--save", str(vectors), "--force"]
                seconds, _ = run_pipe(
                    ["embed", "--method", "fasttext", *SETTINGS[title], *common, str(tokens), "-o", "/dev/null", "--progress", "none"]
                )
                runs.append((seconds, measured(vectors, folder)))
            print_row(title, runs)


def print_row(title: str, runs: list[tuple[float, dict[str, Any]]]) -> None:
    """Means over seeds. An analogy counts where its answer is a word of the vocabulary."""
    rho = [100 * found["pairs"][0]["spearman_all"] for _, found in runs]
    right = []
    for _, found in runs:
        asked = found["analogies"][0]
        right.append(100 * asked["correct_all"] / max(1, asked["known"] + asked["by_subwords"]))
    seconds = statistics.median(seconds for seconds, _ in runs)
    each = ", ".join(f"{one:.1f}/{other:.1f}" for one, other in zip(rho, right, strict=True))
    print(
        f"{title:<24} word pairs {statistics.fmean(rho):5.1f}   analogies {statistics.fmean(right):5.1f} %   ({each})   {seconds:.0f} s", flush=True
    )


if __name__ == "__main__":
    main()
