"""The command line as a program: how it starts, what it prints, and every way it can end."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from tests.conftest import TEXTKIT, Textkit
from textkit import __version__, cli, errors
from textkit.registry import COMMANDS

filters = pytest.mark.parametrize(
    "words", [["tokenize"], ["embed"], ["pad"], ["evaluate"], ["show"], ["predict", "model"]], ids=lambda words: words[0]
)


def test_version(textkit: Textkit) -> None:
    assert textkit("--version").stdout == f"textkit {__version__}\n"


def test_the_script_and_the_module_are_one_program(textkit: Textkit) -> None:
    script = Path(sys.executable).with_name("textkit")
    help_text = textkit("--help").stdout
    assert subprocess.run([script, "--help"], capture_output=True, text=True, env=dict(os.environ)).stdout == help_text
    assert textkit("-h").stdout == help_text


def test_help_lists_every_command_with_its_line(textkit: Textkit) -> None:
    listed = textkit("--help").stdout.partition("Commands:")[2]
    for name, entry in COMMANDS.items():
        assert f"  {name} " in listed
        assert entry.help in listed


def test_no_command_shows_help_and_exits_2(textkit: Textkit) -> None:
    result = textkit(code=2)
    assert result.stderr.startswith("Usage: textkit")
    assert "error" not in result.stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["tokenise"], "No such command 'tokenise'"),
        (["tokenize", "--vocabsize", "9"], "No such option"),
        (["tokenize", "--vocab-size", "many"], "'many' is not a valid integer"),
        (["tokenize", "--method", "magic"], "'magic' is not one of 'words', 'whitespace'"),
        (["tokenize", "--encoding", "klingon", "-"], "no encoding of text files is called 'klingon'"),
        (["tokenize", "--to", "text", "--load", "nowhere"], "nowhere: no such file or folder"),
        (["tokenize", "--load", "nowhere-else", "--save", "x"], "--save goes with learning"),
        (["tokenize", "--min-frequency", "3", "-"], "--min-frequency goes with learning; add --save DIR"),
        (["tokenize", "--field", "text", "-"], "--field goes with --to text"),
        (["tokenize", "-s", "nonsense", "-"], "-s takes name=value"),
        (["pad", "--length", "short", "-"], "--length takes a number above 0, longest or p95"),
        (["embed", "--threads", "2", "--deterministic", "-"], "--deterministic is one thread"),
        (["train", "classify", "-"], "train keeps nothing without --save DIR"),
        (["train", "classify", "--save", "m", "-s", "hidden=8", "-"], "-s needs --arch"),
        (["train", "classify", "--save", "m", "--lr", "nan", "-"], "nan is not a number to work with"),
        (["train", "classify", "--save", "m", "--seed", "-1", "-"], "-1 is not in the range"),
        (["train", "classify", "--save", "m", "--arch", "logreg", "-s", "C=0", "-"], "setting C is above 0"),
        (["train", "juggle", "--save", "m"], "'juggle' is not one of 'classify', 'tag'"),
        (["train", "classify", "--save", "m", "--arch", "nb", "--class-weight", "balanced", "-"], "--class-weight is not for nb"),
        (["tokenize", "--load", ""], "the name is empty; is a variable of the shell not set?"),
        (["predict"], "Missing argument 'MODEL'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_usage_errors_are_one_line_and_exit_2(textkit: Textkit, arguments: list[str], told: str) -> None:
    result = textkit(*arguments, code=3 if "nowhere" in arguments else 2)
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1, result.stderr
    assert told in result.stderr
    assert result.stderr.startswith("textkit")


def test_load_and_what_goes_with_learning_exclude_each_other(textkit: Textkit, made: Path) -> None:
    for flags in (["--save", "x"], ["--vocab-size", "99"], ["--method", "words"], ["-s", "lowercase=true"]):
        result = textkit("tokenize", "--load", made / "tok", *flags, code=2)
        assert f"{flags[0]} goes with learning" in result.stderr


@filters
def test_terminal_without_a_file_gets_short_help(words: list[str], made: Path) -> None:
    """Nobody wants to type a corpus: a terminal on stdin and no file named is exit 2, at once."""
    master, terminal = pty.openpty()
    try:
        done = subprocess.run([*TEXTKIT, *words], stdin=terminal, capture_output=True, text=True, timeout=60, cwd=made, env=dict(os.environ))
    finally:
        os.close(master)
        os.close(terminal)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith(f"Usage: textkit {words[0]} ")
    assert f"'textkit {words[0]} --help' tells more" in done.stderr


def test_dash_reads_a_terminal_all_the_same() -> None:
    master, terminal = pty.openpty()
    os.write(master, b"one two\n\x04")
    try:
        command = [*TEXTKIT, "tokenize", "--no-lineage", "-"]
        done = subprocess.run(command, stdin=terminal, capture_output=True, text=True, timeout=60, env=dict(os.environ))
    finally:
        os.close(master)
        os.close(terminal)
    assert done.stdout == '{"text":"one two","tokens":["one","two"]}\n'


def ends_with(error: BaseException, monkeypatch: pytest.MonkeyPatch) -> int:
    """The exit code of the program if a command raises `error`."""

    class Bang:
        def run(self) -> None:
            raise error

    command = click.Command("show", callback=Bang)
    monkeypatch.setattr(cli.LazyGroup, "get_command", lambda *_: command)
    monkeypatch.setattr(cli.signal, "signal", lambda *_: None)
    monkeypatch.setattr(sys, "argv", ["textkit", "show"])
    with pytest.raises(SystemExit) as leaving:
        cli.main()
    return int(leaving.value.code or 0)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.UsageError("u"), 2),
        (errors.InputError("i"), 3),
        (errors.LineageError("l"), 4),
        (errors.ResourceError("r"), 6),
        (MemoryError(), 6),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 99 bytes"), 6),
        (RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB"), 6),
        (OSError(28, "No space left on device", "/somewhere"), 6),
        (OSError(122, "Disk quota exceeded"), 6),
        (click.UsageError("c"), 2),
        (cli.Stopped(15), 143),
        (cli.Stopped(2), 130),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else str(value),
)
def test_exit_code_and_one_line(error: BaseException, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert ends_with(error, monkeypatch) == code
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.count("\n") == 1


@pytest.mark.parametrize("bug", [ValueError("inside"), KeyError("x"), EOFError(), RecursionError()], ids=lambda bug: type(bug).__name__)
def test_a_bug_is_not_swallowed(bug: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(type(bug)):
        ends_with(bug, monkeypatch)


def test_a_bug_shows_its_traceback_and_exits_1(tmp_path: Path) -> None:
    code = "import textkit.cli as cli; cli.LazyGroup.get_command = lambda *_: 1 / 0; cli.main()"
    done = subprocess.run([sys.executable, "-c", code, "show"], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 1
    assert "Traceback" in done.stderr
    assert "ZeroDivisionError" in done.stderr


@pytest.mark.parametrize("words", ["--help", "--version", "pad --help", "show --json FILE", "show FILE", "tokenize FILE", "tokenize --to arrow FILE"])
def test_reader_that_left_ends_it_by_sigpipe(textkit: Textkit, made: Path, words: str) -> None:
    """As any Unix filter: 141 in the shell, and nothing said."""
    command = words.replace("FILE", str(made / "reviews.tsv"))
    done = textkit.shell(f"{{ sleep 0.2; textkit {command}; }} | true", code=141)
    assert done.stderr == ""


@pytest.mark.parametrize("words", ["--help", "--version", "show --json FILE", "show FILE", "tokenize FILE", "tokenize --to arrow FILE"])
@pytest.mark.parametrize("where", [">/dev/full", ">&-"])
def test_stdout_that_takes_nothing_is_told_in_one_line(textkit: Textkit, made: Path, words: str, where: str) -> None:
    done = textkit.shell(f"textkit {words.replace('FILE', str(made / 'reviews.tsv'))} {where}", code=6)
    assert done.stderr.count("\n") == 1
    assert ("no space left on device" if "full" in where else "bad file descriptor") in done.stderr


def test_closed_descriptors_are_not_taken_by_data_files(textkit: Textkit, made: Path) -> None:
    """As cron or a daemon may start it: with stderr and stdout closed, the first files opened must not become them."""
    textkit.shell(f"textkit tokenize --save tok -o out.jsonl {made / 'reviews.tsv'} <&- >&- 2>&-")
    assert (textkit.folder / "out.jsonl").read_text().count("\n") == 42
    textkit("show", "tok")


def test_lost_stderr_only_silences_it(textkit: Textkit, made: Path) -> None:
    textkit.shell(f"{{ sleep 0.2; textkit tokenize --save tok {made / 'reviews.tsv'} 2>&1 >out.jsonl; }} | true")
    assert (textkit.folder / "out.jsonl").read_text().endswith('{"textkit":{"end":40}}\n')
    textkit.shell(f"textkit tokenize --save tok2 {made / 'reviews.tsv'} 2>/dev/full >out2.jsonl")


def test_error_message_is_one_line_whatever_it_quotes() -> None:
    error = errors.InputError("a\nfield", where="file:7", fix="do\tthis")
    assert str(error) == "file:7: a field; do this"


def completions(run: Callable[..., Any], words: str) -> list[str]:
    variables = {"_TEXTKIT_COMPLETE": "bash_complete", "COMP_WORDS": f"textkit {words}", "COMP_CWORD": "1"}
    return [line.partition(",")[2] for line in run(cli.group, [], prog_name="textkit", env=variables).output.splitlines()]


def test_shell_completion_knows_the_commands_without_importing_them() -> None:
    assert completions(CliRunner().invoke, "") == list(COMMANDS)
    assert completions(CliRunner().invoke, "t") == ["tokenize", "train"]
    code = 'import os, sys; from textkit.cli import main\ntry: main()\nfinally: print("polars" in sys.modules, "textkit.commands.pad" in sys.modules)'
    variables = {**os.environ, "_TEXTKIT_COMPLETE": "bash_complete", "COMP_WORDS": "textkit ", "COMP_CWORD": "1"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=variables)
    assert done.stdout.splitlines() == [*(f"plain,{name}" for name in COMMANDS), "False False"]
