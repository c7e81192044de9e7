"""Examples: a stream's columns as arrays, padding left out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.making import run, stream_of
from textkit.errors import InputError
from textkit.padding import Pad, real_ids
from textkit.training.examples import Examples, collect

RECORDS: list[dict[str, Any]] = [{"ids": [i] * (i % 4), "vector": [i / 2, -i], "label": "ab"[i % 2]} for i in range(20)]


def gather(records: list[dict[str, Any]], **columns: Any) -> Examples:
    return collect(stream_of(records, size=6), **columns)


def test_columns_of_all_batches_in_order() -> None:
    examples = gather(RECORDS, ragged=("ids",), dense=("vector",), strings=("label",))
    ids = examples.ragged["ids"]
    assert len(examples) == 20
    assert [ids.flat[start:end].tolist() for start, end in zip(ids.offsets[:-1], ids.offsets[1:], strict=True)] == [r["ids"] for r in RECORDS]
    np.testing.assert_array_equal(examples.dense["vector"], np.array([r["vector"] for r in RECORDS], np.float32))
    assert examples.strings["label"].to_list() == [r["label"] for r in RECORDS]


@pytest.mark.parametrize("side", ["pre", "post"])
def test_padding_is_left_out_by_the_mask(side: Any) -> None:
    padded = run([{"ids": r["ids"]} for r in RECORDS], Pad(Pad.Config(5, pad=side), pad_id=0))
    found, due = collect(padded, ragged=("ids",)).ragged["ids"], gather(RECORDS, ragged=("ids",)).ragged["ids"]
    np.testing.assert_array_equal(found.flat, due.flat)
    np.testing.assert_array_equal(found.offsets, due.offsets)


def test_any_number_but_0_in_a_mask_marks_an_id() -> None:
    (batch,) = stream_of([{"ids": [4, 5, 6], "mask": [2, 0, -1]}, {"ids": [], "mask": []}]).batches
    assert real_ids(batch).to_list() == [[4, 6], []]


def test_a_mask_of_another_length_is_an_error() -> None:
    (batch,) = stream_of([{"ids": [4, 5], "mask": [1]}]).batches
    with pytest.raises(InputError, match="mask and ids differ in length"):
        real_ids(batch)


def test_a_record_without_the_column_is_named() -> None:
    with pytest.raises(InputError, match=r"<test>:3.*label.*--label-field"):
        gather([{"ids": [1], "label": "a"}] * 2 + [{"ids": [1]}], ragged=("ids",), strings=("label",))


def test_no_records_is_an_error() -> None:
    with pytest.raises(InputError, match="there are no records"):
        gather([], ragged=("ids",))


@pytest.mark.parametrize("vectors", [[[1.0, 2.0], [1.0]], [[], []]], ids=["two widths", "no width"])
def test_vectors_must_be_of_one_width(vectors: list[list[float]]) -> None:
    with pytest.raises(InputError, match="vector"):
        gather([{"vector": vector} for vector in vectors], dense=("vector",))


def test_records_without_any_id_are_kept() -> None:
    ids = gather([{"ids": []}] * 3, ragged=("ids",)).ragged["ids"]
    assert (ids.flat.tolist(), ids.lengths.tolist()) == ([], [0, 0, 0])


def test_the_fingerprint_tells_data_apart() -> None:
    def fingerprint(*records: dict[str, Any]) -> str:
        return gather(list(records), ragged=("ids",), strings=("label",)).fingerprint()

    first = fingerprint({"ids": [1, 2], "label": "a"}, {"ids": [3], "label": "b"})
    assert first == fingerprint({"ids": [1, 2], "label": "a"}, {"ids": [3], "label": "b"})
    others = [
        fingerprint({"ids": [1], "label": "a"}, {"ids": [2, 3], "label": "b"}),  # the same ids, cut elsewhere
        fingerprint({"ids": [1, 2], "label": "b"}, {"ids": [3], "label": "a"}),
        fingerprint({"ids": [3], "label": "b"}, {"ids": [1, 2], "label": "a"}),
    ]
    assert len({first, *others}) == 4


def test_what_is_kept_in_a_folder_is_loaded_as_it_was(tmp_path: Path) -> None:
    records = [
        {**record, "features": {"indices": [i % 5, 7], "values": [0.5, i]}, "labels": ["x", "한글"][: i % 3], "n": i / 4}
        for i, record in enumerate(RECORDS)
    ]
    columns: dict[str, Any] = {"ragged": ("ids",), "dense": ("vector",), "sparse": ("features",), "strings": ("label", "labels"), "weight": "n"}
    found = collect(stream_of(records, size=6), folder=tmp_path, **columns)
    again, due = Examples.load(tmp_path), collect(stream_of(records, size=6), **columns)
    assert due.fingerprint() == found.fingerprint() == again.fingerprint()
    assert len(again) == len(due)
    assert again.sparse["features"].width == due.sparse["features"].width
    assert {name: column.dtype for name, column in again.strings.items()} == {name: column.dtype for name, column in due.strings.items()}


def test_a_folder_keeps_columns_without_values(tmp_path: Path) -> None:
    collect(stream_of([{"ids": []}] * 3), ragged=("ids",), folder=tmp_path)
    ids = Examples.load(tmp_path).ragged["ids"]
    assert (ids.flat.tolist(), ids.lengths.tolist()) == ([], [0, 0, 0])


def test_words_of_the_records_to_train_on() -> None:
    made = [{"tokens": ["a", "b"], "label": "x"}, {"tokens": ["b"], "label": "y"}]
    held = stream_of([{"tokens": ["c", "a"], "label": "x"}])
    found = collect(stream_of(made), strings=("label",), words=("tokens",), valid=held)
    assert found.words["tokens"].to_list() == ["", "a", "b", "c"]
    assert found.words_trained("tokens").to_list() == ["", "a", "b"]
    assert collect(stream_of(made), strings=("label",), words=("tokens",)).words_trained("tokens").to_list() == ["", "a", "b"]
