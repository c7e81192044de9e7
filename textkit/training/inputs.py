"""What a network reads of a stream: the records' vectors or features, or ids of their tokens, and for characters the tokens themselves."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from textkit.errors import InputError, LineageError, UsageError
from textkit.nn.settings import Reading
from textkit.report import say
from textkit.stage import connect, ids_owner
from textkit.streams.batch import Batch
from textkit.streams.stream import Stream
from textkit.tokenizers.applying import Applying
from textkit.tokenizers.index import Index
from textkit.tokenizers.stage import Tokenize

READING = tuple(field.name for field in fields(Reading) if field.name != "dropout")  # the settings that only tokens have a use for
SOURCES = {"vector": "dense", "features": "sparse"}  # columns, and what `collect` calls their kind


def inputs_for(stream: Stream, arch: Any, settings: Any, wordwise: bool = False) -> tuple[Stream, dict[str, Any]]:
    """The stream with what the architecture reads, and the columns that `collect` is to keep. wordwise: also where words start."""
    first = stream.peek()
    assert first is not None, "the caller has seen a record"
    for name, kind in SOURCES.items():
        if name in arch.reads and first.has(name):
            _refuse_reading(settings, f"the records' {name}")
            return stream, {kind: (name,), **({"width": _width(stream)} if name == "features" else {})}
    if "ids" not in arch.reads:
        raise InputError(f"this architecture reads {' or '.join(arch.reads)}, and the records have neither", where=first.position(0))
    stream = with_ids(stream)
    first = stream.peek()
    assert first is not None, "as before"
    prefixes = ("", "pair_") if first.has("pair_ids") else ("",)
    chars = getattr(settings, "chars", "none") != "none"
    if chars and not all(first.has(f"{prefix}tokens") for prefix in prefixes):
        _refuse_chars(settings, "ids without their tokens")
    ragged = (*(f"{prefix}ids" for prefix in prefixes), *(("word_starts",) if wordwise and first.has("word_starts") else ()))
    return stream, {"ragged": ragged, "words": tuple(f"{prefix}tokens" for prefix in prefixes if chars)}


def with_ids(stream: Stream) -> Stream:
    """The stream with ids, of its pairs too: those it has, if their vocabulary is known, else by a vocabulary of its own tokens."""
    first = stream.peek()
    assert first is not None, "the caller has seen a record"
    if first.has("text") and first.has("pair") and not _has_tokens(first, ""):
        say("no tokens in the input: tokenizing its text and pair as words")
        stream = connect(stream, Tokenize.of("words", applying=Applying(fields=("text", "pair"))))
    elif first.has("pair") and not _has_tokens(first, "pair_"):
        say("the records' pair was not tokenized: learning from their text alone (tokenize --fields text,pair takes both)")
    first = stream.peek()
    assert first is not None, "as before"
    pairs = _has_tokens(first, "pair_")
    if not first.has("ids") or (pairs and not first.has("pair_ids")):
        return connect(stream, Index(Index.Config(fields=("text", "pair") if pairs else ("text",))))
    if ids_owner(stream.lineage) is None:
        fix = "pipe it from textkit tokenize, or drop the ids"
        raise LineageError("the records have ids, and nothing says of which vocabulary (no header line)", fix=fix)
    return stream


def _has_tokens(first: Batch, prefix: str) -> bool:
    return first.has(f"{prefix}tokens") or first.has(f"{prefix}ids")


def _width(stream: Stream) -> int | None:
    made = [entry for entry in stream.lineage.stages if entry.stage == "vectorize"]
    return made[-1].config["features"] if made else None


def _refuse_reading(settings: Any, what: str) -> None:
    """UsageError if the settings are of how to read tokens."""
    for name in [name for name in READING if hasattr(settings, name)]:
        if (value := getattr(settings, name)) != getattr(type(settings)(), name):
            raise UsageError(f"{name}={value} is for networks that read tokens, and this is to read {what}", fix=f"leave out -s {name}")


def _refuse_chars(settings: Any, what: str) -> None:
    """UsageError if the settings ask for characters where there are none."""
    if getattr(settings, "chars", "none") != "none":
        raise UsageError(f"chars={settings.chars} reads the characters of tokens, and the network is to read {what}", fix="leave out -s chars")
