"""Stages as processes in real pipes: lines that come at once, readers that leave, signals, upstreams that are killed."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import TEXTKIT, Textkit

PATIENCE = 60.0  # s: a slow machine is no failure
NASTY = [
    "", " ", "a", "재밌게 봤다", "😀👍🏽 👩‍👩‍👧", "line\u2028separator\u2029s", "v\x0bf\x0cfs\x1cnel\x85.", "cafe\u0301 한글",
    '"quoted" \\ {"text":1}', "bare\rreturn", "w" * 400, "[PAD] [MASK] <s> ##a", "tab\tand\ttab", "שלום عالم",
    "zero\u200bwidth\ufeff", "\u3000", "1e400 30.5 -0", "ΟΔΟΣ İ ß", "",
]  # fmt: skip


@pytest.fixture(scope="module")
def vectors(made: Path) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TEXTKIT_CACHE", str(made / "cache"))
        Textkit(made)("embed", "--dim", 4, "--epochs", 1, "--min-count", 1, "--save", "vec", "reviews.tsv")
    return made / "vec"


def start(*arguments: object, folder: Path | None = None, **more: Any) -> subprocess.Popen[bytes]:
    command = [*TEXTKIT, *map(str, arguments)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=folder, **more)


def read_until(process: subprocess.Popen[bytes], mark: bytes) -> bytes:
    """What the process writes up to `mark`, while its stdin stays open."""
    assert process.stdout is not None
    data, deadline = b"", time.monotonic() + PATIENCE
    while mark not in data:
        ready = select.select([process.stdout], [], [], max(0, deadline - time.monotonic()))[0]
        assert ready, f"{mark!r} did not come, only {data!r}"
        part = os.read(process.stdout.fileno(), 1 << 16)
        assert part, f"the output ended with {data!r}"
        data += part
    return data


def send(process: subprocess.Popen[bytes], data: str) -> None:
    assert process.stdin is not None
    process.stdin.write(data.encode())
    process.stdin.flush()


@pytest.mark.parametrize("line", ["a b", "", "x", '{"text":"a"}'])
def test_a_line_comes_out_before_stdin_closes(line: str) -> None:
    with start("tokenize") as process:
        send(process, line + "\n")
        read_until(process, b'"tokens":')
        send(process, line + "\n")
        read_until(process, b'"tokens":')
        process.stdin.close()  # type: ignore[union-attr]
        assert read_until(process, b'{"textkit":{"end":2}}')


def test_a_line_passes_three_stages_before_stdin_closes(vectors: Path) -> None:
    stages = [["tokenize"], ["embed", "--load", str(vectors)], ["pad", "--length", "3"]]
    script = " | ".join(" ".join([*TEXTKIT, *stage]) for stage in stages)
    with subprocess.Popen(["bash", "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        send(process, "good film\n")
        assert b'"mask":[1,1,0]' in read_until(process, b"mask")
        process.stdin.close()  # type: ignore[union-attr]
        read_until(process, b'{"textkit":{"end":1}}')


@pytest.mark.parametrize("options", ["", "--to arrow", "--to text"])
def test_a_reader_that_leaves_is_141_in_silence(textkit: Textkit, options: str) -> None:
    (textkit.folder / "big.txt").write_text("some words for every line\n" * 200_000)
    done = textkit.shell(f"textkit tokenize {options} big.txt | head -c 10 > head", code=141)
    assert done.stderr == ""
    assert (textkit.folder / "head").stat().st_size == 10


def open_files(process: int) -> list[str]:
    """Also those that have no name yet."""
    found = []
    for path in Path(f"/proc/{process}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # closed in between
            found.append(str(path.readlink()))
    return found


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
@pytest.mark.parametrize("old", [None, "old"])
def test_a_signal_ends_a_filter_and_keeps_what_was_there(tmp_path: Path, number: int, code: int, old: str | None) -> None:
    if old:
        (tmp_path / "out").write_text(old)
    with start("tokenize", "-o", "out", folder=tmp_path) as process:
        send(process, "a\n")
        deadline = time.monotonic() + PATIENCE
        while not any(name.startswith(str(tmp_path)) for name in open_files(process.pid)):
            assert time.monotonic() < deadline, "the output was never opened"
            time.sleep(0.01)
        process.send_signal(number)
        assert process.wait(PATIENCE) == code
        assert process.stderr.read().decode() == f"textkit tokenize: stopped by {signal.Signals(number).name}\n"  # type: ignore[union-attr]
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == ([("out", old)] if old else [])


def killed(*options: str) -> bytes:
    """What `tokenize` had written when it was killed."""
    with start("tokenize", *options) as process:
        send(process, "".join(f'{{"text":"{text}","label":"{text[:4]}"}}\n' for text in ["good film", "poor film", "good last words"]))
        data = read_until(process, b"good last words")
        process.kill()
        return data + process.stdout.read()  # type: ignore[union-attr]


@pytest.fixture(scope="module")
def half() -> bytes:
    return killed()


@pytest.mark.parametrize(
    "command",
    [
        ["embed", "--min-count", "1", "--save", "out"],
        ["tokenize", "--vocab-size", "50", "--save", "out"],
        ["train", "classify", "--arch", "logreg", "--save", "out"],
        ["pad", "--length", "3", "-o", "out"],
        ["pad", "-o", "out"],
    ],
    ids=" ".join,
)
def test_nothing_is_kept_of_a_killed_upstream(textkit: Textkit, half: bytes, command: list[str]) -> None:
    done = textkit(*command, stdin=half, code=3)
    assert "stops after 3 records without its end line" in done.stderr
    assert "--partial" in done.stderr
    assert list(textkit.folder.iterdir()) == []


def test_nothing_is_kept_of_a_killed_arrow_upstream(textkit: Textkit) -> None:
    textkit("pad", "--length", 3, "-o", "out", stdin=killed("--to", "arrow"), code=3)
    assert list(textkit.folder.iterdir()) == []


def test_a_filter_passes_the_lack_of_an_end_on(textkit: Textkit, half: bytes) -> None:
    lines = textkit("pad", "--length", 3, stdin=half).stdout.splitlines()
    assert [json.loads(line).get("text") for line in lines] == [None, "good film", "poor film", "good last words"]
    passed = textkit("tokenize", "--to", "arrow", "-o", "out", stdin="\n".join(lines), code=3)
    assert "--partial" in passed.stderr


def test_partial_accepts_what_came(textkit: Textkit, half: bytes) -> None:
    textkit("pad", "--length", 3, "--partial", "-o", "out", stdin=half)
    assert len((textkit.folder / "out").read_text().splitlines()) == 4
    textkit("embed", "--min-count", 1, "--dim", 4, "--partial", "--save", "vec", stdin=half)
    assert (textkit.folder / "vec" / "manifest.json").exists()


FILTERS = {
    "tokenize": [["tokenize"]],
    "tokenize --load": [["tokenize", "--load", "tok"]],
    "embed": [["embed", "--load", "vec", "--pool", "mean"]],
    "pad": [["tokenize", "--load", "tok"], ["pad", "--length", "3"]],
    "pad to the longest": [["tokenize", "--load", "tok"], ["pad"]],
    "predict": [["predict", "model"]],
    "predict on a stream": [["tokenize"], ["predict", "model"]],
}


def pipe(made: Path, stages: list[list[str]], data: str, *options: str) -> list[dict[str, Any]]:
    run = Textkit(made)
    for stage in stages[:-1]:
        data = run(*stage, stdin=data).stdout
    out = run(*stages[-1], *options, stdin=data).stdout
    return [record for line in out.split("\n")[:-1] if "textkit" not in (record := json.loads(line))]


@pytest.mark.parametrize("stages", FILTERS.values(), ids=FILTERS)
def test_n_in_n_out_in_order(made: Path, vectors: Path, stages: list[list[str]]) -> None:
    assert [record["text"] for record in pipe(made, stages, "\n".join(NASTY) + "\n")] == NASTY


@pytest.mark.parametrize("stages", FILTERS.values(), ids=FILTERS)
def test_the_users_fields_pass_untouched(made: Path, vectors: Path, stages: list[list[str]]) -> None:
    own = r'"n":123456789012345678901234567890,"x":1e400,"x":[null,{"ids":"\ud800"}],"\u0061b" : 1.50'
    run, data = Textkit(made), f'{{"text":"a b",{own}}}\n'
    for stage in stages:
        data = run(*stage, stdin=data).stdout
    assert f'"text":"a b",{own}' in data


@pytest.mark.parametrize("stages", FILTERS.values(), ids=FILTERS)
def test_empty_input_is_no_records(made: Path, vectors: Path, stages: list[list[str]]) -> None:
    assert pipe(made, stages, "") == []


@pytest.mark.parametrize("script", ["textkit pad --length 2 a.txt 2>&- > out", "textkit pad --length 2 a.txt 2> /dev/full > out"])
def test_a_lost_stderr_is_no_error(textkit: Textkit, script: str) -> None:
    (textkit.folder / "a.txt").write_text("a b c\n")
    textkit.shell(script)
    assert '"tokens":["a","b"]' in (textkit.folder / "out").read_text()


def test_the_same_through_arrow(textkit: Textkit) -> None:
    (textkit.folder / "a.txt").write_text("\n".join(NASTY) + "\n")
    script = "textkit tokenize {} a.txt | textkit pad --length 2 {} 2> log | textkit tokenize --to text"
    assert textkit.shell(script.format("--to arrow", "--to arrow")).stdout == textkit.shell(script.format("", "")).stdout


def test_an_interrupt_ends_a_stage_that_waits_for_its_reader(tmp_path: Path) -> None:
    (tmp_path / "big.txt").write_text("some words for every line\n" * 100_000)
    with start("tokenize", "big.txt", folder=tmp_path) as process:
        read_until(process, b'"tokens":')
        time.sleep(0.5)  # the pipe is full by now
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE) == 130


@pytest.mark.parametrize("options", [["--no-lineage"], ["--to", "text"]])
def test_an_output_that_cannot_pass_the_lack_on_ends_with_3_unless_it_is_accepted(textkit: Textkit, options: list[str]) -> None:
    header, record, _ = textkit("tokenize", stdin="good\n").stdout.splitlines(keepends=True)
    cut = textkit("tokenize", *options, stdin=header + record, code=3)
    assert "good" in cut.stdout
    assert "without its end line" in cut.stderr
    assert textkit("tokenize", *options, "--partial", stdin=header + record).stdout == cut.stdout


@pytest.mark.parametrize("name", ["tags", "tokens", "features", "score"])
def test_fields_of_the_users_named_like_ours_are_no_trouble(textkit: Textkit, name: str) -> None:
    (textkit.folder / "a.tsv").write_text(f"text\t{name}\na b\tmine\n")
    (textkit.folder / "a.jsonl").write_text(f'{{"text":"a b","{name}":"mine"}}\n')
    assert json.loads(textkit("show", "--json", "a.tsv").stdout)["columns"] == {"text": 1, name: 1}
    for path in ("a.tsv", "a.jsonl"):
        if name != "tokens":  # which the stage replaces
            assert f'"{name}":"mine"' in textkit.shell(f"textkit tokenize --to arrow {path} | textkit pad --length 3 | textkit tokenize").stdout


def test_counts_of_fields_beside_a_number_that_no_float_holds(textkit: Textkit) -> None:
    shown = textkit("show", "--json", stdin='{"text":"a","x":1e400,"x":2}\n{"text":"b"}\n').stdout
    assert json.loads(shown)["columns"] == {"text": 2, "x": 1}


@pytest.mark.parametrize("encoding", ["undefined", "idna", "unicode_escape", "punycode", "rot13", "none", "a\x1fb"])
def test_encodings_that_no_text_file_has_are_refused(textkit: Textkit, encoding: str) -> None:
    assert "no encoding of text files" in textkit("tokenize", "--encoding", encoding, stdin="a\n", code=2).stderr


@pytest.mark.parametrize("options", [["--length", "9" * 20], ["--length", "3", "--pad-id", "99999999999"]])
def test_numbers_out_of_range_are_usage_errors(textkit: Textkit, options: list[str]) -> None:
    textkit("pad", *options, stdin="a\n", code=2)


def test_an_interrupt_that_the_shell_ignores_is_ignored_while_polars_computes(textkit: Textkit) -> None:
    (textkit.folder / "big.txt").write_text("some words for every line\n" * 100_000)
    script = "textkit tokenize big.txt -o out & stage=$!; for i in $(seq 30); do sleep 0.05; kill -INT $stage 2>/dev/null; done; wait $stage"
    done = textkit.shell(script)
    assert "100000 records" in done.stderr
    assert "Traceback" not in done.stderr
