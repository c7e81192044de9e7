"""`pipe`: a pipe of the shell as one process. What it is made of is read as a shell would, and each stage by its command."""

from __future__ import annotations

import re
import shlex
from typing import Any

import click

from textkit.errors import UsageError
from textkit.options import FED, FEEDS, PIPED, typed
from textkit.registry import COMMANDS
from textkit.runner import Chain, Job

# text in single and in double quotes, an escaped character, what a shell gives a meaning, white space, other text
PIECE = re.compile(
    r"""
    '(?P<single>[^']*)' | "(?P<double>(?:\\.|[^"\\])*)" | \\(?P<escaped>.) | (?P<mark>[|&;<>()`$]) | (?P<space>[\ \t\n]+)
    | (?P<bare>[^'"\\|&;<>()`$\ \t\n]+) | (?P<open>.)
    """,
    re.DOTALL | re.VERBOSE,
)
ESCAPE = re.compile(r'\\([$`"\\\n])')  # within double quotes; any other backslash is one
EXPANSION = re.compile(r"(?:[^\\$`]|\\.)*([$`])", re.DOTALL)
FIRST_ONLY = ("from_", "parallel", "encoding", "header", "quotes", "delimiter", "columns", "unbuffered")
LAST_ONLY = ("output", "to", "field")


def split(text: str) -> list[list[str]]:
    """The words of each stage; UsageError where a shell would do more than split words."""
    return [_known(words) for words in words_of(text)]


def words_of(text: str) -> list[list[str]]:
    """The words of each part between `|`, as a shell splits them."""
    stages: list[list[str]] = [[]]
    word: str | None = None  # None between words
    for piece in PIECE.finditer(text):
        kind = piece.lastgroup or ""
        if kind in ("space", "mark"):
            stages[-1] += [] if word is None else [word]
            word = None
        if kind == "mark":
            _refuse(piece["mark"].replace("|", ""))
            stages.append([])
        elif kind == "open":
            raise UsageError(f"{text[piece.start() :][:20]!r} is no command line: what begins there has no end")
        elif kind != "space" and piece.group() != "\\\n":  # a line goes on after that
            word = (word or "") + (_unquoted(piece["double"]) if kind == "double" else piece[kind])
    stages[-1] += [] if word is None else [word]
    return stages


def _unquoted(text: str) -> str:
    """What stands in double quotes."""
    expansion = EXPANSION.match(text)
    _refuse(expansion[1] if expansion else "")
    return ESCAPE.sub(lambda found: found[1].strip("\n"), text)


def _refuse(mark: str) -> None:
    if mark:
        raise UsageError(f"{mark} means nothing here, since no shell reads it", fix="quote it, or give files and -o outside of the stages")


def _known(words: list[str]) -> list[str]:
    words = words[1:] if words[:1] == ["textkit"] else words
    if not words:
        raise UsageError("a stage is missing", fix="write 'STAGE | STAGE'")
    if words[0] not in COMMANDS or words[0] == "pipe":
        raise UsageError(f"no stage is called {words[0]!r}", fix=f"the stages are {', '.join(name for name in COMMANDS if name != 'pipe')}")
    return words


def shell(stages: list[list[str]]) -> str:
    return " | ".join(shlex.join(["textkit", *words]) for words in stages)


def forwarded(context: click.Context, sections: tuple[str, ...], names: tuple[str, ...] = ()) -> list[str]:
    """The words that give a stage what the user gave `pipe`: options of these sections, and parameters of these names."""
    words: list[str] = []
    for parameter in context.command.params:
        mine = getattr(parameter, "section", None) in sections or parameter.name in names
        if mine and context.get_parameter_source(parameter.name or "") is click.core.ParameterSource.COMMANDLINE:
            words += _spelt(parameter, context.params[parameter.name or ""])
    return words


def _spelt(parameter: click.Parameter, value: Any) -> list[str]:
    if isinstance(parameter, click.Argument):
        return ["--", *value] if any(word.startswith("-") and word != "-" for word in value) else [*value]
    assert isinstance(parameter, click.Option)
    flag = parameter.opts[-1]
    if parameter.is_flag:
        return [flag if value else parameter.secondary_opts[-1]]
    if parameter.multiple:
        return [word for values in value for word in (flag, *values)]
    return [flag, ",".join(value) if isinstance(value, tuple) else str(value)]


def chain(stages: list[list[str]]) -> Chain:
    """All stages as jobs, ready to run: nothing has been read yet."""
    jobs = []
    for number, words in enumerate(stages):
        jobs.append(_job(words, first=number == 0, last=number == len(stages) - 1))
    return Chain(tuple(jobs))


def _job(words: list[str], first: bool, last: bool) -> Job:
    root = click.get_current_context().find_root()
    root.meta[PIPED], root.meta[FED], root.meta[FEEDS] = True, not first, not last
    command = COMMANDS.find(words[0])
    with command.make_context(words[0], words[1:], parent=root) as context:
        job: Job | None = command.invoke(context)
        for flag in () if first else typed(*FIRST_ONLY):
            raise UsageError(f"{flag} of {words[0]} belongs to the first stage")
        for flag in () if last else typed(*LAST_ONLY):
            raise UsageError(f"{flag} of {words[0]} belongs to the last stage")
    if job is None or (not first and job.inputs.paths):
        raise UsageError(f"{shlex.join(words)} reads files of its own, and no stream", fix="files belong to the first stage")
    if job.sink is not None and not last:
        raise UsageError(f"{words[0]} writes no records, so it is the last stage")
    return job
