"""Questions about words: as gensim answers them."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
import unicodedata
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from gensim.models import KeyedVectors

from tests.conftest import Textkit
from tests.making import records_of, run
from tests.searching.making import ANIMALS, of_gensim, saved, table_of
from textkit.artifacts import checking
from textkit.embeddings.subwords import Subwords
from textkit.errors import InputError
from textkit.searching.answering import NEIGHBOURS, ODD, SIMILARITY, Similar
from textkit.searching.words import Words
from textkit.streams.members import BadRecords

WORDS = [*ANIMALS, *(f"word{number}" for number in range(500))]
TABLE = table_of(WORDS)
GENSIM = of_gensim(TABLE)


@pytest.fixture(scope="module")
def vec(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved(tmp_path_factory.mktemp("searching") / "vec", TABLE)


def asked(vec: Path, lines: list[str], mode: str = NEIGHBOURS, k: int = 10, **more: Any) -> list[dict[str, Any]]:
    found = records_of(run(lines, Similar(Words.load(vec), mode, k, **more)))
    assert [record["query"] for record in found] == lines
    return found


def same(answer: list[dict[str, Any]], due: list[tuple[str, float]]) -> None:
    assert [one["word"] for one in answer] == [word for word, _ in due]
    np.testing.assert_allclose([one["score"] for one in answer], [score for _, score in due], atol=2e-6)


def test_neighbours_of_words_and_of_sums(vec: Path) -> None:
    lines = ["cat", "cat - dog + horse", "new york", '"new york" - cat', "-", "e-mail + 왕 + word7", "- cat", "word1 + word1"]
    sums: list[tuple[list[str], list[str]]] = [
        (["cat"], []), (["cat", "horse"], ["dog"]), (["new york"], []), (["new york"], ["cat"]), (["-"], []),
        (["e-mail", "왕", "word7"], []), ([], ["cat"]), (["word1", "word1"], []),
    ]  # fmt: skip
    for answer, (positive, negative) in zip(asked(vec, lines), sums, strict=True):
        same(answer["neighbours"], GENSIM.most_similar(positive, negative, topn=10))


def test_more_neighbours_than_words(vec: Path) -> None:
    answer = asked(vec, ["cat"], k=600)[0]["neighbours"]
    same(answer, GENSIM.most_similar("cat", topn=600))
    assert len(answer) == len(WORDS) - 1


def test_similarity(vec: Path) -> None:
    answers = asked(vec, ["cat dog", "cat\tnew york", '"new york" -', "cat cat", "cat nosuch", ""], SIMILARITY)
    due = [GENSIM.similarity(*pair) for pair in (("cat", "dog"), ("cat", "new york"), ("new york", "-"), ("cat", "cat"))]
    np.testing.assert_allclose([answer["similarity"] for answer in answers[:4]], due, atol=2e-6)
    assert [answer["similarity"] for answer in answers[4:]] == [None, None]


def test_odd_one_out(vec: Path) -> None:
    rng = np.random.default_rng(1)
    plain = [word for word in WORDS if " " not in word]
    lists = [list(rng.choice(plain, size, replace=False)) for size in (3, 4, 5, 8, 20) for _ in range(10)]
    answers = asked(vec, [" ".join(words) for words in lists], ODD)
    assert [answer["odd_one_out"] for answer in answers] == [GENSIM.doesnt_match(words) for words in lists]


def test_odd_one_out_leaves_words_without_a_vector_out(vec: Path) -> None:
    answers = asked(vec, ["x cat dog horse y", "x cat dog", "x y cat", "x y z", ""], ODD)
    assert [answer["odd_one_out"] for answer in answers] == [
        GENSIM.doesnt_match(["cat", "dog", "horse"]),
        None,
        None,
        None,
        None,
    ]  # of two both are as near


def test_words_without_a_vector_get_an_empty_answer(vec: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stage = Similar(Words.load(vec), NEIGHBOURS, 3)
    answers = records_of(run(["cat", "nosuch", "cat + nosuch", "[PAD]", "", "cat - cat"], stage))
    assert [len(answer["neighbours"]) for answer in answers] == [3, 0, 0, 0, 0, 0]
    stage.finish()
    assert "warning: 3 of 6 queries have words without a vector: 'nosuch', '[PAD]'" in capsys.readouterr().err


def test_words_in_pieces_are_found_composed(vec: Path, tmp_path: Path) -> None:
    pieces = unicodedata.normalize("NFD", "왕")
    composed, found = (asked(vec, [word], k=3)[0]["neighbours"] for word in ("왕", pieces))
    assert composed == found != []
    table = dataclasses.replace(TABLE, subwords=Subwords(np.random.default_rng(1).normal(size=(1000, TABLE.dim)).astype(np.float32), 1, 3))
    words = Words.load(saved(tmp_path / "sub", table))
    made = [words.vectors_of(pl.Series([unicodedata.normalize(form, "영화관")]))[0] for form in ("NFC", "NFD")]
    np.testing.assert_array_equal(made[0], made[1])


def test_strictly_they_are_bad_records(vec: Path) -> None:
    with pytest.raises(BadRecords, match="'nosuch' has no vector") as caught:
        asked(vec, ["cat", "nosuch + nor", "cat", "other"], strict=True)
    assert [row for row, _ in caught.value.faults] == [1, 3]


@pytest.mark.parametrize(("mode", "line", "said"), [(SIMILARITY, "cat", "two words are due, not 1"), (ODD, "cat dog", "three words or more")])
def test_lines_of_too_few_words(vec: Path, mode: str, line: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        asked(vec, [line], mode)


def test_subwords_make_vectors_of_unknown_words(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    subwords = Subwords(rng.normal(size=(100, 12)).astype(np.float32), 2, 4)
    table = dataclasses.replace(TABLE, subwords=subwords)
    place = saved(tmp_path / "vec", table)
    made, _ = table.vectors_of(pl.Series(["catty"]))
    due = GENSIM.similar_by_vector(made[0], topn=5)
    same(asked(place, ["catty"], k=5)[0]["neighbours"], due)
    assert records_of(run(["catty"], Similar(Words.load(place, by_subwords=False), NEIGHBOURS, 5)))[0]["neighbours"] == []


def test_a_table_of_float16(tmp_path: Path) -> None:
    half = TABLE.stored_as("float16")
    answer = asked(saved(tmp_path / "vec", half), ["cat - dog"])[0]["neighbours"]
    same(answer, of_gensim(half).most_similar(["cat"], ["dog"]))


@pytest.fixture
def told(textkit: Textkit) -> Textkit:
    saved(textkit.folder / "vec", TABLE)
    return textkit


def test_as_a_process(told: Textkit) -> None:
    done = told("similar", "vec", "-k", 2, stdin="cat\ncat - dog + horse\n")
    first, second = map(json.loads, done.stdout.splitlines())
    same(first["neighbours"], GENSIM.most_similar("cat", topn=2))
    same(second["neighbours"], GENSIM.most_similar(["cat", "horse"], ["dog"], topn=2))
    assert list(first) == ["query", "neighbours"]
    assert told("similar", "vec", "-k", 2, "--query", "cat", "--query", "cat - dog + horse").stdout == done.stdout


def test_fields_of_the_users_stay(told: Textkit) -> None:
    done = told("similar", "vec", "--similarity", stdin='{"id":7,"text":"cat dog"}\n')
    assert json.loads(done.stdout) == {"id": 7, "query": "cat dog", "similarity": pytest.approx(float(GENSIM.similarity("cat", "dog")), abs=1e-6)}


def test_through_arrow_and_a_pipe(told: Textkit) -> None:
    plain = told("similar", "vec", stdin="cat\nnosuch\n").stdout
    told("similar", "vec", "-o", "found.arrow", stdin="cat\nnosuch\n")
    assert told("convert", "found.arrow", "--no-lineage").stdout == plain
    assert told("pipe", "tokenize --method words | similar vec --drop tokens", stdin="cat\nnosuch\n").stdout == plain


@pytest.mark.parametrize("binary", [False, True])
def test_the_file_of_another_program(told: Textkit, binary: bool) -> None:
    words = [word for word in WORDS if " " not in word]
    gensim = KeyedVectors(TABLE.dim)
    gensim.add_vectors(words, GENSIM[words])
    gensim.save_word2vec_format(str(told.folder / "words.bin" if binary else told.folder / "words.vec"), binary=binary)
    answer = json.loads(told("similar", "words.bin" if binary else "words.vec", "--query", "cat + dog").stdout)
    same(answer["neighbours"], gensim.most_similar(["cat", "dog"]))


def test_answers_come_line_by_line(told: Textkit) -> None:
    """Who types into a pipe need not wait for its end."""
    command = [sys.executable, "-m", "textkit", "similar", "vec", "-k", "1"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=told.folder, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for word in ("cat", "dog", "cat"):
            process.stdin.write(word + "\n")
            process.stdin.flush()
            assert json.loads(process.stdout.readline())["query"] == word
        process.stdin.close()
        assert process.wait(30) == 0


def test_a_damaged_table_ends_the_run_and_leaves_no_file(told: Textkit) -> None:
    with (told.folder / "vec" / "vectors.safetensors").open("r+b") as file:
        file.seek(-4, 2)
        file.write(b"abcd")
    result = told("similar", "vec", "--query", "cat", "-o", "found.jsonl", code=3)
    assert "vectors.safetensors: the contents are not those that were saved" in result.stderr
    assert not (told.folder / "found.jsonl").exists()


def test_a_large_one_too(vec: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checking, "LARGE", 1000)
    place = saved(tmp_path / "vec", TABLE)
    with (place / "vectors.safetensors").open("r+b") as file:
        file.seek(-4, 2)
        file.write(b"abcd")
    stream = run(["cat"], Similar(Words.load(place), NEIGHBOURS, 1))
    with pytest.raises(InputError, match="the contents are not those that were saved"):
        records_of(stream)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--query", "cat", "queries.txt"], 2, "--query is all that is asked"),
        (["--similarity", "--odd-one-out", "--query", "cat"], 2, "two questions"),
        (["--similarity", "-k", "3", "--query", "cat dog"], 2, "--similarity gives none"),
        (["--oov", "zero", "--query", "cat"], 2, "--oov zero"),
        (["--oov", "subword", "--query", "cat"], 2, "needs an embedding of subwords"),
        (["--oov", "error", "--query", "nosuch"], 3, "query:1: 'nosuch' has no vector"),
        (["cat"], 3, "cat: no such file; a query itself is --query 'cat'"),
        (["--query", "cat -"], 3, "a sign without a word"),
    ],
)
def test_mistakes(told: Textkit, words: list[str], code: int, said: str) -> None:
    result = told("similar", "vec", *words, code=code)
    assert said in result.stderr
    assert not result.stdout


def test_a_sign_out_of_place_is_a_bad_record(told: Textkit) -> None:
    done = told("similar", "vec", "--on-error", "skip", stdin="cat\ncat -\ndog\n")
    assert [json.loads(line)["query"] for line in done.stdout.splitlines()] == ["cat", "dog"]
    assert "1 skipped" in done.stderr
