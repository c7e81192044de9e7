"""Start-up is what every stage of a pipe pays: which third-party modules a command imports, seen in a real process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from textkit.registry import COMMANDS

# Runs the command line, then tells on stderr which modules outside the standard library it imported.
PROBE = """
import sys
before = {*sys.modules}
sys.argv = ["textkit", *sys.argv[1:]]
from textkit.cli import main
try:
    main()
finally:
    names = {name.partition(".")[0] for name in {*sys.modules} - before}
    known = {"textkit", *sys.stdlib_module_names}
    print("imported:", *sorted(name for name in names if name not in known and not name.startswith("_sysconfig")), file=sys.stderr)
"""

HEAVY = {"torch", "gensim", "sklearn", "scipy"}
LINE = b"Not bad, not good.\n"


def imported_by(*arguments: object, stdin: bytes = b"", folder: Path | None = None) -> set[str]:
    command = [sys.executable, "-c", PROBE, *map(str, arguments)]
    done = subprocess.run(command, input=stdin, capture_output=True, cwd=folder, env=dict(os.environ), timeout=120)
    told = done.stderr.decode().splitlines()
    assert done.returncode == 0, told
    return {*told[-1].removeprefix("imported:").split()}


@pytest.mark.parametrize("arguments", [[], *([name] for name in COMMANDS)], ids=lambda arguments: " ".join(arguments) or "textkit")
def test_help_imports_click_alone(arguments: list[str]) -> None:
    assert imported_by(*arguments, "--help") == {"click"}


def test_version_imports_click_alone() -> None:
    assert imported_by("--version") == {"click"}


def test_group_help_imports_no_command() -> None:
    code = PROBE + '    print(*(name for name in sys.modules if name.startswith("textkit.commands")), file=sys.stderr)\n'
    done = subprocess.run([sys.executable, "-c", code, "--help"], capture_output=True, timeout=60, text=True)
    assert done.stderr == "imported: click\n\n"


def test_tokenizing_words_imports_polars_alone() -> None:
    found = imported_by("tokenize", stdin=LINE)
    assert {name for name in found if not name.startswith("_polars")} <= {"click", "polars", "typing_extensions"}


def test_loading_a_tokenizer_imports_only_its_library(made: Path) -> None:
    found = imported_by("tokenize", "--load", made / "tok", stdin=LINE)
    assert "tokenizers" in found
    assert not found & {*HEAVY, "pyarrow", "rich"}


def test_padding_imports_no_heavy_library() -> None:
    found = imported_by("pad", "--length", 4, stdin=b'{"tokens":["a","b"],"ids":[7,8]}\n')
    assert not found & {*HEAVY, "pyarrow", "tokenizers", "rich"}


@pytest.mark.parametrize("words", [(), ("--proba",), ("--explain",)])
def test_predicting_with_a_linear_model_imports_numpy_and_no_more(made: Path, words: tuple[str, ...]) -> None:
    found = imported_by("predict", made / "model", *words, stdin=LINE)
    assert "numpy" in found
    assert not found & {*HEAVY, "pyarrow", "tokenizers", "rich"}


def test_evaluating_a_linear_model_imports_no_heavy_library(made: Path) -> None:
    assert not imported_by("evaluate", made / "model", made / "reviews.tsv", "--json") & {*HEAVY, "pyarrow", "rich"}


def test_pyarrow_is_for_arrow_alone(tmp_path: Path) -> None:
    file = tmp_path / "words.arrow"
    assert "pyarrow" in imported_by("tokenize", "-o", file, stdin=LINE)
    assert "pyarrow" in imported_by("show", file, "--json")
    assert "pyarrow" not in imported_by("tokenize", "-o", tmp_path / "words.jsonl", stdin=LINE)
    assert "pyarrow" not in imported_by("show", tmp_path / "words.jsonl", "--json")
