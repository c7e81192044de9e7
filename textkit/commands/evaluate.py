"""`textkit evaluate`"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from textkit.options import INPUT, JSON, inputs_from, refuse_terminal, subcommand


@subcommand(*JSON, *INPUT)
def command(**given: Any) -> Any:
    """Measure a model, or predictions, against labels.

    If the first FILE is a folder that train saved, the records of the others are predicted with it; otherwise they
    must have `label` and `prediction`.

    \b
    textkit evaluate model reviews_test.tsv
    textkit predict model reviews_test.tsv | textkit evaluate --json
    """
    from textkit.evaluating import measure, print_json, print_tables
    from textkit.runner import Job

    model, *files = given["files"] or (None,)
    bundled = model is not None and model != "-" and Path(model).is_dir()
    refuse_terminal(files if bundled else given["files"])
    stages = (_predict(str(model)),) if bundled else ()
    usual = stages[0].bundle.lineage.columns if stages else {}
    inputs = inputs_from({**given, "files": tuple(files)} if bundled else given, usual)
    known = stages[0].task.labels if stages else None
    printer = print_json if given["as_json"] else print_tables
    return Job(inputs, stages, sink=lambda stream: printer(measure(stream, known)), wanted=("label",), due=("label", "prediction"))


def _predict(model: str) -> Any:
    from textkit.predicting import Predict

    return Predict.load(model)
