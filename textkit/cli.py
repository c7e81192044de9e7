"""The command group. Help comes from the registry, commands are imported when they run, errors become one line."""

from __future__ import annotations

import errno
import io
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
  0  done                          5    a metric does not keep its limit
  1  a bug in textkit              6    out of memory or disk
  2  usage                         75   training was stopped and can go on
  3  bad or missing input          130  stopped by SIGINT (143: SIGTERM)
  4  made by different chains      141  the reader of the output left"""


# What the machine refuses, and no code of ours can help.
BEYOND_US = {
    errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO, errno.EMFILE,
    errno.ENFILE, errno.ENOMEM, errno.EBADF, errno.EINVAL, errno.ENXIO, errno.ENODEV, errno.ENAMETOOLONG, errno.ENOTDIR,
    errno.ELOOP, errno.ESTALE, errno.ETIMEDOUT,
}  # fmt: skip
OUT_OF_MEMORY = ("can't allocate memory", "out of memory")  # as torch says it, of the processor's and of a GPU's
COMPLETE = "_TEXTKIT_COMPLETE"  # set by the shell's completion script


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
    if signal.getsignal(signal.SIGINT) != signal.SIG_IGN:  # a shell ignores it for `command &`, and so do we
        signal.signal(signal.SIGINT, _stop)
    # torch's threads wait in a loop, and where something else has the cores they starve it and each other (a small
    # training took 141 s for 9); so they give up soon, which costs about a tenth where nothing else runs
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", "1000")
    _open_closed_streams()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal that lacks a character is no reason to stop
    try:
        code = _run()
        sys.stdout.flush()
    except Stopped as stopped:
        code = 128 + stopped.number
        report.stopped(signal.Signals(stopped.number).name, code)
    except KeyboardInterrupt:  # polars raises it itself where the signal comes while it computes
        code = 128 + signal.SIGINT
        report.stopped(signal.SIGINT.name, code)
    except BrokenPipeError:
        _end_by_sigpipe()
    except SystemExit as end:
        if isinstance(end.__context__, BrokenPipeError):  # as rich says it
            _end_by_sigpipe()
        raise
    except OSError as error:
        if error.errno is None and "Broken pipe" in str(error):  # as polars says it
            _end_by_sigpipe()
        code = _tell_os_error(error)
    except (MemoryError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and not any(words in str(error) for words in OUT_OF_MEMORY):
            raise
        code = ResourceError.exit_code
        report.error("out of memory", code, fix="use a smaller batch or vocabulary")
    _leave(code)


def _open_closed_streams() -> None:
    """Fill the descriptors that who started us had closed (`<&-`, `>&-`): else the next file opened would become stdout.

    stdin and stdout are opened the wrong way round, so that using them is an error and not a silent loss.
    """
    for number, name, flag, mode in ((0, "stdin", os.O_WRONLY, "r"), (1, "stdout", os.O_RDONLY, "w"), (2, "stderr", os.O_WRONLY, "w")):
        if getattr(sys, name) is None:
            os.open(os.devnull, flag)  # takes the lowest free descriptor: this one
            setattr(sys, name, open(number, mode, closefd=False))


def _run() -> int:
    """Not by `group.main`: click would end a broken pipe with 1, and take an EOFError for the user's wish to leave."""
    if COMPLETE in os.environ:
        group.main(prog_name="textkit", complete_var=COMPLETE)
    try:
        with group.make_context("textkit", sys.argv[1:]) as context:
            group.invoke(context)
    except TextkitError as error:
        report.error(error.message, error.exit_code, error.where, error.fix)
        return error.exit_code
    except click.exceptions.Exit as leave:
        return leave.exit_code
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return error.exit_code
    except click.ClickException as error:
        context_of_error = getattr(error, "ctx", None)
        hint = f"see {context_of_error.command_path} --help" if context_of_error else None
        if context_of_error is not None:
            report.call(context_of_error.command_path)
        report.error(" ".join(error.format_message().rstrip(".").split()), error.exit_code, fix=hint)
        return error.exit_code
    return 0


def _tell_os_error(error: OSError) -> int:
    """Disk full, quota, permissions: not our bug. Anything else is, and shows its traceback."""
    if error.errno not in BEYOND_US:
        raise error
    report.error((error.strerror or str(error)).lower(), ResourceError.exit_code, where=error.filename)
    return ResourceError.exit_code


def _end_by_sigpipe() -> None:
    """End as any Unix filter whose reader left (`| head`): by SIGPIPE itself, which a shell shows as 141."""
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGPIPE)


def _leave(code: int) -> None:
    """End with `code`. What stdout would not take has been told of; the interpreter shall not try it again."""
    try:
        sys.stdout.flush()
    except (OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    sys.exit(code)
