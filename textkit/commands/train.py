"""`textkit train`"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, get_type_hints

import click

from textkit.errors import UsageError
from textkit.options import (
    DEVICE,
    EPOCHS,
    FED,
    INPUT,
    PATH,
    PIPED,
    PROBA,
    RATE,
    SAVE,
    SEED,
    SETTINGS,
    finite,
    inputs_from,
    names_in,
    networks,
    option,
    subcommand,
    typed,
)
from textkit.registry import ARCHS, TASKS

OPTIMIZERS = ("sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adadelta", "adam", "adamw", "nadam")
SCHEDULES = ("constant", "linear", "cosine", "noam", "rsqrt", "plateau")


class BatchSize(click.IntRange):
    """A number of records, or all of them."""

    name = "batch size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        return value if value == "full" else super().convert(value, param, ctx)


TASK = (click.argument("task", type=click.Choice(list(TASKS)), required=False),)
OWN = (
    option("--arch", type=click.Choice(list(ARCHS)), help="Which model.  [default: lstm after embed, else logreg]"),
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
)
NETWORKS = (
    networks(
        "--batch-size",
        type=BatchSize(min=1),
        metavar="N|full",
        help="Records in a step, or all.  [default: 8 to 64, by how many there are; 16 to tag]",
    ),
    networks("--batch-tokens", type=click.IntRange(min=1), metavar="N", help="Make batches of N tokens, padding included, not of so many records."),
    networks("--accumulate", type=click.IntRange(min=1), metavar="N", help="Add up the gradients of N batches in a step: more than memory holds."),
    networks("--optimizer", type=click.Choice(OPTIMIZERS), default="adamw", show_default=True, help="How gradients change the weights."),
    networks("--schedule", type=click.Choice(SCHEDULES), default="linear", show_default=True, help="How the learning rate goes on from its peak."),
    networks(
        "--warmup",
        type=click.FloatRange(min=0),
        callback=finite,
        metavar="N",
        help="Steps in which the learning rate rises, or below 1 their share.  [default: 0; noam and rsqrt: 0.1]",
    ),
    networks("--weight-decay", type=click.FloatRange(min=0), callback=finite, help="Pull matrices towards 0.  [default: 0; adamw: 0.01]"),
    networks("--clip", type=click.FloatRange(min=0), default=1.0, show_default=True, callback=finite, help="Largest norm of the gradient; 0: any."),
    networks("--max-steps", type=click.IntRange(min=1), metavar="N", help="Take N steps, in as many epochs as they need unless --epochs says."),
    networks(
        "--max-time",
        type=click.FloatRange(min=0, min_open=True),
        callback=finite,
        metavar="SECONDS",
        help="Stop training after so long, and keep the best.",
    ),
    networks("--valid", type=PATH, metavar="FILE", help="File of the records to validate with."),
    networks("--eval-every", type=click.IntRange(min=1), metavar="STEPS", help="Validate every so many steps.  [default: an epoch]"),
    networks("--metric", metavar="NAME", help="Keep what is best by this: loss, accuracy, f1_macro.  [default: the task's own]"),
    networks("--early-stop", type=click.IntRange(min=1), metavar="N", help="Stop when N validations in a row found nothing better."),
    networks(
        "--precision",
        type=click.Choice(["auto", "fp32", "bf16", "fp16"]),
        default="auto",
        show_default=True,
        help="Auto: bf16 where it is fast.",
    ),
    networks("--label-smoothing", type=click.FloatRange(0, 1, max_open=True), default=0.0, callback=finite, help="Share of certainty to give up."),
    networks("--embedding", type=PATH, metavar="DIR", help="Begin with the word vectors that embed saved there."),
    networks("--freeze-embedding", is_flag=True, help="Leave the word vectors as they are."),
    networks("--init-from", type=PATH, metavar="DIR", help="Begin with the weights of a trained model, those that fit by name and shape."),
    networks("--freeze", multiple=True, metavar="PATTERN", help="Leave the weights of these names as they are: 'encoder.*'."),
    networks("--deterministic", is_flag=True, help="The same bytes each time, at the price of speed."),
    networks("--save-every", type=click.IntRange(min=1), metavar="STEPS", help="Write a checkpoint every so many steps.  [default: by time]"),
    networks("--find-lr", is_flag=True, help="Look for a good --lr by a short run with a rising one; save nothing."),
    networks("--dry-run", is_flag=True, help="Tell shapes, parameters, memory, time and three records; save nothing."),
)
STARTING = ("label_smoothing", "embedding", "freeze_embedding", "init_from", "freeze")  # of those above, what the network is built with
RESUME = (option("--resume", metavar="DIR", type=PATH, help="Go on with the training of DIR that was stopped; needs no input."),)
CHANGEABLE = ("lr", "epochs", "max_time", "device")  # when going on
KEEPING = ("deterministic", "save_every")
NOT_SETTINGS = {"valid", "find_lr", "dry_run", *STARTING, *KEEPING}  # what is no setting of the loop


@subcommand(*TASK, *OWN, *PROBA, *EPOCHS, *RATE, *NETWORKS, *DEVICE, *SEED, *SETTINGS, *SAVE, *RESUME, *INPUT)
def command(**given: Any) -> Any:
    """Train a model and save it with its whole chain.

    The folder of --save predicts from raw text: it holds every stage that made the input. Raw text is a whole job
    too; it is tokenized and indexed on the way.

    Networks make 5 passes unless --epochs says otherwise, 10 over up to 2000 records or to tag, and the best one is kept.

    \b
    textkit train classify reviews.tsv --save model
    textkit train classify reviews.tsv --tune 60 --save model
    textkit tokenize reviews.tsv | textkit embed | textkit train classify --arch lstm -s hidden=64 --save model
    textkit train classify reviews.tsv --arch lstm --valid reviews_test.tsv --epochs 20 --early-stop 3 --save model
    textkit train classify reviews.tsv --arch lstm --batch-size full --optimizer sgd --lr 1 --epochs 100 --save model
    textkit train classify reviews.tsv --arch lstm --find-lr
    textkit train --resume model
    """
    if given["resume"]:
        return _resume(given)
    if not given["task"]:
        raise UsageError(f"what is to be learned? train takes a task first: {', '.join(TASKS)}")
    looks = given["find_lr"] or given["dry_run"]
    if not given["save"] and not looks:
        raise UsageError("train keeps nothing without --save DIR")
    from textkit.artifacts.folder import check_target
    from textkit.runner import Job
    from textkit.training.examples import Usable
    from textkit.training.run import Plan, check_settings, import_ahead, train

    if not looks:
        check_target(given["save"], given["force"])
    _check(given)
    if not given["tune"]:
        check_settings(given["arch"], given["task"], given["settings"])
    import_ahead(given["arch"])
    inputs = inputs_from(given)
    valid = replace(inputs, paths=(given["valid"],), parallel=(), limit=None, sample=None) if given["valid"] else None
    plan = Plan(**_planned(given))
    wanted = TASKS.find(given["task"]).gold
    learn = _tuning(plan, given) if given["tune"] else lambda stream: train(stream, plan, valid)
    return Job(inputs, sink=learn, wanted=(wanted,), check=Usable(given["weight"], wanted if wanted != "label" else ""))


def _check(given: dict[str, Any]) -> None:
    """UsageError for options that do not go together; a class weight goes to the settings of a linear model."""
    for one, other in (("valid", "valid_split"), ("batch_size", "batch_tokens"), ("find_lr", "dry_run")):
        if len(flags := typed(one, other)) == 2:
            raise UsageError(f"{flags[0]} and {flags[1]} exclude each other")
    if given["batch_size"] == "full" and given["accumulate"]:
        raise UsageError("--batch-size full and --accumulate exclude each other: a step has all records")
    for flag in typed("tune_metric", "trials") if not given["tune"] else ():
        raise UsageError(f"{flag} goes with --tune SECONDS")
    if given["class_weight"]:
        name = given["arch"] or TASKS.find(given["task"]).arch
        if not name and not given["tune"]:
            raise UsageError("--class-weight needs --arch, which says what to do about it", fix="--arch logreg, svm, sgd and nbsvm know it")
        arch = ARCHS[name].load() if name else None
        if arch is None or arch.engine == "classic":
            if arch is not None and "class_weight" not in get_type_hints(arch.Config):
                fix = "--arch logreg, svm, sgd, nbsvm and networks know it; nb is fair to rare labels"
                raise UsageError(f"--class-weight is not for {name}", fix=fix)
            given["settings"] = (*given["settings"], f"class_weight={given['class_weight']}")
            given["class_weight"] = None


def _planned(given: dict[str, Any]) -> dict[str, Any]:
    """The fields of the plan. Of how to train only what was typed: the rest is as usual for the task and the optimizer."""
    flags = ["epochs", "lr", *names_in("Networks")]
    training = {name: given[name] for name in flags if typed(name) and name not in NOT_SETTINGS}
    if "max_steps" in training:
        training.setdefault("epochs", None)
    own = ("task", "save", "arch", "settings", "class_weight", "valid_split", "seed", "force", "proba", "weight", "find_lr", "dry_run")
    return {**{name: given[name] for name in (*own, *STARTING, *KEEPING)}, "training": training, "for_networks": tuple(typed(*flags))}


def _resume(given: dict[str, Any]) -> None:
    """Go on at once: there is nothing to read."""
    context = click.get_current_context()
    allowed = ("task", "resume", "force", *CHANGEABLE, *(name for name in context.params if name not in given))
    for flag in typed(*(name for name in context.params if name not in allowed)):
        raise UsageError(f"{flag} is for a new training", fix="--resume takes --lr, --epochs, --max-time and --device with it, and no input")
    if context.meta.get(PIPED):
        raise UsageError("train --resume reads no records, so it is no stage of a pipe")
    from textkit.training.resuming import go_on

    go_on(given["resume"], given["task"], given["force"], {name: given[name] for name in CHANGEABLE if typed(name)})


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
