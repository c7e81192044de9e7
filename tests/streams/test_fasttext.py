"""fastText's `__label__` lines."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.streams.reading import put, records_of, stream_of, written
from textkit.errors import InputError
from textkit.streams import bytesource
from textkit.streams.batch import Batch, Position
from textkit.streams.faults import Faults


def by_hand(line: str) -> dict[str, Any]:
    """The record of one line, word by word. A word ends at ASCII white space; one such character ends the last label."""
    labels: list[str] = []
    rest = line
    while (word := rest.lstrip(" \t\r\v\f")).startswith("__label__"):
        found = re.split("[ \t\r\v\f]", word, maxsplit=1)
        labels.append(found[0].removeprefix("__label__"))
        rest = found[1] if len(found) > 1 else ""
    label = {} if not labels else {"label": labels[0]} if len(labels) == 1 else {"labels": labels}
    return {**label, "text": rest}


def batch(*records: dict[str, Any]) -> Batch:
    return Batch(pl.DataFrame(), Position("f"), raw=pl.Series([json.dumps(record, ensure_ascii=False) for record in records]))


def fasttext(*records: dict[str, Any]) -> str:
    return written([batch(*records)], "fasttext").decode()


@pytest.mark.parametrize(
    ("line", "record"),
    [
        ("__label__good I liked it", {"label": "good", "text": "I liked it"}),
        ("__label__good\tI liked it", {"label": "good", "text": "I liked it"}),
        ("__label__a  __label__b\t__label__c x", {"labels": ["a", "b", "c"], "text": "x"}),
        ("__label__1 , a comma first", {"label": "1", "text": ", a comma first"}),
        ("__label__a x __label__b y", {"label": "a", "text": "x __label__b y"}),
        ("x __label__b y", {"text": "x __label__b y"}),
        (" two  spaces", {"text": " two  spaces"}),
        ("__label__a  x", {"label": "a", "text": " x"}),
        ("__label__a", {"label": "a", "text": ""}),
        ("__label__a ", {"label": "a", "text": ""}),
        ("__label__a __label__b", {"labels": ["a", "b"], "text": ""}),
        ("__label__ x", {"label": "", "text": "x"}),
        ("__label__a__label__b x", {"label": "a__label__b", "text": "x"}),
        ("__label__긍정\u3000한국 재밌다", {"label": "긍정\u3000한국", "text": "재밌다"}),
        ("__labelx a", {"text": "__labelx a"}),
        ("", {"text": ""}),
        ('__label__"q" \\ "\u2028', {"label": '"q"', "text": '\\ "\u2028'}),
    ],
)
def test_lines(tmp_path: Path, line: str, record: dict[str, Any]) -> None:
    assert by_hand(line) == record
    alone = put(tmp_path, "a.ft", f"{line}\n")
    assert records_of(alone) == ([record] if line else [{"text": ""}])
    mixed = put(tmp_path, "b.ft", f"__label__x y\r\n{line}\n__label__x __label__y z\nno label")
    assert records_of(mixed) == [{"label": "x", "text": "y"}, record, {"labels": ["x", "y"], "text": "z"}, {"text": "no label"}]


@settings(max_examples=150, deadline=None)
@given(lines=st.lists(st.lists(st.sampled_from(["__label__", "a", "한", " ", "  ", "\t", "\v", "\u3000", '"', "\\", "_"]), max_size=8).map("".join)))
def test_any_line_is_read_word_by_word(tmp_path_factory: pytest.TempPathFactory, lines: list[str]) -> None:
    path = put(tmp_path_factory.mktemp("ft"), "a.ft", "".join(f"{line}\n" for line in lines))
    assert records_of(path, format="fasttext") == [by_hand(line) for line in lines]


def test_the_prefix_proves_the_format(tmp_path: Path) -> None:
    data = "\ufeff__label__a x\ny\n"
    for name in ("a", "a.txt", "a.csv", "a.jsonl"):
        assert records_of(put(tmp_path, name, data)) == [{"label": "a", "text": "x"}, {"text": "y"}]
    assert records_of(put(tmp_path, "b.txt", "a __label__a\n")) == [{"text": "a __label__a"}]


def test_records_that_have_one_label_are_columns(tmp_path: Path) -> None:
    (read,) = stream_of(put(tmp_path, "a.ft", "__label__a x\n__label__b y\n")).batches
    assert read.raw is None
    assert read.frame.to_dict(as_series=False) == {"label": ["a", "b"], "text": ["x", "y"]}


def test_a_bad_line_is_left_out_and_the_others_keep_their_places(tmp_path: Path) -> None:
    path = put(tmp_path, "a.ft", b"__label__a x\n__label__a \xff\xff\xff\n__label__b y\nz\x00\n\n")
    with pytest.raises(InputError, match=re.escape(f"{path}:4: a NUL byte")):
        records_of(path)
    rejected: list[bytes] = []
    faults = Faults(skip=True, reject=rejected.append)
    (read,) = stream_of(path, faults=faults).batches
    assert [json.loads(line) for line in read.lines()] == [{"label": "a", "text": "x"}, {"label": "b", "text": "y"}, {"text": ""}]
    assert [read.position(row) for row in range(3)] == [f"{path}:1", f"{path}:3", f"{path}:5"]
    assert faults.skipped == len(rejected) == 2


def test_writing() -> None:
    assert fasttext({"label": "a", "text": "x y"}, {"labels": ["a", "b"], "text": "z"}) == "__label__a x y\n__label__a __label__b z\n"
    assert fasttext({"label": "a", "text": "x-y", "tokens": ["x", "-", "y"]}, {"label": 7, "text": "z"}) == "__label__a x - y\n__label__7 z\n"
    assert fasttext({"label": "a", "labels": ["b", "c"], "text": "x"}) == "__label__b __label__c x\n"
    assert fasttext({"text": "x"}, {"text": ""}, {"labels": [], "text": "y"}, {"label": None, "text": "z"}) == "x\n\ny\nz\n"
    assert fasttext({"label": "a", "tokens": []}) == "__label__a \n"
    assert fasttext({"label": "a", "text": "x\ny\r\nz\u2028\x00w"}) == "__label__a x y  z\u2028 w\n"
    assert fasttext({"text": "a", "tokens": ["b\nc", "d"]}) == "b c d\n"


def test_white_space_inside_a_label_is_told_of_once(capsys: pytest.CaptureFixture[str]) -> None:
    first = batch({"label": "very good", "text": "x"}, {"label": "bad", "text": "y"})
    second = batch({"labels": ["a\u3000b", "c\td", "e"], "text": "z"})
    assert written([first, second], "fasttext").decode() == "__label__very_good x\n__label__bad y\n__label__a_b __label__c_d __label__e z\n"
    assert capsys.readouterr().err.count("white space inside the labels of 2 records was written as _") == 1
    fasttext({"label": "bad", "text": "y"})
    assert capsys.readouterr().err == ""


def test_a_record_without_any_text_is_told_of() -> None:
    with pytest.raises(InputError, match="f:2: the record has neither 'text' nor 'tokens'"):
        fasttext({"label": "a", "text": "x"}, {"label": "b", "ids": [1]})


def test_labels_of_another_type_are_not_lost_in_silence() -> None:
    with pytest.raises(InputError, match="f:1: 'labels' should be a list of strings"):
        fasttext({"labels": [1, 2], "text": "x"})


labels = st.text(st.characters(exclude_categories=["Cs", "Z", "Cc"]), max_size=5)
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\n\r\x00"), max_size=12)


@settings(max_examples=100, deadline=None)
@given(
    records=st.lists(
        st.one_of(
            st.fixed_dictionaries({"label": labels, "text": texts}),
            st.fixed_dictionaries({"labels": st.lists(labels, min_size=2, max_size=3), "text": texts}),
            st.fixed_dictionaries({"text": texts}),
        ),
        min_size=1,
    ),
    block=st.integers(4, 40),
)
@example(records=[{"label": "", "text": " "}], block=9)
def test_what_is_written_is_read_again(tmp_path_factory: pytest.TempPathFactory, records: list[dict[str, Any]], block: int) -> None:
    path = put(tmp_path_factory.mktemp("ft"), "a.ft", fasttext(*records))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bytesource, "BLOCK", block)
        patch.setattr(bytesource, "READ", block)
        assert records_of(path, format="fasttext") == records
