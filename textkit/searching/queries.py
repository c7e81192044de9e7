"""What a line asks for: a word, a signed sum of words (`king - man + woman`), or some words to compare."""

from __future__ import annotations

import re
from dataclasses import dataclass

from textkit.errors import InputError

SIGNS = {"+": 1, "-": -1, "−": -1}  # the last is the minus of typesetters
QUOTE_FIX = 'put what is a word and no sign into quotes: "-"'
_PIECE = re.compile(r'"([^"]*)"(?!\S)|(\S+)')


@dataclass(frozen=True)
class Query:
    """Words and what each is taken times: +1 or -1."""

    words: tuple[str, ...]
    signs: tuple[int, ...]


def sum_of(line: str, where: str) -> Query:
    """A sum of words. A sign stands alone between spaces; words side by side are one word with a space, as in quotes. InputError if it is none."""
    words: list[str] = []
    signs: list[int] = []
    sign: int | None = None  # that waits for its word
    joins = False  # whether the next word goes on the last one
    for quoted, plain in _pieces(line):
        if plain in SIGNS:
            if sign is not None:
                raise InputError(f"two signs side by side in {line!r}", where=where, fix=QUOTE_FIX)
            sign, joins = SIGNS[plain], False
        elif joins:
            words[-1] += " " + (plain or quoted)
        else:
            words.append(plain or quoted)
            signs.append(sign or 1)
            sign, joins = None, True
    if sign is not None:
        raise InputError(f"a sign without a word in {line!r}", where=where, fix=QUOTE_FIX)
    return Query(tuple(words), tuple(signs))


def words_of(line: str) -> tuple[str, ...]:
    """The words of a line: between tabs if it has any, otherwise between spaces, but for those in quotes."""
    if "\t" in line:
        return tuple(word for word in map(str.strip, line.split("\t")) if word)
    return tuple(plain or quoted for quoted, plain in _pieces(line))


def _pieces(line: str) -> list[tuple[str, str]]:
    """(what stood in quotes, what did not) for each piece between spaces; one of the two is empty."""
    return [(found[1] or "", found[2] or "") for found in _PIECE.finditer(line)]
