"""fastText's .bin: gensim, which reads and writes Facebook's own files, is asked both ways."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from gensim.models import FastText
from gensim.models.fasttext import load_facebook_vectors, save_facebook_model

from tests.embeddings.files.making import table_of
from textkit.embeddings.files.fasttext import MAGIC, SETTINGS
from textkit.embeddings.files.reading import read_table
from textkit.embeddings.files.writing import write_table
from textkit.embeddings.subwords import Subwords
from textkit.errors import InputError, UsageError
from textkit.tokenizers.vocabulary import SPECIALS

UNSEEN = ["unseen", "새로운", "\U0001f600x", "x"]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("fasttext") / "model.bin"
    lines = [[f"word{i % 37}", f"단어{i % 11}", "é", "film"] for i in range(300)]
    made = FastText(lines, vector_size=12, min_count=1, bucket=500, seed=1, workers=1, epochs=2, min_n=2, max_n=5)
    save_facebook_model(made, str(file))
    return file


@pytest.mark.parametrize("packed", [True, False])
def test_the_vectors_and_counts_are_those_that_gensim_gives(model: Path, tmp_path: Path, packed: bool) -> None:
    due = load_facebook_vectors(str(model))
    file = tmp_path / "a.gz" if packed else model
    if packed:
        file.write_bytes(gzip.compress(model.read_bytes()))
    table, form = read_table(str(file))
    assert form == "fasttext"
    assert table.vocabulary.tokens == [*SPECIALS, *due.index_to_key]
    assert table.counts[len(SPECIALS) :].tolist() == [due.get_vecattr(word, "count") for word in due.index_to_key]
    words = [*due.index_to_key, *UNSEEN]
    vectors, known = table.vectors_of(pl.Series(words))
    assert known.all()
    np.testing.assert_allclose(vectors, [due[word] for word in words], rtol=1e-5, atol=1e-7)


def test_what_we_write_gensim_reads(model: Path, tmp_path: Path) -> None:
    table, due = read_table(str(model))[0], load_facebook_vectors(str(model))
    write_table(table, str(tmp_path / "out.bin"), "fasttext")
    found = load_facebook_vectors(str(tmp_path / "out.bin"))
    assert found.index_to_key == due.index_to_key
    for word in [*due.index_to_key, *UNSEEN]:
        np.testing.assert_allclose(found[word], due[word], rtol=1e-4, atol=1e-7)
    again = read_table(str(tmp_path / "out.bin"))[0]
    np.testing.assert_allclose(again.vectors, table.vectors, rtol=1e-4, atol=1e-7)
    assert again.subwords is not None
    assert table.subwords is not None
    assert again.subwords.vectors.tobytes() == table.subwords.vectors.tobytes()


def test_without_subwords_it_is_the_words_bit_by_bit(tmp_path: Path) -> None:
    table = table_of(["the", "film", "영화"])
    write_table(table, str(tmp_path / "out.bin"), "fasttext")
    again = read_table(str(tmp_path / "out.bin"))[0]
    assert again.subwords is None
    assert again.vocabulary.tokens == table.vocabulary.tokens
    assert again.vectors.tobytes() == table.vectors.tobytes()


def by_hand(version: int = 12, words: int = 2, labels: int = 0, pruned: int = -1, quantized: bool = False, **more: Any) -> bytes:
    """A model of `</s>` and `ab`, 3 buckets, all rows known: word rows 1 and 2, n-grams 10, 20, 30."""
    settings = struct.pack("<" + SETTINGS, 2, 5, 5, 1, 5, 1, 2, more.get("model", 2), 3, 3, more.get("max_n", 6), 100, 1e-4)
    entries = b"".join(name + struct.pack("<xqb", count, kind) for name, count, kind in ((b"</s>", 7, 0), (more.get("word", b"ab"), 3, 0)))
    entries += b"".join(b"__label__x" + struct.pack("<xqb", 9, 1) for _ in range(labels))
    rows = np.repeat(np.array(more.get("rows", [1, 2, 10, 20, 30]), np.float32)[:, None], 2, 1)
    output = struct.pack("<?qq", False, 2, 2) + bytes(16)
    return (
        MAGIC + struct.pack("<i", version) + settings + struct.pack("<3iqq", words + labels, words, labels, 10, pruned) + entries
        + struct.pack("<?qq", quantized, len(rows), 2) + rows.tobytes() + output
    )  # fmt: skip


def test_the_end_of_a_line_has_no_ngrams(tmp_path: Path) -> None:
    """Only `ab` is the mean of its own row and those of `<ab`, `ab>` and `<ab>`."""
    (tmp_path / "a.bin").write_bytes(by_hand())
    table = read_table(str(tmp_path / "a.bin"))[0]
    assert table.subwords is not None
    sums, sizes = table.subwords.sums(pl.Series(["ab"]))
    assert sizes.tolist() == [3]
    assert table.vectors[SPECIALS.index("</s>")].tolist() == [1, 1]
    assert table.vectors[len(SPECIALS)].tolist() == ((2 + sums[0]) / 4).tolist()
    assert table.counts.tolist() == [0] * (len(SPECIALS) - 1) + [7, 3]


def test_a_classifier_gives_its_words_and_no_labels(tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(by_hand(labels=2, model=3, max_n=0))
    table = read_table(str(tmp_path / "a.bin"))[0]
    assert table.vocabulary.tokens == [*SPECIALS, "ab"]
    assert table.subwords is None
    assert table.vectors[len(SPECIALS)].tolist() == [2, 2]
    (tmp_path / "a.bin").write_bytes(by_hand(version=11, model=3))  # which has no n-grams, whatever it says
    assert read_table(str(tmp_path / "a.bin"))[0].subwords is None


def test_a_word_that_is_no_utf8_is_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.bin").write_bytes(by_hand(word=b"a\xff"))
    table = read_table(str(tmp_path / "a.bin"))[0]
    assert table.vocabulary.tokens == [*SPECIALS]
    assert table.vectors[SPECIALS.index("</s>")].tolist() == [1, 1]
    assert "1 word left out: not UTF-8" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (by_hand(version=10), "version 10, and those of 11 and 12"),
        (by_hand(version=13), "version 13"),
        (by_hand(quantized=True), "quantized"),
        (by_hand(pruned=0), "quantized"),
        (by_hand(rows=[1, 2, 10, 20]), "its matrix is 4 x 2, and 5 x 2 is due"),
        (by_hand(rows=[1, 2, 10, 20, np.nan]), "n-grams have a value that is no number"),
        (by_hand(rows=[1, np.inf, 10, 20, 30]), "word 2: the vector of 'ab' has a value that is no number"),
        (by_hand(words=5), "sizes of its dictionary|cut short|damaged"),
        *((by_hand()[:keep], "cut short") for keep in (6, 30, 70, 95, 110, 120, 150, -1)),
    ],
)
def test_what_is_wrong(tmp_path: Path, data: bytes, why: str) -> None:
    (tmp_path / "a.bin").write_bytes(data)
    with pytest.raises(InputError, match=why):
        read_table(str(tmp_path / "a.bin"))


def test_jamo_has_no_place_in_it(tmp_path: Path) -> None:
    table = table_of(["a", "b"], 2)
    table.subwords = Subwords(np.zeros((5, 2), np.float32), 3, 6, jamo=True)
    with pytest.raises(UsageError, match="jamo"):
        write_table(table, str(tmp_path / "out.bin"), "fasttext")
    assert not (tmp_path / "out.bin").exists()
