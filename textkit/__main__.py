"""`python -m textkit` is the same program as `textkit`."""

from textkit.cli import main

main()
