"""`textkit show`"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from textkit.errors import UsageError
from textkit.options import INPUT, JSON, inputs_from, subcommand


@subcommand(*INPUT, *JSON)
def command(**given: Any) -> Any:
    """Say what an artifact, a file or a stream is.

    A folder that a stage or train saved is checked file by file; of a file or a stream the records are counted, and
    its columns, lengths and labels.

    \b
    textkit show model
    textkit tokenize reviews.tsv | textkit show --json
    """
    from textkit.runner import Job
    from textkit.showing import facts_of_artifact, facts_of_stream, print_json, print_tables

    printer = print_json if given["as_json"] else print_tables
    if any(Path(file).is_dir() for file in given["files"]):
        if len(given["files"]) > 1:
            raise UsageError("show takes one artifact at a time")
        printer(facts_of_artifact(given["files"][0]))
        return None
    name = " ".join(given["files"]) or "<stdin>"
    inputs = replace(inputs_from(given), partial=True)
    return Job(inputs, sink=lambda stream: printer(facts_of_stream(stream, name)))
