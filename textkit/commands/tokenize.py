"""`textkit tokenize`"""

from __future__ import annotations

from typing import Any

import click

from textkit.errors import UsageError
from textkit.options import (
    EXPLAIN,
    INPUT,
    LINEAGE_ON,
    LOAD,
    OUTPUT,
    SAVE,
    SETTINGS,
    TOKENS,
    VOCABULARY,
    inputs_from,
    method,
    nothing_to_learn,
    option,
    outputs_from,
    refuse_terminal,
    subcommand,
    typed,
)
from textkit.registry import TOKENIZERS

OWN = (option("--vocab", is_flag=True, help="Print the vocabulary instead, and how often the input has each token."),)
EVERYDAY = (
    "vocab_size", "min_frequency", "normalize", "lowercase", "strip_accents", "add_special", "limit_alphabet", "character_coverage",
    "max_piece_length",
)  # fmt: skip
APPLIED = ("fields", "offsets", "max_tokens", "stop_words", "add_bos_eos")


@subcommand(*method(TOKENIZERS, "words"), *EXPLAIN, *OWN, *SAVE, *LOAD, *SETTINGS, *VOCABULARY, *TOKENS, *INPUT, *OUTPUT, *LINEAGE_ON)
def command(**given: Any) -> Any:
    """Cut text into tokens, and ids of a vocabulary.

    With --save, or a method that must learn, the vocabulary is learned from the input; with --load a saved one is
    applied, or another program's: a tokenizer.json, a vocab.txt, a model folder. `words` and others without either
    stream tokens alone. --explain shows how one text is tokenized: the arguments, or each line of stdin.

    \b
    textkit tokenize reviews.tsv --method wordpiece --vocab-size 8000 --save tok > tokens.jsonl
    textkit tokenize --load tok < new.txt
    textkit tokenize --load tok --vocab reviews.tsv > vocabulary.tsv
    textkit tokenize --lowercase --stop-words en --offsets reviews.tsv > words.jsonl
    textkit tokenize --load tok --explain "An unforgettable film"
    """
    if given["load"]:
        nothing_to_learn("save", "method", *EVERYDAY, "settings")
    if given["explain"]:
        _explain(given)
        return None
    from textkit.runner import Job

    stage, outputs = _stage(given), outputs_from(given)
    if given["vocab"]:
        from textkit.tokenizers.listing import listing

        for flag in typed("fields", "offsets", "lineage", "explain"):
            raise UsageError(f"--vocab prints tokens, ids and counts, and {flag} is for records")
        stage, outputs = listing(stage, outputs)
    return Job(inputs_from(given), (stage,), outputs)


def _stage(given: dict[str, Any]) -> Any:
    from textkit.tokenizers.stage import Tokenize

    return Tokenize.load(given["load"], _applying(given)) if given["load"] else _learner(given)


def _learner(given: dict[str, Any]) -> Any:
    from textkit.artifacts.store import Store
    from textkit.config import override
    from textkit.tokenizers.stage import Tokenize

    tokenizer_class = TOKENIZERS.find(given["method"])
    learns = tokenizer_class.must_learn or given["save"] or given["vocab_size"]
    settings = override(tokenizer_class.Config(), [*_pairs(given, tokenizer_class, bool(learns)), *given["settings"]])
    store = Store(given["save"], given["force"]) if learns and not given["explain"] else None
    return Tokenize.of(given["method"], settings, store, _applying(given))


def _pairs(given: dict[str, Any], tokenizer_class: Any, learns: bool) -> list[str]:
    """The everyday settings as -s has them. UsageError for one that the method lacks, or that does nothing where it does not learn."""
    fields = tokenizer_class.Config.__dataclass_fields__
    pairs = []
    for name in EVERYDAY:
        for flag in typed(name):
            if name not in fields:
                owners = [other for other in TOKENIZERS if name in TOKENIZERS.find(other).Config.__dataclass_fields__]
                raise UsageError(f"{flag} is no setting of the method {given['method']}", fix=f"it goes with {', '.join(owners)}")
            if not learns and name not in tokenizer_class.applied:
                raise UsageError(f"{flag} goes with learning", fix="add --save DIR or --vocab-size N")
            value = given[name]
            pairs.append(f"{name}={','.join(value) if isinstance(value, tuple) else value}")
    if given["add_bos_eos"] and "add_bos_eos" in fields:
        pairs.append("add_bos_eos=true")
    return pairs


def _applying(given: dict[str, Any]) -> Any:
    """The settings that hold for any method."""
    from textkit.tokenizers.applying import Applying
    from textkit.tokenizers.stopwords import stop_words

    words = () if given["stop_words"] is None else stop_words(given["stop_words"])
    fields: tuple[Any, ...] = given["fields"] or ("text",)
    return Applying(fields, given["offsets"], given["max_tokens"], words, given["add_bos_eos"])


def _explain(given: dict[str, Any]) -> None:
    """The arguments are one text, as `echo` takes them; without any each line of stdin is one."""
    import sys

    context = click.get_current_context()
    for parameter in context.command.params:
        unfit = getattr(parameter, "section", "") in ("Input", "Output") or parameter.name in ("save", "vocab", "fields")
        for flag in typed(parameter.name or "") if unfit and parameter.name not in ("to", "files") else ():
            raise UsageError(f"--explain shows how a text is tokenized, and {flag} does not go with it")
    if given["to"] not in (None, "jsonl"):
        raise UsageError("--explain shows the steps to a person, or with --to jsonl as JSON")
    refuse_terminal(given["files"])
    stage = _stage(given)
    if stage.tokenizer.vocabulary is None and stage.tokenizer.must_learn:
        raise UsageError(f"--explain needs the vocabulary that {given['method']} has learned", fix="give it with --load DIR")
    from textkit.showing.explanation import show

    texts = [" ".join(given["files"])] if given["files"] else (line.rstrip("\r\n") for line in _lines(sys.stdin.buffer))
    show(stage, texts, as_json=given["to"] == "jsonl")


def _lines(stdin: Any) -> Any:
    from textkit.errors import InputError

    for number, line in enumerate(stdin, 1):
        try:
            yield line.decode()
        except UnicodeDecodeError:
            raise InputError("the text is not UTF-8", where=f"<stdin>:{number}") from None
