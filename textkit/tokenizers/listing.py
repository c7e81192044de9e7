"""`tokenize --vocab`: the vocabulary with its ids, and how often each token occurs in the input.

    stage, outputs = listing(tokenize, outputs)    # a stage that gives records of token, id, count

A method without a vocabulary lists the distinct tokens of the input, the most frequent first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import polars as pl

from textkit.report import say
from textkit.stage import Listing, Stage
from textkit.streams.batch import Batch, Position
from textkit.streams.bytesource import plain_suffix
from textkit.streams.lineage import Lineage
from textkit.streams.sink import Outputs
from textkit.streams.stream import Stream
from textkit.tokenizers.stage import Tokenize
from textkit.tokenizers.vocabulary import Vocabulary, count_tokens

ROWS = 1 << 16  # tokens in a batch of the list
UNWRITABLE = "[\t\n\r\x00]"  # what a line of an unquoted table cannot hold
ESCAPES = {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r", "\x00": "\\0"}


class Vocabularies(Listing):
    """Puts the records of the list in the place of those that were read. `escape`: write white space in tokens as \\t and \\n."""

    needs = ("text",)
    stage: Tokenize

    def __init__(self, stage: Tokenize, escape: bool) -> None:
        super().__init__(stage)
        self._escape = escape

    def start(self, stream: Stream) -> tuple[Stage, Stream]:
        return self, vocabulary_records(self.stage, stream, self._escape)


def listing(stage: Tokenize, outputs: Outputs) -> tuple[Vocabularies, Outputs]:
    """The stage that lists, and where to: as TSV unless another format was asked for, never with a header line of ours."""
    named = outputs.format or (None if outputs.path and plain_suffix(Path(outputs.path)) else "tsv")
    tsv = named == "tsv" or (named is None and plain_suffix(Path(str(outputs.path))) == ".tsv")
    return Vocabularies(stage, escape=tsv and not outputs.quotes), replace(outputs, format=named, lineage=False)


def vocabulary_records(stage: Tokenize, stream: Stream, escape: bool = False) -> Stream:
    """Reads the stream to its end: records of token, id and count in the order of ids, or of token and count by count.

    Memory: the vocabulary, or the distinct tokens.
    """
    ready, stream = stage.start(stream)
    made = (stream.faults.attempt(ready.apply, batch) for batch in stream.batches)
    vocabulary = ready.vocabulary  # type: ignore[attr-defined]
    table = _by_count(made) if vocabulary is None else _by_id(made, vocabulary)
    return replace(stream, batches=_batches(_escaped(table) if escape else table), lineage=Lineage())


def _by_count(batches: Iterable[Batch]) -> pl.DataFrame:
    return count_tokens(batch.read("tokens")["tokens"] for batch in batches).sort(["count", "token"], descending=[True, False])


def _by_id(batches: Iterable[Batch], vocabulary: Vocabulary) -> pl.DataFrame:
    counts = pl.DataFrame(schema={"id": pl.Int32, "count": pl.UInt64})
    for batch in batches:
        found = batch.read("ids")["ids"].explode().drop_nulls().alias("id").value_counts(name="count")
        counts = pl.concat([counts, found.cast({"id": pl.Int32, "count": pl.UInt64})]).group_by("id").agg(pl.col("count").sum())
    ids = pl.int_range(len(vocabulary), dtype=pl.Int32, eager=True)
    known = pl.DataFrame({"token": vocabulary.column, "id": ids}).filter(pl.col("token").is_not_null())
    return known.join(counts, on="id", how="left", maintain_order="left").with_columns(pl.col("count").fill_null(0))


def _batches(table: pl.DataFrame) -> Iterator[Batch]:
    for number, part in enumerate(table.iter_slices(ROWS)):
        yield Batch(part, Position("<vocabulary>", 1 + number * ROWS), added=frozenset(part.columns))


def _escaped(table: pl.DataFrame) -> pl.DataFrame:
    """As PostgreSQL copies text: white space that would break the table as \\t, \\n, \\r, and then each backslash doubled."""
    token = table["token"]
    odd = token.str.contains(UNWRITABLE)
    if odd.any():
        say(f"{odd.sum()} tokens hold a tab or a line end: written as \\t, \\n, \\r, \\0, with \\\\ for a backslash; --to jsonl has them as they are")
        for character, spelt in ESCAPES.items():
            token = token.str.replace_all(character, spelt, literal=True)
    return table.with_columns(token)
