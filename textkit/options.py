"""Options that commands share, each declared once: one flag has one meaning and one spelling everywhere.

Sets of options are tuples that add up; `@options(INPUT + OUTPUT)` puts them on a command. `inputs_from` and
`outputs_from` turn what click parsed into the dataclasses of the streams.
"""

from __future__ import annotations

import codecs
import math
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import click

from textkit.errors import UsageError
from textkit.registry import FORMATS, WRITTEN, Registry

if TYPE_CHECKING:
    from textkit.streams.sink import Outputs
    from textkit.streams.source import Inputs

Decorator = Callable[[Any], Any]
option = click.option


def finite(context: click.Context, parameter: click.Parameter, value: float | None) -> float | None:
    """click takes nan and inf for numbers in any range."""
    if value is not None and not math.isfinite(value):
        raise click.BadParameter(f"{value} is not a number to work with.")
    return value


FILES = (click.argument("files", nargs=-1, metavar="[FILE]...", type=click.Path()),)

INPUT: tuple[Decorator, ...] = (
    *FILES,
    option("--from", "from_", type=click.Choice(list(FORMATS)), help="Format of the input; otherwise detected."),
    option("--encoding", default="utf-8", show_default=True, metavar="NAME", help="Encoding of the input, e.g. cp949."),
    option("--header/--no-header", "header", default=None, help="The table's first line names its columns, or not; otherwise detected."),
    option("--columns", metavar="NAMES", help="Names of a table's columns, in order: label,text."),
    option("--text-field", metavar="NAME", help="The column or field that is the text."),
    option("--label-field", metavar="NAME", help="The column or field that is the label."),
    option("--partial", is_flag=True, help="Accept a stream that was cut short."),
)

OUTPUT: tuple[Decorator, ...] = (
    option("-o", "--output", metavar="FILE", type=click.Path(), help="Write to FILE, which appears when it is complete; otherwise stdout."),
    option("--to", type=click.Choice(list(WRITTEN)), help="Format of the output; otherwise by FILE's suffix, else jsonl."),
    option("--field", metavar="NAME", help="With --to text: the field to print."),
)

LINEAGE_ON: tuple[Decorator, ...] = (
    option("--lineage/--no-lineage", "lineage", default=True, help="Write the header and the end line, or not.  [default: write]"),
)
LINEAGE_OFF: tuple[Decorator, ...] = (
    option("--lineage/--no-lineage", "lineage", default=False, help="Write the header and the end line, or not.  [default: do not]"),
)

PROGRESS: tuple[Decorator, ...] = (
    option(
        "--progress",
        type=click.Choice(["auto", "bar", "lines", "json", "none"]),
        default="auto",
        show_default=True,
        help="How to report on stderr.",
    ),
)

SAVE: tuple[Decorator, ...] = (
    option("--save", metavar="DIR", type=click.Path(), help="Save what is learned as this folder."),
    option("--force", is_flag=True, help="Replace DIR if it exists."),
)
LOAD: tuple[Decorator, ...] = (option("--load", metavar="DIR", type=click.Path(), help="Apply what was saved in this folder."),)
SETTINGS: tuple[Decorator, ...] = (
    option("-s", "settings", multiple=True, metavar="NAME=VALUE", help="A setting of the method; an unknown name lists them."),
)
SEED: tuple[Decorator, ...] = (option("--seed", type=click.IntRange(0, 2**32 - 1), default=42, show_default=True, help="Random seed."),)
EPOCHS: tuple[Decorator, ...] = (option("--epochs", type=click.IntRange(min=1), default=5, show_default=True, help="Passes over the data."),)
RATE: tuple[Decorator, ...] = (
    option("--lr", type=click.FloatRange(min=0, min_open=True), callback=finite, help="Learning rate; otherwise the method's own."),
)
TOP: tuple[Decorator, ...] = (
    option("-k", "top", type=click.IntRange(min=1), metavar="K", help="Also give the K best labels with their scores."),
    option("--proba", is_flag=True, help="Also give all labels with their probabilities."),
)
JSON: tuple[Decorator, ...] = (option("--json", "as_json", is_flag=True, help="Print JSON instead of tables."),)


def method(registry: Registry, default: str) -> tuple[Decorator, ...]:
    names = click.Choice(list(registry))
    return (option("--method", type=names, default=default, show_default=True, help=f"Which {registry.what}."),)


def options(decorators: tuple[Decorator, ...]) -> Decorator:
    def decorate(function: Any) -> Any:
        for decorator in reversed(decorators):
            function = decorator(function)
        return function

    return decorate


def inputs_from(given: dict[str, Any], usual: dict[str, str] | None = None) -> Inputs:
    """The input options as `Inputs`; `usual` is what a model's training data called our columns."""
    from textkit.streams.formats.base import Reading
    from textkit.streams.source import Inputs

    files = given["files"]
    refuse_terminal(files)
    fields = {"text": given["text_field"], "label": given["label_field"]}
    names = {our: user for our, user in fields.items() if user is not None}
    columns = tuple(given["columns"].split(",")) if given["columns"] else ()
    reading = Reading(header=given["header"], columns=columns, names=names, usual=usual or {})
    if not _is_encoding(given["encoding"]):
        raise UsageError(f"no encoding of text files is called {given['encoding']!r}")
    return Inputs(files, given["from_"], given["encoding"], reading)


def typed(*names: str) -> list[str]:
    """The flags of these parameters that the user typed."""
    context = click.get_current_context()
    given = [name for name in names if context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE]
    return ["-s" if name == "settings" else "--" + name.replace("_", "-") for name in given]


def nothing_to_learn(*names: str) -> None:
    """UsageError if an option of learning was typed besides --load."""
    for flag in typed(*names):
        raise UsageError(f"{flag} goes with learning, and --load only applies what was learned")


def _is_encoding(name: str) -> bool:
    try:
        "".encode(name)
        return codecs.lookup(name).name not in ("idna", "punycode", "unicode-escape", "raw-unicode-escape", "undefined")
    except (LookupError, ValueError):  # no such encoding, one that is not of text, one that always fails
        return False


def refuse_terminal(files: Sequence[str]) -> None:
    """Print the short help and exit 2 if stdin is a terminal and no file is named: nobody means to type a corpus."""
    if not files and sys.stdin.isatty():
        context = click.get_current_context()
        click.echo(context.get_usage() + f"\nName a file, or pipe something in. '{context.command_path} --help' tells more.", err=True)
        context.exit(2)


def outputs_from(given: dict[str, Any]) -> Outputs:
    from textkit.streams.sink import Outputs

    return Outputs(given["output"], given["to"], given["field"], given["lineage"])
