"""Padding: the examples that Keras and Hugging Face document, and what a stream reports."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import Textkit
from tests.making import records_of, run
from textkit.artifacts.store import Store
from textkit.errors import InputError, UsageError
from textkit.padding import Pad, cut, fill, mask, measure, parse_length
from textkit.stage import restore
from textkit.streams.lineage import Entry
from textkit.tokenizers.stage import Tokenize

KERAS = [[1], [2, 3], [4, 5, 6]]  # the sequences of the documentation of keras.utils.pad_sequences


def pad(length: int, measured: str | None = None, pad_id: int = 0, **sides: Any) -> Pad:
    return Pad(Pad.Config(length, **sides), measured, pad_id)


def ids_of(lists: list[list[int]], stage: Pad) -> list[list[int]]:
    return [record["ids"] for record in records_of(run([{"ids": ids} for ids in lists], stage))]


def test_keras_default_fills_before_to_the_longest() -> None:
    assert ids_of(KERAS, pad(0, "longest", pad="pre")) == [[0, 0, 1], [0, 2, 3], [4, 5, 6]]


def test_keras_value_is_the_pad_id() -> None:
    assert ids_of(KERAS, pad(0, "longest", 9, pad="pre")) == [[9, 9, 1], [9, 2, 3], [4, 5, 6]]


def test_keras_padding_post() -> None:
    assert ids_of(KERAS, pad(0, "longest")) == [[1, 0, 0], [2, 3, 0], [4, 5, 6]]


def test_keras_maxlen_cuts_before() -> None:
    assert ids_of(KERAS, pad(2, pad="pre", truncate="pre")) == [[0, 1], [2, 3], [5, 6]]


def test_right_padding_with_its_mask_as_hugging_face_does_it() -> None:
    """The attention mask of two sentences of 8 and 5 tokens at max_length 6."""
    records = [{"ids": [101, 1252, 1184, 1164, 1248, 6462, 136, 102]}, {"ids": [101, 1790, 112, 189, 102]}]
    out = records_of(run(records, pad(6)))
    assert [record["ids"] for record in out] == [[101, 1252, 1184, 1164, 1248, 6462], [101, 1790, 112, 189, 102, 0]]
    assert [record["mask"] for record in out] == [[1, 1, 1, 1, 1, 1], [1, 1, 1, 1, 1, 0]]


@given(st.lists(st.lists(st.integers(0, 9), max_size=6), min_size=1, max_size=6), st.integers(1, 5), st.sampled_from(["pre", "post"]), st.booleans())
@settings(max_examples=60)
def test_every_side_as_slices_do_it(lists: list[list[int]], length: int, side: Any, cut_before: bool) -> None:
    sides = Pad.Config(length, side, "pre" if cut_before else "post", pad_id=7)
    kept = [row[-length:] if cut_before else row[:length] for row in lists]
    column = cut(pl.Series(lists, dtype=pl.List(pl.Int32)), sides)
    before = side == "pre"
    assert column.to_list() == kept
    assert fill(column, sides).to_list() == [[7] * (length - len(row)) * before + row + [7] * (length - len(row)) * (not before) for row in kept]
    assert mask(column, sides).to_list() == [
        [0] * (length - len(row)) * before + [1] * len(row) + [0] * (length - len(row)) * (not before) for row in kept
    ]


def test_tokens_and_tags_are_cut_with_the_ids_and_not_filled() -> None:
    record = {"tokens": ["a", "b", "c"], "tags": ["X", "Y", "Z"], "ids": [7, 8, 9], "mine": [1, 2, 3]}
    assert records_of(run([record], pad(2, truncate="pre"))) == [
        {"tokens": ["b", "c"], "tags": ["Y", "Z"], "ids": [8, 9], "mask": [1, 1], "mine": [1, 2, 3]}
    ]
    assert records_of(run([{"tokens": ["a"]}], pad(3))) == [{"tokens": ["a"]}]


def test_ids_alone_are_padded_and_no_text_is_asked_for() -> None:
    stream = run([{"text": "a b", "ids": [5]}], pad(2))
    assert records_of(stream) == [{"text": "a b", "ids": [5, 0], "mask": [1, 0]}]
    assert [entry.stage for entry in stream.lineage.stages] == ["pad"]


def test_the_longest_record_gives_the_length() -> None:
    stage = pad(0, "longest")
    assert ids_of([[1], [], [2, 3]], stage) == [[1, 0], [0, 0], [2, 3]]
    assert stage.entry().config["length"] == 2


@pytest.mark.parametrize("records", [20, 100, 101, 7, 1])
def test_p95_is_the_least_length_that_95_of_100_records_do_not_exceed(records: int) -> None:
    lengths = pl.Series(range(1, records + 1), dtype=pl.UInt32)
    due = next(n for n in range(1, records + 1) if 100 * n >= 95 * records)
    assert measure(lengths.shuffle(1), "p95") == due


@pytest.mark.parametrize("how", ["longest", "p95"])
def test_empty_records_and_no_records_are_one_long(how: str) -> None:
    assert ids_of([[], []], pad(0, how)) == [[0], [0]]
    assert ids_of([], pad(0, how)) == []


@pytest.mark.parametrize(("side", "cut_side"), [("post", "post"), ("pre", "post"), ("pre", "pre")])
def test_padding_twice_changes_nothing(side: Any, cut_side: Any) -> None:
    def padded(times: int) -> list[dict[str, Any]]:
        return records_of(run([{"ids": [1, 2, 3]}, {"ids": []}, {"ids": [4]}], *(pad(2, pad=side, truncate=cut_side) for _ in range(times))))

    assert padded(2) == padded(1)


def test_padding_again_starts_from_the_real_ids() -> None:
    twice = records_of(run([{"ids": [1, 2, 3]}, {"ids": [4]}], pad(6, pad="pre"), pad(0, "longest")))
    assert [record["ids"] for record in twice] == [[1, 2, 3], [4, 0, 0]]
    assert [record["mask"] for record in twice] == [[1, 1, 1], [1, 0, 0]]


def test_the_pad_id_is_that_of_the_vocabulary(tmp_path: Path) -> None:
    tokenizer = Tokenize.of("words", store=Store(str(tmp_path / "tok")))
    stage = Pad(Pad.Config(3))
    stream = run(["a b a", "b"], tokenizer, stage)
    assert tokenizer.vocabulary is not None
    assert stream.lineage.stages[-1].config["pad_id"] == tokenizer.vocabulary.pad_id
    assert records_of(stream)[1]["ids"][1:] == [tokenizer.vocabulary.pad_id] * 2


def test_shares_of_what_was_cut_and_filled_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    """Of 4 records 1 is cut; of 4 x 3 cells 5 are padding."""
    stage = pad(3)
    ids_of([[1, 2, 3, 4], [1, 2], [1, 2], []], stage)
    stage.finish()
    assert "25.0 % of 4 records truncated, 41.7 % of ids are padding" in capsys.readouterr().err


def test_its_lineage_entry_pads_alike() -> None:
    stage = pad(0, "longest", 5, pad="pre", truncate="pre")
    due = ids_of([[1], [1, 2]], stage)
    assert ids_of([[1], [1, 2]], restore(stage.entry())) == due  # type: ignore[arg-type]


@pytest.mark.parametrize(("text", "found"), [("7", (7, None)), ("longest", (0, "longest")), ("p95", (0, "p95"))])
def test_lengths_as_they_are_written(text: str, found: tuple[int, str | None]) -> None:
    assert parse_length(text) == found


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "max", "", "²"])
def test_other_lengths_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--length takes"):
        parse_length(text)


@pytest.mark.parametrize("text", ["16777217", "9" * 20, "9" * 5000])
def test_lengths_that_no_memory_holds_are_refused(text: str) -> None:
    assert parse_length("16777216") == (16777216, None)
    with pytest.raises(UsageError, match="--length is at most 16777216"):
        parse_length(text)


@pytest.mark.parametrize("settings", [{"length": 2**60}, {"length": 2, "pad_id": 2**31}])
def test_a_lineage_of_numbers_out_of_range_is_refused(settings: dict[str, int]) -> None:
    with pytest.raises(InputError, match="is not one this version knows"):
        restore(Entry("pad", None, settings))


def test_without_ids_it_says_so_and_only_cuts(textkit: Textkit) -> None:
    done = textkit("pad", "--length", "2", "--no-lineage", stdin='{"tokens":["a","b","c"]}\n')
    assert done.stdout == '{"tokens":["a","b"]}\n'
    assert "100.0 % of 1 records truncated, no ids to fill" in done.stderr


@given(st.lists(st.lists(st.integers(0, 3), max_size=4), min_size=1, max_size=4), st.integers(1, 5), st.sampled_from(["pre", "post"]))
@settings(max_examples=60)
def test_of_words_cut_into_tokens_those_are_left_that_still_begin(pieces: list[list[int]], length: int, side: Any) -> None:
    """pieces: tokens of each word of each record."""
    records, due = [], []
    for counts in pieces:
        tokens = [f"{word}.{piece}" for word, count in enumerate(counts) for piece in range(count)]
        starts = [sum(counts[:word]) for word in range(len(counts))]
        records.append({"tokens": tokens, "word_starts": starts, "tags": [f"T{word}" for word in range(len(counts))]})
        first = max(0, len(tokens) - length) if side == "pre" else 0
        kept = [(start - first, f"T{word}") for word, start in enumerate(starts) if 0 <= start - first < length]
        due.append(([start for start, _ in kept], [tag for _, tag in kept]))
    out = records_of(run(records, pad(length, truncate=side)))
    assert [(record["word_starts"], record["tags"]) for record in out] == due
