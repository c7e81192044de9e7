"""Records of words, read back."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.embeddings.files.making import words_of
from textkit.embeddings.files.reading import read_table
from textkit.errors import InputError
from textkit.tokenizers.vocabulary import SPECIALS


def test_words_vectors_and_counts(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_text('{"text":"New York","vector":[1,2.5],"count":7}\n{"count":"x","vector":[-0.0,1e-42],"text":"a"}\n{"text":"b","vector":[0,0]}\n')
    table, form = read_table(str(file))
    assert form == "jsonl records"
    assert table.vocabulary.tokens == [*SPECIALS, "New York", "a", "b"]
    assert table.counts[len(SPECIALS) :].tolist() == [7, 1, 1]
    assert {word: vector.tolist() for word, vector in words_of(table).items()}["New York"] == [1, 2.5]


@pytest.mark.parametrize(
    ("data", "why"),
    [
        ('{"text":"a","vector":[1,2]}\n{"text":"b","vector":[1]}\n', ":2: a vector of 1 numbers, and those before have 2"),
        ('{"text":"a","vector":[]}\n', ":1: a vector of 0 numbers"),
        ('{"text":"a","vector":[1,null]}\n', ":1: "),
        ('{"text":"a"}\n', ":1: the record has no 'vector'"),
        ('{"text":"a","vector":[1,1e39]}\n', ":1: "),
        ('{"text":"a","vector":[1,2]}\n{"text"', ":2: "),
    ],
)
def test_what_is_wrong(tmp_path: Path, data: str, why: str) -> None:
    (tmp_path / "a.jsonl").write_text(data)
    with pytest.raises(InputError, match=f"a.jsonl{why}"):
        read_table(str(tmp_path / "a.jsonl"))
