"""Search by meaning: the records of a file that are nearest to a text, or to a vector."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.conftest import Textkit
from tests.searching.making import saved, table_of
from textkit.embeddings.table import Table

WORDS = ["good", "bad", "film", "cast", "warm", "cold", "재밌게", "the"]
TEXTS = ["good film", "bad film", "", "warm cast , good film", "cold cast", "재밌게 warm", "nothing known"] * 5
TABLE = table_of(WORDS)


@pytest.fixture(scope="module")
def things(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """vec, and records of it as Arrow, as JSON Lines, and without the lineage."""
    place = tmp_path_factory.mktemp("records")
    saved(place / "vec", TABLE)
    (place / "texts.txt").write_text("".join(text + "\n" for text in TEXTS), encoding="utf-8")
    run = Textkit(place)
    for name, more in {"found.arrow": [], "found.jsonl": [], "bare.jsonl": ["--no-lineage"]}.items():
        run("embed", "--load", "vec", "--pool", "mean", "texts.txt", "-o", name, *more)
    return place


def mean(table: Table, text: str) -> np.ndarray:
    rows = [table.vocabulary.tokens.index(word) for word in text.split() if word in WORDS]
    return table.vectors[rows].astype(np.float64).mean(axis=0) if rows else np.zeros(table.dim)


def by_looking(query: np.ndarray, k: int) -> list[tuple[int, str, float]]:
    """Number, text and score, of all records; those of no known word are never near."""
    found = []
    for number, text in enumerate(TEXTS, 1):
        vector = mean(TABLE, text)
        if vector.any():
            found.append((number, text, float(vector @ query / np.linalg.norm(vector) / np.linalg.norm(query))))
    return sorted(found, key=lambda one: (-round(one[2], 5), one[0]))[:k]


def check(answer: dict[str, Any], due: list[tuple[int, str, float]]) -> None:
    found = [(one["record"], one["text"]) for one in answer["neighbours"]]
    assert found == [(number, text) for number, text, _ in due]
    np.testing.assert_allclose([one["score"] for one in answer["neighbours"]], [score for _, _, score in due], atol=2e-6)


@pytest.mark.parametrize("name", ["found.arrow", "found.jsonl", "bare.jsonl"])
@pytest.mark.parametrize("k", [4, 100])
def test_the_nearest_records_of_texts(things: Path, name: str, k: int) -> None:
    queries = ["a warm film", "cold 재밌게", "good"]
    done = Textkit(things)("similar", "vec", "--records", name, "-k", k, stdin="".join(query + "\n" for query in queries))
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [answer["query"] for answer in answers] == queries
    for query, answer in zip(queries, answers, strict=True):
        assert list(answer) == ["query", "neighbours"]
        check(answer, by_looking(mean(TABLE, query), k))
    assert ("does not say how" in done.stderr) == (name == "bare.jsonl")


def test_a_query_without_a_known_word_has_no_answer(things: Path) -> None:
    done = Textkit(things)("similar", "vec", "--records", "found.arrow", "--query", "unheard of")
    assert json.loads(done.stdout) == {"query": "unheard of", "neighbours": []}
    assert "warning: 1 of 1 queries" in done.stderr


def test_queries_that_are_vectors(things: Path) -> None:
    vector = np.arange(12) / 7
    record = json.dumps({"id": "q", "vector": vector.tolist()}) + "\n"
    answer = json.loads(Textkit(things)("similar", "vec", "--records", "found.arrow", "-k", 3, stdin=record).stdout)
    assert answer.pop("id") == "q"
    assert answer["query"] is None
    check(answer, by_looking(vector, 3))


def test_records_as_queries_of_themselves(things: Path) -> None:
    done = Textkit(things)("similar", "vec", "--records", "found.arrow", "-k", 1, "found.jsonl")
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [answer["query"] for answer in answers] == TEXTS
    assert all(answer["neighbours"][0]["text"] == answer["query"] for answer in answers if answer["neighbours"])


def test_many_batches_of_records_are_as_one(things: Path) -> None:
    """Records from a pipe that pauses come in batches of few."""
    slow = "(head -n 9 found.jsonl; sleep 0.3; tail -n +10 found.jsonl) > fifo & textkit similar vec --records fifo --query film -k 30"
    once = Textkit(things)("similar", "vec", "--records", "found.jsonl", "--query", "film", "-k", 30).stdout
    assert Textkit(things).shell(f"mkfifo fifo; {slow}; wait; rm fifo").stdout == once


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["vec", "--records", "texts.txt"], 3, "no 'vector'; make them with textkit embed --pool mean"),
        (["other", "--records", "found.arrow"], 4, "of another embedding than other; give the one that they were made with (vec)"),
        (["vec", "--records", "nosuch"], 3, "nosuch: no such file"),
        (["vec", "--records", "cut.jsonl"], 3, "cut.jsonl"),
        (["vec", "--records", "narrow.jsonl"], 3, "narrow.jsonl:2: a vector of 1 numbers, where 2 are due"),
        (["vec", "--records", "empty.jsonl"], 3, "there are no records to search"),
        (["vec", "--records", "found.arrow", "--similarity"], 2, "--similarity is about words"),
    ],
)
def test_mistakes(things: Path, words: list[str], code: int, said: str) -> None:
    if not (things / "other").exists():
        saved(things / "other", table_of(WORDS, seed=9))
    (things / "cut.jsonl").write_text("".join((things / "found.jsonl").read_text().splitlines(keepends=True)[:9]))
    (things / "narrow.jsonl").write_text('{"vector":[1,2]}\n{"vector":[1]}\n')
    (things / "empty.jsonl").write_text("")
    result = Textkit(things)("similar", *words, "--query", "film", code=code)
    assert said in result.stderr
    assert not result.stdout


def test_vectors_of_queries_must_be_of_the_same_width_and_embedding(things: Path) -> None:
    told = Textkit(things)("similar", "vec", "--records", "found.arrow", stdin='{"vector":[1,2]}\n', code=3).stderr
    assert "a vector of 2 numbers, where 12 are due" in told
    if not (things / "other").exists():
        saved(things / "other", table_of(WORDS, seed=9))
    script = "textkit embed --load other --pool mean texts.txt | textkit similar vec --records found.arrow"
    assert "of another embedding than vec" in Textkit(things).shell(script, code=4).stderr
