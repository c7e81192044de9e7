"""`textkit pad`"""

from __future__ import annotations

from typing import Any

import click

from textkit.options import INPUT, LINEAGE_ON, OUTPUT, inputs_from, option, outputs_from, subcommand

SIDE = click.Choice(["post", "pre"])
OWN = (
    option("--length", default="longest", show_default=True, metavar="N|longest|p95", help="Tokens in a record afterwards."),
    option("--pad", type=SIDE, default="post", show_default=True, help="Which side is filled."),
    option("--truncate", type=SIDE, default="post", show_default=True, help="Which side is cut."),
    option("--pad-id", type=click.IntRange(0, 2**31 - 1), metavar="ID", help="What to fill with; otherwise the vocabulary's [PAD]."),
)


@subcommand(*OWN, *INPUT, *OUTPUT, *LINEAGE_ON)
def command(**given: Any) -> Any:
    """Cut and fill ids to one length, with a mask: 1 for a token, 0 for padding.

    A number streams; longest and p95 (95 of 100 records stay whole) read all of the input first. How much was cut
    is told on stderr.

    \b
    textkit tokenize --load tok reviews.tsv | textkit pad --length 32
    """
    from textkit.padding import Pad, parse_length
    from textkit.runner import Job

    length, measure = parse_length(given["length"])
    stage = Pad(Pad.Config(length, given["pad"], given["truncate"]), measure, given["pad_id"])
    return Job(inputs_from(given), (stage,), outputs_from(given))
