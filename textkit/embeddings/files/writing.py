"""Vectors for other programs: what a form cannot hold, and the file."""

from __future__ import annotations

import numpy as np
import polars as pl

from textkit.embeddings.files.binary import write_binary
from textkit.embeddings.files.fasttext import write_fasttext
from textkit.embeddings.files.text import write_text
from textkit.embeddings.table import Table
from textkit.errors import InputError
from textkit.report import say
from textkit.streams.sink import open_output
from textkit.tokenizers.vocabulary import SPECIALS

SPACE = "[ \\t\\r\\x0b\\x0c]"  # what other programs part fields at
OURS = "give -o FILE.arrow or FILE.jsonl, which hold any word"


def write_table(table: Table, path: str | None, form: str) -> int:
    """The words that have a vector, in the order of their ids; returns how many. InputError if one does not fit the form."""
    rows = np.flatnonzero(table.counts > 0)
    words, counts = table.vocabulary.column.gather(rows), table.counts[rows]
    vectors = table.vectors[len(SPECIALS) :] if np.array_equal(rows, np.arange(len(SPECIALS), len(table.counts))) else table.vectors[rows]
    _check(words, form)
    if table.subwords is not None and form != "fasttext":
        say(f"the vectors of n-grams are left out: {form} has no place for them, and fastText's .bin has (NAME.fasttext.bin)")
    with open_output(path) as out:
        if form == "fasttext":
            write_fasttext(out, words, vectors, counts, table.subwords)
        elif form == "word2vec-binary":
            write_binary(out, words, vectors)
        else:
            write_text(out, words, vectors, header=form == "word2vec")
    return len(words)


def _check(words: pl.Series, form: str) -> None:
    odd = words.str.contains(SPACE)
    if odd.any():
        word = words.filter(odd)[0]
        raise InputError(f"{form} cannot hold a word with white space ({word!r}), and {odd.sum()} have some", fix=OURS)
