"""Evaluating taggers: words against scikit-learn, entities against sets of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from tests.conftest import Textkit
from tests.making import stream_of
from tests.tasks.test_tag_schemes import one_by_one
from textkit.errors import InputError, UsageError
from textkit.evaluating import Wishes, measure_any

PLAIN, IOB2 = ["ADJ", "NOUN", "VERB"], ["B-LOC", "B-PER", "I-LOC", "I-PER", "O"]


def pairs(labels: list[str]) -> Any:
    """Records, each a list of (gold, predicted)."""
    return st.lists(st.lists(st.tuples(st.sampled_from(labels), st.sampled_from(labels)), max_size=6), min_size=1, max_size=8)


def measured(records: list[list[tuple[str, str]]], size: int = 3) -> dict[str, Any]:
    made = [{"gold_tags": [gold for gold, _ in record], "tags": [tag for _, tag in record]} for record in records]
    return measure_any(stream_of(made, size), None, Wishes()).to_json()


@settings(max_examples=60)
@given(pairs(PLAIN).filter(any), st.integers(1, 4))
def test_words_as_scikit_learn(records: list[list[tuple[str, str]]], size: int) -> None:
    found = measured(records, size)
    gold, predicted = zip(*[pair for record in records for pair in record], strict=True)
    assert (found["records"], found["words"]) == (len(records), len(gold))
    assert found["tag_accuracy"] == pytest.approx(sk.accuracy_score(gold, predicted), abs=1e-6)
    assert found["sentence_accuracy"] == pytest.approx(sum(all(a == b for a, b in record) for record in records) / len(records), abs=1e-6)
    assert found["f1_macro"] == pytest.approx(sk.f1_score(gold, predicted, average="macro", zero_division=0), abs=1e-6)
    for label, row in found["labels"].items():
        due = sk.precision_recall_fscore_support(gold, predicted, labels=[label], zero_division=0)
        assert [row["precision"], row["recall"], row["f1"], row["support"]] == pytest.approx([float(value[0]) for value in due], abs=1e-6)


@settings(max_examples=60)
@given(pairs(IOB2).filter(lambda records: any(pair != ("O", "O") for record in records for pair in record)))
def test_entities_are_right_if_kind_and_words_are(records: list[list[tuple[str, str]]]) -> None:
    found = measured(records)
    gold, predicted = ({*one_by_one([[pair[side] for pair in record] for record in records])} for side in (0, 1))
    right = len(gold & predicted)
    precision, recall = right / max(1, len(predicted)), right / max(1, len(gold))
    assert found["precision_micro"] == pytest.approx(precision, abs=1e-6)
    assert found["recall_micro"] == pytest.approx(recall, abs=1e-6)
    assert found["f1_entity"] == pytest.approx(2 * right / (len(gold) + len(predicted)), abs=1e-6)
    for kind, row in found["labels"].items():
        sizes = [sum(entity[0] == kind for entity in some) for some in (gold & predicted, predicted, gold)]
        assert row["f1"] == pytest.approx(2 * sizes[0] / max(1, sizes[1] + sizes[2]), abs=1e-6)
        assert row["support"] == sizes[2]


def test_the_example_of_seqevals_documentation() -> None:
    gold = [["O", "O", "O", "B-MISC", "I-MISC", "I-MISC", "O"], ["B-PER", "I-PER", "O"]]
    tags = [["O", "O", "B-MISC", "I-MISC", "I-MISC", "I-MISC", "O"], ["B-PER", "I-PER", "O"]]
    found = measured([list(zip(*pair, strict=True)) for pair in zip(gold, tags, strict=True)])
    assert (found["tag_accuracy"], found["f1_entity"], found["f1_macro"]) == (0.8, 0.5, 0.5)
    assert {kind: row["f1"] for kind, row in found["labels"].items()} == {"MISC": 0.0, "PER": 1.0}


def test_what_is_missing_or_differs_in_number_is_told_of() -> None:
    whole = {"gold_tags": ["A", "B"], "tags": ["A", "B"]}
    for record, told in (
        ({"tags": ["A"]}, r"<test>:2: the record has no 'gold_tags'.*--gold"),
        ({"gold_tags": ["A"]}, "<test>:2: the record has no 'tags'"),
        ({"gold_tags": ["A", "B"], "tags": ["A"]}, "<test>:2: 2 tags are due, and 1 were predicted"),
    ):
        with pytest.raises(InputError, match=told):
            measure_any(stream_of([whole, record]), None, Wishes())
    with pytest.raises(InputError, match="no record has a word"):
        measured([[], []])


def test_options_of_labels_are_refused() -> None:
    with pytest.raises(UsageError, match="--worst is for records of one label, and these have a tag for each word"):
        measure_any(stream_of([{"gold_tags": ["A"], "tags": ["A"]}]), None, Wishes(worst=1))


def test_gold_in_another_file_of_any_format(textkit: Textkit, tmp_path: Path) -> None:
    (tmp_path / "gold.conll").write_text("Kim B-PER\nslept O\n\nOh O\n")
    (tmp_path / "mine.jsonl").write_text('{"tags":["B-PER","B-PER"]}\n{"tags":["O"]}\n')
    found = json.loads(textkit("evaluate", "--json", "mine.jsonl", "--gold", "gold.conll").stdout)
    assert (found["records"], found["words"], found["tag_accuracy"], found["f1_entity"]) == (2, 3, 0.666667, 0.666667)
    shorter = textkit("evaluate", "mine.jsonl", "--gold", "gold.conll", "--limit", "1", code=0)
    assert "1 record, 2 words" in shorter.stdout
    told = textkit("evaluate", "mine.jsonl", "--gold", "gold.conll", "--fail-under", "f1_entity=0.7", code=5).stderr
    assert "f1_entity is 0.666667, under the limit of 0.7" in told
    told = textkit("evaluate", "mine.jsonl", "--gold", "gold.conll", "--fail-under", "roc_auc=0.7", code=3).stderr
    assert "roc_auc cannot be told" in told
