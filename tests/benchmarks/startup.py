"""Start-up: the wall time of short commands, warm, median of 20. Goals: --help 60 ms, tokenize on one line 300 ms."""

from __future__ import annotations

import statistics
import subprocess
import time

from measure import TEXTKIT, machine

COMMANDS = {"textkit --help": ["--help"], "textkit tokenize, one line": ["tokenize", "--progress", "none"]}
RUNS = 20


def main() -> None:
    print(machine())
    for name, arguments in COMMANDS.items():
        times = []
        for _ in range(RUNS + 1):  # the first warms the disk's cache
            started = time.perf_counter()
            subprocess.run([*TEXTKIT, *arguments], input=b"one line\n", stdout=subprocess.DEVNULL, check=True)
            times.append(1000 * (time.perf_counter() - started))
        times = times[1:]
        print(f"{name}: median {statistics.median(times):.0f} ms (from {min(times):.0f} to {max(times):.0f})")


if __name__ == "__main__":
    main()
