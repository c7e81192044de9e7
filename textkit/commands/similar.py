"""`textkit similar`"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from textkit.errors import InputError, UsageError
from textkit.options import (
    FED,
    FEEDS,
    INPUT,
    LINEAGE_OFF,
    OOV,
    OUTPUT,
    PATH,
    TOP,
    inputs_from,
    option,
    outputs_from,
    refuse_terminal,
    subcommand,
    typed,
)

NEIGHBOURS = 10
EMBEDDING = (click.argument("embedding", type=PATH),)
OWN = (
    option("--query", metavar="TEXT", multiple=True, help="Answer this, instead of the lines of files; repeatable."),
    option("--similarity", is_flag=True, help="Each line is two words: give the cosine of their vectors."),
    option("--odd-one-out", is_flag=True, help="Each line is three words or more: give the one that fits the others least."),
    option("--records", metavar="FILE", type=PATH, help="Search the records of FILE, which embed --pool gave vectors, by texts."),
)


@subcommand(*EMBEDDING, *OWN, *TOP, *OOV, *INPUT, *OUTPUT, *LINEAGE_OFF)
def command(**given: Any) -> Any:
    """Find the words or records that are nearest in meaning.

    EMBEDDING is what embed --load takes. Queries are lines of the files, or of stdin: a word, or a sum of words as
    `king - man + woman`. A sign stands between spaces; a word that is one, or has one, stands in quotes. The answer is the
    10 nearest words, or -k, with their cosines. A line of words without a vector gets an empty one; with --oov error it
    ends the run.

    With --records a query is any text: it is made a vector as those of FILE were, unless it has a `vector` itself.

    \b
    textkit similar vec --query film --query "actor - man + woman"
    printf 'film movie\\nfilm music\\n' | textkit similar vec --similarity
    textkit similar vec --odd-one-out --query "film movie cast the"
    textkit embed --load vec --pool mean reviews.tsv -o reviews.arrow
    textkit similar vec --records reviews.arrow --query "a warm and funny film" -k 3
    """
    from textkit.runner import Job

    inputs = _inputs(given)
    stage = _over_records(given) if given["records"] is not None else _over_words(given)
    if _for_a_person():
        from textkit.searching.picture import show

        return Job(inputs, (stage,), sink=show, wanted=("text",), draws=True)
    return Job(inputs, (stage,), outputs_from(given), wanted=("text",))


def _inputs(given: dict[str, Any]) -> Any:
    """The queries. UsageError if they are named twice."""
    if not given["query"]:
        for path in given["files"]:
            if path != "-" and not Path(path).exists():
                raise InputError("no such file", where=path, fix=f"a query itself is --query {path!r}")
        return inputs_from(given)
    refuse_terminal(given["query"])
    others = typed("files", "parallel", "from_")
    if others or click.get_current_context().meta.get(FED):
        raise UsageError("--query is all that is asked, and there are records to read besides")
    from textkit.streams.source import Inputs

    return Inputs(texts=given["query"], limit=given["limit"])


def _over_words(given: dict[str, Any]) -> Any:
    from textkit.embeddings.foreign import adopted
    from textkit.searching.answering import NEIGHBOURS as NEAR
    from textkit.searching.answering import ODD, SIMILARITY, Similar
    from textkit.searching.words import Words

    if given["similarity"] and given["odd_one_out"]:
        raise UsageError("--similarity and --odd-one-out are two questions", fix="ask one after the other")
    mode = SIMILARITY if given["similarity"] else ODD if given["odd_one_out"] else NEAR
    for flag in typed("k") if mode != NEAR else ():
        raise UsageError(f"{flag} is how many neighbours to give, and --{mode} gives none")
    if given["oov"] in ("zero", "mean"):
        raise UsageError(f"--oov {given['oov']} would be a vector that no word has", fix="use --oov skip, subword or error")
    words = Words.load(adopted(given["embedding"]), by_subwords=given["oov"] in (None, "subword"))
    if given["oov"] == "subword" and words.subwords is None:
        raise UsageError("--oov subword needs an embedding of subwords, and this one has none", fix="use --oov skip")
    return Similar(words, mode, given["k"] or NEIGHBOURS, strict=given["oov"] == "error")


def _over_records(given: dict[str, Any]) -> Any:
    from textkit.artifacts.folder import load
    from textkit.embeddings.foreign import adopted
    from textkit.embeddings.table import KIND
    from textkit.searching.records import Nearest, Records
    from textkit.streams.formats.base import Reading
    from textkit.streams.source import Inputs, check_exist

    for flag in typed("similarity", "odd_one_out", "oov"):
        raise UsageError(f"{flag} is about words, and --records searches records")
    inputs = Inputs((given["records"],), encoding=given["encoding"], reading=Reading(wanted=()), partial=given["partial"])
    check_exist(inputs)
    embedding = adopted(given["embedding"])
    return Nearest(embedding, load(embedding, KIND)["sha256"], Records(inputs), given["k"] or NEIGHBOURS)


def _for_a_person() -> bool:
    """Whether stdout is a terminal, and nothing was said of the form of the records."""
    form = typed("output", "to", "field", "keep", "drop", "lineage")
    return sys.stdout.isatty() and not form and not click.get_current_context().meta.get(FEEDS)
