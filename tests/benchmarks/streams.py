"""What it costs to pass records on: against a loop with orjson, in Arrow against JSON Lines, and line by line.

    python tests/benchmarks/streams.py [passthrough] [transport] [latency] [--big] [--runs N]

Each ratio is of medians of runs that take turns on one machine. Goals: 1.8 times the speed of the loop and at most
400 MB; a peak at 2 GB (--big) within 10 % of that at 200 MB; Arrow at most a quarter of what JSON Lines cost; every
line through three processes within 300 ms.
"""

from __future__ import annotations

import argparse
import filecmp
import importlib.util
import io
import json
import os
import random
import select
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from measure import TEXTKIT, Usage, machine, run_pipe

CORPORA = Path(__file__).resolve().parent.parent.parent / "sample_corpora"
SIZE = 200_000_000  # bytes
RECORDS = 200_000
LINES = 50
LOOP = """
import sys
from orjson import dumps, loads
write = sys.stdout.buffer.write
for line in sys.stdin.buffer:
    write(dumps(loads(line)) + b"\\n")
"""
CHILD = "--transport-in-process"


def texts() -> list[str]:
    lines = [line for name in ("reviews_ko.tsv", "reviews_en.tsv") for line in (CORPORA / name).read_text(encoding="utf-8").splitlines()[1:]]
    return [line.split("\t")[0] for line in lines]


def make_lines(path: Path) -> None:
    """JSON Lines with a text and four fields of the user's own."""
    chance, words = random.Random(1), " ".join(texts()).split()
    with path.open("wb") as out:
        while out.tell() < SIZE:
            for number in range(1000):
                record = {
                    "id": chance.randrange(10**9),
                    "text": " ".join(chance.choices(words, k=chance.randint(5, 40))),
                    "user": {"name": chance.choice(words), "since": 2000 + number % 25},
                    "stars": chance.randint(2, 10) / 2,
                    "topics": chance.choices(words, k=3),
                }
                out.write(json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode() + b"\n")


def alternate(runs: int, *measures: Callable[[], float]) -> list[float]:
    """The median of each, one run of each after the other; a first round warms the disk's cache."""
    rounds = [[measure() for measure in measures] for _ in range(runs + 1)][1:]
    return [statistics.median(times) for times in zip(*rounds, strict=True)]


def done(found: tuple[float, list[Usage]]) -> tuple[float, float]:
    """(seconds, the highest peak in MB); stops the benchmark if a process failed."""
    seconds, usages = found
    if any(usage.code for usage in usages):
        sys.exit(f"failed: {usages}")
    return seconds, max(usage.peak for usage in usages)


def row(name: str, value: str, goal: str = "") -> None:
    print(f"  {name:<62} {value:>22}  {goal}", flush=True)


def passthrough(folder: Path, runs: int, big: bool) -> None:
    if importlib.util.find_spec("orjson") is None:
        sys.exit("the loop to compare with needs orjson: pip install orjson")
    source, out = folder / "big.jsonl", str(folder / "out.jsonl")
    make_lines(source)
    peaks: list[float] = []

    def ours() -> float:
        seconds, peak = done(run_pipe(["convert", str(source), "--no-lineage"], stdout=out))
        peaks.append(peak)
        return seconds

    def loop() -> float:
        return done(run_pipe(["-c", LOOP], stdin=str(source), stdout=out, program=[sys.executable]))[0]

    size = source.stat().st_size / 1e6
    peer, mine = alternate(runs, loop, ours)
    print(f"convert --no-lineage, {size:.0f} MB of JSON Lines")
    row("a streaming loop with orjson", f"{peer:.2f} s, {size / peer:.0f} MB/s")
    row("textkit convert", f"{mine:.2f} s, {size / mine:.0f} MB/s")
    row("times as fast as the loop", f"{peer / mine:.2f}", "goal 1.8")
    row("peak memory", f"{max(peaks):.0f} MB", "goal 400 MB")
    row("the output is the input, byte for byte", "yes" if filecmp.cmp(source, out, shallow=False) else "NO")
    if big:
        twin = folder / "bigger.jsonl"
        with twin.open("wb") as whole:
            for _ in range(10):
                shutil.copyfileobj(source.open("rb"), whole, 1 << 20)
        seconds, peak = done(run_pipe(["convert", str(twin), "--no-lineage"], stdout=out))
        row(f"{twin.stat().st_size / 1e6:.0f} MB: time, peak memory", f"{seconds:.2f} s, {peak:.0f} MB")
        row("its peak against that of the smaller input", f"{100 * peak / max(peaks) - 100:+.1f} %", "goal 10 %")
        row("the output is the input, byte for byte", "yes" if filecmp.cmp(twin, out, shallow=False) else "NO")
        twin.unlink()
    source.unlink()


def tokenized(folder: Path) -> dict[str, Path]:
    """Files of one stream with tokens and ids, by format; `one` has a single record, to tell what starting costs."""
    chance, found, raw = random.Random(2), texts(), folder / "raw.txt"
    raw.write_text("".join(f"{chance.choice(found)}\n" for _ in range(RECORDS)), encoding="utf-8")
    learn(folder)
    paths = {name: folder / f"{part}.{form}" for part in ("all", "one") for form in ("jsonl", "arrow") for name in (f"{part}.{form}",)}
    for name, path in paths.items():
        limit = ["--limit", "1"] if name.startswith("one") else []
        done(run_pipe(["tokenize", "--load", str(folder / "tok"), *limit, "-o", str(path), str(raw)]))
    return paths


def learn(folder: Path) -> None:
    if not (folder / "tok").exists():
        arguments = ["tokenize", str(CORPORA / "reviews_ko.tsv"), "--method", "wordpiece", "--vocab-size", "4000", "--save", str(folder / "tok")]
        done(run_pipe(arguments))


def transport(folder: Path, runs: int) -> None:
    paths = tokenized(folder)

    def pipe(name: str, form: str) -> Callable[[], float]:
        return lambda: done(run_pipe(["convert", str(paths[name]), "--to", form], ["convert", "--to", form]))[0]

    print(f"a stream of {RECORDS} records with tokens and ids")
    command = [sys.executable, __file__, CHILD, str(folder), "--runs", str(runs)]
    written, read, lines_written, lines_read = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    row("write, read: JSON Lines", f"{lines_written:.2f} s, {lines_read:.2f} s")
    row("write, read: Arrow", f"{written:.2f} s, {read:.2f} s")
    row("Arrow's share of the cost of JSON Lines", f"{(written + read) / (lines_written + lines_read):.2f}", "goal 0.25")
    whole, start, lines, lines_start = alternate(
        runs, pipe("all.arrow", "arrow"), pipe("one.arrow", "arrow"), pipe("all.jsonl", "jsonl"), pipe("one.jsonl", "jsonl")
    )
    row("convert | convert, less their start-up: JSON Lines", f"{lines - lines_start:.2f} s")
    row("convert | convert, less their start-up: Arrow", f"{whole - start:.2f} s")
    row("Arrow's share of that", f"{(whole - start) / (lines - lines_start):.2f}", "JSON untouched")


def transport_in_process(folder: Path, runs: int) -> None:
    """Write the batches that a tokenizer gives, and read their tokens and ids again."""
    from textkit.registry import FORMATS
    from textkit.streams.formats.base import Writing
    from textkit.streams.lineage import Lineage
    from textkit.streams.source import Inputs, open_stream

    def batches(path: Path) -> list[Any]:
        return list(open_stream(Inputs((str(path),)), ("tokens", "ids")).batches)

    stream = batches(folder / "all.arrow")

    def write(form: str) -> float:
        started = time.perf_counter()
        with io.FileIO(folder / f"again.{form}", "w") as out:
            writer = FORMATS.find(form)().writer(out, Writing(Lineage()))
            for batch in stream:
                writer.write(batch)
            writer.finish(RECORDS, True)
        return time.perf_counter() - started

    def read(form: str) -> float:
        started = time.perf_counter()
        count = sum(len(batch.read("tokens", "ids")) for batch in batches(folder / f"again.{form}"))
        if count != RECORDS:
            sys.exit(f"{count} records")
        return time.perf_counter() - started

    found = alternate(runs, lambda: write("arrow"), lambda: read("arrow"), lambda: write("jsonl"), lambda: read("jsonl"))
    print(json.dumps(found))


def latency(folder: Path) -> None:
    learn(folder)
    tok = str(folder / "tok")
    print(f"{LINES} lines, one at a time")
    stages = [["tokenize", "--load", tok], ["pad", "--length", "8"], ["convert", "--drop", "mask"]]
    script = " | ".join(" ".join([*TEXTKIT, *stage]) for stage in stages)
    row("three processes: median, longest", times_of(["bash", "-c", script]), "goal 300 ms")
    row("textkit pipe: median, longest", times_of([*TEXTKIT, "pipe", " | ".join(" ".join(stage) for stage in stages)]), "goal 300 ms")


def times_of(command: list[str]) -> str:
    """How long after it was written each line comes out; the first ones, which wait for the processes to start, do not count."""
    times = []
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdin
        assert process.stdout
        for number in range(LINES + 2):
            mark = f"line {number} 재밌게 봤다".encode()
            started = time.perf_counter()
            process.stdin.write(mark + b"\n")
            process.stdin.flush()
            came = b""
            while mark not in came:
                if not select.select([process.stdout], [], [], 30)[0]:
                    sys.exit("a line did not come within 30 s")
                came += os.read(process.stdout.fileno(), 1 << 16)
            times.append(1000 * (time.perf_counter() - started))
            time.sleep(random.Random(number).random() / 10)
        process.stdin.close()
        process.stdout.read()
    return f"{statistics.median(times[2:]):.0f} ms, {max(times[2:]):.0f} ms"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("parts", nargs="*", help="passthrough, transport, latency; all if none is named")
    parser.add_argument("--big", action="store_true", help="also 2 GB, which need 5 GB of disk")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument(CHILD, metavar="FOLDER", dest="child", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:  # a process of its own: what it holds would count as the peak of those started after it
        transport_in_process(Path(given.child), given.runs)
        return
    parts = given.parts or ["passthrough", "transport", "latency"]
    print(machine())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if "passthrough" in parts:
            passthrough(folder, given.runs, given.big)
        if "transport" in parts:
            transport(folder, given.runs)
        if "latency" in parts:
            latency(folder)


if __name__ == "__main__":
    main()
