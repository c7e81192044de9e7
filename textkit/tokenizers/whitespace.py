"""Runs of characters that are not white space, for text that is already cut: tokens with spaces between them."""

from __future__ import annotations

from textkit.tokenizers.splitting import Split


class Whitespace(Split):
    """What stands between white space of any kind, that of Unicode too."""

    pattern = r"\S+"
