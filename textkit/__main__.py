"""`python -m textkit` is the same program as `textkit`."""

import signal


def main() -> None:
    """The program. Until `cli` is loaded and takes over, Ctrl-C ends it as it ends any program, without a traceback."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from textkit import cli

    cli.main()


if __name__ == "__main__":
    main()
