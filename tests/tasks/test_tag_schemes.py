"""Schemes of tags: what is legal, and entities as seqeval finds them (its published rules, tag by tag, are the oracle)."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from textkit.tasks.tag_schemes import entities, keeps_to, legal, matched, scheme_of

IOB2 = ["B-LOC", "B-PER", "I-LOC", "I-PER", "O"]
IOBES = sorted([*IOB2, "E-LOC", "E-PER", "S-LOC", "S-PER"])


def found(records: list[list[str]], labels: list[str]) -> list[tuple[str, int, int]]:
    codes = np.array([labels.index(tag) for record in records for tag in record], np.int64)
    rows, kinds = entities(codes, np.array([len(record) for record in records], np.int64), labels)
    return [(kinds[kind], first, last) for first, last, kind in rows.tolist()]


def one_by_one(records: list[list[str]]) -> list[tuple[str, int, int]]:
    """seqeval's rules over the tags one after another, an O after each record; places without those."""
    chunks, begin, word = [], 0, -1
    before, kind_before = "O", ""
    for tag in [tag for record in records for tag in [*record, ""]] + [""]:
        now, kind = (tag[0], tag[2:]) if tag not in ("", "O") else ("O", "_")
        ended = before in "ES" or (before in "BI" and now in "BSO") or (before != "O" and kind != kind_before)
        begun = now in "BS" or (before in "ESO" and now in "EI") or (now != "O" and kind != kind_before)
        if ended:
            chunks.append((kind_before, begin, word))
        word += tag != ""
        begin = word if begun else begin
        before, kind_before = now, kind
    return chunks


@pytest.mark.parametrize(
    ("tags", "due"),
    [
        ("B-PER I-PER O B-LOC", [("PER", 0, 1), ("LOC", 3, 3)]),  # of seqeval's documentation
        ("O O O B-PER I-PER I-PER O", [("PER", 3, 5)]),
        ("I-PER I-PER O I-LOC", [("PER", 0, 1), ("LOC", 3, 3)]),  # an I- may begin an entity
        ("B-PER B-PER I-LOC I-LOC", [("PER", 0, 0), ("PER", 1, 1), ("LOC", 2, 3)]),
        ("O O", []),
        ("", []),
    ],
)
def test_entities_of_worked_examples(tags: str, due: list[tuple[str, int, int]]) -> None:
    assert found([tags.split()], IOB2) == due


def test_entities_of_iobes() -> None:
    assert found([["S-PER", "B-LOC", "I-LOC", "E-LOC", "O", "E-PER", "E-PER"]], IOBES) == [("PER", 0, 0), ("LOC", 1, 3), ("PER", 5, 5), ("PER", 6, 6)]


def test_no_entity_goes_on_into_the_next_record() -> None:
    assert found([["B-PER"], [], ["I-PER", "I-PER"]], IOB2) == [("PER", 0, 0), ("PER", 1, 2)]


@given(st.lists(st.lists(st.sampled_from(IOBES), max_size=7), max_size=5))
@settings(max_examples=300)
def test_entities_are_those_of_seqevals_rules(records: list[list[str]]) -> None:
    assert found(records, IOBES) == one_by_one(records)


def is_legal(tags: tuple[str, ...], closed: bool) -> bool:
    """IOB2: an I-X only after B-X or I-X. IOBES: B-X goes on with I-X or E-X till E-X, and I-X and E-X only so."""
    for before, now in itertools.pairwise(("O", *tags, "O")):
        open_kind = before[2:] if before[0] in "BI" and before != "O" else None
        if now[0] in "IE" and open_kind != now[2:]:
            return False
        if closed and open_kind is not None and now[0] not in "IE":
            return False
    return True


@pytest.mark.parametrize(("scheme", "labels"), [("IOB2", IOB2), ("IOBES", IOBES)])
@pytest.mark.parametrize("length", [1, 2, 3])
def test_legal_is_what_the_schemes_say(scheme: str, labels: list[str], length: int) -> None:
    assert scheme_of(labels) == scheme
    rules = legal(scheme, labels)
    for codes in itertools.product(range(len(labels)), repeat=length):
        steps = all(rules.between[a, b] for a, b in itertools.pairwise(codes))
        allowed = rules.start[codes[0]] and steps and rules.end[codes[-1]]
        assert allowed == is_legal(tuple(labels[code] for code in codes), scheme == "IOBES")


@pytest.mark.parametrize("labels", [["NOUN", "VERB"], ["O"], ["B-", "O"], ["B-PER", "X"], ["0", "O"]])
def test_other_tags_are_of_no_scheme(labels: list[str]) -> None:
    assert scheme_of(labels) is None


def test_iob1_is_seen_by_its_steps() -> None:
    """There I- begins an entity; B- only one right after another of its kind."""
    iob2 = [["O", "B-PER", "I-PER"], ["B-LOC", "O"]] * 60
    iob1 = [["O", "I-PER", "I-PER"], ["I-LOC", "B-LOC"]] * 60
    slip = [*iob2, ["O", "I-PER"]]
    due = {True: [iob2, slip], False: [iob1]}
    for answer, corpora in due.items():
        for corpus in corpora:
            codes, lengths = np.array([IOB2.index(tag) for record in corpus for tag in record]), np.array([len(record) for record in corpus])
            assert keeps_to("IOB2", IOB2, codes, lengths) is answer


@given(st.lists(st.lists(st.tuples(st.sampled_from(IOB2), st.sampled_from(IOB2)), max_size=7), max_size=5))
@settings(max_examples=200)
def test_matches_are_those_of_sets_of_entities(records: list[list[tuple[str, str]]]) -> None:
    gold, predicted = ([[pair[side] for pair in record] for record in records] for side in (0, 1))
    codes = [np.array([IOB2.index(tag) for record in side for tag in record], np.int64) for side in (gold, predicted)]
    counts, kinds = matched(*codes, np.array([len(record) for record in records], np.int64), IOB2)
    due, found = {*one_by_one(gold)}, {*one_by_one(predicted)}
    for kind, right, support, named in zip(kinds, *counts, strict=True):
        sizes = [sum(entity[0] == kind for entity in some) for some in (due & found, due, found)]
        assert [right, support, named] == sizes
