"""Parquet: what comes back, types of other programs, damage, and no footer unless the stream was whole."""

from __future__ import annotations

import datetime
import io
import json
import random
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.streams.reading import LINEAGE, put, records_of, stream_of
from tests.streams.test_typing import written
from textkit.errors import InputError
from textkit.streams import typing
from textkit.streams.formats.parquet import ParquetWriter

LINES = ['{"text":"한 글","label":"1","n":1.5,"tags":["a"]}', '{"text":"b","n":2,"own":true}']
DAY, TIME = datetime.date(2020, 1, 2), datetime.datetime(2020, 1, 2, 3, 4, 5, 678)


def parquet(table: Any) -> bytes:
    out = io.BytesIO()
    pq.write_table(table, out)
    return out.getvalue()


def arrow_file(table: Any) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue().to_pybytes()  # type: ignore[no-any-return]


WAYS = {"parquet": parquet, "arrow": arrow_file}


def test_two_columns_may_swap_their_names(tmp_path: Path) -> None:
    path = put(tmp_path, "a.parquet", written(['{"text":"a","pair":"b","n":1}'], "parquet"))
    assert records_of(path, names={"text": "pair", "pair": "text"}) == [{"n": 1, "text": "b", "pair": "a"}]


@pytest.mark.parametrize("packed", [False, True])
def test_what_was_written_comes_back(tmp_path: Path, packed: bool) -> None:
    import gzip

    data = written(LINES, "parquet")
    read = stream_of(put(tmp_path, "a.bin", gzip.compress(data) if packed else data))
    records = [json.loads(line) for batch in read.batches for line in batch.lines()]
    assert [{name: value for name, value in record.items() if value is not None} for record in records] == [json.loads(line) for line in LINES]
    assert (read.lineage, read.ending.problem) == (LINEAGE, None)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("array", "value"),
    [
        (pa.array([DAY]), "2020-01-02"),
        (pa.array([DAY], pa.date64()), "2020-01-02T00:00:00.000"),
        (pa.array([TIME], pa.timestamp("us")), "2020-01-02T03:04:05.000678"),
        (pa.array([TIME], pa.timestamp("us", "Asia/Seoul")), "2020-01-02T12:04:05.000678+09:00"),
        (pa.array([TIME.time()], pa.time64("us")), "03:04:05.000678"),
        (pa.array([Decimal("1.50")], pa.decimal128(10, 2)), "1.50"),
        (pa.array([[Decimal("-0.05")]], pa.list_(pa.decimal128(10, 2))), ["-0.05"]),
        (pa.array(["x"]).dictionary_encode(), "x"),
        (pa.array([2**64 - 1], pa.uint64()), 2**64 - 1),
        (pa.array([[1, None]], pa.large_list(pa.int8())), [1, None]),
        (pa.array([[("k", 1), ("k", 2)]], pa.map_(pa.string(), pa.int32())), [{"key": "k", "value": 1}, {"key": "k", "value": 2}]),
        (pa.array([[(7, "a")]], pa.map_(pa.int64(), pa.string())), [{"key": 7, "value": "a"}]),
        (pa.array([{"a": DAY, "b": [{"c": TIME}]}]), {"a": "2020-01-02", "b": [{"c": "2020-01-02T03:04:05.000678"}]}),
        (pa.nulls(1), None),
        (pa.array([float("nan")]), None),
    ],
)
def test_types_of_other_programs(tmp_path: Path, way: str, array: Any, value: Any) -> None:
    if way == "parquet" and pa.types.is_date64(array.type):
        pytest.skip("Parquet has days only")
    path = put(tmp_path, "a.bin", WAYS[way](pa.table({"text": ["a"], "x": array})))
    (line,) = (line for batch in stream_of(path).batches for line in batch.lines())
    record = json.loads(line, parse_float=lambda digits: digits)
    assert record["x"] == value
    assert record["text"] == "a"


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("array", "message"),
    [
        (pa.array([b"a"]), "column 'x' is binary and not text"),
        (pa.array([[b"a"]]), "column 'x' is binary and not text"),
        (pa.array([{"b": b"ab"}], pa.struct([("b", pa.binary(2))])), "column 'x' is binary and not text"),
        (pa.array([Decimal("1.5")], pa.decimal256(50, 2)), "column 'x' is of the type decimal256(50, 2)"),
        (pa.array([2**30], pa.int32()).cast(pa.date32()), "column 'x' has a date outside of the years"),
        (pa.array([2**60]).cast(pa.timestamp("us")), "column 'x' has a date outside of the years"),
    ],
)
def test_types_that_json_cannot_say(tmp_path: Path, way: str, array: Any, message: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)):
        records_of(put(tmp_path, "a.bin", WAYS[way](pa.table({"text": ["a"], "x": array}))))


def test_the_users_names_and_the_usual_ones(tmp_path: Path) -> None:
    path = put(tmp_path, "a.bin", parquet(pa.table({"review": ["a"], "stars": [5]})))
    assert records_of(path, names={"label": "stars"}) == [{"text": "a", "label": "5"}]


def test_batches_of_any_size_give_the_same_bytes() -> None:
    lines = [f'{{"text":"{n % 7}","n":{n}}}' for n in range(500)]
    assert written(lines, "parquet") == written(lines, "parquet") == written(lines, "parquet", size=3)


def test_row_groups_are_cut_by_records(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(typing, "GROUP_RECORDS", 128)
    file = pq.ParquetFile(io.BytesIO(written([f'{{"n":{n}}}' for n in range(300)], "parquet", size=50)))
    assert [file.metadata.row_group(group).num_rows for group in range(3)] == [128, 128, 44]
    assert file.metadata.row_group(0).column(0).compression == "ZSTD"
    assert file.read()["n"].to_pylist() == list(range(300))


def test_an_exception_while_writing_leaves_no_footer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(typing, "GROUP_RECORDS", 1)
    out = io.BytesIO()
    writer = ParquetWriter(out, None)
    frames = writer._typing.frames

    def failing(types: Any) -> Any:
        yield next(frames(types))
        raise KeyboardInterrupt

    monkeypatch.setattr(writer._typing, "frames", failing)
    writer.write(next(iter(stream_batches(LINES))))
    with pytest.raises(KeyboardInterrupt):
        writer.finish(2, True)
    assert not out.getvalue().endswith(b"PAR1") or len(out.getvalue()) == 4


def stream_batches(lines: list[str]) -> Any:
    from textkit.streams.batch import Batch, Position

    return [Batch(pl.DataFrame(), Position("f"), raw=pl.Series(lines))]


def test_no_records_are_a_file_too(tmp_path: Path) -> None:
    path = put(tmp_path, "a.bin", written([], "parquet"))
    assert records_of(path) == []
    assert stream_of(path).lineage == LINEAGE


def test_an_arrow_file_is_read_batch_by_batch(tmp_path: Path) -> None:
    table = pa.table({"text": [str(n) for n in range(70000)]})
    read = stream_of(put(tmp_path, "a.arrow", arrow_file(table)))
    assert [(len(batch), batch.position(0).split(": ")[1]) for batch in read.batches] == [(65536, "record:1"), (4464, "record:65537")]
    assert read.ending.problem is None


@pytest.mark.parametrize("way", WAYS)
def test_damaged_files_are_an_error_and_never_a_crash(tmp_path: Path, way: str) -> None:
    table = pa.table({"text": [f"한{n}" for n in range(40)], "ids": [[n, 2] for n in range(40)], "day": [DAY] * 40})
    data, chance = WAYS[way](table), random.Random(0)
    for _ in range(300):
        at = chance.randrange(len(data))
        broken = data[:at] if chance.random() < 0.2 else data[:at] + bytes([chance.randrange(256)]) + data[at + 1 :]
        path = put(tmp_path, "a.bin", broken)
        try:
            found = len(records_of(path, format=way))
        except InputError as error:
            assert path in str(error)
        else:
            assert way != "parquet" or found == pq.ParquetFile(path).metadata.num_rows  # none went missing in silence


@pytest.mark.parametrize(("first", "second"), [(2, 2), (2, 1), (1, 2), (0, 2), (2, 0)])
@pytest.mark.parametrize("pack", [parquet, arrow_file])
def test_files_that_were_joined_are_refused(tmp_path: Path, first: int, second: int, pack: Any) -> None:
    table = pa.table({"text": ["a", "b" * 1000], "n": [1, 2]})
    data = pack(table[:first]) + pack(table[:second])
    with pytest.raises(InputError, match=r"/f: several .* files joined to one: .*; give them as separate files"):
        records_of(put(tmp_path, "f", data))


def test_a_page_index_is_no_other_file(tmp_path: Path) -> None:
    out = io.BytesIO()
    pq.write_table(pa.table({"text": ["PAR1PAR1", "b"] * 1000}), out, write_page_index=True, compression="none", use_dictionary=False)
    assert len(records_of(put(tmp_path, "f", out.getvalue()))) == 2000


@pytest.mark.parametrize("pack", [parquet, arrow_file])
def test_columns_keep_their_order(tmp_path: Path, pack: Any) -> None:
    table = pa.table({"id": [1], "text": ["a"], "n": [{"x": 1}], "label": [7], "z": [None], "ids": [[1, 2]]})
    stream = stream_of(put(tmp_path, "f", pack(table)))
    (batch,) = stream.batches
    assert batch.lines().to_list() == ['{"id":1,"text":"a","n":{"x":1},"label":7,"z":null,"ids":[1,2]}']
    assert batch.require("text", "label", "ids").rows() == [("a", "7", [1, 2])]
    assert batch.put(pl.Series("text", ["b"])).lines().to_list() == ['{"id":1,"n":{"x":1},"label":7,"z":null,"ids":[1,2],"text":"b"}']


def test_numbers_that_json_has_not_are_told_of(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    nan, inf = float("nan"), float("inf")
    table = pa.table({"text": ["a", "b"], "x": [nan, -inf], "y": [[1.0, inf], []], "z": [1.5, None]})
    assert [record["x"] for record in records_of(put(tmp_path, "f", parquet(table)))] == [None, None]
    assert capsys.readouterr().err.endswith("f: NaN and infinity are null in JSON, which has no such numbers: 2 of 'x', 1 of 'y'\n")


def test_damage_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(InputError) as told:
        records_of(put(tmp_path, "f", parquet(pa.table({"text": ["a"]}))[:-9]))
    assert told.value.fix == "make the file again, or copy it again"
