"""Files that are read and written at once, names that no file has, and fields that no record has."""

from __future__ import annotations

import json
import signal
import subprocess
import sys

import pytest

from tests.conftest import TEXTKIT, Textkit

LINES = '{"text":"a","n":1}\n{"text":"b"}\n'


@pytest.fixture
def place(textkit: Textkit) -> Textkit:
    (textkit.folder / "in.jsonl").write_text(LINES)
    return textkit


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("convert in.jsonl --reject in.jsonl", "in.jsonl: --reject names a file that is read or written already"),
        ("convert in.jsonl -o out --reject ./out", "out: --reject names a file that is read or written already"),
        ("pipe 'tokenize --reject bad | pad --length 2 --reject bad' in.jsonl", "bad: --reject names a file"),
        ("convert in.jsonl --reject -", "--reject takes the name of a file of JSON Lines"),
        ("convert in.jsonl --reject bad.gz", "--reject takes the name of a file of JSON Lines"),
        ("convert in.jsonl --lock out -o out", "out: --lock names a file that is written"),
        ("convert in.jsonl >> in.jsonl", "in.jsonl: is input and output at once; -o FILE replaces a file when all is read"),
        ("convert < in.jsonl >> in.jsonl", "is input and output at once"),
        ("convert in.jsonl -o loop", "loop: is a link to itself"),
        ("convert in.jsonl -o ''", "'-o' / '--output': the name is empty"),
        ("convert ''", "the name is empty"),
        ("convert --parallel in.jsonl in.jsonl --text-field x", "--text-field does not go with --parallel"),
        ("split in.jsonl --train a --test b --ratios 0.9,0.9", "adds up to 1.8"),
    ],
)
def test_what_cannot_be_meant_is_a_usage_error(place: Textkit, words: str, told: str) -> None:
    (place.folder / "loop").symlink_to("loop")
    done = place.shell(f"textkit {words}", code=2)
    assert told in done.stderr
    assert done.stderr.count("\n") == 1
    assert (place.folder / "in.jsonl").read_text() == LINES
    assert {path.name for path in place.folder.iterdir()} <= {"in.jsonl", "loop", "out"}


def test_an_input_may_be_replaced(place: Textkit) -> None:
    place("tokenize", "in.jsonl", "-o", "in.jsonl", "--no-lineage")
    assert (place.folder / "in.jsonl").read_text() == '{"text":"a","n":1,"tokens":["a"]}\n{"text":"b","tokens":["b"]}\n'


def test_rejects_are_added_to_a_log_that_is_a_device(place: Textkit) -> None:
    (place.folder / "log").write_text("before\n")
    place.shell("printf 'x\\n{}\\n' | textkit convert --from jsonl --reject /dev/stderr 2>> log")
    before, reject, summary = (place.folder / "log").read_text().splitlines()
    assert before == "before"
    assert json.loads(reject)["raw"] == "x"
    assert "1 record, 1 skipped" in summary


@pytest.mark.parametrize("form", ["parquet", "csv", "text"])
def test_a_format_without_an_end_mark_tells_of_half_an_input_itself(place: Textkit, form: str) -> None:
    half = place("tokenize", "in.jsonl").stdout.rpartition('{"textkit"')[0]
    assert "without its end line" in place("convert", "--to", form, stdin=half, code=3).stderr
    place("convert", "--to", form, "--partial", "-o", "part", stdin=half)
    assert len(place("convert", "part", "--from", form, "--no-lineage").stdout.splitlines()) == 2


def test_a_field_to_keep_that_no_record_has(place: Textkit) -> None:
    assert "no record has a field 'nope' to keep" in place("convert", "in.jsonl", "--keep", "text,nope", "-o", "out", code=3).stderr
    assert not (place.folder / "out").exists()
    assert place("convert", "in.jsonl", "--keep", "n", "--no-lineage").stdout == '{"n":1}\n{}\n'
    assert "warning: no record has a field 'nope' to drop" in place("convert", "in.jsonl", "--drop", "nope,n").stderr
    assert place("convert", "--keep", "nope", "--no-lineage").stdout == ""


def test_text_that_is_not_there_is_no_empty_line(place: Textkit) -> None:
    assert "<stdin>:2: the record has no 'text'" in place("convert", "--to", "text", stdin='{"text":"a"}\n{"n":1}\n', code=3).stderr
    skipped = place("convert", "--to", "text", "--on-error", "skip", stdin='{"text":"a"}\n{"n":1}\n{"text":5}\n')
    assert skipped.stdout == "a\n"
    assert "2 skipped" in skipped.stderr


def test_a_usage_error_is_said_by_the_command(place: Textkit) -> None:
    assert place("pad", "--nothing", code=2).stderr.startswith("textkit pad: error: ")


def test_a_signal_is_an_object_to_who_reads_errors(place: Textkit) -> None:
    process = subprocess.Popen([*TEXTKIT, "tokenize", "--errors-json"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(b"a\n")
    process.stdin.flush()
    process.stdout.readline()
    process.send_signal(signal.SIGTERM)
    assert json.loads(process.communicate(timeout=60)[1])["exit_code"] == 143


def test_ctrl_c_while_it_starts_is_no_traceback() -> None:
    code = "import os, signal, sys; sys.argv = ['textkit', '--help']\n"
    code += "class Finder:\n    def find_spec(self, name, *_):\n        if name == 'click': os.kill(os.getpid(), signal.SIGINT)\n"
    code += "sys.meta_path.insert(0, Finder())\nfrom textkit.__main__ import main\nmain()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=60)
    assert (done.returncode, done.stderr) == (-signal.SIGINT, b"")


def test_ctrl_c_while_polars_computes_is_no_traceback() -> None:
    code = "import sys; sys.argv = ['textkit', 'tokenize', '/dev/null']\nfrom textkit import cli, runner\n"
    code += "def run(_): raise KeyboardInterrupt  # polars has its own way to tell\nrunner.run = run\ncli.main()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=60)
    assert (done.returncode, done.stderr) == (130, b"textkit tokenize: stopped by SIGINT\n")


def test_a_part_without_records_is_told(place: Textkit) -> None:
    told = place("split", "in.jsonl", "--train", "a", "--test", "b", "--counts", "2,0").stderr
    assert "warning: test got no record" in told
