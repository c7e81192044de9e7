"""From streams to a report: what is read, what is told, what is refused."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from tests.making import stream_of
from textkit.errors import InputError
from textkit.evaluating import Wishes, measure
from textkit.evaluating import collecting as collecting_module
from textkit.streams.batch import Batch, Position
from textkit.streams.lineage import Lineage
from textkit.streams.source import Inputs
from textkit.streams.stream import Stream

LABELS = ["b", "a", "다"]


def record(gold: str, probabilities: list[float] | np.ndarray, **more: Any) -> dict[str, Any]:
    """As `predict --proba` gives it: the best first."""
    pairs = sorted(zip(map(float, probabilities), LABELS, strict=False), key=lambda pair: -pair[0])
    predictions = [{"label": label, "score": score} for score, label in pairs]
    return {**more, "label": gold, "prediction": pairs[0][1], "score": pairs[0][0], "predictions": predictions}


@st.composite
def answered(draw: st.DrawFn) -> tuple[list[str], np.ndarray]:
    count = draw(st.integers(1, 25))
    gold = draw(st.lists(st.sampled_from(LABELS), min_size=count, max_size=count))
    weights = np.random.default_rng(draw(st.integers(0, 10**6))).integers(1, 5, (count, 3)).astype(float)
    return gold, weights / weights.sum(1, keepdims=True)


@given(answered(), st.integers(1, 9))
@settings(max_examples=60)
def test_a_stream_of_probabilities_as_scikit_learn_whatever_the_batches(case: tuple[list[str], np.ndarray], size: int) -> None:
    gold, values = case
    found = measure(stream_of([record(*pair) for pair in zip(gold, values, strict=True)], size)).to_json()
    codes = np.array([LABELS.index(label) for label in gold])
    predicted = [LABELS[place] for place in values.argmax(1)]
    assert found["accuracy"] == pytest.approx(sk.accuracy_score(gold, predicted), abs=1e-6)
    assert found["f1_weighted"] == pytest.approx(sk.f1_score(gold, predicted, average="weighted", zero_division=0), abs=1e-6)
    assert found["log_loss"] == pytest.approx(sk.log_loss(codes, values, labels=range(3)), abs=1e-6)
    both = [place for place in range(3) if 0 < (codes == place).sum() < len(codes)]
    areas = {LABELS[place]: sk.roc_auc_score(codes == place, values[:, place]) for place in both}
    assert {label: row["roc_auc"] for label, row in found["labels"].items() if "roc_auc" in row} == pytest.approx(areas, abs=1e-6)
    if both:
        assert found["roc_auc"] == pytest.approx(np.mean([*areas.values()]), abs=1e-6)
    else:
        assert "roc_auc" not in found and "average_precision" not in found


def two(gold: str, predicted: str, score: float | None) -> dict[str, Any]:
    return {"label": gold, "prediction": predicted} | ({} if score is None else {"score": score})


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 20)), min_size=1, max_size=25))
@settings(max_examples=60)
def test_the_score_of_two_labels_tells_both_probabilities(pairs: list[tuple[bool, int]]) -> None:
    positive = np.array([[flag, n / 20] for flag, n in pairs])
    records = [two("p" if flag else "n", "p" if p >= 0.5 else "n", max(p, 1 - p)) for flag, p in positive]
    found = measure(stream_of(records)).to_json()
    names = {value for one in records for value in (one["label"], one["prediction"])}
    if len(names) < 2:
        assert "log_loss" not in found
        return
    own = np.where(positive[:, 0] == 1, positive[:, 1], 1 - positive[:, 1])
    assert found["log_loss"] == pytest.approx(-np.log(np.where(own == 0, 5e-7, own)).mean(), abs=1e-6)
    if 0 < positive[:, 0].sum() < len(pairs):
        assert found["roc_auc"] == pytest.approx(sk.roc_auc_score(positive[:, 0], positive[:, 1].round(9)), abs=1e-6)


def test_margins_of_two_labels_rank() -> None:
    margins = np.array([2.5, -0.5, 0.25, -3.0])
    records = [two(gold, "p" if d > 0 else "n", abs(d)) for gold, d in zip("pnnp", margins, strict=True)]
    found = measure(stream_of(records)).to_json()
    assert found["roc_auc"] == sk.roc_auc_score([1, 0, 0, 1], margins)
    assert "log_loss" not in found and "ece" not in found


def test_margins_of_a_model_that_says_so_may_look_like_probabilities() -> None:
    records = [two("p", "p", 0.6), two("n", "n", 0.7), two("n", "p", 0.9)]
    assert "log_loss" in measure(stream_of(records)).to_json()
    found = measure(stream_of(records), wishes=Wishes(probable=False)).to_json()
    assert "log_loss" not in found and "roc_auc" in found


def test_margins_of_three_labels_rank() -> None:
    values = np.array([[-1.0, 0.5, -0.2], [2.0, -1.0, -3.0], [0.1, 0.3, 0.2], [0.4, 0.1, 0.3]])
    gold = ["a", "b", "다", "a"]
    found = measure(stream_of([record(*pair) for pair in zip(gold, values, strict=True)])).to_json()
    due = [sk.roc_auc_score([label == name for name in gold], values[:, place]) for place, label in enumerate(LABELS)]
    assert found["roc_auc"] == pytest.approx(np.mean(due), abs=1e-6)
    assert "log_loss" not in found and "ece" not in found


LEFT_OUT = {
    "no score": [two("p", "p", None), two("n", "p", None)],
    "one record without": [two("p", "p", 0.9), two("n", "p", None)],
    "three labels": [two("p", "p", 0.9), two("n", "p", 0.8), two("m", "p", 0.7)],
    "a third label that nobody has": [two("p", "p", 0.9), two("n", "p", 0.4)],
    "the two best of three": [
        {**record("a", [0.5, 0.3, 0.2]), "predictions": record("a", [0.5, 0.3])["predictions"]},
        {**record("b", [0.5, 0.2, 0.3]), "predictions": [{"label": "b", "score": 0.5}, {"label": "다", "score": 0.3}]},
        record("다", [0.2, 0.2, 0.6]),
    ],
    "the best alone": [{**record("a", [0.5, 0.3, 0.2]), "predictions": [{"label": "b", "score": 0.5}]}, record("다", [0.2, 0.2, 0.6])],
    "one without predictions": [record("a", [0.5, 0.3, 0.2]), {"label": "다", "prediction": "b"}],
    "none predicted": [{**record("a", [0.5, 0.3, 0.2]), "predictions": []}, record("다", [0.2, 0.2, 0.6])],
    "of another type": [{**two("p", "p", None), "score": "high", "predictions": "many"}, two("n", "p", None)],
}


@pytest.mark.parametrize("size", [1, 7])
@pytest.mark.parametrize("case", LEFT_OUT)
def test_what_cannot_be_told_is_left_out(case: str, size: int) -> None:
    found = measure(stream_of(LEFT_OUT[case], size)).to_json()
    assert not {"roc_auc", "average_precision", "log_loss", "ece"} & found.keys()
    assert found["records"] == len(LEFT_OUT[case])


def test_labels_that_occur_are_listed_in_order() -> None:
    found = measure(stream_of([record("b", [0.6, 0.4, 0.0]), record("zz", [0.7, 0.3, 0.0])])).to_json()
    assert [*found["labels"]] == ["b", "zz"]
    assert found["confusion"] == {"labels": ["b", "zz"], "matrix": [[1, 0], [1, 0]]}


def test_unseen_labels_are_told_of(capsys: pytest.CaptureFixture[str]) -> None:
    measure(stream_of([two("p", "p", 0.9), two("x", "p", 0.9), two("x", "n", 0.9)]), ["n", "p"])
    assert "2 of 3 records have a label that the model was not trained with: x" in capsys.readouterr().err


BAD = [
    ({"prediction": "p"}, "the record has no 'label'; name the label with --label-field"),
    ({"label": "p"}, "the record has no 'prediction'; predictions come from textkit predict"),
    ({**two("p", "p", 0.5), "predictions": [{"label": "p", "score": None}]}, "one of the predictions lacks its label, or a score that is a number"),
    ({**two("p", "p", 0.5), "predictions": [{"score": 1.0}]}, "one of the predictions lacks its label, or a score that is a number"),
]


@pytest.mark.parametrize(("bad", "told"), BAD)
def test_a_bad_record_is_told_of_with_its_line(bad: dict[str, Any], told: str) -> None:
    records = [two("p", "p", 0.5), two("n", "n", 0.5), bad]
    with pytest.raises(InputError) as caught:
        measure(stream_of(records))
    assert str(caught.value).startswith(f"<test>:3: {told}")


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_score_that_is_no_number_in_a_table(bad: float) -> None:
    """JSON has no NaN, Arrow and Parquet have."""
    frame = pl.DataFrame({"label": ["p", "n"], "prediction": ["p", "p"], "score": [0.5, bad]})
    with pytest.raises(InputError, match="<test>:2: the score is not a number to work with"):
        measure(Stream(Lineage(), iter([Batch(frame, Position("<test>"))])))


def test_nothing_to_evaluate() -> None:
    with pytest.raises(InputError, match="nothing to evaluate: there are no records"):
        measure(stream_of([]))


def test_too_many_labels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collecting_module, "MOST", 10)
    with pytest.raises(InputError, match="there are more than 10 different labels; see whether the labels are in that field"):
        measure(stream_of([two(str(n), "p", None) for n in range(11)]))


def worst(records: list[dict[str, Any]], count: int, size: int = 2) -> list[dict[str, Any]]:
    return measure(stream_of(records, size), wishes=Wishes(worst=count)).to_json()["worst"]


@given(answered(), st.integers(1, 5), st.integers(1, 9))
@settings(max_examples=60)
def test_the_worst_have_the_lowest_probability_of_their_label(case: tuple[list[str], np.ndarray], count: int, size: int) -> None:
    gold, values = case
    own = [float(row[LABELS.index(label)]) for label, row in zip(gold, values, strict=True)]
    due = sorted(range(len(gold)), key=lambda place: own[place])[:count]  # stable: of equal ones the first
    found = worst([record(label, row, text=f"text {n}") for n, (label, row) in enumerate(zip(gold, values, strict=True))], count, size)
    assert [row["where"] for row in found] == [f"<test>:{place + 1}" for place in due]
    assert [row["label_score"] for row in found] == [own[place] for place in due]
    assert [row["text"] for row in found] == [f"text {place}" for place in due]


def test_without_probabilities_the_worst_are_wrong_with_the_highest_score() -> None:
    records = [two("p", "n", 1.5), two("n", "n", 9.0), two("p", "n", 2.5), two("n", "p", 0.5)]
    found = worst(records, 3)
    assert [row["where"] for row in found] == ["<test>:3", "<test>:1", "<test>:4"]
    assert found[0] == {"where": "<test>:3", "label": "p", "prediction": "n", "score": 2.5, "label_score": None, "text": None}
    assert [row["where"] for row in worst([{**one, "score": None} for one in records], 2)] == ["<test>:1", "<test>:3"]


def test_the_worst_by_margin_are_wrong_with_the_highest_score() -> None:
    values = [[-1.0, 0.5, -0.2], [2.0, -1.0, -3.0], [0.1, 0.3, 0.2]]
    found = worst([record(label, row) for label, row in zip(["b", "a", "a"], values, strict=True)], 3)
    assert [(row["where"], row["score"], row["label_score"]) for row in found] == [("<test>:2", 2.0, -1.0), ("<test>:1", 0.5, -1.0)]


def test_a_label_the_model_does_not_know_is_the_worst() -> None:
    found = worst([record("a", [0.9, 0.1, 0.0]), record("new", [0.8, 0.1, 0.1])], 2)
    assert [row["label_score"] for row in found] == [None, 0.1]


def beside(path: Path, text: str, **inputs: Any) -> Inputs:
    path.write_text(text, encoding="utf-8")
    return Inputs((str(path),), **inputs)


GOLD = {
    "gold.txt": "p\nn\np\n",
    "gold.tsv": "text\tlabel\nt1\tp\nt2\tn\nt3\tp\n",
    "gold.csv": "label,text\np,t1\nn,t2\np,t3\n",
    "gold.jsonl": '{"label":"p","text":"t1"}\n{"label":"n"}\n{"label":"p","id":3}\n',
    "gold.ft": "__label__p t1\n__label__n t2\n__label__p t3\n",
}


@pytest.mark.parametrize("size", [1, 2, 7])
@pytest.mark.parametrize("name", GOLD)
def test_labels_of_another_file(tmp_path: Path, name: str, size: int) -> None:
    """They count, and not the labels that the records have."""
    records = [{"text": f"t{n}", "label": "n", "prediction": predicted} for n, predicted in enumerate("pnn", 1)]
    wishes = Wishes(gold=beside(tmp_path / name, GOLD[name]))
    found = measure(stream_of(records, size), wishes=wishes).to_json()
    assert found["confusion"] == {"labels": ["n", "p"], "matrix": [[1, 0], [1, 1]]}


@pytest.mark.parametrize("size", [1, 2, 7])
@pytest.mark.parametrize(("count", "told"), [(2, "3 records came, and the input has more"), (4, "there are more records than the 4 of the input")])
def test_another_number_of_labels(tmp_path: Path, count: int, told: str, size: int) -> None:
    lines = 3 if count == 2 else 5
    gold = beside(tmp_path / "gold.txt", "p\n" * lines)
    with pytest.raises(InputError, match=rf"gold\.txt: {told}; give the same records in the same order"):
        measure(stream_of([{"prediction": "p"}] * 4, size), wishes=Wishes(gold=gold))


def test_labels_of_an_empty_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"gold\.txt: 0 records came, and the input has more"):
        measure(stream_of([{"prediction": "p"}]), wishes=Wishes(gold=beside(tmp_path / "gold.txt", "")))


def test_labels_of_other_records(tmp_path: Path) -> None:
    records = [{"text": f"t{n}", "prediction": "p"} for n in (1, 3, 2)]
    gold = beside(tmp_path / "gold.tsv", GOLD["gold.tsv"])
    with pytest.raises(InputError, match=r"<test>:2: .*gold\.tsv has another text for this record; give the same records in the same order"):
        measure(stream_of(records), wishes=Wishes(gold=gold))


def test_as_many_labels_as_records_are_read(tmp_path: Path) -> None:
    """The runner stops the input after --limit records; the other file stops there too."""
    gold = beside(tmp_path / "gold.txt", "p\nn\np\n", limit=2)
    assert measure(stream_of([{"prediction": "p"}] * 2), wishes=Wishes(gold=gold)).records == 2


OTHER = '{"prediction":"p","label":"p"}\n{"prediction":"p","label":"n"}\n'


def test_another_models_predictions(tmp_path: Path) -> None:
    wishes = Wishes(other=beside(tmp_path / "other.jsonl", OTHER), names=("a", "b"))
    found = measure(stream_of([two("p", "n", None), two("n", "n", None)]), wishes=wishes).comparison
    assert found is not None
    assert found.values["accuracy"] == (0.5, 0.5)
    assert (found.only_this, found.only_other) == (1, 1)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (OTHER.replace('"label":"n"', '"label":"p"'), "<test>:2: .* has another label for this record"),
        (OTHER.replace('"label":"n"', '"text":"x"').replace("label", "text"), "<test>:1: .* has another text for this record"),
        (OTHER + OTHER, r"other\.jsonl: there are more records than the 2 of the input"),
        (OTHER[:31], r"other\.jsonl: 1 record came, and the input has more"),
        ('{"label":"p"}\n', r"other\.jsonl:1: the record has no 'prediction'; predictions come from textkit predict"),
        ('{"textkit":{"version":1,"stages":[]}}\n' + OTHER, r"other\.jsonl stops after 2 records without its end line"),
    ],
)
def test_other_records_cannot_be_compared(tmp_path: Path, text: str, told: str) -> None:
    wishes = Wishes(other=beside(tmp_path / "other.jsonl", text), names=("a", "b"))
    with pytest.raises(InputError, match=told):
        measure(stream_of([{**two("p", "n", None), "text": "t"}, {**two("n", "n", None), "text": "u"}]), wishes=wishes)
