"""Vectors as text: gensim writes and reads what we do; every way in which a file may be odd or wrong."""

from __future__ import annotations

import gzip
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gensim.models import KeyedVectors
from hypothesis import given
from hypothesis import strategies as st

from tests.embeddings.files.making import WORDS, keyed, same, table_of, vectors_for, words_of
from textkit.embeddings.files import text
from textkit.embeddings.files.reading import read_table
from textkit.embeddings.files.writing import write_table
from textkit.errors import InputError
from textkit.tokenizers.vocabulary import SPECIALS

HEAD = len(SPECIALS)


def read(path: Path, data: str | bytes) -> Any:
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return read_table(str(path))[0]


@pytest.mark.parametrize("header", [True, False])
@pytest.mark.parametrize("packed", [True, False])
def test_what_gensim_writes(tmp_path: Path, header: bool, packed: bool) -> None:
    file = tmp_path / "vectors.txt"
    keyed().save_word2vec_format(str(file), write_header=header)
    if packed:
        file.write_bytes(gzip.compress(file.read_bytes()))
    table, form = read_table(str(file))
    assert form == ("word2vec" if header else "glove")
    same(table, WORDS, vectors_for(len(WORDS)))


@pytest.mark.parametrize(("form", "more"), [("word2vec", {}), ("glove", {"no_header": True})])
@pytest.mark.parametrize("name", ["out.txt", "out.txt.gz"])
def test_what_gensim_reads(tmp_path: Path, form: str, more: dict[str, Any], name: str) -> None:
    write_table(table_of(), str(tmp_path / name), form)
    found = KeyedVectors.load_word2vec_format(str(tmp_path / name), **more)
    assert found.index_to_key == WORDS
    assert found.vectors.tobytes() == vectors_for(len(WORDS)).tobytes()
    table, again = read_table(str(tmp_path / name))
    assert again == form
    same(table, WORDS, vectors_for(len(WORDS)))


@given(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=2, max_size=6))
def test_the_digits_read_back_the_same(tmp_path_factory: pytest.TempPathFactory, numbers: list[float]) -> None:
    file = str(tmp_path_factory.mktemp("text") / "out.vec")
    table = table_of(["a", "b"], len(numbers))
    table.vectors[HEAD] = numbers
    write_table(table, file, "word2vec")
    assert read_table(file)[0].vectors.tobytes() == table.vectors.tobytes()
    assert KeyedVectors.load_word2vec_format(file).vectors.tobytes() == table.vectors[HEAD:].tobytes()


def test_as_word2vec_and_fasttext_write_a_space_at_the_end_of_each_line(tmp_path: Path) -> None:
    table = read(tmp_path / "a.vec", "3 2\n</s> 0.5 -1.25 \nfilm 1e-05 2 \nthe 3 4 \n")
    assert {word: vector.tolist() for word, vector in words_of(table).items()} == {
        "</s>": [0.5, -1.25],
        "film": [np.float32(1e-5), 2],
        "the": [3, 4],
    }
    assert table.vocabulary.tokens == [*SPECIALS, "film", "the"]  # </s> is ours, at its own id
    assert table.counts.tolist() == [0] * (HEAD - 1) + [1, 1, 1]


@pytest.mark.parametrize(
    "data",
    [
        "a 1 2\r\nb 3 4\r\n",
        "a\t1\t2\nb\t3\t4\n",
        "a  1   2\nb 3 4",
        "\ufeffa 1 2\nb 3 4\n",
        "a 1 2 \nb 3 4\n",
        "2 2\na 1 2\nb 3 4\n\n",
        "a 1 2\n\nb 3 4\n",
    ],
)
def test_ways_to_write_the_same(tmp_path: Path, data: str) -> None:
    table = read(tmp_path / "a.txt", data)
    assert {word: vector.tolist() for word, vector in words_of(table).items()} == {"a": [1, 2], "b": [3, 4]}


def test_words_with_spaces_as_in_glove_840b(tmp_path: Path) -> None:
    table = read(tmp_path / "a.txt", "the 1 2\n. . . 3 4\nat name@domain.com 5 6\nfilm 7 8\n")
    assert table.vocabulary.tokens[HEAD:] == ["the", ". . .", "at name@domain.com", "film"]
    assert table.vectors[HEAD:].tolist() == [[1, 2], [3, 4], [5, 6], [7, 8]]


def test_what_is_left_out_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = read(tmp_path / "a.txt", b"the 1 2\n\xff\xfe 3 4\nfilm 5 6\nthe 7 8\n\xed\xa0\x80 9 9\n 4 4\n")
    assert {word: vector.tolist() for word, vector in words_of(table).items()} == {"the": [1, 2], "film": [5, 6]}
    told = capsys.readouterr().err
    assert "2 words left out: not UTF-8" in told
    assert "1 word left out: there before, and the first vector counts" in told
    assert "1 word left out: empty" in told


@pytest.mark.parametrize(
    ("data", "why"),
    [
        ("the 1 2\nfilm 3\n", ":2: 1 value after the word, and the lines before have 2"),
        ("the 1 2\nfilm 3 4 5\n", ":2: 3 values after the word, and the lines before have 2"),
        ("3 2\nthe 1 2\nfilm 3 4\nx\n", ":4: 0 values after the word, and the lines before have 2"),
        ("2 3\nthe 1 2\nfilm 3 4\n", ":2: 2 values after the word, and the lines before have 3"),
        ("the 1 2\nfilm 3 x\n", ":2: 'x' is no number"),
        ("the 1 2\nfilm 3 1_0\n", ":2: '1_0' is no number"),
        ("the 1 2\n\nfilm nan 3\n", ":3: the vector of 'film' has a value that is no number (nan or inf)"),
        ("the 1 2\nfilm 1 1e39\n", ":2: the vector of 'film' has a value that is no number (nan or inf)"),
        ("3 2\nthe 1 2\nfilm 3 4\n", ": cut short: by its header it has 3 words, and there are 2"),
        ("1 2\nthe 1 2\nfilm 3 4\n", ": by its header it has 1 words, and there are 2"),
        ("3 2\nabc def ghi\n", ":2: 'def' is no number"),
        ("", ": is empty"),
        ("3 2", ": cut short: by its header it has 3 words, and there are 0"),
        ("0 5\n", ": holds no word with a vector"),
        ("\xff \n", ": is no table of vectors"),
        ("Just some prose.\n", ": is no table of vectors"),
        ("text\tlabel\nfilm\t1\n", ": is no table of vectors"),
        (b"\x80\x04\x95gensim 1 2\n", ": is a pickle, which textkit never opens"),
        (b"\x80\x04\x95\x00gensim", ": is a pickle"),
    ],
)
def test_what_is_wrong_is_told_by_its_line(tmp_path: Path, data: str | bytes, why: str) -> None:
    file = tmp_path / "a.txt"
    with pytest.raises(InputError, match=re.escape(f"{file}{why}")):
        read(file, data)


def test_a_cut_gzip_file(tmp_path: Path) -> None:
    file = tmp_path / "a.txt.gz"
    keyed().save_word2vec_format(str(tmp_path / "a.txt"))
    file.write_bytes(gzip.compress((tmp_path / "a.txt").read_bytes())[:-20])
    with pytest.raises(InputError, match="gzip data is cut short"):
        read_table(str(file))


def test_small_blocks_give_the_same_and_the_right_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Odd lines on both sides of where a block ends."""
    monkeypatch.setattr(text, "PARSED", 40)
    monkeypatch.setattr("textkit.streams.bytesource.FIRST", 30)
    monkeypatch.setattr("textkit.streams.bytesource.READ", 16)
    words = [f"w{i}" if i % 3 else f"w {i}x" for i in range(60)]
    vectors = vectors_for(60, 2)
    lines = [f"{word} {' '.join(map(str, vector.tolist()))}" for word, vector in zip(words, vectors, strict=True)]
    same(read(tmp_path / "a.txt", "60 2\n" + "\n".join(lines) + "\n"), words, vectors)
    with pytest.raises(InputError, match=r"a\.txt:48: 'y' is no number"):
        read(tmp_path / "a.txt", "\n".join([*lines[:47], "z 1 y", *lines[48:]]))


def test_words_that_a_form_cannot_hold(tmp_path: Path) -> None:
    for form in ("word2vec", "glove", "word2vec-binary", "fasttext"):
        with pytest.raises(InputError, match=r"cannot hold a word with white space \('New York'\).*arrow"):
            write_table(table_of(["a", "New York"]), str(tmp_path / "out"), form)
    assert not (tmp_path / "out").exists()


@given(
    st.lists(
        st.text(st.characters(codec="utf-8", exclude_characters="\n\r"), min_size=1).filter(lambda w: w == w.strip() and w not in SPECIALS),
        min_size=2,
        unique=True,
    )
)
def test_any_words(tmp_path_factory: pytest.TempPathFactory, words: list[str]) -> None:
    """Words with spaces too, where the last part is none that could be a number."""
    words = [f"{word}_" for word in words]
    lines = "".join(f"{word} 0.5 {i}.25\n" for i, word in enumerate(words))
    file = tmp_path_factory.mktemp("text") / "a.txt"
    table = read(file, f"{len(words)} 2\n{lines}")
    assert table.vocabulary.tokens[HEAD:] == words
    assert table.vectors[HEAD:, 1].tolist() == [i + 0.25 for i in range(len(words))]
