"""`textkit pipe`"""

from __future__ import annotations

from typing import Any

import click

from textkit.options import INPUT, LINEAGE_PIPE, OUTPUT, option, subcommand

SPEC = (click.argument("stages", metavar="'STAGE | STAGE ...'"),)
OWN = (option("--print-shell", is_flag=True, help="Print the same as a pipe of the shell, and do nothing."),)


@subcommand(*SPEC, *OWN, *INPUT, *OUTPUT, *LINEAGE_PIPE)
def command(**given: Any) -> Any:
    """Run several stages in one process.

    The output is what the shell's pipe of these stages would give, byte for byte, without starting each of them and
    without writing JSON between them. Words are split as in a shell, and nothing is expanded. Input options are
    those of the first stage (--partial of all), output options those of the last.

    \b
    textkit pipe 'tokenize --lowercase | pad --length 16' reviews.tsv -o padded.jsonl
    textkit pipe 'tokenize --load tok | predict model' --print-shell reviews.tsv
    """
    from textkit.piping import chain, forwarded, shell, split

    context = click.get_current_context()
    stages = split(given["stages"])
    stages[0] += forwarded(context, ("Input",), ("seed",))
    for later in stages[1:]:  # each decides for itself, and the user for all of them
        later += forwarded(context, (), ("partial",))
    stages[-1] += forwarded(context, ("Output",))
    stages[0] += forwarded(context, (), ("files",))  # behind all options, since a `--` may end these
    if given["print_shell"]:
        click.echo(shell(stages))
        return None
    return chain(stages)
