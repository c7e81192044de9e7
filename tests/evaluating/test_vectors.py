"""Word vectors on pairs and analogies: as gensim measures them."""

from __future__ import annotations

import bz2
import dataclasses
import gzip
import json
import lzma
import unicodedata
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from gensim.models import KeyedVectors
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from tests.conftest import Textkit
from tests.searching.making import of_gensim, saved, table_of
from textkit.embeddings.subwords import Subwords
from textkit.embeddings.table import Table
from textkit.errors import InputError
from textkit.evaluating.pairs import ranks
from textkit.evaluating.vectors import VectorReport, measure_vectors

PLACES = [("Athens", "Greece"), ("Berlin", "Germany"), ("Paris", "France"), ("Rome", "Italy"), ("Seoul", "Korea"), ("Oslo", "Norway")]
FORMS = [("go", "went"), ("see", "saw"), ("eat", "ate"), ("run", "ran")]
OTHERS = ["athens", "PARIS", "rome", "GO", "cat", "dog", "the", *(f"word{number}" for number in range(60))]
WORDS = [*[word for pair in [*PLACES, *FORMS] for word in pair], *OTHERS]


def table() -> Table:
    """Vectors in which a capital and its country differ by nearly the same, so that some questions are answered."""
    made = table_of(WORDS, 8, seed=4)
    rng = np.random.default_rng(2)
    for pairs, step in ((PLACES, rng.normal(size=8)), (FORMS, rng.normal(size=8))):
        for first, second in pairs:
            rows = [made.vocabulary.tokens.index(word) for word in (first, second)]
            made.vectors[rows[1]] = made.vectors[rows[0]] / np.linalg.norm(made.vectors[rows[0]]) + step + rng.normal(size=8) * 0.3
    return made


TABLE = table()
QUESTIONS = [f"{a} {b} {c} {d}" for pairs in (PLACES, FORMS) for a, b in pairs for c, d in pairs if a != c]


@pytest.fixture(scope="module")
def vec(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved(tmp_path_factory.mktemp("vectors") / "vec", TABLE)


@pytest.fixture
def questions(tmp_path: Path) -> str:
    """Some in the case of the table, some not, some of words that are not there."""
    lines = [": places", *QUESTIONS[:30], "Athens Greece Nowhere Land", "berlin germany rome italy", ": forms", *QUESTIONS[30:], "go went SEE SAW"]
    (tmp_path / "questions.txt").write_text("\n".join(lines) + "\n")
    return str(tmp_path / "questions.txt")


def correct(gensim: KeyedVectors, questions: str, **more: Any) -> tuple[float, dict[str, tuple[int, int]]]:
    """The accuracy, and of each section how many are right and how many there are."""
    score, sections = gensim.evaluate_word_analogies(questions, **more)
    return score, {one["section"]: (len(one["correct"]), len(one["correct"]) + len(one["incorrect"])) for one in sections}


def measured(vec: Path, questions: tuple[str, ...] = (), pairs: tuple[str, ...] = (), most: int = 300_000, exact: bool = False) -> VectorReport:
    return measure_vectors(vec, pairs, questions, most, exact)


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize("most", [300_000, 40, 22])
def test_analogies(vec: Path, questions: str, exact: bool, most: int) -> None:
    settings = {"case_insensitive": not exact, "restrict_vocab": most}
    (report,) = measured(vec, (questions,), most=most, exact=exact).analogies
    score, sections = correct(of_gensim(TABLE), questions, **settings)
    assert {name: (counts.correct, counts.known) for name, counts in report.sections.items()} == {
        name: found for name, found in sections.items() if name != "Total accuracy"
    }
    assert report.total.accuracy == pytest.approx(score, abs=1e-6)
    with_unknown, _ = correct(of_gensim(TABLE), questions, dummy4unknown=True, **settings)
    assert report.total.accuracy_all == pytest.approx(with_unknown, abs=1e-6)
    assert report.total.questions == len(QUESTIONS) + 3
    assert most < 300_000 or 0.2 < score < 0.95  # else the test would tell nothing


def test_subwords_ask_questions_of_unknown_words(tmp_path: Path, questions: str) -> None:
    rng = np.random.default_rng(3)
    subwords = Subwords(rng.normal(size=(50, 8)).astype(np.float32), 3, 6)
    place = saved(tmp_path / "vec", dataclasses.replace(TABLE, subwords=subwords))
    (tmp_path / "more.txt").write_text("Athens Greece Romes Italy\nAthens Greece Rome Italys\n")
    total = measured(place, (str(tmp_path / "more.txt"),)).analogies[0].total
    assert (total.questions, total.known, total.by_subwords) == (2, 0, 1)  # what is looked for must be in the table


def pairs_of(rng: np.random.Generator, words: list[str]) -> list[tuple[str, str, float]]:
    return [(str(a), str(b), round(float(rng.uniform(0, 10)), 1)) for a, b in rng.choice(words, (80, 2))]


@pytest.mark.parametrize("exact", [False, True])
def test_pairs(vec: Path, tmp_path: Path, exact: bool) -> None:
    pairs = [*pairs_of(np.random.default_rng(6), [*WORDS, "BERLIN", "oslo"]), ("cat", "nosuch", 3.0), ("nor", "this", 9.5)]
    path = tmp_path / "pairs.tsv"
    path.write_text("".join(f"{a}\t{b}\t{score}\n" for a, b, score in pairs))
    (report,) = measured(vec, pairs=(str(path),), exact=exact).pairs
    for unknown, found in ((False, (report.pearson, report.spearman)), (True, (report.pearson_all, report.spearman_all))):
        pearson, spearman, _ = of_gensim(TABLE).evaluate_word_pairs(str(path), dummy4unknown=unknown, case_insensitive=not exact)
        assert found == pytest.approx((pearson[0], spearman[0]), abs=2e-6)
    share = of_gensim(TABLE).evaluate_word_pairs(str(path), case_insensitive=not exact)[2]
    assert report.known / report.pairs == pytest.approx(1 - share / 100)


@pytest.mark.parametrize(
    "text",
    [
        "cat\tdog\t1\r\nthe\tdog\t2\r\ncat\tthe\t3.5\r\n",
        "cat,dog,1\nthe,dog,2\ncat,the,3.5\n",
        "\ufeffword 1,word 2,kor_score\ncat,dog,1\nthe,dog,2\ncat,the,3.5\n",
        "# a comment\ncat dog 1\n\nthe  dog 2\ncat the 3.5",
        "word1\tword2\tscore\tmore\ncat\tdog\t1\tx\nthe\tdog\t2\ty\ncat\tthe\t3.5\tz\n",
        '"cat","dog",1\nthe,dog,2\ncat,the,3.5\n',
    ],
)
def test_files_of_pairs_as_they_are_found(vec: Path, tmp_path: Path, text: str) -> None:
    (tmp_path / "pairs").write_text(text, encoding="utf-8", newline="")
    (report,) = measured(vec, pairs=(str(tmp_path / "pairs"),)).pairs
    (tmp_path / "plain").write_text("cat dog 1\nthe dog 2\ncat the 3.5\n")
    (plain,) = measured(vec, pairs=(str(tmp_path / "plain"),)).pairs
    assert dataclasses.replace(report, file="") == dataclasses.replace(plain, file="")
    assert (report.pairs, report.known) == (3, 3)


def test_subwords_give_pairs_of_unknown_words_a_cosine(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    subwords = Subwords(rng.normal(size=(50, 8)).astype(np.float32), 3, 6)
    whole = dataclasses.replace(TABLE, subwords=subwords)
    place = saved(tmp_path / "vec", whole)
    pairs = [("cats", "dogs", 3.0), ("cat", "dogs", 1.0), ("cat", "dog", 2.5), ("the", "cats", 0.5)]
    (tmp_path / "pairs").write_text("".join(f"{a} {b} {score}\n" for a, b, score in pairs))
    (report,) = measured(place, pairs=(str(tmp_path / "pairs"),), exact=True).pairs
    first, second = (whole.vectors_of(pl.Series([pair[side] for pair in pairs]))[0].astype(float) for side in (0, 1))
    cosines = (first * second).sum(1) / np.linalg.norm(first, axis=1) / np.linalg.norm(second, axis=1)
    gold = [score for *_, score in pairs]
    assert (report.known, report.by_subwords) == (1, 3)
    assert report.spearman_all == pytest.approx(stats.spearmanr(gold, cosines)[0], abs=1e-6)
    assert report.pearson_all == pytest.approx(stats.pearsonr(gold, cosines)[0], abs=1e-6)
    assert report.spearman is None


@given(st.lists(st.integers(-3, 3), min_size=1, max_size=30))
def test_ranks_are_those_of_scipy(values: list[int]) -> None:
    np.testing.assert_array_equal(ranks(np.array(values, float)), stats.rankdata(values))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "there are no pairs"),
        ("cat dog 1\ncat dog\n", "pairs:2: not a pair: 'cat dog'"),
        ("cat dog 1\ncat the x\n", "pairs:2: not a pair"),
        ("a,b,nan\n", "there are no pairs"),
    ],
)
def test_files_that_are_no_pairs(vec: Path, tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "pairs").write_text(text)
    with pytest.raises(InputError, match=said):
        measured(vec, pairs=(str(tmp_path / "pairs"),))


@pytest.mark.parametrize(("text", "said"), [(": a\n", "there are no questions"), (": a\na b c\n", "questions:2: not a question: 'a b c'")])
def test_files_that_are_no_questions(vec: Path, tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "questions").write_text(text)
    with pytest.raises(InputError, match=said):
        measured(vec, (str(tmp_path / "questions"),))


@pytest.mark.parametrize("packed", [gzip.compress, bz2.compress, lzma.compress])
def test_compressed_files_are_read_as_they_are(vec: Path, tmp_path: Path, questions: str, packed: Any) -> None:
    for name, data in (("pairs", b"cat,dog,1\nthe,dog,2\ncat,the,3.5\n"), ("questions", Path(questions).read_bytes())):
        (tmp_path / name).write_bytes(data)
        (tmp_path / f"{name}.packed").write_bytes(packed(data))
    plain, found = (measured(vec, (str(tmp_path / f"questions{end}"),), (str(tmp_path / f"pairs{end}"),)).metrics for end in ("", ".packed"))
    assert plain == found != {}


@pytest.mark.parametrize(("encoding", "said"), [("utf-16", "it looks like UTF-16; add --encoding utf-16"), ("cp949", "add --encoding cp949")])
def test_files_of_another_encoding_say_which(tmp_path: Path, encoding: str, said: str) -> None:
    vec = saved(tmp_path / "vec", table_of(["왕", "여왕", "나라"]))
    path = tmp_path / "pairs"
    path.write_bytes("왕,여왕,1\n왕,나라,2\n여왕,나라,0\n".encode(encoding))
    with pytest.raises(InputError, match=said):
        measure_vectors(vec, (str(path),), (), 10, False)
    assert measure_vectors(vec, (str(path),), (), 10, False, encoding).pairs[0].known == 3


@pytest.mark.parametrize("exact", [False, True])
def test_words_in_pieces_are_the_composed_ones(tmp_path: Path, exact: bool) -> None:
    path = tmp_path / "pairs"
    path.write_text(unicodedata.normalize("NFD", "왕,나라,2\n"))
    for form in ("NFC", "NFD"):
        vec = saved(tmp_path / form, table_of([unicodedata.normalize(form, word) for word in ("왕", "나라")]))
        assert measure_vectors(vec, (str(path),), (), 10, exact).pairs[0].known == 1


@pytest.fixture
def told(textkit: Textkit, questions: str) -> Textkit:
    saved(textkit.folder / "vec", TABLE)
    (textkit.folder / "pairs.csv").write_text("cat,dog,1\nthe,dog,2\ncat,the,3.5\nnosuch,cat,3\n")
    return textkit


def test_as_a_process(told: Textkit) -> None:
    found = json.loads(told("evaluate", "vec", "--pairs", "pairs.csv", "--analogies", "questions.txt", "--json").stdout)
    assert (found["words"], found["dim"], found["subwords"]) == (len(WORDS), 8, False)
    assert (found["pairs"][0]["known"], found["pairs"][0]["coverage"]) == (3, 0.75)
    assert list(found["analogies"][0]["sections"]) == ["places", "forms"]
    shown = told("evaluate", "vec", "--pairs", "pairs.csv", "--analogies", "questions.txt").stdout
    assert f"{found['pairs'][0]['spearman']:.4f}" in shown
    assert f"{found['analogies'][0]['accuracy']:.4f}" in shown


def test_from_stdin(told: Textkit) -> None:
    piped = told("evaluate", "vec", "--pairs", "-", "--json", stdin=(told.folder / "pairs.csv").read_text())
    plain = told("evaluate", "vec", "--pairs", "pairs.csv", "--json")
    assert json.loads(piped.stdout)["pairs"][0] == {**json.loads(plain.stdout)["pairs"][0], "file": "-"}


def test_limits(told: Textkit) -> None:
    told("evaluate", "vec", "--analogies", "questions.txt", "--fail-under", "analogies=0.1")
    failed = told("evaluate", "vec", "--analogies", "questions.txt", "--fail-under", "analogies_all=0.999", code=5)
    assert "analogies_all is 0." in failed.stderr
    assert failed.stdout
    cannot = told("evaluate", "vec", "--analogies", "questions.txt", "--fail-under", "pearson=0", code=3)
    assert "it takes an embedding and --pairs FILE, with two known pairs or more" in cannot.stderr


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["vec"], 2, "vec: word vectors are measured on --pairs FILE or --analogies FILE"),
        (["vec", "pairs.csv", "--pairs", "pairs.csv"], 2, "measure one embedding"),
        (["--pairs", "pairs.csv"], 2, "measure one embedding"),
        (["vec", "--pairs", "pairs.csv", "--worst", "3"], 2, "--worst is about labels"),
        (["vec", "--pairs", "pairs.csv", "--limit", "3"], 2, "--limit is for records"),
        (["pairs.csv", "--restrict-vocab", "3"], 2, "--restrict-vocab is about an embedding"),
        (["vec", "--pairs", "nosuch"], 3, "nosuch: no such file"),
        (["nosuch", "--pairs", "pairs.csv"], 3, "nosuch"),
    ],
)
def test_mistakes(told: Textkit, words: list[str], code: int, said: str) -> None:
    result = told("evaluate", *words, code=code)
    assert said in result.stderr
    assert not result.stdout
