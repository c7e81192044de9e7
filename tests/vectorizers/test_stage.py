"""`vectorize` as a stage and a command: saved and loaded, piped, with terms, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.sparse import load_npz
from sklearn.datasets import load_svmlight_file
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer

from tests.conftest import CORPORA, Textkit
from tests.making import records_of, run, stream_of
from textkit import config
from textkit.artifacts.store import Store
from textkit.errors import InputError, UsageError
from textkit.registry import VECTORIZERS
from textkit.stage import connect, restore
from textkit.vectorizers.stage import Vectorize

TEXTS = ["the film was great, the film was fun", "재밌게 봤다 정말 재밌다", "", "a b c x [ ] < >\\n", "no end no end"]
LABELLED: list[dict[str, Any] | str] = [{"text": text, "label": "ab"[i % 2]} for i, text in enumerate(TEXTS * 3)]
each_method = pytest.mark.parametrize("method", list(VECTORIZERS))
PARTS = ({}, {"analyzer": ("char_wb",), "ngram": (2, 4)}, {"analyzer": ("word", "char"), "ngram": (1, 2, 1, 3)})
each_part = pytest.mark.parametrize("parts", PARTS, ids=["word", "char_wb", "both"])


def stage_of(method: str, folder: Path | None = None, **settings: Any) -> Vectorize:
    return Vectorize.of(method, VECTORIZERS.find(method).Config(**settings), store=Store(None if folder is None else str(folder)))


@each_method
@each_part
def test_loaded_and_restored_it_gives_the_same(method: str, parts: dict[str, Any], tmp_path: Path) -> None:
    stage = stage_of(method, tmp_path / "vec", **parts)
    due = records_of(run(TEXTS, stage))
    assert all(len(record["features"]["indices"]) == len(record["features"]["values"]) for record in due)
    again = restore(stage.entry())
    assert records_of(run(TEXTS, again)) == due
    assert again.entry() == stage.entry()
    if not VECTORIZERS.find(method).hashed:
        assert records_of(run(TEXTS, Vectorize.load(tmp_path / "vec"))) == due
        # by parts, in another order, with words between that were not there
        loaded = Vectorize.load(tmp_path / "vec")
        assert records_of(run([*reversed(TEXTS), "never seen 처음"], loaded))[:-1] == due[::-1]


@each_part
def test_the_same_records_give_the_same_files(parts: dict[str, Any], tmp_path: Path) -> None:
    for name, size in (("one", 1), ("two", 100)):
        connect(stream_of(TEXTS, size), stage_of("tfidf", tmp_path / name, **parts))
    one, two = (sorted((file.name, file.read_bytes()) for file in (tmp_path / name).iterdir()) for name in ("one", "two"))
    assert one == two


def test_terms_are_their_weights_the_greatest_first(textkit: Textkit) -> None:
    done = textkit("vectorize", "--terms", "--no-lineage", "-", stdin="b a b\n재밌다\n\n")
    found = [json.loads(line) for line in done.stdout.splitlines()]
    due = TfidfVectorizer(token_pattern=r"\S+").fit(["b a b", "재밌다", ""])
    row = due.transform(["b a b"]).toarray()[0]
    assert found[0]["terms"] == {"b": round(row[due.vocabulary_["b"]], 6), "a": round(row[due.vocabulary_["a"]], 6)}
    assert list(found[0]["terms"]) == ["b", "a"]
    assert found[1]["terms"] == {"재밌다": 1.0} and found[2]["terms"] == {}


def test_the_highest_terms_of_each_label(textkit: Textkit) -> None:
    lines = "label\ttext\na label [longer] than its table\tfine fine film\na label [longer] than its table\tfine\nbad\tdull film\n"
    done = textkit("vectorize", "--method", "counts", "--top", 1, "-", stdin=lines)
    assert "a label [longer] than its table (2 records)\n" in done.stdout and "bad (1 record)\n" in done.stdout
    rows = [line for line in done.stdout.splitlines() if "│" in line]
    assert [row.split("│")[1].strip() for row in rows] == ["term", "fine", "term", "dull"]
    assert rows[1].split("│")[2].strip() == "1.500000"


def test_svmlight_and_npz_hold_the_matrix(textkit: Textkit) -> None:
    lines = [line.split("\t") for line in (CORPORA / "reviews_en.tsv").read_text(encoding="utf-8").splitlines()[1:41]]
    (textkit.folder / "r.txt").write_text("\n".join(line[0] for line in lines) + "\n", encoding="utf-8")
    due = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 3)).fit_transform([line[0] for line in lines])
    options = ("--analyzer", "char_wb", "--ngram", "2,3", "r.txt", "-o")
    textkit("vectorize", *options, "m.npz")
    textkit("vectorize", *options, "m.svmlight")
    for found in (load_npz(textkit.folder / "m.npz"), load_svmlight_file(str(textkit.folder / "m.svmlight"), n_features=due.shape[1])[0]):
        assert found.shape == due.shape
        assert abs(found - due).max() < 1e-12


def test_a_pipe_of_the_shell_is_the_chain_in_one_process(textkit: Textkit, made: Path) -> None:
    textkit.shell(f"textkit tokenize {made}/reviews.tsv | textkit vectorize --ngram 1,2 --save vec > a")
    textkit.shell(f"textkit pipe 'tokenize | vectorize --load vec' {made}/reviews.tsv > b; textkit vectorize --load vec {made}/reviews.tsv > c")
    a, b, c = ((textkit.folder / name).read_bytes() for name in "abc")
    assert a == b == c


def test_lsa_is_scikit_learns() -> None:
    texts = [line.split("\t")[0] for line in (CORPORA / "reviews_en.tsv").read_text(encoding="utf-8").splitlines()[1:61]]
    found = np.array([record["vector"] for record in records_of(run(texts, stage_of("tfidf", svd=3, analyzer=("char",), ngram=(1, 2))))])
    due = TfidfVectorizer(analyzer="char", ngram_range=(1, 2)).fit_transform(texts)
    np.testing.assert_allclose(found, TruncatedSVD(3, random_state=42).fit(due).transform(due), atol=1e-5)


def test_selection_needs_labels_and_keeps_k() -> None:
    stage = stage_of("tfidf", select="chi2:3")
    indices = {index for record in records_of(run(LABELLED, stage)) for index in record["features"]["indices"]}
    assert indices <= {0, 1, 2} and stage.width == 3
    assert records_of(run([record["text"] for record in LABELLED if isinstance(record, dict)], restore(stage.entry())))  # not to apply it
    with pytest.raises(InputError, match="no 'label'"):
        run(TEXTS, stage_of("tfidf", select="chi2:3"))


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"analyzer": ("letters",)}, "no analyzer is called 'letters'"),
        ({"ngram": (2, 1)}, "n-grams of 2 to 1 units are none"),
        ({"ngram": (1, 2, 3)}, "two numbers"),
        ({"select": "best"}, "chi2:K"),
    ],
    ids=str,
)
def test_settings_that_cannot_be(settings: dict[str, Any], told: str) -> None:
    with pytest.raises(UsageError, match=told):
        stage_of("tfidf", **settings)


@pytest.mark.parametrize(
    ("arguments", "told", "code"),
    [
        (["--method", "hashing", "--terms"], "hashing and --svd have none", 2),
        (["--method", "hashing", "--save", "x"], "hashing learns nothing", 2),
        (["--method", "counts", "--norm", "l1"], "--norm says nothing to --method counts", 2),
        (["--method", "hashing", "--min-df", "2"], "--min-df says nothing to --method hashing", 2),
        (["--method", "hashing", "--top", "3"], "--top tells terms, and columns by hash have none", 2),
        (["--top", "3", "-o", "x"], "--output is for records, and --top prints tables", 2),
        (["--top", "3", "--terms"], "--terms is for records, and --top prints tables", 2),
        (["--ngram", "0"], "takes the fewest and the most units", 2),
        (["--min-df", "9"], "no term is left", 3),
        (["--min-df", "many"], "setting min_df takes", 2),
        (["--vocabulary", "none.txt"], "none.txt: no vocabulary can be read there", 3),
        (["--vocabulary", "twice.txt"], "the term 'a' stands twice", 3),
        (["--vocabulary", "empty.txt"], "empty.txt: the vocabulary has no term", 3),
        (["--vocabulary", "once.txt", "--min-df", "2"], "--min-df chooses among terms that are learned", 2),
        (["--svd", "50"], "needs more than 50 records and columns", 3),
        (["--load", "nowhere"], "nowhere: no such artifact", 3),
        (["--load", "x", "--min-df", "2"], "--min-df goes with learning", 2),
        (["--stop-words", "none.txt"], "no stop words can be read there", 3),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_cannot_be_is_one_line(textkit: Textkit, arguments: list[str], told: str, code: int) -> None:
    for name, text in {"twice": "a\nb\na\n", "once": "a\nb\n", "empty": ""}.items():
        (textkit.folder / f"{name}.txt").write_text(text)
    done = textkit("vectorize", *arguments, "-", stdin="a b\na c\n", code=code)
    assert told in done.stderr and len(done.stderr.splitlines()) <= 2
    assert not done.stdout and not (textkit.folder / "x").exists()


@pytest.mark.parametrize("stdin", ["", "\n\n"])
def test_nothing_to_learn_from(textkit: Textkit, stdin: str) -> None:
    assert "nothing to learn from" in textkit("vectorize", "-", stdin=stdin, code=3).stderr
    assert textkit("vectorize", "--method", "hashing", "--no-lineage", "-", stdin=stdin).stdout.count("features") == stdin.count("\n")


def test_a_given_vocabulary_and_stop_words(textkit: Textkit) -> None:
    (textkit.folder / "v.txt").write_text("film\n재밌다\n")
    done = textkit("vectorize", "--method", "counts", "--vocabulary", "v.txt", "--no-lineage", "-", stdin="film film art\n재밌다\n")
    assert [json.loads(line)["features"] for line in done.stdout.splitlines()] == [
        {"indices": [0], "values": [2.0]},
        {"indices": [1], "values": [1.0]},
    ]
    done = textkit("vectorize", "--method", "counts", "--terms", "--stop-words", "en", "--no-lineage", "-", stdin="The film and THE end\n")
    assert json.loads(done.stdout)["terms"] == {"end": 1.0, "film": 1.0}


def test_terms_of_all_kinds_survive_saving(tmp_path: Path) -> None:
    odd = ["\n", "\\", "\\n", "a\rb", "\x00", "", "tab\t", "\\\\n"]
    stage = stage_of("counts", tmp_path / "vec", lowercase=False)
    run([{"tokens": odd}], stage)
    assert sorted(Vectorize.load(tmp_path / "vec").names) == sorted(odd)


def test_damaged_files_are_told(tmp_path: Path) -> None:
    stage = stage_of("tfidf", tmp_path / "vec", analyzer=("char_wb",), ngram=(2, 3))
    run(TEXTS, stage)
    file = tmp_path / "vec" / "vectorizer.safetensors"
    file.write_bytes(file.read_bytes()[:-8])
    with pytest.raises(InputError, match=r"vectorizer\.safetensors"):
        Vectorize.load(tmp_path / "vec")


@each_method
def test_the_entry_tells_all(method: str) -> None:
    stage = stage_of(method)
    run(TEXTS, stage)
    told = stage.entry().config
    assert {name: told[name] for name in config.to_json(stage.config)} == config.to_json(stage.config)
    assert told["features"] == stage.width
