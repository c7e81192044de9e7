"""What an unattended job relies on: one run at a time, errors that a program can read, a summary that a person can grep."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import TEXTKIT, Textkit
from textkit.registry import COMMANDS

PATIENCE = 60


def holder(folder: Path, *words: str) -> subprocess.Popen[bytes]:
    """A run that holds the lock until its stdin is closed."""
    command = [*TEXTKIT, "tokenize", "--lock", "lock", *words]
    process = subprocess.Popen(command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=dict(os.environ))
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(b"first\n")
    process.stdin.flush()
    assert process.stdout.readline()  # the header: it runs, so it has the lock
    return process


def end(process: subprocess.Popen[bytes]) -> None:
    process.communicate(timeout=PATIENCE)
    assert process.returncode == 0


@pytest.mark.parametrize("words", [["tokenize"], ["pipe", "tokenize | pad --length 3"], ["convert", "-o", "out.jsonl"]], ids=lambda words: words[0])
def test_a_second_run_does_nothing_and_exits_0(textkit: Textkit, words: list[str]) -> None:
    first = holder(textkit.folder)
    second = textkit(*words, "--lock", "lock", stdin="second\n")
    assert second.stdout == ""
    assert second.stderr == f"textkit {words[0]}: another run holds lock: nothing done\n"
    end(first)
    assert "second" in textkit("tokenize", "--lock", "lock", stdin="second\n").stdout
    assert {path.name for path in textkit.folder.iterdir()} == {"lock"}


def test_a_held_lock_is_seen_before_a_missing_model_or_file(textkit: Textkit) -> None:
    first = holder(textkit.folder)
    assert "nothing done" in textkit("predict", "gone", "gone.tsv", "--lock", "lock").stderr
    assert textkit("predict", "gone", "gone.tsv", "--lock", "lock", "--quiet").stderr == ""
    end(first)


def test_lock_wait_waits_until_the_lock_is_free(textkit: Textkit) -> None:
    first = holder(textkit.folder)
    command = [*TEXTKIT, "tokenize", "--lock", "lock", "--lock-wait", str(PATIENCE), "in.txt"]
    (textkit.folder / "in.txt").write_text("second\n")
    second = subprocess.Popen(command, cwd=textkit.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=dict(os.environ))
    time.sleep(0.5)
    assert second.poll() is None
    end(first)
    assert b'"tokens":["second"]' in second.communicate(timeout=PATIENCE)[0]


def test_lock_wait_ends(textkit: Textkit) -> None:
    first = holder(textkit.folder)
    assert "nothing done" in textkit("tokenize", "--lock", "lock", "--lock-wait", "0.2", stdin="x\n").stderr
    end(first)


def test_a_lock_does_not_outlive_its_process(textkit: Textkit) -> None:
    first = holder(textkit.folder)
    first.send_signal(signal.SIGKILL)
    first.communicate(timeout=PATIENCE)
    assert "second" in textkit("tokenize", "--lock", "lock", stdin="second\n").stdout


def test_a_lock_that_cannot_be_made_is_one_line(textkit: Textkit) -> None:
    assert "no/such/lock: the lock cannot be taken" in textkit("tokenize", "--lock", "no/such/lock", stdin="x\n", code=6).stderr
    assert "--lock-wait goes with --lock" in textkit("tokenize", "--lock-wait", "3", stdin="x\n", code=2).stderr


@pytest.mark.parametrize(
    ("words", "stdin", "code", "due"),
    [
        (["tokenize", "gone.txt"], "", 3, {"error": "no such file", "where": "gone.txt", "fix": None}),
        (
            ["tokenize", "--from", "jsonl"],
            '{"text":"a"}\n{"text":\n',
            3,
            {"where": "<stdin>:2", "fix": "each line must be one whole {...}; jq -c . makes it so"},
        ),
        (["pad", "--length", "x"], "", 2, {"error": "--length takes a number above 0, longest or p95, not 'x'"}),
        (["tokenize", "--no-such"], "", 2, {"fix": "see textkit tokenize --help"}),
        (["nothing"], "", 2, {"error": "No such command 'nothing'", "fix": "see textkit --help"}),
        (["train", "classify", "-"], "x\n", 2, {"error": "train keeps nothing without --save DIR"}),
    ],
)
def test_errors_json_is_one_object(textkit: Textkit, words: list[str], stdin: str, code: int, due: dict[str, Any]) -> None:
    told = textkit(*words, "--errors-json", stdin=stdin, code=code).stderr.splitlines()
    said = json.loads(told[-1])
    assert {*said} == {"command", "error", "where", "fix", "exit_code"}
    assert said["exit_code"] == code
    assert {name: said[name] for name in due} == due
    plain = textkit(*words, stdin=stdin, code=code).stderr.splitlines()[-1]
    assert all(str(part) in plain for part in due.values() if part)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_the_run_options(name: str) -> None:
    flags = {flag for parameter in COMMANDS.find(name).params for flag in parameter.opts}
    assert {"--lock", "--lock-wait", "--errors-json", "--quiet", "-q", "--progress"} <= flags


LINES = '{"text":"one two three"}\n{"text":5}\n{"text":"four"}\n'


def test_the_summary_is_one_line_per_stage(textkit: Textkit) -> None:
    told = textkit("pipe", "tokenize --on-error skip | pad --length 2", stdin=LINES).stderr.splitlines()
    assert re.fullmatch(r"textkit tokenize: 2 records, 1 skipped in \d+\.\d s, [\d,]+/s", told[0])
    assert re.fullmatch(r"textkit pad: 2 records, 1 truncated in \d+\.\d s, [\d,]+/s", told[2])


def test_the_summary_as_json(textkit: Textkit) -> None:
    told = textkit("tokenize", "--on-error", "skip", "--progress", "json", stdin=LINES).stderr.splitlines()
    said = json.loads(told[-1])
    assert (said["command"], said["records"], said["skipped"]) == ("textkit tokenize", 2, 1)
    assert {"seconds", "records_per_second"} <= {*said}


def test_quiet_says_nothing_but_errors(textkit: Textkit) -> None:
    assert textkit("pipe", "tokenize --on-error skip | pad --length 2", "-q", stdin=LINES).stderr == ""
    told = textkit("tokenize", "--quiet", stdin=LINES, code=3).stderr
    assert told == "textkit tokenize: error: <stdin>:2: 'text' should be a string\n"
