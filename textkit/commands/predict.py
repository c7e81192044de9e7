"""`textkit predict`"""

from __future__ import annotations

import sys
from typing import Any

import click

from textkit.errors import UsageError
from textkit.options import (
    EXPLAIN,
    FEEDS,
    INPUT,
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

MODEL = (click.argument("model", type=PATH),)
STRONGEST = 10  # terms for a label, and against it


@subcommand(*MODEL, *TOP, *PROBA, *EXPLAIN, *TERMS, *INPUT, *OUTPUT, *LINEAGE_OFF)
def command(**given: Any) -> Any:
    """Label new records with a trained model.

    MODEL is a folder that train saved. Raw text runs through the model's whole chain, a stream of the same chain
    through the rest of it. Each record gets `prediction` and `score`: the label's probability, or the decision value
    of a model that has none, as an svm trained without --proba.

    With --explain each record of a linear model gets `explanation`: the 10 terms, or --top N, that spoke most for its
    label and those against it. A terminal shows them in colour.

    \b
    printf 'loved every minute\\n' | textkit predict model
    textkit predict model reviews.tsv -k 2 -o answers.jsonl
    textkit predict model reviews.tsv --explain --top 5
    """
    from textkit.predicting import Predict
    from textkit.runner import Job

    refuse_terminal(given["files"])
    if given["top"] and not given["explain"]:
        raise UsageError("--top goes with --explain")
    explain = (given["top"] or STRONGEST) if given["explain"] else None
    stage = Predict.load(given["model"], given["k"], given["proba"], explain)
    inputs = inputs_from(given, usual=stage.bundle.lineage.columns)
    if explain and _for_a_person():
        from textkit.showing.reasons import show

        return Job(inputs, (stage,), sink=lambda stream: show(stream, stage.vectorizer.config.analyzer), wanted=("text",), draws=True)
    return Job(inputs, (stage,), outputs_from(given), wanted=("text",))


def _for_a_person() -> bool:
    """Whether stdout is a terminal, and nothing was said of the form of the records."""
    form = typed("output", "to", "field", "keep", "drop", "lineage")
    return sys.stdout.isatty() and not form and not click.get_current_context().meta.get(FEEDS)
