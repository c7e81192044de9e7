"""npz: what numpy and scipy find in it, whatever the batches, and nothing of a stream that was cut short."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix, load_npz

from tests.streams.reading import put, records_of, stream_of
from tests.streams.test_svmlight import NONE, A, B, batch, features_of, rows
from tests.streams.test_svmlight import labelled as labelled_records
from textkit.errors import InputError, UsageError
from textkit.registry import FORMATS
from textkit.streams.batch import Batch, Position
from textkit.streams.formats import npz
from textkit.streams.formats.base import Writing
from textkit.streams.lineage import Entry, Lineage
from textkit.streams.sink import Outputs, check_outputs, write_stream

LINES = [{"label": "neg", "features": A}, {"label": "pos", "features": B, "text": "x"}, {"features": NONE}]


def vectorized(width: Any) -> Lineage:
    return Lineage((Entry("tokenize", "words"), Entry("vectorize", "counts", {"features": width}), Entry("pad")))


def written(*records: dict[str, Any], size: int = 1000, lineage: Lineage | None = None) -> bytes:
    out = io.BytesIO()
    writer = FORMATS.find("npz")().writer(out, Writing(lineage))
    assert not writer.marks_end
    for start in range(0, len(records), size):
        writer.write(batch(*records[start : start + size]))
    assert not out.getvalue()
    writer.finish(len(records), True)
    return out.getvalue()


def matrix_of(data: bytes) -> csr_matrix:
    found = load_npz(io.BytesIO(data))
    assert isinstance(found, csr_matrix)
    found.check_format(full_check=True)
    return found


def arrays_of(data: bytes) -> dict[str, np.ndarray]:
    with np.load(io.BytesIO(data), allow_pickle=False) as found:
        return dict(found)


def test_matrix_and_labels() -> None:
    data = written(*LINES)
    found = matrix_of(data)
    assert found.toarray().tolist() == [[0.5, 0, 0, 1], [0, 0, -2.25, 0], [0, 0, 0, 0]]
    assert (found.dtype, found.indices.dtype, found.indptr.dtype) == (np.float64, np.int32, np.int32)
    arrays = arrays_of(data)
    assert arrays["label_names"].tolist() == ["neg", "pos"]
    assert (arrays["labels"].tolist(), arrays["labels"].dtype) == ([0, 1, -1], np.int32)
    assert {*arrays} == {"format", "shape", "indptr", "indices", "data", "label_names", "labels"}


def test_several_labels() -> None:
    arrays = arrays_of(written(*labelled_records(["b", "a"], [], None, "a", ["긴 이름", "b"]), size=2))
    assert arrays["label_names"].tolist() == ["b", "a", "긴 이름"]
    assert arrays["labels"].tolist() == [0, 1, 1, 2, 0]
    assert arrays["label_offsets"].tolist() == [0, 2, 2, 2, 3, 5]
    assert arrays_of(written(*labelled_records(["b"], [], None, "a")))["labels"].tolist() == [0, -1, -1, 1]


@pytest.mark.parametrize(
    ("lineage", "width"),
    [(None, 4), (Lineage(), 4), (vectorized(9), 9), (vectorized("9"), 4), (vectorized(None), 4), (vectorized(3).plus(*vectorized(9).stages), 9)],
)
def test_the_width_is_that_of_the_vectorizer(lineage: Lineage | None, width: int) -> None:
    assert matrix_of(written(*LINES, lineage=lineage)).shape == (3, width)


def test_an_index_beyond_the_width_is_a_bad_record() -> None:
    with pytest.raises(InputError, match="f:1: a feature's index is not below 3, as the stream's header says"):
        written(*LINES, lineage=vectorized(3))


@pytest.mark.parametrize(("records", "lineage", "shape"), [((), None, (0, 0)), ((), vectorized(5), (0, 5)), (({"features": NONE},), None, (1, 0))])
def test_nothing(records: Any, lineage: Lineage | None, shape: tuple[int, int]) -> None:
    data = written(*records, lineage=lineage)
    assert (matrix_of(data).shape, matrix_of(data).nnz) == (shape, 0)
    assert arrays_of(data)["label_names"].tolist() == []
    assert arrays_of(data)["labels"].tolist() == [-1] * shape[0]


@settings(max_examples=100, deadline=None)
@given(
    matrix=st.lists(st.tuples(rows, st.none() | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=4)), max_size=12),
    size=st.integers(1, 12),
    block=st.sampled_from([8, 16, 1 << 20]),
)
def test_scipy_reads_the_same_matrix(matrix: list[tuple[dict[int, float], str | None]], size: int, block: int) -> None:
    records = [{"features": features_of(row)} | ({} if label is None else {"label": label}) for row, label in matrix]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(npz, "BLOCK", block)
        data = written(*records, size=size)
    found, arrays = matrix_of(data), arrays_of(data)
    assert found.shape == (len(matrix), max([index + 1 for row, _ in matrix for index in row], default=0))
    assert found.indptr.tolist() == [0, *np.cumsum([len(row) for row, _ in matrix])]
    assert found.indices.tolist() == [index for row, _ in matrix for index in row]
    assert found.data.tobytes() == np.array([value for row, _ in matrix for value in row.values()], float).tobytes()
    assert [None if code < 0 else arrays["label_names"][code] for code in arrays["labels"]] == [label for _, label in matrix]
    assert data == written(*records)  # whatever the batches


def test_a_label_that_numpy_would_cut_is_told_of() -> None:
    for label in ("a\0", ["b", "a\0", "c"]):
        with pytest.raises(InputError, match="f:2: a label ends with a NUL"):
            written(*labelled_records("a\0b", label))


def test_an_exception_while_writing_leaves_no_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.BytesIO()
    writer = FORMATS.find("npz")().writer(out, Writing())
    writer.write(batch(*LINES))

    def failing() -> Any:
        yield np.zeros(1)
        raise KeyboardInterrupt

    monkeypatch.setattr(writer._values, "blocks", failing)
    with pytest.raises(KeyboardInterrupt):
        writer.finish(3, True)
    del writer
    assert b"PK\x05\x06" not in out.getvalue()


def test_a_cut_input_leaves_no_file(tmp_path: Path) -> None:
    header = json.dumps({"textkit": {"version": 1, "stages": []}})
    cut = put(tmp_path, "a.jsonl", "\n".join([header, *map(json.dumps, LINES)]) + "\n")
    with pytest.raises(InputError, match="stops after 3 records without its end line"):
        write_stream(stream_of(cut), Outputs(str(tmp_path / "a.npz")))
    assert [path.name for path in tmp_path.iterdir()] == ["a.jsonl"]


def test_a_pipe_holds_the_same_as_a_file(tmp_path: Path) -> None:
    source = put(tmp_path, "a.jsonl", "".join(json.dumps(line) + "\n" for line in LINES))
    command = [sys.executable, "-m", "textkit", "convert", source]
    piped = subprocess.run([*command, "--to", "npz"], capture_output=True, check=True).stdout
    subprocess.run([*command, "-o", tmp_path / "a.npz"], check=True)
    assert piped == (tmp_path / "a.npz").read_bytes() == written(*LINES)
    assert "scipy" not in subprocess.run([sys.executable, "-X", "importtime", *command[1:], "--to", "npz"], capture_output=True).stderr.decode()


def test_it_is_not_read(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"a\.npz: npz is written and not read; read it with scipy\.sparse\.load_npz"):
        records_of(put(tmp_path, "a.npz", written(*LINES)))


def test_it_is_not_for_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    with pytest.raises(UsageError, match="npz is binary, and not for a terminal; give -o FILE"):
        check_outputs(Outputs(format="npz"))


def test_features_of_a_frame() -> None:
    frame = pl.DataFrame({"features": [A, B]}, schema={"features": pl.Struct({"indices": pl.List(pl.Int32), "values": pl.List(pl.Float64)})})
    out = io.BytesIO()
    writer = FORMATS.find("npz")().writer(out, Writing())
    writer.write(Batch(frame, Position("f"), added=frozenset({"features"})))
    writer.finish(2, True)
    assert matrix_of(out.getvalue()).toarray().tolist() == [[0.5, 0, 0, 1], [0, 0, -2.25, 0]]
