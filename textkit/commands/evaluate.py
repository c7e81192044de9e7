"""`textkit evaluate`"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from textkit.errors import UsageError
from textkit.options import INPUT, JSON, PATH, finite, inputs_from, names_in, option, refuse_terminal, subcommand, typed


def limits(context: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> tuple[tuple[str, float], ...]:
    """`f1_macro=0.8` as metric and number."""
    if not values:
        return ()
    from textkit.evaluating.gates import parsed

    try:
        return tuple(map(parsed, values))
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


OWN = (
    option(
        "--confidence",
        metavar="LEVEL",
        type=click.FloatRange(0, 1, min_open=True, max_open=True),
        callback=finite,
        help="Also give intervals of this level, e.g. 0.95, from 1000 resamples.",
    ),
    option("--compare", metavar="OTHER", type=PATH, help="Compare with another model, or a file of predictions of the same records."),
    option("--worst", metavar="N", type=click.IntRange(min=1), help="Show the N records that went most wrong."),
    option(
        "--fail-under",
        metavar="METRIC=LIMIT",
        multiple=True,
        callback=limits,
        help="Exit with 5 if a metric of --json is under its limit, a loss over it; repeatable.",
    ),
    option("--gold", metavar="FILE", type=PATH, help="Take the labels from this file of the same records, or of a label a line."),
)
OF_VECTORS = (
    option("--pairs", metavar="FILE", type=PATH, multiple=True, help="Measure an embedding on pairs of words with scores; repeatable."),
    option("--analogies", metavar="FILE", type=PATH, multiple=True, help="Measure an embedding on questions of four words; repeatable."),
    option(
        "--restrict-vocab",
        type=click.IntRange(min=1),
        metavar="N",
        default=300_000,
        show_default=True,
        help="Look at the first N words of an embedding only.",
    ),
    option("--case-sensitive", is_flag=True, help="Take words of --pairs and --analogies in their own case only."),
)


@subcommand(*OWN, *OF_VECTORS, *JSON, *INPUT)
def command(**given: Any) -> Any:
    """Measure a model, or predictions, against labels.

    If the first FILE is a folder that train saved, the records of the others are predicted with it; otherwise they
    must have `label` and `prediction`. ROC-AUC, average precision, log loss and calibration error take the scores of
    all labels: those of a model, of predict --proba, or of two labels. Of records with several labels, `labels` is
    measured against `predictions`; of words, `gold_tags` against `tags`: entities where they mark such, as seqeval does.

    With --pairs or --analogies the one FILE is an embedding, as embed --load takes it, and its word vectors are measured:
    on --pairs (two words and a score a line) by correlation, on --analogies (`a b c d`, and `: section` lines) by how
    often b - a + c is nearest to d.

    \b
    textkit evaluate model reviews_test.tsv
    textkit predict model reviews_test.tsv | textkit evaluate --json
    textkit evaluate tagger test.conllu --fail-under tag_accuracy=0.95
    textkit evaluate model reviews_test.tsv --confidence 0.95 --worst 5
    textkit evaluate model reviews.tsv --compare answers.jsonl
    textkit evaluate model reviews_test.tsv --fail-under f1_macro=0.4 --fail-under log_loss=0.7
    tail -n +2 reviews_test.tsv | cut -f 1 | textkit predict model | textkit evaluate --gold reviews_test.tsv

    \b
    textkit evaluate vec --pairs pairs.tsv --analogies questions.txt
    """
    if given["pairs"] or given["analogies"] or _is_embedding(given["files"]):
        return _of_vectors(given)
    for flag in typed("restrict_vocab", "case_sensitive"):
        raise UsageError(f"{flag} is about an embedding, which is measured on --pairs FILE or --analogies FILE")
    from textkit.evaluating import Wishes, measure_any
    from textkit.runner import Job

    model, *files = given["files"] or (None,)
    bundled = model is not None and model != "-" and Path(model).is_dir()
    refuse_terminal(files if bundled else given["files"])
    inputs, model_stage, stages = _stages(given, model if bundled else None, tuple(files))
    wishes = Wishes(**_beside(given, model_stage), seed=given["seed"], confidence=given["confidence"], worst=given["worst"])
    known = None if model_stage is None else model_stage.task.labels
    wanted = () if wishes.gold else ("label",)

    def sink(stream: Any) -> None:
        _show(measure_any(stream, known, wishes), given)

    return Job(inputs, stages, sink=sink, wanted=wanted, check=wishes.check)


def _is_embedding(files: tuple[str, ...]) -> bool:
    from textkit.artifacts.folder import read_manifest
    from textkit.errors import InputError

    try:
        return bool(files) and files[0] != "-" and Path(files[0]).is_dir() and read_manifest(files[0]).get("kind") == "embedding"
    except InputError:  # which whoever loads it will tell
        return False


def _of_vectors(given: dict[str, Any]) -> None:
    from textkit.embeddings.foreign import adopted
    from textkit.evaluating.gates import check
    from textkit.evaluating.vectors import measure_vectors, print_json, print_tables

    if not given["pairs"] and not given["analogies"]:
        raise UsageError("word vectors are measured on --pairs FILE or --analogies FILE", where=given["files"][0])
    if len(given["files"]) != 1:
        raise UsageError("--pairs and --analogies measure one embedding, and its name is all that is needed besides")
    for flag in typed("confidence", "compare", "worst", "gold"):
        raise UsageError(f"{flag} is about labels, and an embedding gives none")
    for flag in typed(*(name for name in names_in("Input") if name not in ("files", "encoding"))):
        raise UsageError(f"{flag} is for records, and --pairs and --analogies take none")
    files = (given["pairs"], given["analogies"])
    report = measure_vectors(adopted(given["files"][0]), *files, given["restrict_vocab"], given["case_sensitive"], given["encoding"])
    (print_json if given["as_json"] else print_tables)(report)
    check(report.metrics, given["fail_under"])


def _stages(given: dict[str, Any], model: str | None, files: tuple[str, ...]) -> tuple[Any, Any, tuple[Any, ...]]:
    """The inputs, the model if there is one, and the stages that predict with it and with a second one."""
    from textkit.evaluating.models import Models, loaded, of_several, of_words
    from textkit.predicting import Predict

    other = given["compare"]
    second = Predict.load(other) if other is not None and Path(other).is_dir() else None
    first = None if model is None else loaded(model)
    for one, path in ((first, model), (second, other)):
        if of_words(one) and other is not None:
            raise UsageError("--compare is for models of one label a record, and this one tags words", where=path)
        if of_several(one) and other is not None:
            raise UsageError("--compare is for models of one label a record, and this one gives several", where=path)
    usual = {} if first is None else first.bundle.lineage.columns
    given = {**given, "files": given["files"] if model is None else files}
    if given["gold"] is not None:  # the field of the label is in that file
        given = {**given, "label_field": None}
    return inputs_from(given, usual), first, () if first is second is None else (Models(first, second),)


def _beside(given: dict[str, Any], model: Any) -> dict[str, Any]:
    """What `Wishes` has to know of files that are read along."""
    from textkit.evaluating.models import of_several, of_words, probable
    from textkit.streams.formats.base import Reading
    from textkit.streams.source import Inputs, check_exist

    usual = {} if model is None else model.bundle.lineage.columns
    found: dict[str, Any] = {
        "several": of_several(model),
        "tagged": of_words(model),
        "probable": None if model is None else probable(model.bundle.manifest),
    }
    if given["compare"] is not None:
        found["names"] = (str(given["files"][0]) if given["files"] else "-", str(given["compare"]))
    for flag, name in (("gold", "gold"), ("compare", "other")):
        path = given[flag]
        if path is None or (flag == "compare" and Path(path).is_dir()):
            continue
        _refuse_beside(f"--{flag}", path, given)
        named = {"label": given["label_field"]} if flag == "gold" and given["label_field"] is not None else {}
        reading = Reading(names=named, usual=usual, wanted=())
        found[name] = Inputs((path,), encoding=given["encoding"], reading=reading, limit=given["limit"], partial=given["partial"])
        check_exist(found[name])
    return found


def _refuse_beside(flag: str, path: str, given: dict[str, Any]) -> None:
    """UsageError for what would make the records of two files no longer the same."""
    if path == "-":
        raise UsageError(f"{flag} takes a file, and - is none")
    skips = typed("on_error") if given["on_error"] == "skip" else typed("reject")
    for other in (*skips, *typed("sample")):
        raise UsageError(f"{other} does not go with {flag}: the records of both files would no longer be the same")


def _show(report: Any, given: dict[str, Any]) -> None:
    """Print it, then see whether it is good enough."""
    import sys

    from textkit.evaluating.gates import check
    from textkit.evaluating.report import print_json
    from textkit.evaluating.tables import print_tables

    (print_json if given["as_json"] else print_tables)(report)
    sys.stdout.flush()
    check(report.metrics, given["fail_under"])
