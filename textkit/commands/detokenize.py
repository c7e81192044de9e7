"""`textkit detokenize`"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from textkit.errors import UsageError
from textkit.options import INPUT, JSON, LINEAGE_OFF, LOAD, OUTPUT, inputs_from, option, outputs_from, subcommand, typed

OWN = (
    option("--skip-special/--keep-special", "skip_special", default=True, help="Leave special tokens out of the text.  [default: leave out]"),
    option("--check", is_flag=True, help="Print how many texts come back as they were, and the first that do not."),
)


@subcommand(*OWN, *LOAD, *JSON, *INPUT, *OUTPUT, *LINEAGE_OFF)
def command(**given: Any) -> Any:
    """Turn ids or tokens back into text.

    Each record gets `output`: from its ids, or from its tokens if it has no ids. Padding is left out. The tokenizer is
    the one that the stream's header names, or that of --load.

    \b
    textkit tokenize --load tok reviews.tsv | textkit detokenize --to text
    textkit tokenize --load tok reviews.tsv | textkit detokenize --check
    """
    from textkit.detokenizing import Detokenize, print_json, print_tables, round_trip
    from textkit.runner import Job
    from textkit.tokenizers.stage import Tokenize

    if given["as_json"] and not given["check"]:
        raise UsageError("--json goes with --check", fix="records are JSON Lines already")
    inputs = inputs_from(given)
    stage = Detokenize(Tokenize.load(given["load"]) if given["load"] else None, given["skip_special"])
    if not given["check"]:
        return Job(inputs, (stage,), _outputs(given), wanted=("ids", "tokens", "mask"))
    for flag in typed("output", "to", "field", "keep", "drop", "lineage"):
        raise UsageError(f"{flag} does not go with --check, which prints no records")
    printer = print_json if given["as_json"] else print_tables
    return Job(inputs, (stage,), sink=lambda stream: printer(round_trip(stream, stage)), wanted=("text", "ids", "tokens", "mask"))


def _outputs(given: dict[str, Any]) -> Any:
    """As plain text the lines are the texts that were made, whatever else a record has."""
    from textkit.streams.sink import check_outputs

    outputs = outputs_from(given)
    text = outputs.field is None and check_outputs(outputs) == "text"
    return replace(outputs, field="output") if text else outputs
