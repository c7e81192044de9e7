"""`textkit predict`"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from textkit.errors import UsageError
from textkit.options import (
    EXPLAIN,
    FEEDS,
    INPUT,
    JSON,
    LINEAGE_OFF,
    OUTPUT,
    PATH,
    PROBA,
    TERMS,
    TOP,
    inputs_from,
    outputs_from,
    refuse_terminal,
    subcommand,
    typed,
)

if TYPE_CHECKING:
    from textkit.predicting import Predict
    from textkit.streams.stream import Stream

MODEL = (click.argument("model", type=PATH),)
STRONGEST = 10  # terms for a label, and against it


@subcommand(*MODEL, *TOP, *PROBA, *EXPLAIN, *TERMS, *JSON, *INPUT, *OUTPUT, *LINEAGE_OFF)
def command(**given: Any) -> Any:
    """Label new records with a trained model.

    MODEL is a folder that train saved. Raw text runs through the model's whole chain, a stream of the same chain
    through the rest of it. Each record gets `prediction` and `score`: the label's probability, or the decision value
    of a model that has none, as an svm trained without --proba. A tagger gives `tags`, one for each word, and with
    --proba `scores`; tags that a record had are kept as `gold_tags`.

    With --explain each record gets `explanation`, and a terminal shows it in colour. Of a linear model: the 10 terms, or
    --top N, that spoke most for its label and those against it. Of a network of tokens: what each token, or window of
    tokens of a cnn, adds to the label's logit; where each head of attention looks; how far the gates of an lstm or gru
    are open, the mean of their units, from left to right and back; the share of the record's vector that is read from
    each token; which tokens the vocabulary lacks. A terminal tells 10 tokens for the label and 10 against it, with --top N so
    many, and where these look; --json, a pipe and a file get all numbers.

    \b
    printf 'loved every minute\\n' | textkit predict model
    textkit predict model reviews.tsv -k 2 -o answers.jsonl
    printf 'She reads the reports.\\n' | textkit predict tagger --to conllu
    textkit predict model reviews.tsv --explain --top 5
    printf 'loved every minute\\n' | textkit predict lstm --explain
    """
    from textkit.predicting import Predict
    from textkit.runner import Job

    refuse_terminal(given["files"])
    if len(flags := typed("as_json", "to")) == 2:
        raise UsageError(f"{flags[0]} and {flags[1]} exclude each other")
    if given["top"] and not given["explain"]:
        raise UsageError("--top goes with --explain")
    if given["as_json"] and not given["explain"]:
        raise UsageError("--json goes with --explain", fix="--to says in which format the records are written")
    explain = (given["top"] or STRONGEST) if given["explain"] else None
    stage = Predict.load(given["model"], given["k"], given["proba"], explain)
    if given["k"] and stage.task.wordwise:
        raise UsageError("-k is for labels of records, and this model tags words", where=given["model"], fix="--proba tells how sure it is of each")
    inputs = inputs_from(given, usual=stage.bundle.lineage.columns)
    if explain and _for_a_person():
        return Job(inputs, (stage,), sink=_picture(stage, given["top"]), wanted=("text",), draws=True)
    return Job(inputs, (stage,), outputs_from(given), wanted=("text",))


def _picture(stage: Predict, top: int | None) -> Callable[[Stream], None]:
    from textkit.showing import networks, reasons

    if stage.neural:
        return lambda stream: reasons.show(stream, lambda record, console: networks.drawn(record, top, console))
    analyzers = stage.vectorizer.config.analyzer
    return lambda stream: reasons.show(stream, lambda record, console: reasons.drawn(record, analyzers, console))


def _for_a_person() -> bool:
    """Whether stdout is a terminal, and nothing was said of the form of the records."""
    form = typed("as_json", "output", "to", "field", "keep", "drop", "lineage")
    return sys.stdout.isatty() and not form and not click.get_current_context().meta.get(FEEDS)
