"""The README is true: its commands run, its tables agree with the registry, its printed streams are what is printed."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
from pathlib import Path

import polars as pl
import pytest

from tests.conftest import CORPORA, TEXTKIT, Textkit
from textkit.registry import COMMANDS, TOKENIZERS

README = (CORPORA.parent / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


@pytest.fixture
def place(textkit: Textkit) -> Textkit:
    (textkit.folder / "sample_corpora").symlink_to(CORPORA)
    return textkit


def test_every_command_in_the_readme_runs(place: Textkit) -> None:
    shown = [text for kind, text in BLOCKS if kind == "sh"]
    assert len(shown) >= 6
    done = place.shell("set -e\n" + "\n".join(shown))
    expected = next(text for kind, text in BLOCKS if kind == "jsonl")
    assert expected in done.stdout


def test_the_demo_runs_and_shows_predictions_and_accuracy(place: Textkit) -> None:
    done = place.shell(f"export -f textkit; bash {CORPORA / 'demo.sh'}")
    assert '"prediction":"positive"' in done.stdout
    assert "accuracy" in done.stdout


def test_the_crontab_recipe_runs_as_cron_runs_it(textkit: Textkit, made: Path) -> None:
    """By sh, with nearly no environment; the places of the recipe are those of the test."""
    recipe = next(text for kind, text in BLOCKS if kind == "crontab")
    program, work = textkit.folder / "bin", textkit.folder / "work"
    program.mkdir()
    (program / "textkit").write_text(f'#!/bin/sh\nexec {" ".join(TEXTKIT)} "$@"\n')
    (program / "textkit").chmod(0o755)
    shutil.copytree(made, work)
    lines = (work / "reviews.tsv").read_text().splitlines(keepends=True)
    (work / "new.tsv").write_text("".join([*lines, "one\tfield\ttoo\tmany\n"]))
    path, job = recipe.replace("/srv/textkit/.venv/bin", str(program)).replace("/srv/reviews", str(work)).splitlines()
    command = job.split(maxsplit=5)[5]
    environment = {"PATH": path.removeprefix("PATH="), "HOME": str(textkit.folder), "SHELL": "/bin/sh"}
    done = subprocess.run(["/bin/sh", "-c", command], env=environment, capture_output=True, cwd="/", timeout=120)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert (work / "answers.jsonl").read_text().count('"prediction"') == 40
    assert "too\\tmany" in (work / "bad.jsonl").read_text()
    assert re.fullmatch(r"textkit predict: 40 records, 1 skipped in .*\n", (work / "predict.log").read_text())


def test_the_make_targets_that_the_readme_names_exist(textkit: Textkit) -> None:
    for target in re.findall(r"^    make (\w+)", README, re.MULTILINE):
        textkit.shell(f"make -C {CORPORA.parent} -n {target}")


def test_the_table_of_commands_is_the_registry() -> None:
    rows = re.findall(r"^\| `textkit (\w+)` \| (.*) \|$", README, re.MULTILINE)
    assert dict(rows) == {name: entry.help for name, entry in COMMANDS.items()}


def test_the_table_of_tokenizers_is_what_they_give() -> None:
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in README.split("## Tokenizers")[1].split("\n## ")[0].splitlines()
        if line.startswith("|")
    ]
    texts, table = pl.Series(rows[0][1:]), {row[0].strip("`"): row[1:] for row in rows[2:]}
    assert {*table} == {*TOKENIZERS} - {"pretrained"}
    corpora = [pl.read_csv(CORPORA / name, separator="\t", quote_char=None)["text"] for name in ("reviews_ko.tsv", "reviews_en.tsv")]
    for method, cells in table.items():
        if method == "morphs" and importlib.util.find_spec("kiwipiepy") is None:
            continue
        tokenizer = TOKENIZERS.find(method)
        tokenizer = tokenizer(tokenizer.Config(**({"vocab_size": 2000} if tokenizer.must_learn else {})))
        if tokenizer.must_learn:
            tokenizer.fit(corpora)
        found = [" ".join(f"`{token.replace(' ', '␣')}`" for token in row) for row in tokenizer.encode(texts)[0]]
        assert found == cells, method


def test_every_file_that_the_house_names_exists() -> None:
    house = README.split("## How the house is built")[1]
    names = re.findall(r"\b(\w+(?:/|\.py))", house.split("Imports point")[0])
    package = Path(CORPORA.parent) / "textkit"
    missing = [name for name in names if name != "textkit/" and not (package / name).exists()]
    assert not missing
