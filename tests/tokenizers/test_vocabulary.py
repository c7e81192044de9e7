"""The vocabulary: order, limits, look-up, file."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from textkit.errors import InputError
from textkit.tokenizers import vocabulary
from textkit.tokenizers.vocabulary import SPECIALS, Vocabulary, count_tokens

LISTS = st.lists(st.lists(st.text("ab\u3000 \r봤\n", max_size=3), max_size=5), max_size=6)


def column(lists: list[list[str]]) -> pl.Series:
    return pl.Series("tokens", lists, dtype=pl.List(pl.String))


def counts(**of: int) -> pl.DataFrame:
    return pl.DataFrame({"token": list(of), "count": list(of.values())}, schema={"token": pl.String, "count": pl.UInt32})


def test_the_frequent_come_first_and_equals_by_code_point() -> None:
    vocabulary = Vocabulary.build(counts(b=2, a=2, z=9, rare=1), None, 2)
    assert vocabulary.tokens == [*SPECIALS, "z", "a", "b"]
    assert (vocabulary.pad_id, vocabulary.unk_id) == (0, 1)


def test_the_size_counts_the_special_tokens() -> None:
    assert Vocabulary.build(counts(a=3, b=2, c=1), 9, 1).tokens == [*SPECIALS, "a", "b"]
    assert Vocabulary.build(counts(a=3), 3, 1).tokens == list(SPECIALS)


def test_special_and_unwritable_tokens_are_not_learned() -> None:
    frame = pl.DataFrame({"token": ["[PAD]", "a\nb", "", "a"], "count": [9, 9, 9, 9]})
    assert Vocabulary.build(frame, None, 1).tokens == [*SPECIALS, "a"]


@given(st.lists(LISTS, max_size=3))
@settings(max_examples=60)
def test_counts_over_columns_as_python_counts(columns: list[list[list[str]]]) -> None:
    flat = [token for lists in columns for row in lists for token in row]
    found = dict(count_tokens(column(lists) for lists in columns).iter_rows())
    assert found == {token: flat.count(token) for token in flat}


@given(LISTS)
@settings(max_examples=60)
def test_ids_as_a_dictionary_gives_them(lists: list[list[str]]) -> None:
    vocabulary = Vocabulary([*SPECIALS, "a", "b", " ", "\u3000", "봤", "ab"])
    index = {token: i for i, token in enumerate(vocabulary.tokens)}
    ids = vocabulary.ids(column(lists))
    assert ids.to_list() == [[index.get(token, 1) for token in row] for row in lists]
    assert (ids.name, ids.dtype) == ("ids", pl.List(pl.Int32))


def test_a_vocabulary_of_another_make_keeps_its_own_special_ids() -> None:
    vocabulary = Vocabulary(["a", "[UNK]", "b", "[PAD]"])
    assert (vocabulary.pad_id, vocabulary.unk_id) == (3, 1)
    assert vocabulary.ids(column([["b", "x"]])).to_list() == [[2, 1]]


def test_the_file_keeps_tokens_with_odd_white_space(tmp_path: Path) -> None:
    tokens = [*SPECIALS, "a b", "\u3000", "\xa0", "\u2028", "\r", "x\x85y", "봤"]
    Vocabulary(tokens).save(tmp_path)
    assert Vocabulary.load(tmp_path).tokens == tokens


def test_a_token_that_stands_twice_is_refused(tmp_path: Path) -> None:
    (tmp_path / "vocab.txt").write_text("a\nb\na\n")
    with pytest.raises(InputError, match="stands twice"):
        Vocabulary.load(tmp_path)


def test_counts_are_the_same_however_often_they_are_merged(monkeypatch: pytest.MonkeyPatch) -> None:
    columns = [pl.Series([[f"w{i % 7}", f"w{i}"]]) for i in range(50)]
    whole = count_tokens(columns).sort("token")
    monkeypatch.setattr(vocabulary, "MERGE", 3)
    assert count_tokens(columns).sort("token").equals(whole)
    assert whole["count"].sum() == 100


def test_ids_without_a_token_are_never_found() -> None:
    """As in the vocabularies of others: the ids go up to 4, and 1 and 3 are nobody's."""
    vocabulary = Vocabulary(["a", None, "[UNK]", None, "b"])
    assert vocabulary.column.to_list() == ["a", None, "[UNK]", None, "b"]
    assert vocabulary.gaps == {1, 3}
    assert vocabulary.ids(column([["b", "a", "", "c"], []])).to_list() == [[4, 0, 2, 2], []]
    assert vocabulary.has(pl.Series([0, 1, 4, 5, -1])).to_list() == [True, False, True, False, False]
    assert len(vocabulary) == 5


def test_a_token_that_is_empty_is_no_gap() -> None:
    vocabulary = Vocabulary(["", "[UNK]", None])
    assert vocabulary.ids(column([["", "x"]])).to_list() == [[0, 1]]
    assert vocabulary.has(pl.Series([0, 2])).to_list() == [True, False]


def test_of_a_token_that_stands_twice_the_later_id_counts() -> None:
    assert Vocabulary(["a", "b", "a", "[UNK]"]).ids(column([["a", "b"]])).to_list() == [[2, 1]]


@pytest.mark.parametrize(
    ("tokens", "said", "pad", "unk", "fill"),
    [
        (["a", "<pad>", "<unk>"], {}, 1, 2, 1),
        (["a", "<|endoftext|>"], {}, 1, None, 1),
        (["a", "b"], {}, None, None, 0),
        (["[PAD]", "<pad>", "[UNK]"], {}, 0, 2, 0),
        (["[PAD]", "</s>", "?"], {"pad": "</s>", "unk": "?"}, 1, 2, 1),
        ([None, "<pad>"], {}, 1, None, 1),
    ],
)
def test_what_padding_and_unknown_tokens_are_called(tokens: list[str | None], said: dict[str, str], pad: int, unk: int, fill: int) -> None:
    vocabulary = Vocabulary(tokens, **said)
    assert (vocabulary.pad_id, vocabulary.unk_id, vocabulary.fill_id) == (pad, unk, fill)


def test_without_an_unknown_token_there_is_no_id_for_one() -> None:
    assert Vocabulary(["a"]).ids(column([["a", "b"]])).to_list() == [[0, None]]


@given(st.lists(st.none() | st.text("abc", max_size=2), max_size=8), LISTS)
@settings(max_examples=60)
def test_looking_up_is_as_in_a_dictionary(tokens: list[str | None], lists: list[list[str]]) -> None:
    vocabulary = Vocabulary(tokens)
    known = {token: i for i, token in enumerate(tokens) if token is not None}
    assert vocabulary.ids(column(lists)).to_list() == [[known.get(token) for token in row] for row in lists]
