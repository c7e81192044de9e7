"""`textkit vectorize`"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from textkit.errors import InputError, UsageError
from textkit.options import (
    INPUT,
    LINEAGE_ON,
    LOAD,
    OUTPUT,
    PATH,
    SAVE,
    SEED,
    SETTINGS,
    TERMS,
    inputs_from,
    learning,
    method,
    nothing_to_learn,
    option,
    outputs_from,
    subcommand,
    typed,
)
from textkit.registry import VECTORIZERS


def spans(context: click.Context, parameter: click.Parameter, value: tuple[str, ...]) -> tuple[int, ...]:
    """`1,2`, or `2` for 2,2, of each --ngram."""
    numbers: list[int] = []
    for one in value:
        parts = one.split(",")
        if not all(part.isascii() and part.isdigit() and int(part) for part in parts) or len(parts) > 2:
            raise click.BadParameter(f"takes the fewest and the most units, as 1,2; not {one!r}.")
        numbers += [int(parts[0]), int(parts[-1])]
    return tuple(numbers)


OWN = (
    learning("--analyzer", multiple=True, type=click.Choice(["word", "char", "char_wb"]), help="Terms of tokens, or of characters.  [default: word]"),
    learning("--ngram", multiple=True, metavar="MIN,MAX", callback=spans, help="Units in a term, for each --analyzer.  [default: 1,1]"),
    learning("--lowercase/--no-lowercase", "lowercase", default=True, help="Lower-case the text.  [default: yes]"),
    learning("--stop-words", metavar="FILE|en|ko", help="Leave out the tokens of a list: en, ko, or a file of one word a line."),
    learning("--min-df", metavar="N", help="Leave out terms of fewer records; 0.01 is a share.  [default: 1]"),
    learning("--max-df", metavar="N", help="Leave out terms of more records; 0.5 is a share.  [default: 1.0]"),
    learning("--max-features", type=click.IntRange(min=1), metavar="N", help="Keep the N most frequent terms."),
    learning("--vocabulary", metavar="FILE", type=PATH, help="Take these terms, one a line, instead of learning them."),
    learning("--sublinear-tf/--no-sublinear-tf", "sublinear_tf", default=False, help="1 + ln(tf) instead of tf.  [default: no]"),
    learning("--smooth-idf/--no-smooth-idf", "smooth_idf", default=True, help="Add one record that has every term.  [default: yes]"),
    learning("--norm", type=click.Choice(["l1", "l2", "none"]), default="l2", show_default=True, help="Length of each record."),
    learning("--n-features", type=click.IntRange(min=1, max=2**31 - 1), metavar="N", help="Columns of hashing.  [default: 1048576]"),
    learning("--select", metavar="chi2:K", help="Keep the K columns that tell most of the label."),
    learning("--svd", type=click.IntRange(min=1), metavar="K", help="Turn features into a vector of K numbers (LSA)."),
    option("--terms", is_flag=True, help="Write terms and their weights instead of numbers of columns."),
)
LEARNED = ("lowercase", "min_df", "max_df", "max_features", "sublinear_tf", "smooth_idf", "norm", "n_features", "select", "svd")


@subcommand(*method(VECTORIZERS, "tfidf"), *OWN, *TERMS, *SAVE, *LOAD, *SETTINGS, *SEED, *INPUT, *OUTPUT, *LINEAGE_ON)
def command(**given: Any) -> Any:
    """Turn tokens or text into weighted features.

    Each record gets `features`, the columns that it has and their values. Raw text is tokenized as words first; char
    and char_wb read the text itself. Several --analyzer stand side by side. The results are scikit-learn's. With --top
    no records are written, but each label's terms of the highest mean weight.

    \b
    textkit vectorize reviews.tsv --ngram 1,2 --save vec > features.jsonl
    textkit vectorize --load vec --terms < new.txt
    textkit vectorize reviews.tsv --analyzer char_wb --ngram 2,4 --top 10
    """
    from textkit.runner import Job

    if given["load"]:
        nothing_to_learn("save", "method", *LEARNED, "settings", "analyzer", "ngram", "stop_words", "vocabulary")
    if given["top"]:
        for flag in typed("output", "to", "terms", "field", "keep", "drop"):
            raise UsageError(f"{flag} is for records, and --top prints tables and writes none", fix="leave out one of the two")
    stage = _loaded(given) if given["load"] else _learner(given)
    if given["top"]:
        from textkit.vectorizers.highest import print_top

        return Job(inputs_from(given), (), sink=lambda stream: print_top(stream, stage, given["top"]), wanted=(*stage.needs, "label"), due=("label",))
    return Job(inputs_from(given), (stage,), outputs_from(given))


def _loaded(given: dict[str, Any]) -> Any:
    from textkit.vectorizers.stage import Vectorize

    return Vectorize.load(given["load"], given["terms"])


def _learner(given: dict[str, Any]) -> Any:
    from dataclasses import fields, replace

    from textkit.artifacts.store import Store
    from textkit.config import override
    from textkit.tokenizers.stopwords import stop_words
    from textkit.vectorizers.files import load_terms
    from textkit.vectorizers.stage import Vectorize

    method_class = VECTORIZERS.find(given["method"])
    known = {one.name for one in fields(method_class.Config)}
    for name in LEARNED:
        if typed(name) and name not in known:
            raise UsageError(f"{typed(name)[0]} says nothing to --method {given['method']}", fix="leave it out, or name another method")
    if given["top"] and method_class.hashed:
        raise UsageError("--top tells terms, and columns by hash have none", fix="use --method tfidf or counts")
    pairs = [f"{name}={given[name]}" for name in LEARNED if typed(name)]  # a method need not have them all
    pairs += [f"{name}={','.join(map(str, given[name]))}" for name in ("analyzer", "ngram") if given[name]]
    settings = override(method_class.Config(), [*pairs, *given["settings"]])
    if given["stop_words"]:
        settings = replace(settings, stop_words=stop_words(given["stop_words"]))
    if given["vocabulary"] and (method_class.hashed or len(settings.analyzer) > 1):
        raise UsageError("--vocabulary is for one analyzer, and not for hashing")
    if given["terms"] and (method_class.hashed or settings.svd):
        raise UsageError("--terms needs columns that have terms, and hashing and --svd have none")
    if method_class.hashed and given["save"] and not (settings.select or settings.svd):
        raise UsageError("hashing learns nothing, so there is nothing to save", fix="leave out --save, and give the same options again")
    for flag in typed("min_df", "max_df", "max_features") if given["vocabulary"] else ():
        raise UsageError(f"{flag} chooses among terms that are learned, and --vocabulary gives them", fix="leave out one of the two")
    vocabulary = load_terms(Path(given["vocabulary"])) if given["vocabulary"] else None
    if vocabulary is not None and (vocabulary == "").all():
        raise InputError("the vocabulary has no term", where=given["vocabulary"], fix="write one term a line")
    store = Store(given["save"], given["force"])
    return Vectorize.of(given["method"], settings, store=store, vocabulary=vocabulary, terms=given["terms"], seed=given["seed"])
