"""`textkit show`"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from textkit.errors import UsageError
from textkit.options import INPUT, JSON, SETTINGS, inputs_from, option, subcommand

OWN = (option("--pipeline", is_flag=True, help="Print the pipe that makes it again, and nothing else."),)


@subcommand(*INPUT, *JSON, *SETTINGS, *OWN)
def command(**given: Any) -> Any:
    """Say what an artifact, a file or a stream is.

    A folder that a stage or train saved is checked file by file. Of a file or a stream the records are counted, and
    shown are its format, columns and their types, lengths, labels and oddities of its texts. `archs` lists the
    architectures that train knows, `arch NAME` tells the settings of one.

    \b
    textkit show model
    textkit tokenize reviews.tsv | textkit show --json
    sh -c "$(textkit show --pipeline padded.jsonl)" < reviews.tsv
    textkit show archs
    textkit show arch lstm -s hidden=256
    """
    if given["pipeline"] and given["as_json"]:
        raise UsageError("--pipeline is printed as a shell reads it, and --json is for all else")
    if _names_archs(given["files"]):
        _show_archs(given)
        return None
    if given["settings"]:
        raise UsageError("-s goes with textkit show arch NAME")
    one = [file for file in given["files"] if _is_artifact(file)]
    if one:
        if len(given["files"]) > 1:
            raise UsageError("show takes one artifact at a time")
        _show_artifact(one[0], given)
        return None
    return _look_at_stream(given)


def _names_archs(words: tuple[str, ...]) -> bool:
    """Whether `archs` or `arch NAME` is meant, and no file of that name."""
    return words[:1] in (("archs",), ("arch",)) and not Path(words[0]).exists()


def _show_archs(given: dict[str, Any]) -> None:
    from textkit.showing.archs import facts_of_arch, facts_of_archs, print_archs
    from textkit.showing.picture import print_json

    first, *names = given["files"]
    if given["pipeline"] or (first == "archs" and (names or given["settings"])) or (first == "arch" and len(names) != 1):
        raise UsageError("it is textkit show archs, or textkit show arch NAME [-s SETTING=VALUE]")
    facts = facts_of_archs() if first == "archs" else facts_of_arch(names[0], given["settings"])
    (print_json if given["as_json"] else print_archs)(facts)


def _is_artifact(file: str) -> bool:
    from textkit.showing.artifacts import is_tokenizer

    return Path(file).is_dir() or is_tokenizer(file)


def _show_artifact(path: str, given: dict[str, Any]) -> None:
    from textkit.showing.artifacts import facts_of_artifact, facts_of_tokenizer
    from textkit.showing.picture import print_json, print_tables

    facts = facts_of_artifact(path) if Path(path).is_dir() else facts_of_tokenizer(path)
    if given["pipeline"]:
        from textkit.showing.pipeline import pipeline_of_bundle

        click.echo(pipeline_of_bundle(facts))
    else:
        (print_json if given["as_json"] else print_tables)(facts)


def _look_at_stream(given: dict[str, Any]) -> Any:
    from textkit.runner import Job
    from textkit.showing.artifacts import refuse_binary
    from textkit.showing.picture import print_json, print_tables
    from textkit.showing.survey import facts_of_stream

    for file in given["files"]:
        refuse_binary(file, given["encoding"])
    inputs = replace(inputs_from(given), partial=True)
    if given["pipeline"]:
        return Job(inputs, sink=_print_pipeline)
    name = " ".join(given["files"]) or "<stdin>"
    printer = print_json if given["as_json"] else print_tables
    return Job(inputs, sink=lambda stream: printer(facts_of_stream(stream, name, given["encoding"])))


def _print_pipeline(stream: Any) -> None:
    from textkit.showing.pipeline import pipeline_of_stream

    pipe = pipeline_of_stream(stream.lineage, stream.near)
    for _ in stream.batches:  # to its end, for a command that pipes into this one should not fail
        pass
    click.echo(pipe)
