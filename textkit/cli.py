"""The command group. Help comes from the registry, commands are imported when they run, errors become one line."""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType
from typing import Any

import click

from textkit import __version__, report
from textkit.errors import ResourceError, TextkitError
from textkit.registry import COMMANDS

EXIT_CODES = """\b
Exit codes:
  0  done                          5    quality gate not met
  1  a bug in textkit              6    out of memory or disk
  2  usage                         75   training stopped, resume it
  3  bad or missing input          130  stopped by SIGINT (143: SIGTERM)
  4  made by different chains      141  the reader of the output left"""


class LazyGroup(click.Group):
    """Knows its commands from the registry and imports one only when it is called (click's own would for --help)."""

    def list_commands(self, context: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        command: click.Command = COMMANDS.find(name)
        return command

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.help) for name, entry in COMMANDS.items()])

    def shell_complete(self, context: click.Context, incomplete: str) -> list[click.shell_completion.CompletionItem]:
        from click.shell_completion import CompletionItem

        items = [CompletionItem(name, help=entry.help) for name, entry in COMMANDS.items() if name.startswith(incomplete)]
        return items + click.Command.shell_complete(self, context, incomplete)


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    epilog=EXIT_CODES,
)
@click.version_option(__version__, message="textkit %(version)s")
def group() -> None:
    """Natural language processing as Unix filters: each command reads records, adds to them and writes them on.

    \b
    textkit tokenize reviews.tsv | textkit embed | textkit pad | textkit train classify --save model
    textkit predict model < tomorrow.txt > answers.jsonl
    """


@group.result_callback()
def run(job: Any) -> None:
    """Commands return a job, and nothing runs before it is whole."""
    if job is not None:
        job.run()


class Stopped(BaseException):
    """SIGTERM or SIGINT came: unwinding removes temporary files, then the process ends as the signal says."""

    def __init__(self, number: int) -> None:
        self.number = number


def _stop(number: int, frame: FrameType | None) -> None:
    signal.signal(number, signal.SIG_IGN)  # once is enough: a second one must not break off the cleaning up
    raise Stopped(number)


def main() -> None:
    """The entry point. Every way to end, but a normal one, is decided here."""
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGINT, _stop)
    try:
        code = _run()
    except Stopped as stopped:
        code = 128 + stopped.number
    except BrokenPipeError:
        _end_by_sigpipe()
    except OSError as error:
        if error.errno is None and "Broken pipe" in str(error):  # as polars says it
            _end_by_sigpipe()
        code = _tell_os_error(error)
    except MemoryError:
        report.error("out of memory; use a smaller batch or vocabulary")
        code = ResourceError.exit_code
    _leave(code)


def _run() -> int:
    try:
        group.main(prog_name="textkit", standalone_mode=False)
    except TextkitError as error:
        report.error(str(error))
        return error.exit_code
    except click.exceptions.Exit as leave:
        return leave.exit_code
    except click.ClickException as error:
        context = getattr(error, "ctx", None)
        report.error(error.format_message() + (f"; see {context.command_path} --help" if context else ""))
        return error.exit_code
    except click.Abort:
        return 130
    return 0


def _tell_os_error(error: OSError) -> int:
    """Disk full, quota, permissions: not our bug. Anything else is, and shows its traceback."""
    where = f"{error.filename}: " if error.filename else ""
    if error.errno is None:
        raise error
    report.error(f"{where}{(error.strerror or str(error)).lower()}")
    return ResourceError.exit_code


def _end_by_sigpipe() -> None:
    """End as any Unix filter whose reader left (`| head`): by SIGPIPE itself, which a shell shows as 141."""
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGPIPE)


def _leave(code: int) -> None:
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        _end_by_sigpipe()
    except ValueError:  # stdout was closed by who started us
        pass
    sys.exit(code)
