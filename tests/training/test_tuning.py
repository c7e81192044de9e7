"""`train --tune`: what is searched, in which order, within which time; and that what is told is what was trained."""

from __future__ import annotations

import json
import shlex
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.model_selection import cross_val_score
from sklearn.svm import LinearSVC

from tests.conftest import TEXTKIT, Textkit
from tests.making import stream_of
from textkit.arrays import Sparse
from textkit.artifacts import folder
from textkit.classic.nbsvm import NBSVM
from textkit.errors import InputError, UsageError
from textkit.training.candidates import SHAPES, Candidate, next_one, space_of
from textkit.training.matrices import Matrices
from textkit.training.run import Plan
from textkit.training.scoring import Records, Trial, folds_of, hopeless, parted
from textkit.training.searching import Search
from textkit.training.tuning import Tune, check_tuned, command_line, train_tuned
from textkit.vectorizers.base import Choice
from textkit.vectorizers.tfidf import Tfidf

WORDS = {"good": "warm funny great loved lovely fine kind bright", "bad": "cold boring awful hated dull poor rude dim"}


def reviews(count: int = 60, seed: int = 1) -> list[dict[str, str]]:
    """Two words that tell the label and one that misleads, among those that say nothing."""
    draw = np.random.default_rng(seed)
    found = []
    for number in range(count):
        label, other = ("good", "bad")[:: 1 if number % 2 else -1]
        words = [*draw.choice(WORDS[label].split(), 2), *draw.choice(WORDS[other].split(), 1), *draw.choice(["A", "the", "film", "of", "with"], 4)]
        found.append({"text": " ".join(draw.permutation(words)), "label": label})
    return found


class Ticks:
    """A clock that goes on by `step` seconds whenever it is looked at."""

    def __init__(self, step: float) -> None:
        self.step, self.now = step, 0.0

    def __call__(self) -> float:
        self.now += self.step
        return self.now


def trials_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def tuned(
    path: Path, clock: Callable[[], float], records: Any = None, seconds: float = 100.0, **plan: Any
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The manifest of what a search finds, and its trials."""
    whole = Plan(**{"task": "classify", "save": str(path), **plan})
    train_tuned(stream_of(records or reviews()), whole, Tune(seconds, clock=clock))
    return folder.load(path, "bundle"), trials_of(path / "trials.jsonl")


def without_times(trials: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: value for name, value in trial.items() if name != "seconds"} for trial in trials]


@given(st.lists(st.integers(0, 3), min_size=1, max_size=80), st.integers(2, 6), st.integers(0, 99))
def test_folds_deal_each_label_out_evenly(labels: list[int], count: int, seed: int) -> None:
    targets = np.array(labels)
    folds = folds_of(targets, count, seed)
    rows = np.concatenate([*folds, np.empty(0, int)])
    assert len({*rows}) == len(rows)
    assert {*range(len(targets))} - {*rows} == {row for row in range(len(targets)) if labels.count(labels[row]) == 1}
    for label in {*labels}:
        held = [int((targets[fold] == label).sum()) for fold in folds] or [0]
        assert max(held) - min(held) <= 1
        assert max(held) < labels.count(label) or not max(held)  # one at least is learned from
    assert all(np.array_equal(one, other) for one, other in zip(folds, folds_of(targets, count, seed), strict=True))


def test_other_draws_give_other_folds() -> None:
    targets = np.arange(40) % 2
    assert not np.array_equal(folds_of(targets, 5, 42)[0], folds_of(targets, 5, 42, 1)[0])
    assert not np.array_equal(folds_of(targets, 5, 42)[0], folds_of(targets, 5, 43)[0])


@pytest.mark.parametrize(
    "features",
    [
        Tfidf.Config(ngram=(1, 2), sublinear_tf=True),
        Tfidf.Config(analyzer=("word", "char_wb"), ngram=(1, 2, 2, 4), min_df=2),
        Choice(analyzer=("char_wb",), ngram=(1, 5)),
        Tfidf.Config(lowercase=False, min_df=3),
    ],
)
def test_matrices_are_those_of_the_vectorizer(features: Choice, tmp_path: Path) -> None:
    """Counted once and weighed apart, they are what `vectorize` makes of all records."""
    from textkit.stage import connect
    from textkit.training.candidates import method_of
    from textkit.training.examples import collect
    from textkit.vectorizers.stage import Vectorize

    records = Records(stream_of(reviews()), Plan("classify", "m"), time.monotonic)
    for other in (features, Tfidf.Config(), features):  # what is kept changes nothing
        found = records.matrices.of(other).csr()
    due = collect(connect(stream_of(reviews()), Vectorize.of(method_of(features), features)), sparse=("features",), width=found.shape[1])
    assert abs(found - due.sparse["features"].csr()).max() < 1e-12


def test_no_term_left_is_an_error_of_its_candidate() -> None:
    records = Records(stream_of(reviews(6)), Plan("classify", "m"), time.monotonic)
    with pytest.raises(InputError, match="no term"):
        records.matrices.of(Tfidf.Config(min_df=100))
    assert isinstance(records.matrices, Matrices)


def test_scores_are_those_of_scikit_learn() -> None:
    """On the same folds, with counts of words, which no record can leak into."""
    data = reviews()
    records = Records(stream_of(data), Plan("classify", "m"), time.monotonic)
    candidate = Candidate("svm", (("C", "0.3"),), Choice())
    folds = folds_of(records.targets, 5, 42)
    found = [records.score(candidate, records.inputs(candidate), held, "accuracy") for held in folds]
    texts, labels = [one["text"] for one in data], [one["label"] for one in data]
    x = TfidfVectorizer(binary=True, use_idf=False, norm=None, token_pattern=r"\S+").fit_transform(texts)
    splits = [(np.setdiff1d(np.arange(60), held), held) for held in folds]
    due = cross_val_score(LinearSVC(C=0.3, random_state=42), x, labels, cv=splits)
    assert found == pytest.approx(list(due))


def test_held_out_rows_lose_the_terms_that_were_not_learned() -> None:
    records = Records(stream_of([{"text": text, "label": text[0]} for text in ("a b", "b a", "a z", "b b")]), Plan("classify", "m"), time.monotonic)
    _, train, test = parted(records.matrices.of(Choice()), np.array([2]))
    assert isinstance(train, Sparse)
    assert isinstance(test, Sparse)
    assert (train.csr().toarray().tolist(), test.csr().toarray().tolist()) == ([[1, 1, 0], [1, 1, 0], [0, 1, 0]], [[1, 0, 0]])


def test_what_is_hopeless() -> None:
    assert hopeless([0.5], [0.9, 0.9], 100)
    assert not hopeless([0.85], [0.9, 0.9], 100)  # 2 standard errors are 0.06
    assert hopeless([0.85, 0.85], [0.9, 0.9], 1000)


def test_the_command_lines() -> None:
    features = Tfidf.Config(analyzer=("word", "char_wb"), ngram=(1, 2, 2, 4), min_df=2, sublinear_tf=True, lowercase=False)
    tune = Tune(1, source=("--text-field", "a b", "x.tsv"), own=("--save", "m"))
    line = command_line(Candidate("svm", (("C", "0.3"),), features), tune)
    vectorize = "vectorize --analyzer word --ngram 1,2 --analyzer char_wb --ngram 2,4 --no-lowercase --min-df 2 --sublinear-tf"
    assert shlex.split(line) == ["textkit", "pipe", f"{vectorize} | train classify --arch svm -s C=0.3 --save m", "--text-field", "a b", "x.tsv"]
    assert command_line(Candidate("nb"), tune) == "textkit train classify --arch nb --save m --text-field 'a b' x.tsv"
    fed = Tune(1, own=("--save", "m"), fed=True)
    assert command_line(Candidate("nb", (), Choice()), fed) == (
        "... | textkit vectorize --method binary --analyzer word --ngram 1,1 | textkit train classify --arch nb --save m"
    )


def test_candidates_that_give_the_same_model_are_one() -> None:
    plain, sublinear = Tfidf.Config(), Tfidf.Config(sublinear_tf=True)
    assert Candidate("nbsvm", (), plain).key == Candidate("nbsvm", (("alpha", "1.0"),), sublinear).key  # it looks at presence alone
    assert Candidate("svm", (), plain).key != Candidate("svm", (), sublinear).key
    assert Candidate("svm", (("C", "1"),), plain).key == Candidate("svm", (), plain).key


def all_of(space: Any, ranked: Callable[[list[Candidate]], list[Candidate]] = lambda tried: tried) -> list[Candidate]:
    """All candidates in turn, the first of them taken for the best."""
    tried: list[Candidate] = []
    while (candidate := next_one(space, {one.key for one in tried}, lambda: ranked(tried))) is not None:
        tried.append(candidate)
    return tried


def test_the_search_begins_with_what_train_does_by_itself() -> None:
    tried = all_of(space_of(None, (), SHAPES))
    usual = Tfidf.Config(analyzer=("word", "char_wb"), ngram=(1, 2, 2, 4), sublinear_tf=True)
    assert [(one.arch, one.pairs) for one in tried[:4]] == [
        ("svm", ("C=1.0",)),
        ("svm", ("C=0.3",)),
        ("svm", ("C=0.1",)),
        ("nbsvm", (f"C={NBSVM.Config().C}",)),
    ]
    assert all(one.features == usual for one in tried[:4])
    assert len({one.key for one in tried}) == len(tried)
    assert {one.arch for one in tried} == {"svm", "nbsvm", "nb", "logreg"}
    assert {(one.features.analyzer, one.features.ngram) for one in tried if one.features} == {*SHAPES}


def test_what_the_user_fixed_is_not_searched() -> None:
    tried = all_of(space_of("svm", ("C=0.7",), SHAPES))
    assert {(one.arch, one.pairs) for one in tried} == {("svm", ("C=0.7",))}
    assert {one.arch for one in all_of(space_of(None, ("class_weight=balanced",), ()))} == {"svm", "nbsvm", "logreg"}  # nb has none
    assert {one.features for one in all_of(space_of(None, (), ()))} == {None}
    assert {one.arch for one in all_of(space_of(None, (), (), counts=False))} == {"svm", "logreg"}
    with pytest.raises(UsageError, match="no model"):
        space_of(None, ("depth=3",), ())


@pytest.mark.parametrize(
    ("plan", "message"),
    [({"arch": "lstm"}, "lstm is a network"), ({"for_networks": ("--epochs",)}, "--epochs"), ({"arch": "svm", "settings": ("depth=1",)}, "depth")],
)
def test_what_cannot_be_tuned_is_told_at_once(plan: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        check_tuned(Plan("classify", "m", **plan))


def test_the_same_number_of_trials_gives_the_same(tmp_path: Path) -> None:
    first, trials = tuned(tmp_path / "a", Ticks(0.01), seconds=4)
    second, again = tuned(tmp_path / "b", Ticks(0.01), seconds=4)
    assert without_times(trials) == without_times(again)
    assert first["sha256"] == second["sha256"]
    _, longer = tuned(tmp_path / "c", Ticks(0.01), seconds=6)
    assert len(longer) > len(trials) > 5
    keys = ("vectorize", "arch", "settings")
    assert [[trial[key] for key in keys] for trial in longer[:5]] == [[trial[key] for key in keys] for trial in trials[:5]]
    other, _ = tuned(tmp_path / "d", Ticks(0.01), seconds=3, seed=7)
    assert other["seed"] == 7


def test_the_budget_is_kept_and_the_best_is_trained(tmp_path: Path) -> None:
    clock = Ticks(0.05)
    manifest, trials = tuned(tmp_path / "m", clock, seconds=30)
    assert clock.now < 30
    assert len(trials) > 5
    best = max(trial["mean"] for trial in trials if len(trial.get("folds", ())) > 5)  # measured again on other folds
    assert best - 0.05 < manifest["tuned"]["mean"] <= best
    assert manifest["metrics"] == {"cv_accuracy": manifest["tuned"]["mean"]}
    assert manifest["tuned"]["command"] in {trial["command"] for trial in trials}
    for trial in trials:
        assert trial.get("stopped") or len(trial["folds"]) % 5 == 0
        assert trial["mean"] == pytest.approx(np.mean(trial["folds"]), abs=1e-6)
        assert trial.get("std") == pytest.approx(np.std(trial["folds"], ddof=1), abs=1e-6) if len(trial["folds"]) > 1 else "std" not in trial


def test_where_a_fit_takes_long_a_tenth_is_held_out(tmp_path: Path) -> None:
    _, trials = tuned(tmp_path / "m", Ticks(1.0), reviews(400), seconds=100)
    assert {len(trial["folds"]) for trial in trials} <= {1, 2, 3, 4, 5}
    assert len(trials[-1]["folds"]) == 1


def test_without_time_the_default_is_trained(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    manifest, trials = tuned(tmp_path / "m", Ticks(5.0), seconds=1)
    assert (trials, manifest["arch"], manifest["config"]["C"], manifest["tuned"]["trials"]) == ([], "svm", 1.0, 0)
    told = capsys.readouterr().err
    assert "no time to try anything" in told
    assert "s of 1: the defaults alone take that" in told


@pytest.mark.parametrize("records", ["labels", "tokens", "features", "vector"])
def test_other_inputs(records: str, tmp_path: Path) -> None:
    """Of what came ready-made the model alone is searched, of tokens the n-grams; several labels go by micro F1."""
    data: list[dict[str, Any]] = [dict(one) for one in reviews()]
    for number, one in enumerate(data):
        kinds = {
            "labels": {"labels": [one["label"]] * (number % 5 > 0)},
            "tokens": {"tokens": one["text"].split()},
            "features": {"features": {"indices": [number % 2, 2], "values": [1.0, 1.0]}},
            "vector": {"vector": [number % 2 - 0.5, 0.25]},
        }
        del one["label" if records == "labels" else "text"]
        one |= kinds[records]
    manifest, trials = tuned(tmp_path / "m", Ticks(0.02), data, seconds=12)
    assert manifest["tuned"]["metric"] == ("f1_micro" if records == "labels" else "accuracy")
    analyzers = {analyzer for trial in trials for analyzer in (trial["vectorize"] or {}).get("analyzer", ["word"])}
    assert analyzers == ({"word", "char_wb"} if records == "labels" else {"word"})
    assert {trial["vectorize"] is None for trial in trials} == {records in ("features", "vector")}
    assert ("nb" in {trial["arch"] for trial in trials}) is (records != "vector")  # which has values below 0


def test_a_label_of_one_record_is_no_obstacle(tmp_path: Path) -> None:
    manifest, trials = tuned(tmp_path / "m", Ticks(0.02), [*reviews(), {"text": "so so", "label": "none"}], seconds=15)
    assert manifest["labels"] == ["bad", "good", "none"]
    assert not any("error" in trial for trial in trials)


def test_where_nothing_can_be_held_out_that_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = [{"text": f"text {number}", "label": str(number)} for number in range(6)]
    manifest, trials = tuned(tmp_path / "m", Ticks(0.01), data, seconds=60)
    assert (trials, manifest["arch"]) == ([], "svm")
    told = capsys.readouterr().err
    assert "each label has a single record, so none can be held out: trained by the defaults" in told and "no time" not in told


def test_ties_go_to_the_fewest_values() -> None:
    records = Records(stream_of(reviews()), Plan("classify", "m"), Ticks(0.01))
    search = Search(records, Plan("classify", "m"), 10, None, Ticks(0.01), 0, lambda *_: None)
    search.folds = folds_of(records.targets, 5, 42)
    wide, narrow, worse = (Candidate("svm", (("C", value),)) for value in ("1", "2", "3"))
    search.tried = {wide: Trial([0.9] * 5, values=9), narrow: Trial([0.899] * 5, values=3), worse: Trial([0.8] * 5, values=1)}
    assert search.best == narrow
    assert search.ranked() == [narrow, wide, worse]


def test_the_defaults_are_left_only_for_what_is_clearly_better() -> None:
    records = Records(stream_of(reviews()), Plan("classify", "m"), Ticks(0.01))
    search = Search(records, Plan("classify", "m"), 10, None, Ticks(0.01), 0, lambda *_: None)
    search.folds = folds_of(records.targets, 5, 42)
    other = Candidate("nb")
    assert search.choice == search.usual
    search.tried = {search.usual: Trial([0.885] * 5, values=9), other: Trial([0.9] * 5, values=9)}
    assert (search.best, search.choice) == (other, search.usual)  # a standard error is 0.039: 60 records
    search.tried[search.usual] = Trial([0.87] * 5, values=9)
    assert (search.best, search.choice) == (other, other)


def test_the_command_told_makes_the_same_model(textkit: Textkit, corpora: Path) -> None:
    text = (corpora / "reviews_en.tsv").read_text(encoding="utf-8").splitlines()[:200]
    (textkit.folder / "my reviews.tsv").write_text("\n".join(text).replace("label", "verdict", 1) + "\n", encoding="utf-8")
    options = ["--tune", 3, "--label-field", "verdict", "--trials", "t.jsonl", "--tune-metric", "f1_macro", "--progress", "json"]
    done = textkit("train", "classify", *options, "--class-weight", "balanced", "--seed", 5, "--save", "m", "my reviews.tsv")
    said = [json.loads(line) for line in done.stderr.splitlines()]
    assert any(line.get("trial") and line["mean"] and line["arch"] for line in said)
    command = said[-2]["command"] if "pipe" in said[-2]["command"] else next(line["command"] for line in said if "same again" in line["message"])
    assert "--label-field verdict 'my reviews.tsv'" in command
    before = folder.load(textkit.folder / "m", "bundle")
    assert before["tuned"]["metric"] == "f1_macro"
    assert (textkit.folder / "t.jsonl").read_bytes() == (textkit.folder / "m" / "trials.jsonl").read_bytes()
    textkit.shell(command.replace("--save m", "--save again"))
    assert folder.load(textkit.folder / "again", "bundle")["sha256"] == before["sha256"]


def test_in_a_pipe(textkit: Textkit, made: Path) -> None:
    done = textkit("pipe", "tokenize --method wordpiece --vocab-size 200 | train classify --tune 1.5 --save m", made / "reviews.tsv")
    command = done.stderr.split("the same again: ")[1].splitlines()[0]
    assert command.startswith("... | textkit vectorize ")
    textkit.shell(f"textkit tokenize --method wordpiece --vocab-size 200 {made / 'reviews.tsv'}{command[3:].replace('--save m', '--save again')}")
    assert folder.load(textkit.folder / "again", "bundle")["sha256"] == folder.load(textkit.folder / "m", "bundle")["sha256"]
    assert textkit("predict", "m", stdin="a fine film\n").stdout


def test_bad_records_are_skipped_if_asked_for(textkit: Textkit) -> None:
    bad = [{"text": "no label"}, {"label": "good"}, {"text": 7, "label": "good"}]
    (textkit.folder / "bad.jsonl").write_text("".join(json.dumps(one) + "\n" for one in [*bad, *reviews()]), encoding="utf-8")
    assert "bad.jsonl:1: " in textkit("train", "classify", "--tune", 1, "--save", "m", "bad.jsonl", code=3).stderr
    done = textkit("train", "classify", "--tune", 1, "--on-error", "skip", "--save", "m", "bad.jsonl")
    assert "nearly the same again, since records were skipped: textkit pipe" in done.stderr
    assert folder.load(textkit.folder / "m", "bundle")["records"] == 60


def test_options_that_go_with_it(textkit: Textkit, made: Path) -> None:
    assert "goes with --tune" in textkit("train", "classify", "--trials", "t", "--save", "m", made / "reviews.tsv", code=2).stderr
    assert "lstm" in textkit("train", "classify", "--tune", 1, "--arch", "lstm", "--save", "m", made / "reviews.tsv", code=2).stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_leaves_nothing(number: signal.Signals, textkit: Textkit, corpora: Path) -> None:
    words = ["train", "classify", "--tune", "60", "--trials", "t.jsonl", "--save", "m", str(corpora / "reviews_en.tsv")]
    process = subprocess.Popen([*TEXTKIT, *words], cwd=textkit.folder, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    for line in process.stderr:
        if "trial 2" in line or "trial 4" in line:
            break
    process.send_signal(number)
    told = process.stderr.read()
    assert process.wait(30) == 128 + number
    assert told.splitlines()[-1] == f"textkit train: stopped by {number.name}"
    assert [path.name for path in textkit.folder.iterdir()] == []
