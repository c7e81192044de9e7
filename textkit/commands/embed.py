"""`textkit embed`"""

from __future__ import annotations

from typing import Any

import click

from textkit.errors import UsageError
from textkit.options import (
    EPOCHS,
    INPUT,
    LINEAGE_ON,
    LOAD,
    OUTPUT,
    RATE,
    SAVE,
    SEED,
    SETTINGS,
    inputs_from,
    method,
    nothing_to_learn,
    option,
    outputs_from,
    subcommand,
    typed,
)
from textkit.registry import EMBEDDINGS

OWN = (
    option("--dim", type=click.IntRange(min=1), default=100, show_default=True, help="Width of the vectors."),
    option("--window", type=click.IntRange(min=1), default=5, show_default=True, help="Words on each side to train with."),
    option("--min-count", type=click.IntRange(min=1), default=5, show_default=True, help="Rarer words get no vector."),
    option("--sg/--cbow", "sg", default=True, help="Skip-gram or CBOW.  [default: sg]"),
    option("--negative", type=click.IntRange(min=1), default=5, show_default=True, help="Negative samples for each word."),
    option(
        "--threads",
        type=click.IntRange(min=1),
        help="Of more than one the bytes differ from run to run.  [default: 1 for a small corpus, else all cores]",
    ),
    option("--deterministic", is_flag=True, help="The same bytes each time: one thread."),
    option("--pool", type=click.Choice(["none", "mean"]), default="none", show_default=True, help="Put one vector into each record."),
)
LEARNED = ("dim", "window", "min_count", "sg", "negative", "epochs", "lr", "seed")


@subcommand(*method(EMBEDDINGS, "word2vec"), *OWN, *EPOCHS, *RATE, *SEED, *SAVE, *LOAD, *SETTINGS, *INPUT, *OUTPUT, *LINEAGE_ON)
def command(**given: Any) -> Any:
    """Learn or apply word vectors.

    The vectors travel by reference: the stream's lineage names them, and `train` starts from them. Raw text is
    tokenized as words first; tokens without ids get ids of the embedding's vocabulary.

    \b
    textkit tokenize reviews.tsv | textkit embed --dim 64 --save vec > embedded.jsonl
    textkit embed --load vec --pool mean reviews.tsv
    """
    from textkit.embeddings.stage import Embed
    from textkit.runner import Job

    if given["load"]:
        nothing_to_learn("save", "method", *LEARNED, "settings", "threads", "deterministic")
        stage = Embed.load(given["load"], given["pool"])
    else:
        stage = _learner(given)
    return Job(inputs_from(given), (stage,), outputs_from(given))


def _learner(given: dict[str, Any]) -> Any:
    from textkit.artifacts.store import Store
    from textkit.config import override
    from textkit.embeddings.stage import Embed

    method_class = EMBEDDINGS.find(given["method"])
    pairs = [f"{name}={given[name]}" for name in LEARNED if typed(name)]  # a method need not have them all
    settings = override(method_class.Config(), [*pairs, *given["settings"]])
    if given["deterministic"] and (given["threads"] or 1) > 1:
        raise UsageError("--deterministic is one thread, and --threads asks for more")
    learner = method_class(settings, 1 if given["deterministic"] else given["threads"])
    return Embed(given["method"], settings, given["pool"], learner=learner, store=Store(given["save"], given["force"]))
