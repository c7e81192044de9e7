"""`textkit embed`"""

from __future__ import annotations

from typing import Any

import click

from textkit.errors import UsageError
from textkit.options import (
    EPOCHS,
    FEEDS,
    INPUT,
    LINEAGE_ON,
    LOAD,
    OOV,
    OUTPUT,
    PATH,
    RATE,
    SAVE,
    SEED,
    SETTINGS,
    finite,
    inputs_from,
    method,
    nothing_to_learn,
    option,
    outputs_from,
    subcommand,
    typed,
)
from textkit.registry import EMBEDDINGS

POOLS = ("none", "mean", "max", "sum", "sif", "tfidf", "doc")
OWN = (
    option("--dim", type=click.IntRange(min=1), default=100, show_default=True, help="Width of the vectors."),
    option("--window", type=click.IntRange(min=1), default=5, show_default=True, help="Words on each side to train with."),
    option("--min-count", type=click.IntRange(min=1), default=5, show_default=True, help="Rarer words get no vector."),
    option("--sg/--cbow", "sg", default=True, help="Skip-gram or CBOW.  [default: sg]"),
    option("--dm/--dbow", "dm", default=True, help="doc2vec: distributed memory or bag of words.  [default: dm]"),
    option("--negative", type=click.IntRange(min=1), default=5, show_default=True, help="Negative samples for each word."),
    option("--min-n", type=click.IntRange(min=1), default=3, show_default=True, help="fasttext: characters of the shortest n-grams."),
    option("--max-n", type=click.IntRange(min=0), default=6, show_default=True, help="fasttext: characters of the longest n-grams; 0: none."),
    option(
        "--subword",
        type=click.Choice(["char", "jamo"]),
        help="fasttext: n-grams of characters, or of the letters and syllables of Hangul.  [default: char]",
    ),
    option("--update", metavar="DIR|FILE", type=PATH, help="Go on with these vectors, which --load would take: more text, new words."),
    option(
        "--threads",
        type=click.IntRange(min=1),
        help="Of more than one the bytes differ from run to run.  [default: 1 for a small corpus, else all cores]",
    ),
    option("--deterministic", is_flag=True, help="The same bytes each time, at the price of speed."),
    option("--pool", type=click.Choice(list(POOLS)), default="none", show_default=True, help="Put one vector into each record."),
    option("--tokens", is_flag=True, help="Put a vector of each token into each record, of Arrow or Parquet."),
    *OOV,
    option("--unit", is_flag=True, help="Give the vectors in records length 1."),
    option(
        "--sif-a",
        type=click.FloatRange(min=0, min_open=True),
        callback=finite,
        default=1e-3,
        show_default=True,
        help="With --pool sif: a word of probability p counts a / (a + p).",
    ),
    option("--store", type=click.Choice(["float32", "float16"]), help="Type of the numbers in the saved vectors.  [default: float32]"),
    option("--words", is_flag=True, help="Write the words and their vectors instead of the records: as these, or to FILE.vec, FILE.bin, FILE.glove."),
)
LEARNED = ("dim", "window", "min_count", "sg", "dm", "negative", "min_n", "max_n", "subword", "epochs", "lr", "seed")


@subcommand(*method(EMBEDDINGS, "word2vec"), *OWN, *EPOCHS, *RATE, *SEED, *SAVE, *LOAD, *SETTINGS, *INPUT, *OUTPUT, *LINEAGE_ON)
def command(**given: Any) -> Any:
    """Learn or apply word vectors.

    The vectors travel by reference: the stream's lineage names them, and `train` starts from them. Raw text is
    tokenized as words first; tokens without ids get ids of the embedding's vocabulary.

    --load also takes word2vec's text and binary, GloVe, and fastText's .vec and .bin, each compressed or not; these are method
    `pretrained`. --subword jamo makes n-grams of the letters of Hangul, and of 1 to 4 whole syllables: -s syllables=0 leaves
    the latter out.

    word2vec and fasttext make 5 passes unless --epochs says otherwise, doc2vec 10; onehot has at most 1000 columns unless --dim does.

    --pool sif and tfidf learn what each word weighs, from the records, together with the vectors or when they are loaded
    without it; --save keeps that with the vectors, and a model has it in its bundle.

    \b
    textkit tokenize reviews.tsv | textkit embed --dim 64 --save vec > embedded.jsonl
    textkit embed --load vec --pool mean reviews.tsv
    textkit embed --load glove.6B.100d.txt.gz --pool mean reviews.tsv
    textkit embed --load vec --words -o words.arrow
    textkit embed --method fasttext --subword jamo --save vec nsmc.tsv > embedded.jsonl
    textkit embed --update vec --save newer more.tsv > embedded.jsonl
    textkit embed --load vec --pool sif --save vec-sif reviews.tsv | textkit train classify --save model
    """
    from textkit.artifacts.store import Store
    from textkit.embeddings.stage import Embed
    from textkit.runner import Job

    if given["load"]:
        method_too = () if given["method"] == "pretrained" else ("method",)
        nothing_to_learn(*method_too, "update", *LEARNED, "settings", "threads", "deterministic")
        if given["store"] and not given["save"]:
            raise UsageError("--store says how vectors are saved", fix="add --save DIR")
        stage = Embed.load(given["load"], _pooling(given), Store(given["save"], given["force"]), given["store"])
    else:
        stage = _learner(given)
    if given["words"]:
        return _words(given, stage)
    return Job(inputs_from(given), (stage,), outputs_from(given))


def _words(given: dict[str, Any], stage: Any) -> Any:
    """The table itself, of what is loaded without any input."""
    from dataclasses import replace

    from textkit.embeddings.converting import nothing
    from textkit.embeddings.files.names import form_of
    from textkit.embeddings.words import Words
    from textkit.runner import Job

    for flag in typed("pool", "tokens", "oov", "unit", "sif_a", "lineage"):
        raise UsageError(f"--words writes the words and their vectors, and {flag} is for records")
    for flag in ("a file",) if given["load"] and given["files"] else typed("parallel") if given["load"] else ():
        raise UsageError(f"--words writes what --load gives, and {flag} to read is one too many")
    form = form_of(given["output"], is_table=True) if given["to"] is None else None
    for flag in typed("keep", "drop", "field", "quotes", "delimiter") if form else ():
        raise UsageError(f"{flag} is for records, and {given['output']} is a table of {form}")
    words, inputs = Words(stage, form), nothing() if given["load"] else inputs_from(given)
    outputs = replace(outputs_from(given), lineage=False)
    return Job(inputs, (words,), outputs, sink=(lambda stream: words.write(stream, given["output"])) if form else None)


def _learner(given: dict[str, Any]) -> Any:
    from textkit.artifacts.store import Store
    from textkit.config import override
    from textkit.embeddings.stage import Embed

    name, old = given["method"], {}
    method_class = EMBEDDINGS.find(name)
    base = method_class.Config()
    if given["update"]:
        from textkit.embeddings.updating import old_one

        name, base, old["old"] = old_one(given["update"], name if typed("method") else None)
        method_class = EMBEDDINGS.find(name)
    _refuse_others(name, method_class)
    pairs = [f"{field}={given[field]}" for field in LEARNED if typed(field)]
    settings = override(base, [*pairs, *given["settings"]])
    if given["deterministic"] and (given["threads"] or 1) > 1:
        raise UsageError("--deterministic is one thread, and --threads asks for more")
    learner = method_class(settings, 1 if given["deterministic"] else given["threads"], **old)
    pooling = _pooling(given)
    if given["pool"] == "doc" and not getattr(method_class, "documents", False):
        raise UsageError(f"--pool doc needs vectors of documents, and {name} has none", fix="use --pool mean or sif, or --method doc2vec or lsa")
    if given["oov"] == "subword" and not getattr(settings, "max_n", 0):
        raise UsageError(
            f"--oov subword: {name}{' with max_n=0' * (name == 'fasttext')} has no subwords", fix="use --oov skip, zero or mean, or --method fasttext"
        )
    store = Store(given["save"], given["force"])
    return Embed(name, settings, pooling, learner=learner, store=store, saves=given["store"])


def _refuse_others(name: str, method_class: Any) -> None:
    """UsageError for an option that this method does not have."""
    for field in LEARNED:
        for flag in typed(field) if field not in method_class.Config.__dataclass_fields__ else ():
            others = [other for other in EMBEDDINGS if field in EMBEDDINGS.find(other).Config.__dataclass_fields__]
            raise UsageError(f"{name} has no {flag}", fix=f"it goes with --method {' or '.join(others)}")
    for flag in typed("threads") if not getattr(method_class, "threaded", False) else ():
        raise UsageError(f"{name} is not learned in threads, and {flag} would do nothing")


def _pooling(given: dict[str, Any]) -> Any:
    """What the records get. UsageError for options that would do nothing, and for vectors of tokens that would become text."""
    from textkit.embeddings.pooling import Pooling

    for flag in typed("oov", "unit") if given["pool"] == "none" and not given["tokens"] else ():
        raise UsageError(f"{flag} is about vectors in records", fix="add --pool mean, or another")
    for flag in typed("oov") if given["pool"] == "doc" and not given["tokens"] else ():
        raise UsageError(f"{flag} is about vectors of tokens, and --pool doc has its own way")
    for flag in typed("sif_a") if given["pool"] != "sif" else ():
        raise UsageError(f"{flag} goes with --pool sif")
    if given["tokens"] and not given["force"] and not click.get_current_context().meta.get(FEEDS):
        from textkit.streams.sink import check_outputs

        form = check_outputs(outputs_from(given))
        if form not in ("arrow", "parquet"):
            raise UsageError(f"--tokens gives each token a vector, which would be huge as {form}", fix="use --to arrow, or --force")
    return Pooling(given["pool"], given["oov"], given["unit"], given["tokens"], given["sif_a"])
