"""Stop words: lists, files, and what they leave of a record."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.making import records_of, run
from textkit.artifacts.store import Store
from textkit.errors import InputError
from textkit.registry import TOKENIZERS
from textkit.tokenizers.applying import Applying
from textkit.tokenizers.stage import Tokenize
from textkit.tokenizers.stopwords import LISTS, stop_words


def kept(text: str, words: tuple[str, ...], **settings: object) -> list[str]:
    method = TOKENIZERS.find("words")
    (record,) = records_of(run([text], Tokenize.of("words", method.Config(**settings), applying=Applying(stop_words=words))))
    tokens: list[str] = record["tokens"]
    return tokens


@pytest.mark.parametrize("name", LISTS)
def test_the_lists_have_no_word_twice_and_no_space_in_one(name: str) -> None:
    assert len(LISTS[name]) == len({*LISTS[name]}) >= 60
    assert all(word == word.strip() == word.lower() for word in LISTS[name])


def test_they_are_compared_in_the_case_of_the_tokens() -> None:
    words = stop_words("en")
    assert kept("The film and the cast", words) == ["The", "film", "cast"]
    assert kept("The film and the cast", words, lowercase=True) == ["film", "cast"]
    assert kept("THE Étude", ("The", "étude"), lowercase=True, strip_accents=True) == []


def test_korean_words_are_found_however_they_are_composed() -> None:
    assert kept("영화 는 그리고 재밌다", stop_words("ko")) == ["영화", "재밌다"]
    assert kept("그 영화", ("\u1100\u1173",)) == ["영화"]


def test_a_file_has_a_word_a_line(tmp_path: Path) -> None:
    (tmp_path / "words.txt").write_bytes("\ufefffilm\r\n\n cast \nfilm\n".encode())
    assert stop_words(str(tmp_path / "words.txt")) == ("cast", "film")


@pytest.mark.parametrize(("content", "why"), [(b"\xff", "not UTF-8"), (b" \n", "no stop words in it"), (None, "No such file")])
def test_a_file_that_is_none_is_an_error(content: bytes | None, why: str, tmp_path: Path) -> None:
    file = tmp_path / "words.txt"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(InputError, match=why):
        stop_words(str(file))


def test_ids_and_offsets_go_with_their_tokens(tmp_path: Path) -> None:
    run(["the film the cast"] * 3, Tokenize.of("words", store=Store(str(tmp_path / "tok"))))
    stage = Tokenize.load(tmp_path / "tok", Applying(stop_words=("the",), offsets=True))
    vocabulary = stage.vocabulary
    assert vocabulary is not None
    records = records_of(run(["the film the cast", "the the", "", "film"], stage))
    film, cast = (vocabulary.tokens.index(token) for token in ("film", "cast"))
    assert [record["tokens"] for record in records] == [["film", "cast"], [], [], ["film"]]
    assert [record["ids"] for record in records] == [[film, cast], [], [], [film]]
    assert [record["offsets"] for record in records] == [[[4, 8], [13, 17]], [], [], [[0, 4]]]


def test_a_word_that_the_vocabulary_lacks_does_not_make_all_unknown_ones_stop_words(tmp_path: Path) -> None:
    run(["abc abd"] * 3, Tokenize.of("wordpiece", store=Store(str(tmp_path / "tok"))))
    (record,) = records_of(run(["xyz"], Tokenize.load(tmp_path / "tok", Applying(stop_words=("zebra",)))))
    assert record["tokens"] == ["[UNK]"]
