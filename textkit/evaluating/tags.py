"""Records with a tag for each word: `gold_tags` against `tags`, word by word, and entities where tags mark such."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import polars as pl

from textkit.errors import InputError
from textkit.evaluating.beside import Beside, tags_file
from textkit.evaluating.collecting import Codes
from textkit.evaluating.several import SeveralReport
from textkit.metrics import Counts, classification, per_label
from textkit.ragged import flatten
from textkit.report import say
from textkit.streams.batch import Batch
from textkit.streams.members import BadRecords
from textkit.streams.source import Inputs
from textkit.streams.stream import Stream
from textkit.tasks.tag_schemes import matched, scheme_of

GOLD, TAGS = "gold_tags", "tags"
FIX = "predictions come from textkit predict, which keeps a record's own tags as gold_tags; --gold names a file of them"


def may_be_tags(batch: Batch) -> bool:
    """Whether these are such records."""
    return batch.has(GOLD) or (batch.has(TAGS) and not (batch.has("prediction") or batch.has("label") or batch.has("labels")))


def demand_tags(batch: Batch, beside: bool) -> None:
    """BadRecords where a record lacks its tags, or has another number of the one than of the other. beside: gold is in another file."""
    frame = batch.require(TAGS, *(() if beside else (GOLD,)), fix=FIX)
    if not beside:
        same_number(batch, frame[GOLD], frame[TAGS])


def same_number(batch: Batch, gold: pl.Series, tags: pl.Series) -> None:
    odd = (gold.list.len() != tags.list.len()).arg_true().to_list()
    if odd:
        told = {row: f"{gold[row].len()} tags are due, and {tags[row].len()} were predicted" for row in odd}
        raise BadRecords([(row, InputError(message, where=batch.position(row))) for row, message in told.items()])


def measure_tags(stream: Stream, known: Collection[str] | None, gold_inputs: Inputs | None = None) -> SeveralReport:
    """Compare over all records. known: the tags of the model; gold_inputs: where the gold ones are, if not with the records."""
    beside: Beside | None = None if gold_inputs is None else tags_file(gold_inputs)
    codes = Codes()
    parts: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    for batch in stream.batches:
        demand_tags(batch, beside is not None)
        gold = batch.read_ours(GOLD)[GOLD] if beside is None else beside.take(batch)[TAGS]
        tags = batch.read_ours(TAGS)[TAGS]
        same_number(batch, gold, tags)
        flat, sizes = flatten(gold)
        parts.append((codes(flat), codes(flatten(tags)[0]), sizes.to_numpy()))
    stream.ending.demand()
    if beside is not None:
        beside.finish()
    if not parts or not any(len(lengths) for _, _, lengths in parts):
        raise InputError("nothing to evaluate: there are no records")
    names, places = codes.sorted()
    if not names:
        raise InputError("nothing to evaluate: no record has a word")
    due, found, lengths = (np.concatenate(column) for column in zip(*parts, strict=True))
    _tell_unseen(due, names, places, known)
    return _report(places[due], places[found], np.asarray(lengths, np.int64), names)


def _tell_unseen(due: np.ndarray, names: list[str], places: np.ndarray, known: Collection[str] | None) -> None:
    unseen = [] if known is None else sorted({names[place] for place in np.unique(places[due])} - {*known})
    if unseen:
        count = int(np.isin(places[due], [names.index(name) for name in unseen]).sum())
        say(f"{count} of {len(due)} words have a tag that the model was not trained with: {', '.join(unseen)}", unseen=unseen)


def _report(due: np.ndarray, found: np.ndarray, lengths: np.ndarray, names: list[str]) -> SeveralReport:
    """due, found: positions in `names` of the words of all records, whose lengths are (N,)."""
    record = np.repeat(np.arange(len(lengths)), lengths)
    wrong = np.bincount(record[due != found], minlength=len(lengths))
    own = {"tag_accuracy": float((due == found).mean()), "sentence_accuracy": float((wrong == 0).mean())}
    if scheme_of(names) is None:
        return SeveralReport(len(lengths), names, classification(due, found, names).counts, own, len(due))
    counts, kinds = matched(due, found, lengths, names)
    own["f1_entity"] = float(per_label(counts.total())["f1"][0])
    return SeveralReport(len(lengths), kinds, Counts(*counts), own, len(due))
