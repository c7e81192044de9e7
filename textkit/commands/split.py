"""`textkit split`"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import click

from textkit.errors import UsageError
from textkit.options import FORM, INPUT, LINEAGE_ON, PATH, inputs_from, option, outputs_from, subcommand

PARTS = ("train", "valid", "test")
USUAL = {2: (0.8, 0.2), 3: (0.8, 0.1, 0.1)}
REST = "rest"


def ratios(context: click.Context, parameter: click.Parameter, value: str | None) -> tuple[float, ...]:
    try:
        numbers = tuple(float(word) for word in value.split(",")) if value is not None else ()
    except ValueError:
        numbers = (0.0,)
    if not all(math.isfinite(number) and number > 0 for number in numbers):
        raise click.BadParameter("takes numbers above 0 with commas between them: 0.8,0.1,0.1.")
    if numbers and max(numbers) < 1 and sum(numbers) > 1.001:
        raise click.BadParameter(f"adds up to {sum(numbers):.3g}, which is more than all.")
    return numbers


def counts(context: click.Context, parameter: click.Parameter, value: str | None) -> tuple[int | None, ...]:
    words = value.split(",") if value is not None else []
    if not all(word == REST or (word.isascii() and word.isdecimal() and len(word) < 16) for word in words) or words.count(REST) > 1:
        raise click.BadParameter("takes whole numbers with commas between them, of which one may be rest: rest,100,100.")
    return tuple(None if word == REST else int(word) for word in words)


OWN = (
    *(
        option(f"--{name}", metavar="FILE", type=PATH, help=f"File of the records to {what}.")
        for name, what in zip(PARTS, ("train on", "validate with", "test on"), strict=True)
    ),
    option("--ratios", metavar="R,R,R", callback=ratios, help="Share of each file, in this order.  [default: 0.8,0.2 or 0.8,0.1,0.1]"),
    option("--counts", metavar="N,N,N", callback=counts, help="Records of each file instead; one may be rest."),
    option("--stratify", metavar="NAME", help="Keep the shares of this field's values, e.g. label, in each file."),
    option("--group", metavar="NAME", help="Keep records with the same value of this field in one file."),
)


@subcommand(*INPUT, *OWN, *FORM, *LINEAGE_ON)
def command(**given: Any) -> Any:
    """Deal records out to train, valid and test files.

    At random, and each file in the order of the input; the same seed deals the same way. Name two of the files, or
    three. They appear when all are complete, and each has the format that its suffix says.

    \b
    textkit split reviews.tsv --train train.tsv --valid valid.tsv --test test.tsv --stratify label
    textkit tokenize --load tok reviews.tsv | textkit split --train a.arrow --test b.arrow --counts rest,10
    """
    from textkit.runner import Job
    from textkit.splitting import Split, block, split
    from textkit.streams.sink import check_outputs

    parts = {name: outputs_from({**given, "output": given[name]}) for name in PARTS if given[name] is not None}
    shares = _shares(given, len(parts))
    block(shares or (1,))
    inputs = inputs_from(given)
    _demand_apart([str(given[name]) for name in parts], [*inputs.paths, *(path for pair in inputs.parallel for path in pair), given["reject"]])
    for outputs in parts.values():
        check_outputs(outputs)
    plan = Split(parts, shares, given["counts"], given["stratify"], given["group"], given["seed"])
    wanted = tuple(name for name in ("label",) if plan.field == name)
    return Job(inputs, sink=lambda stream: split(stream, plan), wanted=wanted, check=plan.check)


def _shares(given: dict[str, Any], parts: int) -> tuple[float, ...]:
    """The ratios, none if there are counts. UsageError for options that do not go together."""
    if parts < 2:
        raise UsageError("split needs two files or three", fix="name them with --train FILE, --valid FILE, --test FILE")
    if given["ratios"] and given["counts"]:
        raise UsageError("--ratios and --counts say the same in two ways", fix="give one of them")
    if given["stratify"] is not None and given["group"] is not None:
        raise UsageError("--stratify and --group do not go together: a group is kept whole, whatever its labels")
    if given["group"] is not None and given["counts"]:
        raise UsageError("--counts and --group do not go together: a group is kept whole, however large it is", fix="give --ratios")
    for flag in ("ratios", "counts"):
        if given[flag] and len(given[flag]) != parts:
            raise UsageError(f"--{flag} has {len(given[flag])} numbers for {parts} files", fix="give one for each of --train, --valid and --test")
    return () if given["counts"] else given["ratios"] or USUAL[parts]


def _demand_apart(parts: list[str], others: list[str | None]) -> None:
    """UsageError if two parts are one file, or one is an input."""
    taken = {_place(path): "an input" for path in others if path not in (None, "-")}
    for path in parts:
        if path == "-":
            raise UsageError("a part is a file, and - is none")
        if _place(path) in taken:
            raise UsageError(f"is {taken[_place(path)]} too", where=path, fix="give each part a file of its own")
        taken[_place(path)] = "another part"


def _place(path: str | None) -> Path:
    return Path(path or "").resolve()
