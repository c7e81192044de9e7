"""Shells out: runs commands and pipes of them, with the wall time, processor time and peak memory of each process."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

DATA = Path(os.environ.get("TEXTKIT_DATA", "data"))
TEXTKIT = [str(Path(sys.executable).parent / "textkit")]


@dataclass
class Usage:
    command: str
    seconds: float  # processor time, user and system
    peak: float  # MB of memory at the most
    code: int


def machine() -> str:
    models = [line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    return f"{os.cpu_count()} cores of {models[0] if models else platform.processor()}, Python {platform.python_version()}"


def run_pipe(*commands: list[str], stdin: str | None = None, stdout: str | None = None, program: list[str] = TEXTKIT) -> tuple[float, list[Usage]]:
    """Run commands, of `textkit` or another program, as a shell pipe; returns the wall time of all and what each process used.

    The peak of a process is never below what this one holds when it starts it.
    """
    started = time.perf_counter()
    source = Path(stdin).open("rb") if stdin else subprocess.DEVNULL
    processes = []
    for position, arguments in enumerate(commands):
        last = position == len(commands) - 1
        target = Path(stdout).open("wb") if last and stdout else subprocess.DEVNULL if last else subprocess.PIPE
        process = subprocess.Popen([*program, *arguments], stdin=source, stdout=target)
        processes.append(process)
        source = process.stdout if not last else None  # type: ignore[assignment]
    for process in processes:
        if process.stdout:
            process.stdout.close()  # the next process holds it
    usages = []
    for process, arguments in zip(processes, commands, strict=True):
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        usages.append(Usage(arguments[0], used.ru_utime + used.ru_stime, used.ru_maxrss / 1000, process.returncode))
    return time.perf_counter() - started, usages


def print_usages(usages: list[Usage]) -> None:
    for usage in usages:
        print(f"  {usage.command:<10} {usage.seconds:7.1f} s of processor time  {usage.peak:7.0f} MB at the most  exit {usage.code}")
