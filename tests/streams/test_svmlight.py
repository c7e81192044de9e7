"""svmlight: what scikit-learn's and liblinear's readers find in what is written, and what is read of their lines."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sklearn.datasets import dump_svmlight_file, load_svmlight_file

from tests.streams.reading import put, records_of, stream_of
from tests.streams.reading import written as written_as
from textkit.errors import InputError
from textkit.streams import bytesource
from textkit.streams.batch import Batch, Position
from textkit.streams.columns import dtype_of
from textkit.streams.faults import Faults
from textkit.streams.formats.base import Writing
from textkit.streams.formats.svmlight import SvmLight

A, B, NONE = ({"indices": at, "values": values} for at, values in (([0, 3], [0.5, 1.0]), ([2], [-2.25]), ([], [])))


def batch(*records: dict[str, Any]) -> Batch:
    return Batch(pl.DataFrame(), Position("f"), raw=pl.Series([json.dumps(record) for record in records]))


def written(*records: dict[str, Any], size: int = 1000) -> str:
    return written_as([batch(*records[start : start + size]) for start in range(0, len(records), size)], "svmlight").decode()


def labelled(*labels: Any) -> list[dict[str, Any]]:
    """A record without features for each label; None: without a label too. A list is its `labels`."""
    names = {list: "labels", str: "label", int: "label"}
    return [{"features": NONE} | ({} if label is None else {names[type(label)]: label}) for label in labels]


def test_lines(capsys: pytest.CaptureFixture[str]) -> None:
    records = [{"label": "neg", "features": A}, {"label": "pos", "features": B, "text": "x"}, {"label": "neg", "features": NONE}]
    assert written(*records) == "0 1:0.5 4:1\n1 3:-2.25\n0\n"
    assert capsys.readouterr().err.endswith(": labels as numbers: 0 neg, 1 pos\n")


@pytest.mark.parametrize(
    ("labels", "lines"),
    [
        (["b", "a", "b", "c"], ["0", "1", "0", "2"]),
        (["1", "-1", "+1", "2.50", "1e3", ".5"], ["1", "-1", "+1", "2.50", "1e3", ".5"]),
        ([7, 8], ["7", "8"]),
        (["a", "1", "a", "0"], ["0", "1", "0", "2"]),  # where names are due a number is one
        ([None, None], ["0", "0"]),
        ([["b", "a"], ["a"], []], ["0,1", "1", " 1:0"]),  # an empty line would be no record
        ([[], ["3", "1"], "2", []], [" 1:0", "3,1", "2", " 1:0"]),
        ([[], None], [" 1:0", "0"]),
        (["nan", "1e999", "inf", "0x1"], ["0", "1", "2", "3"]),
    ],
)
@pytest.mark.parametrize("size", [1, 1000])
def test_labels(labels: list[Any], lines: list[str], size: int) -> None:
    assert written(*labelled(*labels), size=size).split("\n") == [*lines, ""]


@pytest.mark.parametrize(
    ("labels", "row", "message"),
    [
        (["1", "2", "x"], 3, "the label is no number, and those before it are"),
        (["1", None], 2, "the record has no label, and those before it have one"),
        (["x", "y", None], 3, "the record has no label, and those before it have one"),
        ([None, "x"], 2, "the record has a label, and those before it have none"),
        ([None, ["x"]], 2, "the record has a label, and those before it have none"),
        ([["1"], ["2", "1e999"]], 2, "the label is no number, and those before it are"),
    ],
)
def test_labels_that_do_not_go_together(labels: list[Any], row: int, message: str) -> None:
    with pytest.raises(InputError, match=f"f:{row}: {message}; make all labels numbers or all names, or .*--drop label"):
        written(*labelled(*labels))


def test_bad_records_are_left_out_and_do_not_decide_what_labels_are() -> None:
    out, faults = io.BytesIO(), Faults(skip=True)
    writer = SvmLight().writer(out, Writing())
    faults.attempt(writer.write, batch({"label": "x"}, {"label": "1", "features": A}, *labelled("2", "y", None), {"label": "3", "features": B}))
    assert out.getvalue().decode() == "1 1:0.5 4:1\n2\n3 3:-2.25\n"
    assert faults.skipped == 3


def test_many_labels_are_not_all_said(capsys: pytest.CaptureFixture[str]) -> None:
    written(*labelled(*(f"l {n}" for n in range(25))))
    assert capsys.readouterr().err.endswith(", 18 l 18, 19 l 19, … 25 in all\n")
    written(*labelled("1", "2"))
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("features", "message"),
    [
        (None, "the record has no 'features'; make them with textkit vectorize"),
        ({"indices": [1], "values": [1, 2]}, "the features have not as many values as indices"),
        ({"indices": [1]}, "the features have not as many values as indices"),
        ({}, "the features have not as many values as indices"),
        ({"indices": [-1], "values": [1]}, "a feature's index is below 0"),
        ({"indices": [3, 1], "values": [1, 1]}, "the features' indices do not rise"),
        ({"indices": [0, 1, 1], "values": [1, 1, 1]}, "the features' indices do not rise"),
        ([1], "'features' should be an object"),
    ],
)
@pytest.mark.parametrize("form", ["svmlight", "npz"])
def test_features_that_are_no_row_of_a_matrix(form: str, features: Any, message: str) -> None:
    with pytest.raises(InputError, match=f"f:2: {re.escape(message)}"):
        written_as([batch({"features": A}, {"features": features}, {"features": B})], form)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), None])
def test_values_that_are_no_numbers(value: Any) -> None:
    frame = pl.DataFrame({"features": [{"indices": [0, 1], "values": [1.0, value]}]}, schema={"features": dtype_of("features")})
    with pytest.raises(InputError, match="f:1: a feature's value is no finite number"):
        written_as([Batch(frame, Position("f"), added=frozenset({"features"}))], "svmlight")


numbers = st.floats(allow_nan=False, allow_infinity=False)
rows = st.dictionaries(st.integers(0, 2**31 - 2), numbers, max_size=6).map(lambda row: dict(sorted(row.items())))


def features_of(row: dict[int, float]) -> dict[str, Any]:
    return {"indices": [*row], "values": [*row.values()]}


@settings(max_examples=150, deadline=None)
@given(matrix=st.lists(st.tuples(rows, numbers), min_size=1, max_size=12), size=st.integers(1, 12))
@example(matrix=[({0: -0.0, 1: 5e-324, 2: 1.7976931348623157e308}, 1e22)], size=1)
def test_scikit_learn_reads_the_same_matrix(matrix: list[tuple[dict[int, float], float]], size: int) -> None:
    text = written(*({"label": repr(label), "features": features_of(row)} for row, label in matrix), size=size)
    found, labels = load_svmlight_file(io.BytesIO(text.encode()), n_features=2**31 - 1, zero_based=False)
    assert labels.tolist() == [label for _, label in matrix]
    assert found.indptr.tolist() == [0, *np.cumsum([len(row) for row, _ in matrix])]
    assert found.indices.tolist() == [index for row, _ in matrix for index in row]
    assert found.data.tobytes() == np.array([value for row, _ in matrix for value in row.values()], float).tobytes()


@settings(max_examples=50, deadline=None)
@given(matrix=st.lists(st.tuples(rows, st.lists(st.sampled_from("abcd"), unique=True)), min_size=1, max_size=8))
def test_scikit_learn_reads_the_same_labels(matrix: list[tuple[dict[int, float], list[str]]]) -> None:
    text = written(*({"labels": labels, "features": features_of(row)} for row, labels in matrix))
    _, found = load_svmlight_file(io.BytesIO(text.encode()), n_features=2**31 - 1, zero_based=False, multilabel=True)
    names = [*dict.fromkeys(name for _, labels in matrix for name in labels)]
    assert found == [tuple(sorted(names.index(name) for name in labels)) for _, labels in matrix]


# Reading


def by_hand(line: str) -> dict[str, Any] | None:
    """The record of one line, token by token; None: there is none. ValueError if it is bad."""
    number = r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?"
    words = re.split("[ \t\r\v\f]+", line.split("#")[0].strip(" \t\r\v\f"))
    if words == [""]:
        return None
    label = words.pop(0) if ":" not in words[0] else None
    if label is not None and not re.fullmatch(f"{number}(,{number})*", label, re.ASCII):
        raise ValueError
    if words and re.fullmatch("qid:[0-9]+", words[0]):
        words.pop(0)
    if not all(re.fullmatch(rf"\d+:{number}", word, re.ASCII) for word in words):
        raise ValueError
    indices, values = [int(word.split(":")[0]) - 1 for word in words], [float(word.split(":")[1]) for word in words]
    rises = all(one < two for one, two in zip([-1, *indices], [*indices, 2**31], strict=True))
    if not rises or not np.isfinite(values).all():
        raise ValueError
    labels = {"labels": label.split(",") if label else []} if label is None or "," in label else {"label": label}
    return labels | {"features": {"indices": indices, "values": values}}


@pytest.mark.parametrize(
    ("line", "record"),
    [
        ("1 1:0.5 4:1", {"label": "1", "features": A}),
        ("+1 qid:7 3:-2.25 # why", {"label": "+1", "features": B}),
        ("-1\t1:.5  4:1e0 \r", {"label": "-1", "features": A}),
        ("1,3 3:-225e-2", {"labels": ["1", "3"], "features": B}),
        (" 3:-2.25", {"labels": [], "features": B}),
        ("0.5", {"label": "0.5", "features": NONE}),
        ("0 2147483648:1", {"label": "0", "features": {"indices": [2147483647], "values": [1.0]}}),
    ],
)
def test_lines_read(tmp_path: Path, line: str, record: dict[str, Any]) -> None:
    assert by_hand(line) == record
    assert records_of(put(tmp_path, "a.svmlight", f"# first\n{line}\n\n")) == [record]
    mixed = put(tmp_path, "a.libsvm", f"2 1:1\n{line}\n 1:1\n \t\n1,2")
    one = {"indices": [0], "values": [1.0]}
    others = [{"label": "2", "features": one}, {"labels": [], "features": one}, {"labels": ["1", "2"], "features": NONE}]
    assert records_of(mixed) == [others[0], record, *others[1:]]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("spam 1:1", "not a line of svmlight: LABEL INDEX:VALUE ..."),
        ("1 a:1", "not a line of svmlight: LABEL INDEX:VALUE ..."),
        ("1 1:x", "not a line of svmlight: LABEL INDEX:VALUE ..."),
        ("1 1:nan", "not a line of svmlight: LABEL INDEX:VALUE ..."),
        ("1 1: 1", "not a line of svmlight: LABEL INDEX:VALUE ..."),
        ("1 1:1 qid:1", "not a line of svmlight: LABEL INDEX:VALUE ..."),
        ("1 2", "not a line of svmlight: LABEL INDEX:VALUE ..."),
        ("1, 1:1", "not a line of svmlight: LABEL INDEX:VALUE ..."),
        ("1 0:1", "an index is not from 1 to 2147483648"),
        ("1 2147483649:1", "an index is not from 1 to 2147483648"),
        (f"1 {'9' * 30}:1", "an index is not from 1 to 2147483648"),
        ("1 2:1 2:1", "the indices do not rise"),
        ("1 1:1 3:1 2:1", "the indices do not rise"),
        ("1 1:1e999", "a value is no finite number"),
    ],
)
def test_bad_lines(tmp_path: Path, line: str, message: str) -> None:
    with pytest.raises(ValueError):
        by_hand(line)
    path = put(tmp_path, "a.svmlight", f"# x\n1 1:0.5 4:1\n{line}\n2 3:-2.25\n")
    with pytest.raises(InputError, match=re.escape(f"{path}:3: {message}; see the line; indices begin with 1 and rise")):
        records_of(path)
    faults = Faults(skip=True, reject=(rejected := list[bytes]()).append)
    (read,) = stream_of(path, faults=faults).batches
    assert [json.loads(record) for record in read.lines()] == [{"label": "1", "features": A}, {"label": "2", "features": B}]
    assert [read.position(row) for row in range(2)] == [f"{path}:2", f"{path}:4"]
    assert json.loads(rejected[0]) == {"position": f"{path}:3", "reason": message, "raw": line}


def test_nothing_but_comments(tmp_path: Path) -> None:
    assert records_of(put(tmp_path, "a.svmlight", "# a\n\n#b")) == []


@settings(max_examples=200, deadline=None)
@given(
    lines=st.lists(st.lists(st.sampled_from(["1", "2", "0", ":", " ", "#", ",", ".5", "e3", "-", "qid", "\t", "\v", "x"]), max_size=9).map("".join))
)
def test_any_line_is_read_word_by_word(tmp_path_factory: pytest.TempPathFactory, lines: list[str]) -> None:
    path = put(tmp_path_factory.mktemp("svm"), "a.svmlight", "".join(f"{line}\n" for line in lines))
    good, bad = [], 0
    for line in lines:
        try:
            good.append(by_hand(line))
        except ValueError:
            bad += 1
    faults = Faults(skip=True)
    assert records_of(path, faults=faults) == [record for record in good if record is not None]
    assert faults.skipped == bad


@settings(max_examples=60, deadline=None)
@given(
    records=st.lists(
        st.one_of(
            st.fixed_dictionaries({"label": numbers.map(repr), "features": rows.map(features_of)}),
            st.fixed_dictionaries({"labels": st.lists(numbers.map(repr), min_size=2, max_size=3), "features": rows.map(features_of)}),
        ),
        min_size=1,
    ),
    block=st.integers(4, 40),
)
def test_what_is_written_is_read_again(tmp_path_factory: pytest.TempPathFactory, records: list[dict[str, Any]], block: int) -> None:
    path = put(tmp_path_factory.mktemp("svm"), "a.svmlight", written(*records))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bytesource, "BLOCK", block)
        patch.setattr(bytesource, "READ", block)
        assert records_of(path) == records


def test_what_scikit_learn_writes(tmp_path: Path) -> None:
    matrix = np.round(np.random.default_rng(0).normal(size=(30, 5)) * (np.arange(150).reshape(30, 5) % 3 == 0), 3)
    path = str(tmp_path / "a.svmlight")
    dump_svmlight_file(matrix, np.arange(30), path, zero_based=False, comment="made by scikit-learn", query_id=np.arange(30))
    found = np.zeros_like(matrix)
    for row, record in enumerate(records_of(path)):
        assert record["label"] == str(row)
        found[row, record["features"]["indices"]] = record["features"]["values"]
    assert (found == matrix).all()
