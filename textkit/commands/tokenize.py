"""`textkit tokenize`"""

from __future__ import annotations

from typing import Any

import click

from textkit.errors import UsageError
from textkit.options import (
    INPUT,
    LINEAGE_ON,
    LOAD,
    OUTPUT,
    SAVE,
    SETTINGS,
    inputs_from,
    method,
    nothing_to_learn,
    option,
    outputs_from,
    subcommand,
)
from textkit.registry import TOKENIZERS

OWN = (
    option("--vocab-size", type=click.IntRange(min=8), metavar="N", help="Learn a vocabulary of at most N tokens."),
    option("--min-frequency", type=click.IntRange(min=1), metavar="N", help="Learn from what occurs at least N times.  [default: 2]"),
    option("--lowercase/--no-lowercase", "lowercase", default=None, help="Lower-case the text.  [default: no]"),
)


@subcommand(*method(TOKENIZERS, "words"), *OWN, *SAVE, *LOAD, *SETTINGS, *INPUT, *OUTPUT, *LINEAGE_ON)
def command(**given: Any) -> Any:
    """Cut text into tokens, and ids of a vocabulary.

    With --save, or a method that must learn, the vocabulary is learned from the input; with --load a saved one is
    applied. `words` without either streams tokens alone.

    \b
    textkit tokenize reviews.tsv --method wordpiece --vocab-size 8000 --save tok > tokens.jsonl
    textkit tokenize --load tok < new.txt
    """
    from textkit.runner import Job
    from textkit.tokenizers.stage import Tokenize

    if given["load"]:
        nothing_to_learn("save", "method", "vocab_size", "min_frequency", "lowercase", "settings")
    stage = Tokenize.load(given["load"]) if given["load"] else _learner(given)
    return Job(inputs_from(given), (stage,), outputs_from(given))


def _learner(given: dict[str, Any]) -> Any:
    from textkit.artifacts.store import Store
    from textkit.config import override
    from textkit.tokenizers.stage import Tokenize

    tokenizer_class = TOKENIZERS.find(given["method"])
    named = ("vocab_size", "min_frequency", "lowercase")
    pairs = [f"{name}={given[name]}" for name in named if given[name] is not None]
    settings = override(tokenizer_class.Config(), [*pairs, *given["settings"]])
    learns = tokenizer_class.must_learn or given["save"] or given["vocab_size"]
    if given["min_frequency"] and not learns:
        raise UsageError("--min-frequency goes with learning", fix="add --save DIR or --vocab-size N")
    return Tokenize.of(given["method"], settings, Store(given["save"], given["force"]) if learns else None)
