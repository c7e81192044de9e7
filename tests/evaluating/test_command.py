"""`textkit evaluate` as a process: options, exit codes, what people see."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.conftest import Textkit
from textkit.evaluating.gates import EVERY, METRICS, SEVERAL, TAGS


def line(gold: str | None, predicted: str, score: float = 0.9, **more: object) -> str:
    return json.dumps({**more, **({} if gold is None else {"label": gold}), "prediction": predicted, "score": score}, ensure_ascii=False) + "\n"


ANSWERS = line("p", "p") + line("n", "n", 0.8) + line("p", "n", 0.7) + line("n", "n", 0.6)  # accuracy 0.75


@pytest.fixture
def answers(textkit: Textkit) -> Textkit:
    (textkit.folder / "answers.jsonl").write_text(ANSWERS, encoding="utf-8")
    return textkit


def error(textkit: Textkit, *words: object, code: int, stdin: str = "") -> str:
    """The one line of an error, without the command's name."""
    told = textkit("evaluate", *words, code=code, stdin=stdin).stderr.splitlines()
    assert len(told) == 1, told
    return told[0].removeprefix("textkit evaluate: error: ")


@pytest.mark.parametrize("limit", ["accuracy=0.75", "f1_macro=-1", "log_loss=100", "ece=1"])
def test_a_limit_that_is_kept(answers: Textkit, limit: str) -> None:
    assert json.loads(answers("evaluate", "--json", "answers.jsonl", "--fail-under", limit).stdout)["accuracy"] == 0.75


@pytest.mark.parametrize(
    ("limits", "told"),
    [
        (["accuracy=0.7501"], "accuracy is 0.75, under the limit of 0.7501"),
        (["log_loss=0.1"], "log_loss is 0.510826, over the limit of 0.1"),
        (["accuracy=0.7", "f1_macro=0.9", "accuracy=0.8"], "f1_macro is 0.733333, under the limit of 0.9; accuracy is 0.75, under the limit of 0.8"),
    ],
)
def test_a_limit_that_is_not_kept_ends_with_5_after_printing(answers: Textkit, limits: list[str], told: str) -> None:
    words = [word for limit in limits for word in ("--fail-under", limit)]
    result = answers("evaluate", "--json", "answers.jsonl", *words, code=5)
    assert json.loads(result.stdout)["accuracy"] == 0.75
    assert result.stderr == f"textkit evaluate: error: {told}\n"
    assert "0.7500" in answers("evaluate", "answers.jsonl", *words, code=5).stdout


def test_a_limit_is_told_to_programs(answers: Textkit) -> None:
    result = answers("evaluate", "answers.jsonl", "--fail-under", "accuracy=0.8", "--errors-json", code=5)
    assert json.loads(result.stderr)["exit_code"] == 5


def test_a_limit_of_what_cannot_be_told(textkit: Textkit) -> None:
    told = error(textkit, "--fail-under", "roc_auc=0.5", "--json", stdin='{"label":"a","prediction":"a"}\n', code=3)
    assert told == "roc_auc cannot be told: it takes the scores of all labels, and records of two labels or more; see predict --proba"


@pytest.mark.parametrize(
    ("limit", "told"),
    [
        ("f1=0.8", f"no metric is called 'f1'; the metrics are {', '.join(EVERY)}"),
        ("accuracy", "takes a metric and its limit: accuracy=0.8"),
        ("accuracy=high", "takes a metric and its limit: accuracy=0.8"),
        ("accuracy=nan", "takes a metric and its limit: accuracy=0.8"),
        ("=1", "no metric is called ''"),
    ],
)
def test_a_limit_that_makes_no_sense(answers: Textkit, limit: str, told: str) -> None:
    found = error(answers, "--fail-under", limit, "answers.jsonl", code=2)
    assert found.startswith(f"Invalid value for '--fail-under': {told}")


def test_every_metric_has_a_name_that_a_limit_takes(answers: Textkit) -> None:
    found = json.loads(answers("evaluate", "--json", "answers.jsonl").stdout)
    assert tuple(name for name in found if name in METRICS) == tuple(name for name in METRICS if name not in (*SEVERAL, *TAGS))
    assert found.keys() - {*METRICS} == {"records", "labels", "confusion"}


def test_confidence(answers: Textkit) -> None:
    found = json.loads(answers("evaluate", "--json", "answers.jsonl", "--confidence", 0.9).stdout)["confidence"]
    assert (found["level"], found["resamples"], found["seed"]) == (0.9, 1000, 42)
    assert found["intervals"]["accuracy"] == [0.25, 1.0]
    again = json.loads(answers("evaluate", "--json", "answers.jsonl", "--confidence", 0.9, "--seed", 1).stdout)["confidence"]
    assert again["intervals"] != found["intervals"]
    shown = answers("evaluate", "answers.jsonl", "--confidence", 0.9).stdout.splitlines()
    assert shown[:2] == ["4 records, 2 labels; 90 % intervals", "accuracy            0.7500   0.2500 to 1.0000"]


@pytest.mark.parametrize("level", ["0", "1", "95", "nan"])
def test_a_level_that_makes_no_sense(answers: Textkit, level: str) -> None:
    assert "Invalid value for '--confidence'" in error(answers, "--confidence", level, "answers.jsonl", code=2)


def test_compare_two_files(answers: Textkit) -> None:
    (answers.folder / "other.jsonl").write_text(ANSWERS.replace('"prediction": "n", "score": 0.7', '"prediction": "p", "score": 0.7'))
    found = json.loads(answers("evaluate", "--json", "answers.jsonl", "--compare", "other.jsonl").stdout)["compare"]
    assert found["accuracy"] | {"interval": None} == {"this": 0.75, "other": 1.0, "difference": 0.25, "interval": None}
    assert found["mcnemar"] == {"method": "exact binomial", "only_this_right": 0, "only_other_right": 1, "p": 1.0}
    assert (found["better"], found["significant"]) == ("other.jsonl", False)
    shown = answers("evaluate", "answers.jsonl", "--compare", "other.jsonl").stdout
    assert "other.jsonl has the higher accuracy here, but that cannot be told from chance (McNemar p = 1)." in shown


def test_compare_models_and_files_of_their_predictions(textkit: Textkit, made: Path) -> None:
    """A model and what it predicted are the same, whichever comes first."""
    answers = textkit("predict", made / "model", made / "reviews.tsv", "--proba").stdout
    (textkit.folder / "answers.jsonl").write_text(answers)
    model = json.loads(textkit("evaluate", made / "model", made / "reviews.tsv", "--json", "--compare", made / "model").stdout)
    stream = json.loads(textkit("evaluate", "answers.jsonl", "--json", "--compare", made / "model").stdout)
    mixed = json.loads(textkit("evaluate", made / "model", made / "reviews.tsv", "--json", "--compare", "answers.jsonl").stdout)
    for found in (model, stream, mixed):
        told = found.pop("compare")
        assert told["mcnemar"]["p"] == 1
        assert told["accuracy"]["interval"] == [0, 0]
    assert model == stream == mixed


def test_a_piped_comparison(textkit: Textkit, made: Path) -> None:
    words = f"textkit predict {made / 'model'} {made / 'reviews.tsv'} | textkit evaluate --json --compare {made / 'model'}"
    assert json.loads(textkit.shell(words).stdout)["compare"]["this"] == "-"


def test_gold_from_another_file(textkit: Textkit, made: Path) -> None:
    reviews = made / "reviews.tsv"
    expected = textkit("evaluate", made / "model", reviews, "--json").stdout
    texts = [row.split("\t")[0] for row in reviews.read_text(encoding="utf-8").splitlines()]
    labels = [row.split("\t")[1] for row in reviews.read_text(encoding="utf-8").splitlines()]
    (textkit.folder / "texts.tsv").write_text("\n".join(texts) + "\n", encoding="utf-8")
    (textkit.folder / "labels.txt").write_text("\n".join(labels[1:]) + "\n", encoding="utf-8")
    (textkit.folder / "moods.csv").write_text("\n".join(["mood", *labels[1:]]) + "\n", encoding="utf-8")
    assert textkit("evaluate", made / "model", "texts.tsv", "--json", "--gold", "labels.txt").stdout == expected
    assert textkit("evaluate", made / "model", "texts.tsv", "--json", "--gold", reviews).stdout == expected
    moods = textkit("evaluate", made / "model", "texts.tsv", "--json", "--gold", "moods.csv", "--label-field", "mood")
    assert moods.stdout == expected
    limited = textkit("evaluate", made / "model", "texts.tsv", "--json", "--gold", "labels.txt", "--limit", 5)
    assert json.loads(limited.stdout)["records"] == 5


def test_gold_with_another_number_of_records(answers: Textkit) -> None:
    for count, told in ((3, "gold.txt: 3 records came, and the input has more"), (5, "gold.txt: there are more records than the 4 of the input")):
        (answers.folder / "gold.txt").write_text("p\n" * count)
        assert error(answers, "answers.jsonl", "--gold", "gold.txt", code=3) == f"{told}; give the same records in the same order"


@pytest.mark.parametrize("flag", ["--gold", "--compare"])
def test_files_that_cannot_be_read_along(answers: Textkit, flag: str) -> None:
    assert error(answers, "answers.jsonl", flag, "gone.tsv", code=3) == "gone.tsv: no such file"
    assert error(answers, "answers.jsonl", flag, "-", code=2) == f"{flag} takes a file, and - is none"
    (answers.folder / "gold.txt").write_text("p\n" * 4)
    for words in (["--sample", 2], ["--on-error", "skip"], ["--reject", "bad.jsonl"]):
        told = error(answers, "answers.jsonl", flag, "gold.txt", *words, code=2)
        assert told == f"{words[0]} does not go with {flag}: the records of both files would no longer be the same"


def test_a_folder_that_is_no_model_cannot_be_compared(answers: Textkit) -> None:
    (answers.folder / "empty").mkdir()
    assert error(answers, "answers.jsonl", "--compare", "empty", code=3).startswith("empty")


def test_the_worst(textkit: Textkit, made: Path) -> None:
    found = json.loads(textkit("evaluate", made / "model", made / "reviews.tsv", "--json", "--worst", 3).stdout)["worst"]
    assert len(found) == 3
    assert [*found[0]] == ["where", "label", "prediction", "score", "label_score", "text"]
    assert found[0]["label_score"] <= found[1]["label_score"] <= found[2]["label_score"]
    path, _, number = found[0]["where"].rpartition(":")
    assert (made / "reviews.tsv").samefile(path)
    row = (made / "reviews.tsv").read_text(encoding="utf-8").splitlines()[int(number) - 1]
    assert row.startswith(f"{found[0]['text']}\t{found[0]['label']}")
    shown = textkit("evaluate", made / "model", made / "reviews.tsv", "--worst", 3).stdout.replace("\n", "")
    assert all(f"reviews.tsv:{row['where'].rpartition(':')[2]}  {row['label']} " in shown for row in found)


def test_a_model_without_probabilities_ranks(textkit: Textkit, made: Path) -> None:
    textkit("train", "classify", "--arch", "svm", made / "reviews.tsv", "--valid-split", 0, "--save", "svm")
    found = json.loads(textkit("evaluate", "svm", made / "reviews.tsv", "--json", "--worst", 40).stdout)
    assert found["roc_auc"] > 0.5 and found["average_precision"] > 0.5
    assert "log_loss" not in found and "ece" not in found
    assert all(row["label"] != row["prediction"] for row in found["worst"])
    ranked = json.loads(textkit.shell(f"textkit predict svm {made / 'reviews.tsv'} -k 2 | textkit evaluate --json").stdout)
    assert found == {**ranked, "worst": found["worst"]}
    told = textkit("evaluate", "svm", made / "reviews.tsv", "--json", "--fail-under", "log_loss=1", code=3).stderr
    assert "log_loss cannot be told: it takes the probabilities of all labels" in told


def test_bad_records_may_be_left_out(textkit: Textkit) -> None:
    lines = ANSWERS + '{"prediction":"p"}\n{"label":"p"}\n{"label":"p","prediction":"p","predictions":[{"score":1}]}\n'
    result = textkit("evaluate", "--json", "--reject", "bad.jsonl", stdin=lines)
    assert json.loads(result.stdout)["records"] == 4
    assert re.search(r"4 records, 3 skipped in ", result.stderr)
    assert len((textkit.folder / "bad.jsonl").read_text().splitlines()) == 3
    assert error(textkit, "--json", stdin=lines, code=3).startswith("<stdin>:5: the record has no 'label'")


def test_a_cut_stream_is_refused_unless_that_is_accepted(textkit: Textkit) -> None:
    cut = '{"textkit":{"version":1,"stages":[]}}\n' + ANSWERS
    assert "without its end line" in error(textkit, "--json", stdin=cut, code=3)
    assert json.loads(textkit("evaluate", "--json", "--partial", stdin=cut).stdout)["records"] == 4


def test_in_a_pipe_of_one_process(answers: Textkit) -> None:
    piped = answers("pipe", "convert | evaluate --json --gold answers.jsonl", "answers.jsonl")
    assert piped.stdout == answers("evaluate", "--json", "answers.jsonl").stdout
