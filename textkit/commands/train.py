"""`textkit train`"""

from __future__ import annotations

from typing import Any

import click

from textkit.errors import UsageError
from textkit.options import EPOCHS, INPUT, RATE, SAVE, SEED, SETTINGS, finite, inputs_from, option, subcommand, typed
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
    option("--proba", is_flag=True, help="Have a linear model learn probabilities: svm has none by itself."),
    option("--class-weight", type=click.Choice(["balanced"]), help="Let labels count the same, however rare."),
    option("--weight-field", "weight", metavar="NAME", help="The field that says what a record counts."),
    option("--precision", type=click.Choice(["auto", "fp32", "bf16"]), default="auto", show_default=True, help="Auto: bf16 in hardware, else fp32."),
)


@subcommand(*TASK, *OWN, *EPOCHS, *RATE, *SEED, *SETTINGS, *SAVE, *INPUT)
def command(**given: Any) -> Any:
    """Train a model and save it with its whole chain.

    The folder of --save predicts from raw text: it holds every stage that made the input. Raw text is a whole job
    too; it is tokenized and indexed on the way.

    \b
    textkit train classify reviews.tsv --save model
    textkit tokenize reviews.tsv | textkit embed | textkit train classify --arch lstm -s hidden=64 --save model
    """
    if not given["save"]:
        raise UsageError("train keeps nothing without --save DIR")
    from textkit.artifacts.folder import check_target
    from textkit.runner import Job
    from textkit.training.run import Plan, check_settings, train

    check_target(given["save"], given["force"])
    if given["class_weight"]:
        given["settings"] = (*given["settings"], f"class_weight={given['class_weight']}")
    check_settings(given["arch"], given["settings"])
    own = ("task", "save", "arch", "settings", "epochs", "batch_size", "lr", "valid_split", "seed", "precision", "force", "proba", "weight")
    plan = Plan(**{name: given[name] for name in own}, for_networks=tuple(typed("epochs", "lr", "batch_size", "precision")))
    return Job(inputs_from(given), sink=lambda stream: train(stream, plan), wanted=("label",), due=("label",))
