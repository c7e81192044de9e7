"""Records that may have several labels."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from tests.conftest import Textkit
from tests.evaluating.test_tables import printed
from tests.making import stream_of
from textkit.errors import InputError, UsageError
from textkit.evaluating import Wishes, measure_any
from textkit.evaluating.gates import SEVERAL
from textkit.evaluating.several import measure_several

LABELS = [*"abcd"]
FLAGS = st.lists(st.tuples(*[st.booleans()] * 8), min_size=1, max_size=20)


def record(gold: np.ndarray, predicted: np.ndarray) -> dict[str, object]:
    """As `predict` gives it: those that are chosen."""
    chosen = [{"label": label, "score": 0.75} for label, flag in zip(LABELS, predicted, strict=True) if flag]
    return {"labels": [label for label, flag in zip(LABELS, gold, strict=True) if flag], "predictions": chosen}


@given(FLAGS, st.integers(1, 7))
@settings(max_examples=100)
def test_as_scikit_learn_whatever_the_batches(flags: list[tuple[bool, ...]], size: int) -> None:
    gold, predicted = np.array(flags)[:, :4], np.array(flags)[:, 4:]
    occurs = np.flatnonzero((gold | predicted).any(0))
    stream = stream_of([record(*pair) for pair in zip(gold, predicted, strict=True)], size)
    if not len(occurs):
        with pytest.raises(InputError, match="nothing to evaluate: no record has a label, and none is predicted"):
            measure_several(stream)
        return
    found = measure_several(stream).to_json()
    gold, predicted = gold[:, occurs], predicted[:, occurs]
    if len(occurs) == 1:  # scikit-learn takes one column for another kind of problem
        gold, predicted = (np.hstack([flags, np.zeros_like(flags)]) for flags in (gold, predicted))
    columns = range(len(occurs))
    due = {"subset_accuracy": sk.accuracy_score(gold, predicted), "hamming_loss": (gold != predicted).sum() / (len(gold) * len(occurs))}
    for mean in ("macro", "micro", "weighted"):
        three = sk.precision_recall_fscore_support(gold, predicted, labels=columns, average=mean, zero_division=0)
        due |= {f"{name}_{mean}": value for name, value in zip(("precision", "recall", "f1"), three, strict=False)}
    due["f1_samples"] = sk.f1_score(gold, predicted, average="samples", zero_division=0)
    assert {name: value for name, value in found.items() if name not in ("records", "labels")} == pytest.approx(due, abs=1e-6)
    assert found["records"] == len(flags)
    f1 = sk.f1_score(gold, predicted, labels=columns, average=None, zero_division=0)
    assert {label: row["f1"] for label, row in found["labels"].items()} == pytest.approx(
        dict(zip(np.array(LABELS)[occurs], f1, strict=True)), abs=1e-6
    )


@pytest.mark.parametrize(("scores", "due"), [([0.9, 0.5, 0.4], ["a", "b"]), ([2.0, 0.1, -0.5], ["a", "b"]), ([0.2, 0.1, 0.0], [])])
def test_where_all_labels_are_listed_their_scores_tell_which_are_meant(scores: list[float], due: list[str]) -> None:
    pairs = [{"label": label, "score": score} for label, score in zip("abc", scores, strict=True)]
    found = measure_several(stream_of([{"labels": ["a"], "predictions": pairs}]))
    assert [name for name, count in zip(found.names, found.counts.predicted, strict=True) if count] == due
    assert found.own["hamming_loss"] == pytest.approx(len({"a"} ^ {*due}) / 3)


def test_a_label_that_is_named_twice_counts_once() -> None:
    pairs = [{"label": "a", "score": 1.0}, {"label": "a", "score": 1.0}]
    assert measure_several(stream_of([{"labels": ["a", "a", "b"], "predictions": pairs}])).counts.support.tolist() == [1, 1]


@pytest.mark.parametrize(
    ("bad", "told"),
    [
        ({"labels": ["a"]}, "<test>:2: the record has no 'predictions'; predictions come from textkit predict"),
        ({"predictions": []}, "<test>:2: the record has no 'labels'"),
        ({"labels": ["a"], "predictions": [{"label": "a"}]}, "<test>:2: one of the predictions lacks its label"),
        ({"labels": "a", "predictions": []}, "<test>:2: 'labels' should be a list of strings"),
    ],
)
def test_a_bad_record_is_told_of(bad: dict[str, object], told: str) -> None:
    with pytest.raises(InputError, match=told):
        measure_several(stream_of([{"labels": ["a"], "predictions": []}, bad]))


@pytest.mark.parametrize("wishes", [Wishes(confidence=0.9), Wishes(worst=1), Wishes(names=("a", "b"))])
def test_what_goes_with_one_label_only(wishes: Wishes) -> None:
    with pytest.raises(UsageError, match="is for records of one label, and these have several"):
        measure_any(stream_of([{"labels": ["a"], "predictions": []}]), None, wishes)


def test_a_stream_is_seen_for_what_it_is() -> None:
    single = {"labels": ["a"], "label": "a", "prediction": "a", "predictions": [{"label": "a", "score": 1.0}]}
    assert "accuracy" in measure_any(stream_of([single]), None, Wishes()).to_json()
    assert "subset_accuracy" in measure_any(stream_of([{"labels": ["a"], "predictions": []}]), None, Wishes()).to_json()


def test_the_command(textkit: Textkit) -> None:
    lines = [{"labels": ["a", "b"], "predictions": [{"label": "a", "score": 0.9}]}, {"labels": [], "predictions": []}]
    data = "".join(json.dumps(line) + "\n" for line in lines)
    found = json.loads(textkit("evaluate", "--json", stdin=data).stdout)
    assert {name: found[name] for name in SEVERAL} == {"subset_accuracy": 0.5, "hamming_loss": 0.25, "f1_samples": 0.333333}
    told = textkit("evaluate", "--json", "--fail-under", "hamming_loss=0.2", stdin=data, code=5).stderr
    assert told == "textkit evaluate: error: hamming_loss is 0.25, over the limit of 0.2\n"
    assert "accuracy cannot be told of these records" in textkit("evaluate", "--fail-under", "accuracy=0.2", stdin=data, code=3).stderr
    skipped = textkit("evaluate", "--json", "--on-error", "skip", stdin=data + '{"labels":["a"]}\n')
    assert json.loads(skipped.stdout)["records"] == 2
    assert "2 records, 1 skipped" in skipped.stderr


def test_a_model_and_its_predictions_are_the_same(textkit: Textkit) -> None:
    """Whether it lists what it chooses or, with --proba, all labels."""
    words = {"warm": ["good"], "cold": ["bad"], "warm film": ["good", "film"], "cold film": ["bad", "film"], "film": ["film"], "so so": []}
    lines = [json.dumps({"text": text, "labels": labels}) + "\n" for text, labels in words.items()]
    (textkit.folder / "train.jsonl").write_text("".join(lines * 4), encoding="utf-8")
    (textkit.folder / "test.jsonl").write_text("".join([*lines, json.dumps({"text": "warm", "labels": ["new", "bad"]})]), encoding="utf-8")
    textkit("train", "classify", "--arch", "logreg", "train.jsonl", "--valid-split", 0, "--save", "model")
    of_model = textkit("evaluate", "model", "test.jsonl", "--json").stdout
    for more in ("", "--proba"):
        assert textkit.shell(f"textkit predict model test.jsonl {more} | textkit evaluate --json").stdout == of_model
    assert json.loads(of_model)["labels"]["new"]["recall"] == 0
    (textkit.folder / "single.tsv").write_text("text\tlabel\nwarm\tgood\n")
    assert "single.tsv:2: the record has no 'labels'" in textkit("evaluate", "model", "single.tsv", code=3).stderr
    told = textkit("evaluate", "model", "test.jsonl", "--compare", "model", code=2).stderr
    assert "model: --compare is for models of one label a record, and this one gives several" in told


def test_what_people_see() -> None:
    lines = printed(measure_several(stream_of([record(np.array([1, 1, 0, 0]), np.array([1, 0, 0, 0]))] * 2)), 80)  # type: ignore[arg-type]
    assert lines[:4] == ["2 records, 2 labels", "subset accuracy     0.0000", "Hamming loss        0.5000", "macro F1            0.5000"]
    assert "│ micro average    │    1.0000 │ 0.5000 │ 0.6667 │       2 │" in lines
