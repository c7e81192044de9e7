"""Linear models from end to end: trained and applied as commands, held against scikit-learn's pipelines on the same texts."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_matrix, vstack
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import dump_svmlight_file
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import ComplementNB
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.preprocessing import MultiLabelBinarizer
from sklearn.svm import LinearSVC

from tests.classic.making import decisions
from tests.conftest import CORPORA, Textkit
from tests.making import records_of, stream_of
from textkit.artifacts.bundle import Bundle
from textkit.cli import group
from textkit.predicting import Predict, load_model
from textkit.tasks.classify import inputs_of

SVM, LOGREG, NB = LinearSVC(random_state=42), LogisticRegression(C=10, max_iter=1000), ComplementNB()
Rows = list[dict[str, Any]]


def table(name: str, label: str = "label") -> Rows:
    """A corpus as text and label."""
    header, *lines = (CORPORA / name).read_text(encoding="utf-8").splitlines()
    rows = [dict(zip(header.split("\t"), line.split("\t"), strict=True)) for line in lines]
    return [{"text": row["text"], "label": row[label]} for row in rows]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*words: object) -> None:
    """A command in this process."""
    group.main([*map(str, words)], standalone_mode=False)


def write(records: Iterable[dict[str, Any]], name: str = "train.jsonl") -> str:
    Path(name).write_text("".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records), encoding="utf-8")
    return name


def train(records: Iterable[dict[str, Any]], chain: str) -> Bundle:
    run("pipe", f"{chain} --save m --force", write(records))
    return Bundle.load("m")


def predict(records: Iterable[dict[str, Any]], *words: object) -> Rows:
    run("predict", "m", write(records, "in.jsonl"), "-o", "out.jsonl", *words)
    return [json.loads(line) for line in Path("out.jsonl").read_text(encoding="utf-8").splitlines()]


def scores(bundle: Bundle, records: Iterable[dict[str, Any]]) -> np.ndarray:
    """(N, C) decision values, not rounded as those that predict writes."""
    model, found = load_model(bundle), []
    for batch in stream_of(records, 50).batches:
        for stage in bundle.stages():
            batch = stage.apply(batch)
        found.append(model.scores(inputs_of(batch, bundle.manifest)))
    return np.concatenate(found)


def features(bundle: Bundle, records: Iterable[dict[str, Any]]) -> csr_matrix:
    """(N, F), as the bundle's own chain makes them."""
    found = []
    for batch in stream_of(records, 50).batches:
        for stage in bundle.stages():
            batch = stage.apply(batch)
        rows = inputs_of(batch, bundle.manifest)
        assert not isinstance(rows, np.ndarray)
        found.append(rows.csr())
    return vstack(found)


def tokens_of(records: Rows) -> dict[str, list[str]]:
    run("tokenize", write(records, "t.jsonl"), "-o", "tokens.jsonl", "--no-lineage")
    return {record["text"]: record["tokens"] for record in map(json.loads, Path("tokens.jsonl").read_text(encoding="utf-8").splitlines())}


class Cut:
    """scikit-learn's tokenizer that cuts as textkit's words."""

    def __init__(self, tokens: dict[str, list[str]]) -> None:
        self._tokens = tokens

    def __call__(self, text: str) -> list[str]:
        return [token.lower() for token in self._tokens[text]]


def words(tokens: dict[str, list[str]], **more: Any) -> TfidfVectorizer:
    return TfidfVectorizer(tokenizer=Cut(tokens), token_pattern=None, lowercase=False, **more)


def decided(model: Any, x: Any) -> np.ndarray:
    """(N, C) decision values of a model of scikit-learn's; of naive Bayes with two labels, by how much each exceeds the other."""
    if not isinstance(model, ComplementNB):
        return decisions(model, x)
    found: np.ndarray = model.predict_joint_log_proba(x)
    return found - found[:, ::-1] if found.shape[1] == 2 else found


# the same as scikit-learn's pipelines

PIPELINES = {"svm -s C=1": SVM, "logreg": LOGREG, "nb": NB}


@pytest.mark.parametrize("arch", PIPELINES)
@pytest.mark.parametrize(("corpus", "label"), [("reviews_en", "label"), ("reviews_ko", "topic")])
def test_a_chain_is_the_pipeline_of_scikit_learn(place: Path, arch: str, corpus: str, label: str) -> None:
    known, new = table(f"{corpus}.tsv", label), table(f"{corpus}_test.tsv", label)
    bundle = train(known, f"vectorize --ngram 1,2 | train classify --arch {arch}")
    oracle = Pipeline([("tfidf", words(tokens_of(known + new), ngram_range=(1, 2))), ("model", PIPELINES[arch])])
    oracle.fit([row["text"] for row in known], [row["label"] for row in known])
    texts = [row["text"] for row in new]
    due = decided(oracle["model"], oracle["tfidf"].transform(texts))
    assert [row["prediction"] for row in predict(new)] == oracle.predict(texts).tolist()
    np.testing.assert_allclose(scores(bundle, new), due, rtol=0, atol=1e-9)


def test_raw_text_alone_is_words_beside_characters(place: Path) -> None:
    known, new = table("reviews_ko.tsv"), table("reviews_ko_test.tsv")
    bundle = train(known, "train classify --arch svm -s C=1")
    tokens, shared = tokens_of(known + new), {"sublinear_tf": True}
    both = [("w", words(tokens, ngram_range=(1, 2), **shared)), ("c", TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), **shared))]
    oracle = Pipeline([("features", FeatureUnion(both)), ("model", SVM)])
    oracle.fit([row["text"] for row in known], [row["label"] for row in known])
    texts = [row["text"] for row in new]
    assert [row["prediction"] for row in predict(new)] == oracle.predict(texts).tolist()
    np.testing.assert_allclose(scores(bundle, new), decisions(oracle, texts), rtol=0, atol=1e-9)


def test_several_labels_are_one_model_each(place: Path) -> None:
    def several(name: str) -> Rows:
        pairs = zip(table(name), table(name, "topic"), strict=True)
        return [{"text": one["text"], "labels": sorted([other["label"]] + ["good"] * (one["label"] == "positive"))} for one, other in pairs]

    known, new = several("reviews_en.tsv"), several("reviews_en_test.tsv")
    known[0]["labels"] = []
    bundle = train(known, "vectorize | train classify --arch svm -s C=1")
    binary = MultiLabelBinarizer().fit([row["labels"] for row in known])
    oracle = OneVsRestClassifier(SVM).fit(features(bundle, known), binary.transform([row["labels"] for row in known]))
    due = oracle.decision_function(features(bundle, new))
    np.testing.assert_allclose(scores(bundle, new), due, rtol=0, atol=1e-9)
    for row, values in zip(predict(new), due, strict=True):
        best = np.argsort(-values, kind="stable")
        assert row["predictions"] == [{"label": binary.classes_[i], "score": round(values[i], 6)} for i in best if values[i] > 0]
        assert "prediction" not in row
    ranked = predict(new, "-k", 2)
    assert [[one["label"] for one in row["predictions"]] for row in ranked] == [[binary.classes_[i] for i in np.argsort(-v)[:2]] for v in due]


def weighted() -> tuple[Rows, np.ndarray]:
    rows = table("reviews_en.tsv", "topic")[:200]
    weights = np.random.default_rng(0).choice([0.5, 1, 3], len(rows))
    return [{**row, "n": float(weight)} for row, weight in zip(rows, weights, strict=True)], weights


@pytest.mark.parametrize("arch", PIPELINES)
def test_what_a_record_counts(place: Path, arch: str) -> None:
    rows, weights = weighted()
    bundle = train(rows, f"vectorize | train classify --arch {arch} --weight-field n")
    x, y = features(bundle, rows), [row["label"] for row in rows]
    oracle = PIPELINES[arch].fit(x, y, sample_weight=weights)
    np.testing.assert_allclose(scores(bundle, rows), decided(oracle, x), rtol=0, atol=1e-9)


@pytest.mark.parametrize("arch", ["svm -s C=1", "logreg"])
def test_labels_that_count_the_same(place: Path, arch: str) -> None:
    rows = table("reviews_en.tsv", "topic")
    rows = [row for number, row in enumerate(rows) if row["label"] != "app" or number % 7 == 0]
    bundle = train(rows, f"vectorize | train classify --arch {arch} --class-weight balanced")
    x = features(bundle, rows)
    oracle = type(PIPELINES[arch])(**PIPELINES[arch].get_params() | {"class_weight": "balanced"}).fit(x, [row["label"] for row in rows])
    np.testing.assert_allclose(scores(bundle, rows), decisions(oracle, x), rtol=0, atol=1e-9)


@pytest.mark.parametrize("label", ["label", "topic"])
def test_probabilities_of_an_svm_are_calibrated(place: Path, label: str) -> None:
    rows = table("reviews_en.tsv", label)
    bundle = train(rows, "vectorize | train classify --arch svm -s C=1 --proba")
    x = features(bundle, rows)
    oracle = CalibratedClassifierCV(SVM, ensemble=False).fit(x, [row["label"] for row in rows])
    for row, due in zip(predict(rows[:20], "--proba"), oracle.predict_proba(x[:20]), strict=True):
        found = {one["label"]: one["score"] for one in row["predictions"]}
        np.testing.assert_allclose([found[name] for name in oracle.classes_], due, rtol=0, atol=1e-6)
        assert row["score"] == max(found.values())


@pytest.mark.parametrize("arch", ["svm", "nbsvm", "sgd -s loss=hinge"])
def test_a_model_without_probabilities_says_so_at_once(textkit: Textkit, arch: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(textkit.folder)
    train(table("reviews_en.tsv")[:40], f"train classify --arch {arch}")
    told = textkit("predict", "m", "--proba", "no such file", code=2).stderr
    assert told == "textkit predict: error: m: the model has scores and no probabilities; train it with --proba, or sgd with loss=log_loss\n"
    (ranked,) = predict([{"text": "a great film"}], "-k", 2)
    assert ranked["predictions"][0] == {"label": ranked["prediction"], "score": ranked["score"]}
    assert ranked["predictions"][1]["score"] == -ranked["score"]


def test_hinge_has_nothing_to_calibrate(textkit: Textkit, made: Path) -> None:
    words = ("train", "classify", made / "reviews.tsv", "--arch", "sgd", "-s", "loss=hinge", "--proba", "--save", "m")
    assert "sgd has no probabilities with loss=hinge" in textkit(*words, code=2).stderr


# what comes in


def test_features_of_svmlight(place: Path) -> None:
    rows = table("reviews_en.tsv")
    x = words(tokens_of(rows)).fit_transform([row["text"] for row in rows])
    y = np.array([row["label"] == "positive" for row in rows], int)
    dump_svmlight_file(x, y, "train.svmlight", zero_based=False)
    run("train", "classify", "train.svmlight", "--arch", "svm", "-s", "C=1", "--save", "m")
    run("predict", "m", "train.svmlight", "-o", "out.jsonl")
    oracle = SVM.fit(x, y)
    due = decisions(oracle, x)
    found = [json.loads(line) for line in Path("out.jsonl").read_text().splitlines()]
    assert [int(row["prediction"]) for row in found] == oracle.predict(x).tolist()
    np.testing.assert_allclose([row["score"] for row in found], due.max(1), rtol=0, atol=1e-6)


@pytest.mark.parametrize("chain", ["vectorize --ngram 1,2 --svd 8", "tokenize | embed --dim 8 --min-count 1 --epochs 1 --deterministic --pool mean"])
def test_vectors(place: Path, chain: str) -> None:
    rows = table("reviews_en.tsv")[:80]
    bundle = train(rows, f"{chain} | train classify --arch svm -s C=1")
    assert bundle.manifest["input"] == "vector"
    run("pipe", chain, write(rows), "-o", "vectors.jsonl", "--no-lineage")
    x = np.array([json.loads(line)["vector"] for line in Path("vectors.jsonl").read_text().splitlines()], np.float32).astype(float)
    oracle = SVM.fit(x, [row["label"] for row in rows])
    np.testing.assert_allclose(scores(bundle, rows), decisions(oracle, x), rtol=0, atol=1e-6)


@pytest.mark.parametrize("method", ["morphs", "wordpiece --vocab-size 300"])
def test_tokens_of_a_stream_are_what_is_weighed(place: Path, method: str) -> None:
    if method == "morphs":
        pytest.importorskip("kiwipiepy")
    rows = table("reviews_ko.tsv")[:80]
    bundle = train(rows, f"tokenize --method {method} | train classify --arch logreg")
    assert [entry.stage for entry in bundle.lineage.stages] == ["tokenize", "vectorize"]
    assert bundle.lineage.stages[1].config["analyzer"] == ["word"]
    run("pipe", f"tokenize --method {method}", write(rows), "-o", "tokens.jsonl", "--no-lineage")
    tokens = {row["text"]: row["tokens"] for row in map(json.loads, Path("tokens.jsonl").read_text(encoding="utf-8").splitlines())}
    oracle = Pipeline([("tfidf", words(tokens, ngram_range=(1, 2), sublinear_tf=True)), ("model", LOGREG)])
    texts = [row["text"] for row in rows]
    oracle.fit(texts, [row["label"] for row in rows])
    assert [row["prediction"] for row in predict(rows)] == oracle.predict(texts).tolist()


def test_raw_text_is_predicted_as_by_the_chain_in_the_shell(textkit: Textkit, made: Path) -> None:
    chain = "tokenize --lowercase | vectorize --ngram 1,2 --select chi2:50 --save vec"
    textkit("pipe", f"{chain} | train classify --arch svm --save m", made / "reviews.tsv")
    whole = textkit("predict", "m", made / "reviews.tsv").stdout
    done = textkit.shell(
        f"textkit tokenize --lowercase {made}/reviews.tsv | textkit vectorize --load vec | textkit predict m --drop tokens,features --no-lineage"
    )
    assert done.stdout == whole


def test_features_of_another_vectorizer_are_refused(textkit: Textkit, made: Path) -> None:
    textkit("pipe", "vectorize --save one | train classify --arch svm --save m", made / "reviews.tsv")
    told = textkit.shell(f"textkit vectorize {made}/reviews.tsv --ngram 1,2 | textkit predict m", code=4).stderr
    assert "different chains" in told


def test_features_that_do_not_fit(textkit: Textkit) -> None:
    """Without lineage nothing but their width says that they are others."""
    records = "".join(json.dumps({"features": {"indices": [i % 3], "values": [1.0]}, "label": "ab"[i % 2]}) + "\n" for i in range(12))
    textkit("train", "classify", "--arch", "nb", "--save", "m", stdin=records)
    wide = json.dumps({"features": {"indices": [0, 3], "values": [1.0, 1.0]}}) + "\n"
    assert "<stdin>:1: a feature's index is not below 3" in textkit("predict", "m", stdin=wide, code=3).stderr
    assert json.loads(textkit("predict", "m", stdin=records.splitlines()[0] + "\n").stdout)["prediction"] == "a"


def test_a_vector_of_another_width(textkit: Textkit) -> None:
    records = "".join(json.dumps({"vector": [i % 3, i % 2], "label": "ab"[i % 2]}) + "\n" for i in range(12))
    textkit("train", "classify", "--arch", "logreg", "--save", "m", stdin=records)
    assert "<stdin>:1: a vector is not 2 wide" in textkit("predict", "m", stdin='{"vector":[1.0]}\n', code=3).stderr
    assert json.loads(textkit("predict", "m", stdin='{"vector":[0,1]}\n').stdout)["prediction"] == "b"


@pytest.mark.parametrize("arch", ["logreg", "svm", "nb", "sgd", "nbsvm"])
def test_empty_texts_and_words_that_are_new(place: Path, arch: str) -> None:
    """They have the label that the bias says; training takes empty texts as they are."""
    rows = [*table("reviews_en.tsv")[:40], {"text": "", "label": "positive"}, {"text": " ", "label": "negative"}]
    bundle = train(rows, f"train classify --arch {arch}")
    first, second, third = predict([{"text": ""}, {"text": "\u3000"}, {"text": "ᚠᚢᚦ"}])
    assert first["prediction"] == second["prediction"] == third["prediction"]
    assert first["score"] == second["score"] == third["score"]
    bias = float(load_model(bundle).bias[0])
    assert first["prediction"] == ("positive" if bias > 0 else "negative")


def test_tokens_of_another_program_are_asked_for_again(textkit: Textkit) -> None:
    records = "".join(json.dumps({"tokens": ["x", "yz"[i % 2]], "label": "ab"[i % 2]}) + "\n" for i in range(12))
    textkit("train", "classify", "--arch", "logreg", "--save", "m", stdin=records)
    assert json.loads(textkit("predict", "m", stdin='{"tokens":["x","z"]}\n').stdout)["prediction"] == "b"
    assert "was trained on tokens that textkit did not make" in textkit("predict", "m", stdin="x z\n", code=4).stderr


def test_one_label_only(textkit: Textkit) -> None:
    told = textkit("train", "classify", "--arch", "svm", "--save", "m", stdin='{"text":"a","label":"x"}\n' * 3, code=3).stderr
    assert "all 3 records have the label 'x': a classifier needs two or more" in told
    assert not (textkit.folder / "m").exists()


def test_sgd_tells_how_well_it_knew_each_batch_before_it_learned_it(textkit: Textkit) -> None:
    rows = [{"text": f"{'good' if i % 2 else 'bad'} w{i % 50}", "label": "ab"[i % 2]} for i in range(5000)]
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    for more in ((), ("--class-weight", "balanced", "-s", "passes=1")):
        told = textkit("train", "classify", "--arch", "sgd", "--save", "m", "--force", "--progress", "json", *more, stdin=lines).stderr
        progress = [line for line in map(json.loads, told.splitlines()) if "batches" in line]
        assert [(line["batches"], line["records"]) for line in progress] == [(1, 1024), (2, 2048), (4, 4096), (5, 5000)]
        assert progress[0]["loss"] == pytest.approx(np.log(2), abs=1e-6)
        assert progress[-1]["loss_since"] < 0.1
    assert records_of(Predict.load(textkit.folder / "m").start(stream_of(["good"]))[1])  # a bundle like any other


LABELLED = [{"text": f"{word} film {i}", "label": label, "w": 1} for i in range(6) for word, label in (("fine", "good"), ("dull", "bad"))]
TOO_HEAVY = "the record's w should be at most 1e+15, not 1e+308: a record of 1 would not count beside it"
LISTED = [{"text": record["text"], "labels": [record["label"]]} for record in LABELLED]


@pytest.mark.parametrize(
    ("records", "bad", "told"),
    [
        (LABELLED, {"text": "x", "label": "", "w": 1}, "the record's label is empty"),
        (LABELLED, {"text": "x", "w": 1}, "the record has no 'label'"),
        (LABELLED, {"text": "x", "label": "good", "w": -1}, "the record's w should be a number of 0 or more, not -1"),
        (LABELLED, {"text": "x", "label": "good", "w": [1]}, "the record's w should be a number of 0 or more"),
        (LABELLED, {"text": "x", "label": "good", "w": "nan"}, "the record's w should be a number of 0 or more, not nan"),
        (
            LABELLED,
            {"text": "x", "label": "good", "w": 1e308},
            TOO_HEAVY,
        ),
        (LABELLED, {"text": "x", "label": "good"}, "the record has no 'w'"),
        (LISTED, {"text": "x"}, "the record has no 'labels'"),
        (LISTED, {"text": "x", "labels": ["good", ""]}, "one of the record's labels is empty"),
    ],
    ids=[
        "empty label",
        "no label",
        "weight below 0",
        "weight of another type",
        "weight that is none",
        "weight too large",
        "no weight",
        "no labels",
        "empty in labels",
    ],
)
def test_records_that_cannot_be_learned_from(textkit: Textkit, records: Rows, bad: dict[str, Any], told: str) -> None:
    lines = "".join(json.dumps(record) + "\n" for record in [*records[:5], bad, *records[5:]])
    weight = ["--weight-field", "w"] if records is LABELLED else []
    done = textkit("train", "classify", "--arch", "svm", *weight, "--save", "m", "-", stdin=lines, code=3)
    assert f"<stdin>:6: {told}" in done.stderr
    done = textkit("train", "classify", "--arch", "svm", *weight, "--save", "m", "--reject", "bad.jsonl", "-", stdin=lines)
    assert "12 records, 1 skipped" in done.stderr
    (kept,) = map(json.loads, (textkit.folder / "bad.jsonl").read_text().splitlines())
    assert kept == {"position": "<stdin>:6", "reason": told, "raw": json.dumps(bad)}
    textkit("train", "classify", "--arch", "svm", *weight, "--save", "whole", "-", stdin="".join(json.dumps(record) + "\n" for record in records))
    assert (textkit.folder / "m/model.safetensors").read_bytes() == (textkit.folder / "whole/model.safetensors").read_bytes()


def test_label_weights_need_a_model_that_has_them(textkit: Textkit) -> None:
    done = textkit("train", "classify", "--class-weight", "balanced", "--save", "m", "-", stdin="", code=2)
    assert "--class-weight needs --arch" in done.stderr
