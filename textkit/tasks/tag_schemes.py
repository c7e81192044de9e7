"""Tags that mark entities: B-PER I-PER O, and IOBES with E- and S-. Which they are, what may follow what, where entities stand.

Entities are found as seqeval finds them in its default mode (Nakayama 2018, after conlleval), illegal tags too: an
I-PER after O or after I-LOC begins an entity.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from textkit.metrics import Counts

ENTITY = re.compile(r"([BIES])-.")
FAULTY = 0.02  # share of tags against a scheme up to which they are of it; IOB1, where I- begins an entity, has far more
OUTSIDE = "O"


def scheme_of(labels: Sequence[str]) -> str | None:
    """IOBES if there is an E- or S-, else IOB2 (which some call BIO); None unless all are O or like B-PER, and some are."""
    marks = [label for label in labels if label != OUTSIDE]
    if not marks or not all(ENTITY.match(label) for label in marks):
        return None
    return "IOBES" if {label[0] for label in marks} & {*"ES"} else "IOB2"


@dataclass(frozen=True)
class Legal:
    """What may stand where. start, end: (C,) bool, of the first and the last tag; between: (C, C), of a tag (row) before another."""

    start: np.ndarray
    between: np.ndarray
    end: np.ndarray


def legal(scheme: str, labels: Sequence[str]) -> Legal:
    """B- begins an entity and I- goes on; in IOBES it goes on till E-, and S- is one of a single word."""
    prefix, kind = np.array([label[0] for label in labels]), np.array([label[2:] for label in labels])
    inside = np.isin(prefix, [*"IE"])
    opens = np.isin(prefix, [*"BI"])
    unfinished = opens if scheme == "IOBES" else np.zeros_like(opens)
    going_on = opens[:, None] & inside & (kind[:, None] == kind)
    return Legal(~inside, going_on | ~(unfinished[:, None] | inside), ~unfinished)


def keeps_to(scheme: str, labels: Sequence[str], codes: np.ndarray, lengths: np.ndarray) -> bool:
    """Whether records (flat codes, a length each) are of the scheme, but for some slips."""
    rules = legal(scheme, labels)
    ends = np.cumsum(lengths)[lengths > 0]
    starts = ends - lengths[lengths > 0]
    inner = np.setdiff1d(np.arange(len(codes)), starts)
    wrong = (~rules.start[codes[starts]]).sum() + (~rules.between[codes[inner - 1], codes[inner]]).sum() + (~rules.end[codes[ends - 1]]).sum()
    marked = np.array([label != OUTSIDE for label in labels])[codes].sum()
    return bool(wrong <= FAULTY * marked)


def entities(codes: np.ndarray, lengths: np.ndarray, labels: Sequence[str]) -> tuple[np.ndarray, list[str]]:
    """(E, 3) first word, last word and kind of each entity of the records (flat codes, a length each); the kinds' names.

    Words are counted through all records.
    """
    kinds = sorted({label[2:] for label in labels if label != OUTSIDE})
    prefixes = np.array([label[0] for label in labels] + [OUTSIDE])
    types = np.array([kinds.index(label[2:]) if label != OUTSIDE else -1 for label in labels] + [-1])
    # as seqeval does it, an O stands after each record, so that no entity goes on into the next one
    record = np.repeat(np.arange(len(lengths)), lengths)
    padded = np.full(len(codes) + len(lengths) + 1, len(labels))  # and one before the first
    padded[np.arange(len(codes)) + record + 1] = codes
    tag, kind = prefixes[padded], types[padded]
    before, after = tag[:-1], tag[1:]
    other = kind[:-1] != kind[1:]
    ends = np.isin(before, [*"ES"]) | (np.isin(before, [*"BI"]) & np.isin(after, [*"BSO"])) | ((before != OUTSIDE) & other)
    begins = np.isin(after, [*"BS"]) | (np.isin(before, [*"ESO"]) & np.isin(after, [*"EI"])) | ((after != OUTSIDE) & other)
    last = np.flatnonzero(ends)  # positions in `padded`
    first = np.flatnonzero(begins) + 1
    first = first[np.searchsorted(first, last, side="right") - 1]
    word = np.cumsum(padded != len(labels)) - 1  # of a position: the word it is
    return np.stack([word[first], word[last], kind[last]], 1), kinds


def matched(gold: np.ndarray, predicted: np.ndarray, lengths: np.ndarray, labels: Sequence[str]) -> tuple[Counts, list[str]]:
    """Entities of each kind that are right to the word and the kind, that there are, and that were predicted; the kinds."""
    due, kinds = entities(gold, lengths, labels)
    found, _ = entities(predicted, lengths, labels)
    one, other = ((rows[:, 0] * len(gold) + rows[:, 1]) * len(kinds) + rows[:, 2] for rows in (due, found))
    both = np.intersect1d(one, other, assume_unique=True) % len(kinds)
    return Counts(*(np.bincount(column, minlength=len(kinds)) for column in (both, due[:, 2], found[:, 2]))), kinds
