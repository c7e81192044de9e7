"""Whatever is done to a file: it is read, or refused in one line."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.embeddings.files.making import keyed
from tests.embeddings.files.test_fasttext import by_hand
from textkit.embeddings.files.reading import read_table
from textkit.errors import InputError

BYTES = [b"", b" ", b"\n", b"\t", b"\r\n", b"9", b"-1", b"nan", b"1e400", b"\x00", b"\xff", b"\x80\x04", b"\xff\xff\xff\xff", b"\x7f" * 8]
EDIT = st.tuples(st.floats(0, 1), st.sampled_from([0, 0, 1, 2, 8, 100, 10_000]), st.sampled_from(BYTES))
FORMS = ("word2vec", "word2vec-binary", "glove", "fasttext", "classifier", "records")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("whole")
    for name, more in {"word2vec": {}, "word2vec-binary": {"binary": True}, "glove": {"write_header": False}}.items():
        keyed().save_word2vec_format(str(folder / name), **more)
    made = {name: (folder / name).read_bytes() for name in FORMS[:3]}
    records = b'{"text":"a","vector":[1,2],"count":3}\n{"text":"b","vector":[3,4],"count":3}\n'
    return {**made, "fasttext": by_hand(), "classifier": by_hand(labels=2, model=3, max_n=0), "records": records}


@pytest.mark.parametrize("form", FORMS)
@given(edits=st.lists(EDIT, min_size=1, max_size=4))
def test_damaged(form: str, edits: list[tuple[float, int, bytes]], whole: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory) -> None:
    data = whole[form]
    for share, cut, put in edits:
        at = int(share * len(data))
        data = data[:at] + put + data[at + cut :]
    file = Path(tmp_path_factory.getbasetemp()) / "damaged"
    file.write_bytes(data)
    try:
        table, _ = read_table(str(file))
    except InputError:
        return
    assert len(table.vocabulary) == len(table.vectors) == len(table.counts)
    assert len({*table.vocabulary.tokens}) == len(table.vocabulary)
