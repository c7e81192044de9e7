"""The fuzzer at length: damaged inputs of every format, in processes that may die.

    python tests/benchmarks/fuzz.py [COUNT] [--start N] [--jobs N]

Inputs are made from their numbers, so that `--start N 1` repeats one. Exit 1 if anything was wrong.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent.parent
CHUNK = 1000
MEMORY = 8 << 30  # bytes that a process may take: damaged lengths must not take the machine's


class Report(NamedTuple):
    counts: Counter[tuple[str, bool]]  # of (format, whether it was accepted)
    troubles: list[str]


def work(start: int, count: int) -> None:
    """In a process of its own: print what came of each input, after its number."""
    import resource

    sys.path.insert(0, str(ROOT))
    from tests.streams.fuzzing import run_chunk

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    with tempfile.TemporaryDirectory() as folder:
        for case, troubles, accepted in run_chunk(start, count, Path(folder)):
            told = "".join(f"\n    {trouble.replace(folder, '')[:2000]}".replace("\0", "") for trouble in troubles)
            shown = f"{case.seed} as {case.name}{told}" if troubles else ""
            print(f"\0{case.number} {case.seed.format} {int(accepted)} {shown}", end="", flush=True)


def chunk(start: int, count: int) -> Report:
    report, end = Report(Counter(), []), start + count
    while start < end:
        command = [sys.executable, __file__, str(end - start), "--start", str(start), "--work"]
        environment = {**os.environ, "POLARS_MAX_THREADS": "1", "OMP_NUM_THREADS": "1"}
        done = subprocess.run(command, capture_output=True, env=environment, check=False, timeout=3600)
        for number, found in _parts(done.stdout.decode(errors="replace"), report):
            start = number + 1
            if found:
                report.troubles.append(f"input {number}: {found}")
        if start < end:  # the process died of the next one
            report.troubles.append(f"input {start}: exit {done.returncode}: {done.stderr.decode(errors='replace')[-2000:]}")
            report.counts["died", False] += 1
            start += 1
    return report


def _parts(text: str, report: Report) -> Iterator[tuple[int, str]]:
    for part in text.split("\0")[1:]:
        match = re.match(r"(\d+) (\w+) ([01]) (.*)", part, re.DOTALL)
        if match:
            report.counts[match[2], match[3] == "1"] += 1
            yield int(match[1]), match[4]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("count", nargs="?", type=int, default=100_000)
    parser.add_argument("--start", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--work", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.work:
        work(given.start, given.count)
        return
    end = given.start + given.count
    total: Counter[tuple[str, bool]] = Counter()
    wrong = 0
    with ThreadPoolExecutor(given.jobs) as pool:
        for report in pool.map(lambda start: chunk(start, min(CHUNK, end - start)), range(given.start, end, CHUNK)):
            total += report.counts
            wrong += len(report.troubles)
            for trouble in report.troubles:
                print(trouble, flush=True)
    for name in sorted({name for name, _ in total}):
        print(f"{name:<10} {total[name, True]:>8} accepted {total[name, False]:>8} refused")
    print(f"{sum(total.values())} inputs were run, {wrong} of them went wrong")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
