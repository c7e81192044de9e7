"""word2vec's binary form, bit by bit as gensim reads and writes it."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest
from gensim.models import KeyedVectors

from tests.embeddings.files.making import WORDS, keyed, same, table_of, vectors_for, words_of
from textkit.embeddings.files import feed
from textkit.embeddings.files.reading import read_table
from textkit.embeddings.files.writing import write_table
from textkit.errors import InputError


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("part", [1, 50, 1 << 20])
def test_what_gensim_writes(tmp_path: Path, packed: bool, part: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "PART", part)
    monkeypatch.setattr("textkit.streams.bytesource.READ", max(16, part))
    file = tmp_path / "vectors.bin"
    keyed().save_word2vec_format(str(file), binary=True)
    if packed:
        file.write_bytes(gzip.compress(file.read_bytes()))
    table, form = read_table(str(file))
    assert form == "word2vec-binary"
    same(table, WORDS, vectors_for(len(WORDS)))


def test_what_gensim_reads_and_writes_are_the_same_bytes(tmp_path: Path) -> None:
    ours, theirs = tmp_path / "ours.bin", tmp_path / "theirs.bin"
    write_table(table_of(), str(ours), "word2vec-binary")
    keyed().save_word2vec_format(str(theirs), binary=True)
    assert ours.read_bytes() == theirs.read_bytes()
    found = KeyedVectors.load_word2vec_format(str(ours), binary=True)
    assert found.index_to_key == WORDS
    assert found.vectors.tobytes() == vectors_for(len(WORDS)).tobytes()


def test_as_word2vec_itself_writes_it_with_line_breaks(tmp_path: Path) -> None:
    file = tmp_path / "a.bin"
    file.write_bytes(b"2 3\n" + b"the " + struct.pack("<3f", 1, 2, 3) + b"\n" + b"film " + struct.pack("<3f", 4, 5, 6) + b"\n")
    assert {word: vector.tolist() for word, vector in words_of(read_table(str(file))[0]).items()} == {"the": [1, 2, 3], "film": [4, 5, 6]}


@pytest.mark.parametrize("keep", [5, 20, 60, -1])
def test_cut_short(tmp_path: Path, keep: int) -> None:
    file = tmp_path / "a.bin"
    keyed().save_word2vec_format(str(file), binary=True)
    file.write_bytes(file.read_bytes()[:keep])
    with pytest.raises(InputError, match=f"cut short: by its header it has {len(WORDS)} words|is no table|holds no word|2 values after the word"):
        read_table(str(file))


def test_what_is_wrong(tmp_path: Path) -> None:
    file = tmp_path / "a.bin"
    vectors = vectors_for(2, 4)
    whole = b"2 4\nthe " + vectors[0].tobytes() + b"film " + vectors[1].tobytes()
    file.write_bytes(whole + b"more")
    with pytest.raises(InputError, match="goes on after the 2 words"):
        read_table(str(file))
    vectors[1, 2] = np.nan
    file.write_bytes(b"2 4\nthe " + vectors[0].tobytes() + b"film " + vectors[1].tobytes())
    with pytest.raises(InputError, match=r"a\.bin: word 2: the vector of 'film' has a value that is no number"):
        read_table(str(file))
    file.write_bytes(b"2 4\n" + b"\x00" * (1 << 18))
    with pytest.raises(InputError, match="no end of a word"):
        read_table(str(file))


def test_words_that_are_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, vectors = tmp_path / "a.bin", vectors_for(4, 4)
    names = (b"the ", b"\xff\xff ", b"the ", b"film ")
    file.write_bytes(b"4 4\n" + b"".join(name + vector.tobytes() for name, vector in zip(names, vectors, strict=True)))
    found = words_of(read_table(str(file))[0])
    assert {word: vector.tolist() for word, vector in found.items()} == {"the": vectors[0].tolist(), "film": vectors[3].tolist()}
    told = capsys.readouterr().err
    assert "1 word left out: not UTF-8" in told
    assert "1 word left out: there before" in told
