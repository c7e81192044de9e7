"""What can go wrong for a user. Each class carries the exit code that the process ends with.

A message says what is wrong, where (`file:line`) and how to mend it, on one line. Anything that is not a
`TextkitError` is our own bug and exits 1 with a traceback.
"""

from __future__ import annotations


class TextkitError(Exception):
    """Base of every error that a user can provoke.

    `where` is `file:line` or a path and is printed first; `fix` says what to do and is printed last.
    """

    exit_code = 1

    def __init__(self, message: str, *, where: str | None = None, fix: str | None = None) -> None:
        super().__init__(message)
        self.message, self.where, self.fix = message, where, fix

    def __str__(self) -> str:
        text = f"{self.where}: {self.message}" if self.where else self.message
        text = f"{text}; {self.fix}" if self.fix else text
        return " ".join(text.split())


class UsageError(TextkitError):
    """The command line itself is wrong."""

    exit_code = 2


class InputError(TextkitError):
    """A record, file or artifact is missing or bad."""

    exit_code = 3


class LineageError(TextkitError):
    """Two things that were made by different chains of stages do not fit together."""

    exit_code = 4


class QualityError(TextkitError):
    """A metric does not keep the limit that the user set."""

    exit_code = 5


class ResourceError(TextkitError):
    """Out of memory or disk, or a place that cannot be written."""

    exit_code = 6


class Resumable(TextkitError):
    """A signal stopped a training, which has saved and can go on."""

    exit_code = 75
