"""CoNLL columns as they are written: read again they are the same."""

from __future__ import annotations

import json
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.streams.reading import put, records_of, written
from textkit.errors import InputError
from textkit.streams.batch import Batch, Position

token = st.text(st.characters(exclude_categories=["Cs", "Zs", "Zl", "Zp", "Cc"]), min_size=1, max_size=5).filter(lambda token: token != "-DOCSTART-")


def conll(*records: dict[str, Any]) -> str:
    batch = Batch(pl.DataFrame(), Position("f"), raw=pl.Series([json.dumps(record) for record in records]))
    return written([batch], "conll").decode()


def test_a_token_and_its_tag_a_line() -> None:
    records = [
        {"tokens": ["Kim", "slept"], "tags": ["B-PER", "O"], "text": "Kim slept"},
        {"tokens": [], "tags": []},
        {"tokens": ["!"], "tags": ["O"]},
    ]
    assert conll(*records) == "Kim\tB-PER\nslept\tO\n\n\n!\tO\n\n"


@settings(max_examples=60)
@given(st.lists(st.lists(st.tuples(token, st.sampled_from(["NOUN", "B-x y", "O"])), min_size=1, max_size=4), min_size=1, max_size=4))
def test_what_is_written_is_read_again(tmp_path_factory: pytest.TempPathFactory, made: list[list[tuple[str, str]]]) -> None:
    records = [{"tokens": [token for token, _ in pairs], "tags": [tag for _, tag in pairs]} for pairs in made]
    read = records_of(put(tmp_path_factory.mktemp("conll"), "a.conll", conll(*records)), format="conll")
    assert [{"tokens": record["tokens"], "tags": record["tags"]} for record in read] == records


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ({"text": "a"}, "f:2: the record has no 'tokens'; run textkit tokenize first"),
        ({"tokens": ["a"]}, "f:2: the record has no 'tags'; textkit predict with a tagger makes them"),
        ({"tokens": ["a", "b"], "tags": ["X"]}, "f:2: as many tags as tokens are due"),
        ({"tokens": ["a\tb"], "tags": ["X"]}, "f:2: a token or tag is empty or holds a tab or a line end"),
        ({"tokens": ["a"], "tags": [""]}, "f:2: a token or tag"),
    ],
)
def test_what_it_cannot_hold_is_told_of(record: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        conll({"tokens": ["a"], "tags": ["X"]}, record)
