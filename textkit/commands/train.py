"""`textkit train`"""

from __future__ import annotations

from typing import Any, get_type_hints

import click

from textkit.errors import UsageError
from textkit.options import EPOCHS, FED, INPUT, PATH, PROBA, RATE, SAVE, SEED, SETTINGS, finite, inputs_from, option, subcommand, typed
from textkit.registry import ARCHS, TASKS

TASK = (click.argument("task", type=click.Choice(list(TASKS))),)
OWN = (
    option("--arch", type=click.Choice(list(ARCHS)), help="Which model.  [default: lstm after embed, else logreg]"),
    option("--batch-size", type=click.IntRange(min=1), help="Records in a step.  [default: 8 to 64, by how many there are]"),
    option(
        "--valid-split",
        type=click.FloatRange(0, 0.9),
        callback=finite,
        help="Share of each label held out.  [default: 0.1; 0 of many records with a linear model]",
    ),
    option("--class-weight", type=click.Choice(["balanced"]), help="Let labels count the same, however rare."),
    option("--weight-field", "weight", metavar="NAME", help="The field that says what a record counts."),
    option(
        "--tune",
        type=click.FloatRange(min=0, min_open=True),
        callback=finite,
        metavar="SECONDS",
        help="Search for features, linear model and settings by cross-validation; what is tried in which order is fixed, the time says how much.",
    ),
    option("--tune-metric", type=click.Choice(["accuracy", "f1_macro", "f1_micro"]), help="What --tune seeks.  [default: accuracy]"),
    option("--trials", type=PATH, metavar="FILE", help="Write what --tune tried as JSON Lines; the bundle has it too."),
    option("--precision", type=click.Choice(["auto", "fp32", "bf16"]), default="auto", show_default=True, help="Auto: bf16 in hardware, else fp32."),
)


@subcommand(*TASK, *OWN, *PROBA, *EPOCHS, *RATE, *SEED, *SETTINGS, *SAVE, *INPUT)
def command(**given: Any) -> Any:
    """Train a model and save it with its whole chain.

    The folder of --save predicts from raw text: it holds every stage that made the input. Raw text is a whole job
    too; it is tokenized and indexed on the way.

    \b
    textkit train classify reviews.tsv --save model
    textkit train classify reviews.tsv --tune 60 --save model
    textkit tokenize reviews.tsv | textkit embed | textkit train classify --arch lstm -s hidden=64 --save model
    """
    if not given["save"]:
        raise UsageError("train keeps nothing without --save DIR")
    from textkit.artifacts.folder import check_target
    from textkit.runner import Job
    from textkit.training.examples import Usable
    from textkit.training.run import Plan, check_settings, import_ahead, train

    check_target(given["save"], given["force"])
    if given["class_weight"]:
        if not given["arch"] and not given["tune"]:
            raise UsageError("--class-weight needs --arch, which says what to do about it", fix="--arch logreg, svm, sgd and nbsvm know it")
        if given["arch"] and "class_weight" not in get_type_hints(ARCHS[given["arch"]].load().Config):
            raise UsageError(f"--class-weight is not for {given['arch']}", fix="--arch logreg, svm, sgd and nbsvm know it; nb is fair to rare labels")
        given["settings"] = (*given["settings"], f"class_weight={given['class_weight']}")
    if not given["tune"]:
        for flag in typed("tune_metric", "trials"):
            raise UsageError(f"{flag} goes with --tune SECONDS")
        check_settings(given["arch"], given["settings"])
    import_ahead(given["arch"])
    own = ("task", "save", "arch", "settings", "epochs", "batch_size", "lr", "valid_split", "seed", "precision", "force", "proba", "weight")
    plan = Plan(**{name: given[name] for name in own}, for_networks=tuple(typed("epochs", "lr", "batch_size", "precision")))
    learn = _tuning(plan, given) if given["tune"] else lambda stream: train(stream, plan)
    return Job(inputs_from(given), sink=learn, wanted=("label",), check=Usable(given["weight"]))


def _tuning(plan: Any, given: dict[str, Any]) -> Any:
    """Training by --tune, which tells the command line of what it found: ours, with other settings."""
    from textkit.piping import forwarded
    from textkit.training.tuning import Tune, check_tuned, train_tuned

    check_tuned(plan)
    context = click.get_current_context()
    skipping = ["--on-error", "skip"] if given["on_error"] == "skip" or given["reject"] else []
    own = [*forwarded(context, (), ("weight", "proba", "seed", "save", "force")), *skipping]
    source = forwarded(context, ("Input",), ("seed",) if given["sample"] else ()) + forwarded(context, (), ("files",))
    fed = bool(context.meta.get(FED))
    tune = Tune(given["tune"], given["tune_metric"], given["trials"], tuple(source), tuple(own), fed)
    return lambda stream: train_tuned(stream, plan, tune)
