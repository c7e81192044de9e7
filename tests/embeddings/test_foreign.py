"""Other programs' vectors through the command line: adopted, found again, converted, listed, shown."""

from __future__ import annotations

import gzip
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gensim.models import KeyedVectors

from tests.artifacts.test_known import later
from tests.conftest import Textkit
from tests.embeddings.files.making import keyed, same, vectors_for
from tests.making import records_of, run
from textkit.cli import group
from textkit.commands import convert
from textkit.embeddings import foreign
from textkit.embeddings.files.names import FORMS, form_of
from textkit.embeddings.stage import Embed
from textkit.embeddings.table import Table
from textkit.errors import InputError, TextkitError
from textkit.tokenizers.vocabulary import SPECIALS

WORDS = ["the", "film", "영화", "great"]
VECTORS = vectors_for(4)


@pytest.fixture
def place(textkit: Textkit) -> Textkit:
    keyed(WORDS).save_word2vec_format(str(textkit.folder / "glove.txt"), write_header=False)
    keyed(WORDS).save_word2vec_format(str(textkit.folder / "vectors.bin"), binary=True)
    (textkit.folder / "glove.txt.gz").write_bytes(gzip.compress((textkit.folder / "glove.txt").read_bytes()))
    return textkit


def listed(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


@pytest.fixture
def here(place: Textkit, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same folder, for commands in this process."""
    monkeypatch.chdir(place.folder)
    return place.folder


def written(capfd: Any, *words: object) -> list[dict[str, Any]]:
    """The records that a command writes to stdout."""
    capfd.readouterr()
    command(*words)
    return listed(capfd.readouterr().out)


def command(*words: object) -> None:
    group.main([*map(str, words)], standalone_mode=False)


@pytest.mark.parametrize("name", ["glove.txt", "glove.txt.gz", "vectors.bin"])
def test_loading_a_file_of_another_program(place: Textkit, name: str) -> None:
    done = place("embed", "--load", name, "--pool", "mean", stdin="the great unseen\n")
    header, record, _ = listed(done.stdout)
    assert header["textkit"]["stages"][1]["method"] == "pretrained"
    assert record["ids"] == [len(SPECIALS), len(SPECIALS) + 3, SPECIALS.index("[UNK]")]
    np.testing.assert_allclose(record["vector"], (VECTORS[0] + VECTORS[3]) / 2, rtol=1e-6)
    assert "4 vectors of 8, in the form of " in done.stderr


def test_the_second_time_it_is_not_read_again(place: Textkit, monkeypatch: pytest.MonkeyPatch) -> None:
    file = place.folder / "glove.txt.gz"
    with later():
        first = foreign.adopted(file)
        same(Table.load(first), WORDS, VECTORS)
        monkeypatch.setattr(foreign, "read_table", None)
        assert foreign.adopted(file) == first
        time.sleep(0.02)
        file.write_bytes(gzip.compress(b"the 1 2\n"))
        monkeypatch.undo()
    with later():
        assert Table.load(foreign.adopted(file)).dim == 2


def test_a_stage_of_adopted_vectors_is_restored_from_the_lineage(place: Textkit) -> None:
    from textkit.stage import restore

    stream = run(["the film"], Embed.load(place.folder / "vectors.bin", "mean"))
    due = records_of(stream)
    (place.folder / "vectors.bin").unlink()
    assert records_of(run(["the film"], restore(stream.lineage.stages[1]))) == due


def test_a_folder_of_ours_stays_and_nothing_is_an_error(tmp_path: Path) -> None:
    assert foreign.adopted(tmp_path) == tmp_path
    with pytest.raises(InputError, match=r"gone: no such file or folder; give a folder that --save made, or word2vec"):
        foreign.adopted(tmp_path / "gone")


def test_pretrained_is_never_trained(place: Textkit) -> None:
    assert "is loaded, not learned; give --load" in place("embed", "--method", "pretrained", stdin="a b\n", code=2).stderr
    place("embed", "--method", "pretrained", "--load", "glove.txt", stdin="a b\n")


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("a.vec", "word2vec"), ("a.w2v.gz", "word2vec"), ("a.bin", "word2vec-binary"), ("a.BIN.gz", "word2vec-binary"), ("a.glove", "glove"),
        ("a.glove.txt.gz", "glove"), ("a.fasttext.bin", "fasttext"),
        ("glove.6B.txt.gz", "glove"), ("a.txt", None), ("glove.jsonl", None), ("bin", None), (".bin", "word2vec-binary"),
        ("a.bin/b", None), (None, None),
    ],
)  # fmt: skip
def test_what_a_name_means(name: str | None, form: str | None) -> None:
    assert form_of(name) == form
    assert form_of(name, is_table=True) == ("word2vec" if name == "a.txt" else form)
    assert set(convert.FORMS) == set(FORMS)


def test_converting_round_the_circle(place: Textkit, here: Path) -> None:
    command("convert", "glove.txt.gz", "-o", "vec/")
    for source, target in [
        ("vec", "a.vec.gz"),
        ("a.vec.gz", "a.bin"),
        ("a.bin", "a.glove"),
        ("a.glove", "a.fasttext.bin"),
        ("a.fasttext.bin", "end/"),
    ]:
        command("convert", source, "-o", target)
    same(Table.load(here / "end"), WORDS, VECTORS)
    for name, more in {"a.vec.gz": {}, "a.bin": {"binary": True}, "a.glove": {"no_header": True}}.items():
        found = KeyedVectors.load_word2vec_format(str(here / name), **more)
        assert found.index_to_key == WORDS
        assert found.vectors.tobytes() == VECTORS.tobytes()
    place.shell("textkit convert --format glove - -o out.txt < vectors.bin && cmp out.txt a.glove")
    place.shell("textkit convert --format word2vec-binary vec > out.bin && cmp out.bin vectors.bin")


@pytest.mark.parametrize("name", ["a.vec", "a.bin", "a.glove"])
def test_a_file_that_is_called_so_is_a_table_wherever_it_goes(here: Path, name: str, capfd: pytest.CaptureFixture[str]) -> None:
    command("convert", "vectors.bin", "-o", name)
    command("convert", name, "-o", f"of-{name}/")
    command("convert", name, "-o", "bare")
    for folder in (f"of-{name}", "bare"):
        same(Table.load(here / folder), WORDS, VECTORS)
    assert [record["text"] for record in written(capfd, "convert", name)] == WORDS
    command("convert", name, "-o", "a.jsonl")
    assert [record["text"] for record in listed((here / "a.jsonl").read_text())] == WORDS
    command("convert", name, "-o", "a.txt")
    assert (here / "a.txt").read_text().startswith("4 8\n")


def test_a_table_may_be_read_as_text_all_the_same(here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert [len(record["text"].split()) for record in written(capfd, "convert", "glove.txt", "--from", "text", "--no-lineage")] == [9] * 4


def test_converting_to_records(here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    command("convert", "vectors.bin", "-o", "vec/")
    due = [{"text": word, "vector": pytest.approx(vector.tolist(), rel=1e-6), "count": 1} for word, vector in zip(WORDS, VECTORS, strict=True)]
    assert written(capfd, "convert", "vec") == due
    command("convert", "vec", "-o", "words.arrow")
    assert written(capfd, "convert", "words.arrow", "--to", "jsonl", "--no-lineage") == due
    for name in ("words.arrow", "words.jsonl.gz", "words.parquet"):
        command("convert", "vec", "-o", name)
        command("convert", name, "-o", "back.bin")
        assert (here / "back.bin").read_bytes() == (here / "vectors.bin").read_bytes()
    assert written(capfd, "convert", "vec", "--keep", "text") == [{"text": word} for word in WORDS]


@pytest.mark.parametrize(
    ("words", "code", "why"),
    [
        (["vec", "-o", "b/"], 2, "is a folder of textkit's already"),
        (["glove.txt", "-o", "vec/"], 2, "vec: exists already; add --force"),
        (["glove.txt", "vectors.bin", "-o", "a.vec"], 2, "one table of vectors"),
        (["glove.txt", "-o", "a.vec", "--limit", "3"], 2, "--limit is for records"),
        (["vec", "-o", "a.vec", "--keep", "text"], 2, "--keep is for records"),
        (["glove.txt", "-o", "gone/a.vec"], 6, "no such folder"),
        (["gone.txt", "-o", "a.vec"], 3, "no such file"),
        (["words.jsonl", "-o", "a.vec"], 3, "words.jsonl:2: a vector of 1 numbers, and those before have 2"),
        (["other.jsonl", "-o", "a.vec"], 3, "other.jsonl:1: the record has no 'vector'; records of words have text and vector"),
        (["tok", "-o", "a.vec"], 3, "is no artifact"),
        (["reviews.tsv", "-o", "a.vec"], 3, "is no table of vectors that textkit reads; give word2vec's text or binary"),
        (["reviews.tsv", "-o", "a.jsonl", "--force"], 2, "--force replaces a folder"),
    ],
)
def test_conversions_that_cannot_be(here: Path, words: list[str], code: int, why: str) -> None:
    (here / "reviews.tsv").write_text("label\ttext\ngood\tgreat film\n")
    (here / "words.jsonl").write_text('{"text":"a","vector":[1,2]}\n{"text":"b","vector":[3]}\n')
    (here / "other.jsonl").write_text('{"text":"a"}\n')
    (here / "tok").mkdir()
    command("convert", "vectors.bin", "-o", "vec/")
    before = sorted(here.iterdir())
    with pytest.raises(TextkitError) as caught:
        command("convert", *words)
    assert why in str(caught.value)
    assert caught.value.exit_code == code
    assert sorted(here.iterdir()) == before


def test_a_folder_is_replaced_with_force(here: Path) -> None:
    command("convert", "vectors.bin", "-o", "vec/")
    (here / "small.txt").write_text("a 1 2\n")
    command("convert", "small.txt", "-o", "vec/", "--force")
    assert Table.load(here / "vec").dim == 2


def test_words_of_what_is_loaded(place: Textkit) -> None:
    found = listed(place("embed", "--load", "glove.txt", "--words").stdout)
    assert [record["text"] for record in found] == WORDS
    assert np.array([record["vector"] for record in found], np.float32).tobytes() == VECTORS.tobytes()
    place("embed", "--load", "glove.txt", "--words", "-o", "a.bin")
    assert (place.folder / "a.bin").read_bytes() == (place.folder / "vectors.bin").read_bytes()


def test_words_of_what_is_learned(place: Textkit) -> None:
    text = "the film was great\nthe cast was great\n" * 5
    found = listed(place("embed", "--words", "--min-count", 1, "--dim", 4, "--save", "vec", stdin=text).stdout)
    assert {record["text"]: record["count"] for record in found} == {"the": 10, "was": 10, "great": 10, "film": 5, "cast": 5}
    table = Table.load(place.folder / "vec")
    assert [record["vector"] for record in found] == [pytest.approx(row.tolist(), rel=1e-5) for row in table.vectors[len(SPECIALS) :]]
    place("embed", "--load", "vec", "--words", "-o", "out.txt")
    assert KeyedVectors.load_word2vec_format(str(place.folder / "out.txt")).vectors.tobytes() == table.vectors[len(SPECIALS) :].tobytes()
    piped = place("pipe", "tokenize | embed --words --min-count 1 --dim 4", stdin=text)
    assert listed(piped.stdout) == found


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--pool", "mean"], "--pool is for records"),
        (["glove.txt"], "a file to read is one too many"),
        (["-o", "a.vec", "--keep", "text"], "--keep is for records"),
    ],
)
def test_words_with_what_is_for_records(place: Textkit, words: list[str], why: str) -> None:
    assert why in place("embed", "--load", "vectors.bin", "--words", *words, code=2).stderr


def test_show_says_what_it_is(place: Textkit) -> None:
    place("convert", "vectors.bin", "-o", "vec/")
    told = place("show", "vec").stdout
    assert "an embedding of method pretrained" in told
    assert "4, 8 wide" in told
    assert "a file of word2vec-binary" in told
    facts = json.loads(place("show", "vec", "--json").stdout)
    assert (facts["words"], facts["dim"], facts["form"]) == ({"with_vector": 4, "occurrences": 4}, 8, "word2vec-binary")
    place("embed", "--method", "fasttext", "--min-count", 1, "--dim", 4, "--save", "ft", stdin="the film was great\n" * 5)
    told = place("show", "ft").stdout
    assert "4, 4 wide, of words that occur 20 times" in told
    assert "3 to 6 characters, in " in told
