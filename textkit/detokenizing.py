"""`detokenize`: ids, or tokens where there are no ids, back to text in the field `output`; and how much of it is what it was.

Methods that cut by a rule say what stands between tokens; for subwords the decoder of their tokenizer.json joins them.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from textkit.artifacts import folder as artifact
from textkit.errors import InputError, LineageError
from textkit.padding import real_ids
from textkit.ragged import flatten, nest
from textkit.stage import Stage, ids_owner, restore
from textkit.streams.batch import Batch
from textkit.streams.lineage import Entry
from textkit.streams.members import BadRecords
from textkit.streams.stream import Stream
from textkit.tokenizers.normalizing import Normalizing, normalized
from textkit.tokenizers.stage import Tokenize
from textkit.tokenizers.vocabulary import SPECIALS, Vocabulary

LOAD_FIX = "name the tokenizer with --load, or give a stream with its header"
SHOWN = 5  # records that did not come back, in the report of --check


class Detokenize(Stage):
    """Adds `output`. The tokenizer is the one given, else the one that the stream's lineage names."""

    def __init__(self, tokenize: Tokenize | None = None, skip_special: bool = True) -> None:
        self._tokenize, self._skip = tokenize, skip_special
        self._vocabulary = None if tokenize is None else tokenize.vocabulary
        self._lost = False  # whether nothing tells whose the tokens are

    @classmethod
    def restore(cls, entry: Entry, folder: Path | None) -> Detokenize:
        return cls(None if folder is None else Tokenize.load(folder), entry.config.get("skip_special", True))

    def start(self, stream: Stream) -> tuple[Detokenize, Stream]:
        owner = ids_owner(stream.lineage)
        if self._tokenize is not None:
            own = self._tokenize.entry()
            if owner is not None and own.sha256 != owner.sha256:
                message = f"the ids are of {owner.label} ({owner.artifact}), and not of {own.label} ({own.artifact})"
                raise LineageError(message, fix="leave --load out")
            return self, stream
        maker = next((entry for entry in reversed(stream.lineage.stages) if entry.stage == "tokenize"), None)
        self._lost = owner is None and maker is None
        self._tokenize = None if maker is None else restore(maker, stream.near)  # type: ignore[assignment]
        holder: Any = self._tokenize if owner is None or owner is maker else restore(owner, stream.near)
        self._vocabulary = None if holder is None else holder.vocabulary
        return self, stream

    @property
    def _tokenizer(self) -> Any:
        return None if self._tokenize is None else self._tokenize.tokenizer

    @property
    def _joiner(self) -> str | None:
        """What stands between tokens; None where a decoder joins them."""
        joiner: str | None = getattr(self._tokenizer, "joiner", None) if self._tokenizer is not None else " "
        return joiner

    def apply(self, batch: Batch) -> Batch:
        if batch.has("ids") and self._vocabulary is not None:
            return batch.put(self._of_ids(batch, self._vocabulary).alias("output"))
        if self._lost and (batch.has("tokens") or batch.has("ids")):
            raise LineageError("nothing tells which tokenizer made the tokens", fix=LOAD_FIX)
        if batch.has("ids") and not batch.has("tokens"):
            raise LineageError("the ids are of an unknown vocabulary", fix=LOAD_FIX)
        return batch.put(self._of_tokens(batch.require("tokens", fix="run textkit tokenize first")["tokens"]).alias("output"))

    def _of_ids(self, batch: Batch, vocabulary: Vocabulary) -> pl.Series:
        ids = real_ids(batch)
        demand_known(ids, vocabulary, batch)
        if not batch.has("mask") and vocabulary.pad_id is not None:
            ids = ids.list.eval(pl.element().filter(pl.element() != vocabulary.pad_id))
        mine = self._tokenizer is not None and vocabulary is self._tokenizer.vocabulary
        if mine and self._joiner is None:
            return pl.Series(self._tokenizer.library().decode_batch(ids.to_list(), skip_special_tokens=self._skip), dtype=pl.String)
        flat, lengths = flatten(ids)
        return self._of_tokens(nest(vocabulary.column.gather(flat), lengths))

    def _of_tokens(self, tokens: pl.Series) -> pl.Series:
        """(B, T) tokens -> (B,) texts."""
        if self._skip:
            tokens = tokens.list.eval(pl.element().filter(~pl.element().is_in(self._specials())))
        if self._joiner is not None:
            text = tokens.list.join(self._joiner)
            return text.str.normalize("NFC") if getattr(self._tokenizer, "composed", False) else text
        decoder = self._tokenizer.library().decoder  # a loop over records: the decoder takes the tokens of one
        return pl.Series([decoder.decode(row) if decoder else " ".join(row) for row in tokens.to_list()], dtype=pl.String)

    def _specials(self) -> list[str]:
        if self._tokenizer is None or self._joiner is not None:
            return [*getattr(self._tokenizer, "specials", SPECIALS)]
        return [token.content for token in self._tokenizer.library().get_added_tokens_decoder().values() if token.special]

    def normalized(self, text: pl.Series) -> pl.Series:
        """(B,) texts as the tokenizer sees them."""
        settings = getattr(self._tokenizer, "config", Normalizing())
        if isinstance(settings, Normalizing):
            return normalized(text, settings)
        normalizer = self._tokenizer.library().normalizer  # another program's: any function of a text
        return text if normalizer is None else pl.Series([normalizer.normalize_str(line) for line in text], dtype=pl.String)

    def entry(self) -> Entry:
        settings = {"skip_special": self._skip}
        own = None if self._tokenize is None else self._tokenize.entry()
        return Entry("detokenize", None, settings) if own is None else Entry("detokenize", None, settings, own.artifact, own.sha256)

    def copy_to(self, target: Path) -> None:
        own = self.entry()
        if own.artifact is not None:
            artifact.copy(Path(own.artifact), target)


def demand_known(ids: pl.Series, vocabulary: Vocabulary, batch: Batch) -> None:
    """BadRecords for those with an id that the vocabulary does not have."""
    flat, lengths = flatten(ids)
    known = vocabulary.has(flat)
    if known.all():
        return
    rows = pl.int_range(len(ids), dtype=pl.UInt32, eager=True).repeat_by(lengths).filter(lengths > 0).explode()
    bad = pl.DataFrame({"row": rows, "id": flat}).filter(~known).unique("row", keep="first", maintain_order=True)
    size = len(vocabulary) - len(vocabulary.gaps)
    raise BadRecords([(row, InputError(f"id {i} is not in the vocabulary of {size} tokens", where=batch.position(row))) for row, i in bad.rows()])


@dataclass
class Trip:
    """How many texts came back."""

    records: int = 0
    exact: int = 0  # as the tokenizer's normalization made them
    spaced: int = 0  # the same up to white space
    differing: list[dict[str, str]] = field(default_factory=list)  # the first that differ by more, else by white space

    def to_json(self) -> dict[str, Any]:
        rates = {"exact": self.exact / self.records, "up_to_white_space": self.spaced / self.records} if self.records else {}
        return {"records": self.records, **{name: round(rate, 6) for name, rate in rates.items()}, "differing": self.differing}


def round_trip(stream: Stream, stage: Detokenize) -> Trip:
    """Compares `output` with `text` over all records."""
    trip = Trip()
    spaces: list[dict[str, str]] = []
    for batch in stream.batches:
        pair = batch.require("text", "output", fix="--check compares with the text that the tokens are of")
        text, output, due = pair["text"], pair["output"], stage.normalized(pair["text"])
        exact = (output == due) | (output == text)
        spaced = exact | (_bare(output) == _bare(due)) | (_bare(output) == _bare(text))
        trip.records, trip.exact, trip.spaced = trip.records + len(batch), trip.exact + int(exact.sum()), trip.spaced + int(spaced.sum())
        trip.differing += list(_shown(batch, pair, ~spaced, SHOWN - len(trip.differing)))
        spaces += list(_shown(batch, pair, spaced & ~exact, SHOWN - len(spaces)))
    stream.ending.demand()
    trip.differing += spaces[: SHOWN - len(trip.differing)]
    return trip


def _bare(text: pl.Series) -> pl.Series:
    return text.str.replace_all(r"\s", "")


def _shown(batch: Batch, pair: pl.DataFrame, rows: pl.Series, count: int) -> Iterator[dict[str, str]]:
    for row in rows.arg_true().head(max(0, count)):
        yield {"position": batch.position(row), "text": pair["text"][row], "output": pair["output"][row]}


def print_json(trip: Trip) -> None:
    sys.stdout.write(json.dumps(trip.to_json(), ensure_ascii=False) + "\n")


def print_tables(trip: Trip) -> None:
    """The rates, then what went in and came out of the first records that differ."""
    whole = max(1, trip.records)
    lines = [f"{trip.records} records: {100 * trip.exact / whole:.2f} % came back exactly, {100 * trip.spaced / whole:.2f} % up to white space"]
    for one in trip.differing:
        lines += [one["position"], f"  text    {one['text']!r}", f"  output  {one['output']!r}"]
    sys.stdout.write("\n".join(lines) + "\n")
