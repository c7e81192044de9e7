"""`textkit predict`"""

from __future__ import annotations

from typing import Any

import click

from textkit.options import INPUT, LINEAGE_OFF, OUTPUT, PATH, TOP, inputs_from, outputs_from, refuse_terminal, subcommand

MODEL = (click.argument("model", type=PATH),)


@subcommand(*MODEL, *TOP, *INPUT, *OUTPUT, *LINEAGE_OFF)
def command(**given: Any) -> Any:
    """Label new records with a trained model.

    MODEL is a folder that train saved. Raw text runs through the model's whole chain, a stream of the same chain
    through the rest of it. Each record gets `prediction` and `score`.

    \b
    printf 'loved every minute\\n' | textkit predict model
    textkit predict model reviews.tsv -k 2 -o answers.jsonl
    """
    from textkit.predicting import Predict
    from textkit.runner import Job

    refuse_terminal(given["files"])
    stage = Predict.load(given["model"], given["top"], given["proba"])
    inputs = inputs_from(given, usual=stage.bundle.lineage.columns)
    return Job(inputs, (stage,), outputs_from(given), wanted=("text",))
