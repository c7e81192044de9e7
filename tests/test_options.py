"""One flag has one meaning and one spelling over all commands; each command's help can be used as it stands."""

from __future__ import annotations

import shlex
from collections import defaultdict
from dataclasses import fields
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from tests.conftest import CORPORA, Textkit
from textkit.cli import group
from textkit.errors import UsageError
from textkit.registry import ARCHS, COMMANDS, EMBEDDINGS, TOKENIZERS, Registry

# What may differ between commands: each has methods of its own, those that end a chain write no header unless asked, and
# tokens keep their case where terms do not.
DEFAULT = {"help", "default"}
MAY_DIFFER = {"--method": {"type", *DEFAULT}, **dict.fromkeys(("--lineage", "--no-lineage", "--lowercase", "--no-lowercase"), DEFAULT)}

command = pytest.mark.parametrize("name", COMMANDS)


def parameters() -> list[tuple[str, click.Parameter]]:
    return [(name, parameter) for name in COMMANDS for parameter in COMMANDS.find(name).params]


def spellings(option: click.Parameter) -> list[str]:
    return [*option.opts, *option.secondary_opts]


def meaning(option: click.Option) -> dict[str, Any]:
    """All that a user can notice of an option."""
    said = {name: getattr(option, name) for name in ("name", "help", "default", "is_flag", "multiple", "metavar")}
    return {**said, "type": option.type.to_info_dict()}


def options_by_flag() -> dict[str, list[tuple[str, click.Option]]]:
    found = defaultdict(list)
    for name, option in parameters():
        if isinstance(option, click.Option):
            for flag in spellings(option):
                found[flag].append((name, option))
    return found


def test_one_flag_has_one_meaning() -> None:
    for flag, uses in options_by_flag().items():
        first_command, first = uses[0]
        for other_command, other in uses[1:]:
            differ = {key for key, value in meaning(first).items() if value != meaning(other)[key]}
            assert differ <= MAY_DIFFER.get(flag, set()), f"{flag} of {first_command} and of {other_command} differ in {differ}"


def test_one_meaning_has_one_spelling() -> None:
    """The same parameter is spelt alike everywhere, and no two flags say the same."""
    by_name, by_help = defaultdict(set), defaultdict(set)
    for _, option in parameters():
        if isinstance(option, click.Option):
            by_name[option.name].add(tuple(spellings(option)))
            by_help[(option.help or "").partition("  [default")[0]].add(tuple(spellings(option)))
    assert {name: flags for name, flags in by_name.items() if len(flags) > 1} == {}
    assert {words: flags for words, flags in by_help.items() if len(flags) > 1} == {}


def test_flags_are_spelt_in_one_style() -> None:
    for flag in options_by_flag():
        assert flag == flag.lower() and "_" not in flag, f"{flag}: words are joined by -"
        assert flag.startswith("--") == (len(flag) > 2), f"{flag}: one letter has one dash, a word has two"


def test_every_option_has_help_that_is_a_sentence() -> None:
    for name, option in parameters():
        if isinstance(option, click.Option):
            words = (option.help or "").partition("  [default")[0]
            assert words.endswith("."), f"{name} {spellings(option)}: {option.help!r}"


def test_positionals_are_files_everywhere() -> None:
    """But for a model, an embedding, and the task of train, which come before the files."""
    for name in COMMANDS:
        names = [p.name for p in COMMANDS.find(name).params if isinstance(p, click.Argument)]
        assert names[-1] == "files"
        assert {*names[:-1]} <= {"model", "embedding", "task", "stages"}


@command
def test_command_loads_and_is_lazy_only_in_the_registry(name: str) -> None:
    assert isinstance(COMMANDS.find(name), click.Command)
    assert COMMANDS[name].target == f"textkit.commands.{name.replace('-', '_')}:command"


@command
def test_registry_help_and_docstring_agree(name: str) -> None:
    first_line = (COMMANDS.find(name).help or "").splitlines()[0]
    said, shown = COMMANDS[name].help.removesuffix("."), first_line.removesuffix(".")
    assert shown.startswith(said), f"{said!r} in the list of commands, {shown!r} in the command's own help"


@command
@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_help_works(name: str, flag: str) -> None:
    result = CliRunner().invoke(group, [name, flag], prog_name="textkit")
    assert result.exit_code == 0
    assert result.output.startswith(f"Usage: textkit {name} ")


def examples(name: str) -> list[list[str]]:
    """The commands of a help text's examples: each stage of each pipe as words."""
    text = COMMANDS.find(name).help or ""
    lines = [line.strip() for line in text.split("\b")[1].strip().splitlines()]
    return [stage for line in lines for stage in stages(line)]


def stages(line: str) -> list[list[str]]:
    """A pipe's stages as words; a | within quotes is no pipe."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars="|")
    lexer.whitespace_split = True
    found: list[list[str]] = [[]]
    for word in lexer:
        if word == "|":
            found.append([])
        else:
            found[-1].append(word)
    return found


@command
def test_help_has_examples_that_parse(name: str) -> None:
    """Each textkit stage of an example is a command line that its command accepts."""
    found = [words for words in examples(name) if words[0] == "textkit"]
    assert any(words[1] == name for words in found), "no example shows the command itself"
    for _, stage, *words in found:
        redirected = next((i for i, word in enumerate(words) if word in ("<", ">")), len(words))
        COMMANDS.find(stage).make_context(stage, words[:redirected], resilient_parsing=False)


def test_first_examples_run_as_they_stand(textkit: Textkit, made: Path) -> None:
    """In the order in which a reader meets them, on a file called reviews.tsv, and with a tagger that knows its sentences by heart."""
    (textkit.folder / "reviews.tsv").write_bytes((made / "reviews.tsv").read_bytes())
    (textkit.folder / "reviews_test.tsv").write_bytes((made / "reviews.tsv").read_bytes())
    (textkit.folder / "new.txt").write_text("Not bad.\n")
    sentences = (CORPORA / "tags_en.conllu").read_text(encoding="utf-8").split("\n\n")[:5]
    (textkit.folder / "test.conllu").write_text("".join(f"{sentence}\n\n" for sentence in sentences))
    settings = ("-s", "hidden=16", "-s", "dropout=0", "--batch-size", 1, "--epochs", 30)
    textkit("train", "tag", "test.conllu", *settings, "--valid-split", 0, "--save", "tagger")
    textkit("train", "classify", "reviews.tsv", "--arch", "lstm", "-s", "hidden=4", "--epochs", 1, "--save", "lstm")
    for name in ("tokenize", "pad", "train", "predict", "evaluate", "show"):
        text = (COMMANDS.find(name).help or "").split("\b")[1].strip().splitlines()
        for line in text if name != "train" else text[:1]:
            textkit.shell(line.strip())
    assert (textkit.folder / "answers.jsonl").read_text().count("\n") == 40


SETTABLE: list[tuple[str, Registry, list[str]]] = [
    ("tokenize", TOKENIZERS, ["tokenize", "--method"]),
    ("embed", EMBEDDINGS, ["embed", "--method"]),
    ("train", ARCHS, ["train", "classify", "--save", "m", "--arch"]),
]


@pytest.mark.parametrize(("words", "method"), [([*words, name], registry[name]) for _, registry, words in SETTABLE for name in registry])
def test_unknown_setting_lists_all_fields(words: list[str], method: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in.txt").write_text("one\n")
    with pytest.raises(UsageError) as caught:
        group.main([*words, "-s", "no_such=1", "in.txt"], standalone_mode=False)
    assert "no setting is called 'no_such'" in str(caught.value)
    for field in fields(method.load().Config):
        assert f"{field.name}={field.default} (" in str(caught.value)
        assert field.metadata["help"] in str(caught.value)
