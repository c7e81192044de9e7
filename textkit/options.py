"""Options that commands share, each declared once: one flag has one meaning and one spelling everywhere.

Sets of options are tuples; `@subcommand(*INPUT, *OUTPUT)` makes a command of them. `inputs_from` and
`outputs_from` turn what click parsed into the dataclasses of the streams.
"""

from __future__ import annotations

import codecs
import functools
import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from textkit.errors import UsageError
from textkit.registry import READ, WRITTEN, Registry

if TYPE_CHECKING:
    from textkit.streams.sink import Outputs
    from textkit.streams.source import Inputs

Decorator = Callable[[Any], Any]


class Option(click.Option):
    """An option that knows under which heading of the help it stands."""

    def __init__(self, *declarations: Any, section: str = "Options", **more: Any) -> None:
        super().__init__(*declarations, **more)
        self.section = section


def option(*declarations: str, **more: Any) -> Decorator:
    return click.option(*declarations, cls=Option, **more)


def listed(context: click.Context, parameter: click.Parameter, value: str | None) -> tuple[str, ...] | None:
    """`text,label` as its names."""
    if value is None:
        return None
    names = tuple(value.split(","))
    if "" in names:
        raise click.BadParameter("takes names with commas between them: text,label.")
    return names


def fields_listed(context: click.Context, parameter: click.Parameter, value: str | None) -> tuple[str, ...] | None:
    """`text,target` as the fields that can be tokenized."""
    names = listed(context, parameter, value)
    if names is not None and (not {*names} <= {"text", "pair", "target"} or len({*names}) < len(names)):
        raise click.BadParameter("takes text, pair and target, each once, with commas between them.")
    return names


def finite(context: click.Context, parameter: click.Parameter, value: float | None) -> float | None:
    """click takes nan and inf for numbers in any range."""
    if value is not None and not math.isfinite(value):
        raise click.BadParameter(f"{value} is not a number to work with.")
    return value


PIPED = "textkit.piped"  # in a context's meta: the command is a stage of `pipe`
FEEDS = "textkit.feeds"  # in a context's meta: the command gives its records to the next one in a `pipe`
FED = "textkit.fed"  # in a context's meta: the command gets its records from the one before it in a `pipe`


class NamedPath(click.Path):
    """A path that is not the empty string: that is what a shell makes of a variable that nobody has set."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if value == "":
            self.fail("the name is empty; is a variable of the shell not set?", param, ctx)
        return super().convert(value, param, ctx)


PATH = NamedPath()
FILES = (click.argument("files", nargs=-1, metavar="[FILE]...", type=PATH),)

SEED: tuple[Decorator, ...] = (option("--seed", type=click.IntRange(0, 2**32 - 1), default=42, show_default=True, help="Random seed."),)


def inputs(*declarations: str, **more: Any) -> Decorator:
    return option(*declarations, section="Input", **more)


def outputs(*declarations: str, **more: Any) -> Decorator:
    return option(*declarations, section="Output", **more)


def networks(*declarations: str, **more: Any) -> Decorator:
    return option(*declarations, section="Networks", **more)


SOURCE: tuple[Decorator, ...] = (
    inputs("--from", "from_", type=click.Choice(list(READ)), help="Format of the input; otherwise detected."),
    inputs("--parallel", type=(PATH, PATH), multiple=True, metavar="SRC TGT", help="Read the lines of two files as text and target."),
    inputs("--encoding", default="utf-8", show_default=True, metavar="NAME", help="Encoding of the input, e.g. cp949."),
    inputs("--header/--no-header", "header", default=None, help="The table's first line names its columns, or not; otherwise detected."),
    inputs("--quotes", is_flag=True, help="Fields of a TSV may be quoted, as in CSV."),
    inputs("--delimiter", metavar="CHAR", help="What stands between the columns of a CSV: a comma, unless its header shows another."),
    inputs("--columns", metavar="NAMES", callback=listed, help="Names of a table's columns, in order: label,text."),
)
NAMES: tuple[Decorator, ...] = (
    inputs("--text-field", metavar="NAME", help="The column or field that is the text."),
    inputs("--label-field", metavar="NAME", help="The column or field that is the label."),
    inputs("--target-field", metavar="NAME", help="The column or field that is the target, e.g. a translation."),
    inputs("--pair-field", metavar="NAME", help="The column or field that is the second sentence."),
)
POLICY: tuple[Decorator, ...] = (
    inputs("--limit", type=click.IntRange(min=0), metavar="N", help="Read the first N records only."),
    inputs("--sample", type=click.IntRange(min=1), metavar="N", help="Take N records at random, in their order; --seed says which."),
    inputs("--on-error", type=click.Choice(["fail", "skip"]), default="fail", show_default=True, help="What to do about a bad record."),
    inputs("--reject", metavar="FILE", type=PATH, help="Skip bad records, and keep them in FILE with the reason."),
    inputs("--partial", is_flag=True, help="Accept a stream that was cut short."),
    inputs("--unbuffered", is_flag=True, help="Pass each line on at once, not when the pipe pauses."),
)
INPUT = (*FILES, *SOURCE, *NAMES, *POLICY, *SEED)

FORM: tuple[Decorator, ...] = (  # of the output, wherever it goes
    outputs("--to", type=click.Choice(list(WRITTEN)), help="Format of the output; otherwise by FILE's suffix, else jsonl."),
    outputs("--field", metavar="NAME", help="With --to text: the field to print."),
    outputs("--keep", metavar="NAMES", callback=listed, help="Write these fields only: text,label."),
    outputs("--drop", metavar="NAMES", callback=listed, help="Leave these fields out."),
)
OUTPUT: tuple[Decorator, ...] = (
    outputs("-o", "--output", metavar="FILE", type=PATH, help="Write to FILE, which appears when it is complete; otherwise stdout."),
    *FORM,
)

LINEAGE_ON: tuple[Decorator, ...] = (
    outputs("--lineage/--no-lineage", "lineage", default=True, help="Write the header and the end line, or not.  [default: write]"),
)
LINEAGE_OFF: tuple[Decorator, ...] = (
    outputs("--lineage/--no-lineage", "lineage", default=False, help="Write the header and the end line, or not.  [default: do not]"),
)
LINEAGE_PIPE: tuple[Decorator, ...] = (
    outputs("--lineage/--no-lineage", "lineage", default=None, help="Write the header and the end line, or not.  [default: as the last stage]"),
)

RUN: tuple[Decorator, ...] = (
    option(
        "--progress",
        type=click.Choice(["auto", "bar", "lines", "json", "none"]),
        default="auto",
        show_default=True,
        section="Run",
        help="How to report on stderr.",
    ),
    option("-q", "--quiet", is_flag=True, section="Run", help="Say nothing on stderr but errors."),
    option("--errors-json", is_flag=True, section="Run", help="Write an error as one line of JSON."),
    option("--lock", metavar="FILE", type=PATH, section="Run", help="Do nothing, and exit 0, while another run holds FILE."),
    option("--lock-wait", metavar="SECONDS", type=click.FloatRange(min=0), section="Run", callback=finite, help="Wait so long for --lock."),
)

SAVE: tuple[Decorator, ...] = (
    option("--save", metavar="DIR", type=PATH, help="Save what is learned as this folder."),
    option("--force", is_flag=True, help="Replace DIR if it exists."),
)
LOAD: tuple[Decorator, ...] = (option("--load", metavar="DIR", type=PATH, help="Apply what was saved in this folder."),)
SETTINGS: tuple[Decorator, ...] = (
    option("-s", "settings", multiple=True, metavar="NAME=VALUE", help="A setting of the method; an unknown name lists them."),
)
EPOCHS: tuple[Decorator, ...] = (option("--epochs", type=click.IntRange(min=1), help="Passes over the data; otherwise as many as are usual."),)
RATE: tuple[Decorator, ...] = (
    option("--lr", type=click.FloatRange(min=0, min_open=True), callback=finite, help="Learning rate; otherwise the method's own."),
)
DEVICE: tuple[Decorator, ...] = (
    networks("--device", type=click.Choice(["auto", "cpu", "cuda", "mps"]), default="auto", show_default=True, help="Auto: a GPU if there is one."),
)
OOV: tuple[Decorator, ...] = (
    option(
        "--oov",
        type=click.Choice(["subword", "zero", "mean", "skip", "error"]),
        help="What a token without a vector counts as.  [default: subword if there are any, else skip]",
    ),
)
TOP: tuple[Decorator, ...] = (
    option("-k", type=click.IntRange(min=1), metavar="K", help="Give the K best labels, or neighbours, with their scores."),
)
PROBA: tuple[Decorator, ...] = (option("--proba", is_flag=True, help="Probabilities of all labels: train sees to them, predict writes them."),)
EXPLAIN: tuple[Decorator, ...] = (option("--explain", is_flag=True, help="Show how it comes to the result, step by step or term by term."),)
TERMS: tuple[Decorator, ...] = (option("--top", type=click.IntRange(min=1), metavar="N", help="Show the N terms that tell most."),)
JSON: tuple[Decorator, ...] = (option("--json", "as_json", is_flag=True, help="Print JSON instead of tables."),)


def method(registry: Registry, default: str) -> tuple[Decorator, ...]:
    names = click.Choice(list(registry))
    return (option("--method", type=names, default=default, show_default=True, help=f"Which {registry.what}."),)


def learning(*declarations: str, **more: Any) -> Decorator:
    return option(*declarations, section="Method", **more)


def applying(*declarations: str, **more: Any) -> Decorator:
    return option(*declarations, section="Tokens", **more)


VOCABULARY: tuple[Decorator, ...] = (  # everyday settings of methods; each is for those that have it
    learning("--vocab-size", type=click.IntRange(min=8), metavar="N", help="Learn a vocabulary of at most N tokens.  [default for subwords: 8000]"),
    learning("--min-frequency", type=click.IntRange(min=1), metavar="N", help="Learn from what occurs at least N times.  [default: 2]"),
    learning("--normalize", type=click.Choice(["nfc", "nfkc", "nfd", "none"]), help="Unicode normal form of the text.  [default: nfc]"),
    learning("--lowercase/--no-lowercase", "lowercase", default=None, help="Lower-case the text.  [default: no]"),
    learning("--strip-accents/--no-strip-accents", "strip_accents", default=None, help="Leave accents out: e for é.  [default: no]"),
    learning("--add-special", metavar="NAMES", callback=listed, help="Special tokens besides [PAD] to </s>: <sep>,<user>."),
    learning("--limit-alphabet", type=click.IntRange(min=1), metavar="N", help="Learn subwords of at most N different characters."),
    learning(
        "--character-coverage",
        metavar="SHARE",
        type=click.FloatRange(0, 1, min_open=True),
        callback=finite,
        help="Share of the characters to learn subwords of.",
    ),
    learning("--max-piece-length", type=click.IntRange(min=1), metavar="N", help="Learn subwords of at most N characters."),
)
TOKENS: tuple[Decorator, ...] = (  # what is done with any method's tokens
    applying("--fields", metavar="NAMES", callback=fields_listed, help="Tokenize these of text, pair and target.  [default: text]"),
    applying("--offsets", is_flag=True, help="Add where each token stands in the text: [start, end]."),
    applying("--max-tokens", type=click.IntRange(1, 2**31 - 1), metavar="N", help="Cut records after N tokens, those of --add-bos-eos included."),
    applying("--stop-words", metavar="FILE|en|ko", help="Leave out the tokens of a list: en, ko, or a file of one word a line."),
    applying("--add-bos-eos", is_flag=True, help="Put <s> before and </s> after each record's tokens."),
)


class Command(click.Command):
    """A command whose help groups the options that all commands share."""

    def format_options(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        sections: dict[str, list[tuple[str, str]]] = {name: [] for name in ("Options", "Networks", "Method", "Tokens", "Input", "Output", "Run")}
        for parameter in self.get_params(context):
            record = parameter.get_help_record(context)
            if record is not None and isinstance(parameter, click.Option):
                sections[getattr(parameter, "section", "Run")].append(record)
        for section, records in sections.items():
            if records:
                with formatter.section(section):
                    formatter.write_dl(records)


def subcommand(*decorators: Decorator) -> Callable[[Callable[..., Any]], Command]:
    """A command of these options and those that every command has; its function returns a job, or None if all is done."""

    def decorate(function: Callable[..., Any]) -> Command:
        @functools.wraps(function)
        def body(**given: Any) -> Any:
            context = click.get_current_context()
            _start(context, {name: given.pop(name) for name in ("progress", "quiet", "errors_json", "lock", "lock_wait")})
            job = function(**given)
            return job if job is None else replace(job, name=context.command_path)

        decorated: Any = body
        for decorator in reversed(dict.fromkeys((*decorators, *RUN))):
            decorated = decorator(decorated)
        return click.command(cls=Command)(decorated)

    return decorate


def _start(context: click.Context, given: dict[str, Any]) -> None:
    """What each command does first: see how to report, and whether it may run at all."""
    if context.meta.get(PIPED):
        for flag in typed(*given):
            raise UsageError(f"{flag} belongs to pipe itself", fix="give it outside of the quotes")
        return
    from textkit import report

    report.configure("none" if given["quiet"] else given["progress"], context.command_path)
    if given["lock"] is None:
        if given["lock_wait"] is not None:
            raise UsageError("--lock-wait goes with --lock FILE")
        return
    from textkit.locking import hold

    for name in ("output", "reject", "save"):
        if context.params.get(name) is not None and Path(context.params[name]).absolute() == Path(given["lock"]).absolute():
            raise UsageError("--lock names a file that is written", where=given["lock"], fix="a lock is a file of its own")
    if not hold(given["lock"], given["lock_wait"] or 0):
        report.say(f"another run holds {given['lock']}: nothing done")
        context.exit(0)


def inputs_from(given: dict[str, Any], usual: dict[str, str] | None = None) -> Inputs:
    """The input options as `Inputs`; `usual` is what a model's training data called our columns."""
    from textkit.streams.formats.base import Reading
    from textkit.streams.source import Inputs

    files = given["files"]
    refuse_terminal(files or given["parallel"])
    if files and given["parallel"]:
        raise UsageError("--parallel names its own files")
    for flag in typed("text_field", "target_field", "columns", "header") if given["parallel"] else ():
        raise UsageError(f"{flag} does not go with --parallel: the files are text and target")
    if given["parallel"] and given["from_"] not in (None, "text"):
        raise UsageError("--parallel reads plain text")
    if given["delimiter"] is not None and len(given["delimiter"].encode()) != 1:
        raise UsageError(f"--delimiter takes one character, not {given['delimiter']!r}")
    if given["reject"] is not None and "--on-error" in typed("on_error") and given["on_error"] == "fail":
        raise UsageError("--reject keeps the records that are skipped, and --on-error fail skips none")
    names = {our: given[f"{our}_field"] for our in ("text", "label", "target", "pair") if given[f"{our}_field"] is not None}
    reading = Reading(given["header"], given["columns"] or (), names, usual or {}, given["quotes"], given["delimiter"])
    if not _is_encoding(given["encoding"]):
        raise UsageError(f"no encoding of text files is called {given['encoding']!r}")
    policy = {name: given[name] for name in ("limit", "sample", "seed", "reject", "partial", "unbuffered")}
    skip = given["on_error"] == "skip" or given["reject"] is not None
    return Inputs(files, given["from_"], given["encoding"], reading, given["parallel"], skip=skip, **policy)


def typed(*names: str) -> list[str]:
    """The flags of these parameters that the user typed."""
    context = click.get_current_context()
    flags = {parameter.name: parameter.opts[-1] for parameter in context.command.params}
    return [flags[name] for name in names if context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE]


def names_in(section: str) -> list[str]:
    """The parameters that stand under this heading."""
    return [str(each.name) for each in click.get_current_context().command.params if getattr(each, "section", None) == section]


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
    context = click.get_current_context()
    if not files and not context.meta.get(FED) and sys.stdin.isatty():
        click.echo(context.get_usage() + f"\nName a file, or pipe something in. '{context.command_path} --help' tells more.", err=True)
        context.exit(2)


def outputs_from(given: dict[str, Any]) -> Outputs:
    from textkit.streams.sink import Outputs

    chosen = {"keep": given["keep"], "drop": given["drop"] or ()}
    return Outputs(given["output"], given["to"], given["field"], given["lineage"], quotes=given["quotes"], delimiter=given["delimiter"], **chosen)
