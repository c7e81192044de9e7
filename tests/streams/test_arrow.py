"""Arrow streams: typed columns, the user's fields as JSON, the end mark, several streams in one file."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.streams.reading import LINEAGE, OTHER, lines_of, put, records_of, stream_of, written
from textkit.errors import InputError, LineageError
from textkit.streams.batch import Batch, Position
from textkit.streams.columns import dtype_of
from textkit.streams.lineage import Lineage

LINES = ('{"n":123456789012345678901234567890,"text":"한 글","x":1e400,"x":2}', r'{"text":"b","h":"\ud800","deep":{"text":[null]}}')


SWAP = {"text": "pair", "pair": "text"}


def batch(*lines: str, **added: Any) -> Batch:
    whole = Batch(pl.DataFrame(), Position("f"), raw=pl.Series(lines))
    return whole.put(*(pl.Series(name, values, dtype=dtype_of(name)) for name, values in added.items())) if added else whole


def packed(*batches: Batch, **how: Any) -> bytes:
    return written(list(batches), "arrow", **how)


def foreign(schema: dict[str, Any] | None = None, **columns: Any) -> bytes:
    table = pl.DataFrame(columns, schema_overrides=schema).to_arrow(compat_level=pl.CompatLevel.oldest())
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue().to_pybytes()  # type: ignore[no-any-return]


def test_the_users_fields_come_back_byte_for_byte(tmp_path: Path) -> None:
    read = stream_of(put(tmp_path, "a.arrow", packed(batch(*LINES, ids=[[1, 2], []]))))
    (back,) = read.batches
    assert back.read("text", "ids").rows() == [("한 글", [1, 2]), ("b", [])]
    assert back.raw is not None
    assert back.raw.to_list() == ['{"n":123456789012345678901234567890,"x":1e400,"x":2}', r'{"h":"\ud800","deep":{"text":[null]}}']
    assert read.lineage == LINEAGE
    assert read.ending.problem is None


json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text(max_size=5)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=3), inner, max_size=3)),
    max_leaves=5,
)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.dictionaries(st.text(max_size=3).map("my_{}".format), json_values, max_size=3), min_size=1, max_size=4))
def test_any_json_survives_the_round_trip(tmp_path_factory: pytest.TempPathFactory, records: list[dict[str, Any]]) -> None:
    lines = [json.dumps({"text": "a", **record}) for record in records]
    path = put(tmp_path_factory.mktemp("arrow"), "a.arrow", packed(batch(*lines)))
    assert records_of(path) == [json.loads(line) for line in lines]


@pytest.mark.parametrize("name", ["tokens", "target_ids", "pair_mask", "offsets", "target_offsets", "pair_offsets"])
def test_what_textkit_made_of_each_field_has_its_type(name: str) -> None:
    value = ["a"] if name == "tokens" else [[0, 1]] if name.endswith("offsets") else [1]
    data = packed(batch('{"text":"a"}', **{name: [value]}))
    assert pl.read_ipc_stream(data).schema[name].inner == dtype_of(name).inner


def test_a_stream_without_its_end_mark_is_seen(tmp_path: Path) -> None:
    read = stream_of(put(tmp_path, "a.arrow", packed(batch(*LINES))[:-8]))
    assert sum(map(len, read.batches)) == 2
    assert "no end mark" in str(read.ending.problem)
    with pytest.raises(InputError, match="--partial"):
        read.ending.demand()


@pytest.mark.parametrize("cut", [9, 200, 500])
def test_a_stream_cut_within_a_batch_is_damaged(tmp_path: Path, cut: int) -> None:
    with pytest.raises(InputError, match=r"a\.arrow: damaged Arrow data"):
        lines_of(put(tmp_path, "a.arrow", packed(batch(*LINES))[:-cut]))


def test_an_incomplete_stream_is_written_without_its_end_mark(tmp_path: Path) -> None:
    data = packed(batch(*LINES), complete=False)
    assert data + b"\xff\xff\xff\xff\x00\x00\x00\x00" == packed(batch(*LINES))


def test_several_streams_in_one_file_are_all_read(tmp_path: Path) -> None:
    data = packed(batch(LINES[0])) + packed() + packed(batch(LINES[1], LINES[0]))
    read = stream_of(put(tmp_path, "a.arrow", data))
    assert [part.position(0)[-8:] for part in read.batches] == ["record:1", "record:2"]
    assert read.ending.problem is None


def test_streams_of_two_chains_do_not_join(tmp_path: Path) -> None:
    data = packed(batch(LINES[0])) + packed(batch(LINES[1]), lineage=OTHER)
    with pytest.raises(LineageError, match="lowercase=False against True"):
        list(stream_of(put(tmp_path, "a.arrow", data)).batches)


def test_batches_of_one_stream_may_have_different_columns(tmp_path: Path) -> None:
    lines = ['{"text":"a"}', '{"text":"b","label":"1","n":2}', '{"n":3}']
    path = put(tmp_path, "a.arrow", packed(*map(batch, lines)))
    assert records_of(path) == [json.loads(line) for line in lines]


@pytest.mark.parametrize("together", [True, False])
def test_only_what_all_records_have_as_our_type_is_typed(tmp_path: Path, together: bool) -> None:
    lines = ['{"text":"a","label":"x","score":1.5}', '{"text":"b","score":"high","label":null}', '{"text":"c","tags":["A"]}', '{"text":"d","tags":7}']
    path = put(tmp_path, "a.arrow", packed(batch(*lines)) if together else packed(*map(batch, lines)))
    assert records_of(path) == [json.loads(line) for line in lines]


def test_a_stream_without_a_header_is_whole_all_the_same(tmp_path: Path) -> None:
    read = stream_of(put(tmp_path, "a.arrow", packed(batch(*LINES), lineage=None)))
    assert sum(map(len, read.batches)) == 2
    assert read.ending.problem is None
    assert read.lineage == Lineage()


@pytest.mark.parametrize(
    ("columns", "schema", "record"),
    [
        ({"text": ["a"], "n": [1]}, None, {"text": "a", "n": 1}),
        ({"document": ["a"]}, None, {"text": "a"}),
        ({"text": ["a"]}, {"text": pl.Categorical}, {"text": "a"}),
        ({"text": ["a"], "label": [1]}, None, {"text": "a", "label": "1"}),
        ({"ids": [[1, 2]]}, {"ids": pl.List(pl.Int64)}, {"ids": [1, 2]}),
        ({"ids": [[1, 2]]}, {"ids": pl.Array(pl.UInt8, 2)}, {"ids": [1, 2]}),
        ({"vector": [[0.5]]}, {"vector": pl.List(pl.Float64)}, {"vector": [0.5]}),
        ({"text": ["a"], "day": ["2020-01-02"]}, None, {"text": "a", "day": "2020-01-02"}),
        ({"text": ["a"], "_json": [7]}, None, {"text": "a", "_json": 7}),
        ({"text": ["a"], "_json": ['{"x":1e400}'], "n": [2]}, None, {"text": "a", "x": float("inf"), "n": 2}),
    ],
)
def test_streams_of_other_programs(tmp_path: Path, columns: dict[str, Any], schema: dict[str, Any] | None, record: dict[str, Any]) -> None:
    assert records_of(put(tmp_path, "a.arrow", foreign(schema, **columns))) == [record]


@pytest.mark.parametrize(
    ("columns", "wanted", "message"),
    [
        ({"text": [5]}, "text", "a.arrow: record:1: 'text' should be a string"),
        ({"ids": [[1.5]]}, "ids", "'ids' should be a list of numbers"),
        ({"ids": [[2**40]]}, "ids", "'ids' should be a list of numbers"),
        ({"text": ["a"], "picture": [b"\xff"]}, "text", "column 'picture' is binary and not text"),
    ],
)
def test_columns_of_a_wrong_type_are_told_of(tmp_path: Path, columns: dict[str, Any], wanted: str, message: str) -> None:
    path = put(tmp_path, "a.arrow", foreign(**columns))
    with pytest.raises(InputError, match=re.escape(message)):
        [batch.read(wanted) for batch in stream_of(path).batches]


@pytest.mark.parametrize(
    ("data", "names", "line"),
    [
        (foreign(body=["a"], stars=[5]), {"text": "body", "label": "stars"}, {"text": "a", "label": "5"}),
        (packed(batch('{"text":"a","stars":5}')), {"label": "stars"}, {"text": "a", "label": 5}),
        (foreign(text=["a"], pair=["b"]), SWAP, {"text": "b", "pair": "a"}),
        (packed(batch('{"text":"a","pair":"b"}')), SWAP, {"text": "b", "pair": "a"}),  # both in columns
        (packed(batch('{"text":5,"pair":"b"}')), SWAP, {"text": "b", "pair": 5}),  # one in a column, one in JSON
        (packed(batch('{"text":5,"pair":6}')), SWAP, {"text": 6, "pair": 5}),  # both in JSON
    ],
)
def test_the_users_names(tmp_path: Path, data: bytes, names: dict[str, str], line: dict[str, Any]) -> None:
    assert records_of(put(tmp_path, "a.arrow", data), names=names) == [line]


def test_names_that_cannot_be(tmp_path: Path) -> None:
    both = put(tmp_path, "a.arrow", foreign(text=["a"], body=["b"]))
    with pytest.raises(InputError, match="both 'text' and 'body'"):
        lines_of(both, names={"text": "body"})
    with pytest.raises(InputError, match="no record has a field 'stars'"):
        lines_of(both, names={"label": "stars"})


@pytest.mark.parametrize("line", ['{"text":"a","body":"b"}', '{"text":5,"pair":"b"}'])
def test_a_column_and_a_field_in_json_cannot_be_one(tmp_path: Path, line: str) -> None:
    other = next(name for name in json.loads(line) if name != "text")
    with pytest.raises(InputError, match=f"both 'text' and '{other}'"):
        lines_of(put(tmp_path, "a.arrow", packed(batch(line))), names={"text": other})


def test_damaged_data_is_an_error_and_never_a_crash(tmp_path: Path) -> None:
    data = packed(batch(*LINES * 20, ids=[[1, 2, 3], []] * 20))
    for at in range(0, len(data), 7):
        path = put(tmp_path, "a.arrow", data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1 :])
        try:
            lines_of(path, format="arrow")
        except InputError as error:
            assert path in str(error)
