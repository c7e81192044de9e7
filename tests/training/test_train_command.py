"""`textkit train` of networks as a command: its options reach the loop, validation files, dry runs and rate tests."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from textkit.artifacts.bundle import Bundle
from textkit.cli import group
from textkit.errors import InputError, LineageError, UsageError

SMALL = ("--arch", "lstm", "-s", "hidden=4", "-s", "embedding_dim=4", "--device", "cpu", "--precision", "fp32")


@pytest.fixture
def place(tmp_path: Path, made: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with train.tsv of 30 reviews and valid.tsv of 10 others."""
    monkeypatch.chdir(tmp_path)
    header, *rows = (made / "reviews.tsv").read_text(encoding="utf-8").splitlines(keepends=True)
    (tmp_path / "train.tsv").write_text(header + "".join(rows[:30]), encoding="utf-8")
    (tmp_path / "valid.tsv").write_text(header + "".join(rows[30:]), encoding="utf-8")
    return tmp_path


def train(*words: object, arch: tuple[str, ...] = SMALL) -> dict[str, Any]:
    """The manifest of what was trained."""
    group.main(["train", "classify", "train.tsv", *arch, *map(str, words), "--save", "m", "--force"], standalone_mode=False)
    return Bundle.load("m").manifest


def history() -> list[dict[str, Any]]:
    return [json.loads(line) for line in Path("m/history.jsonl").read_text().splitlines()]


def test_options_reach_the_loop(place: Path) -> None:
    options = {
        "optimizer": "nesterov", "schedule": "noam", "warmup": 0.5, "weight_decay": 0.25, "clip": 2.5, "accumulate": 2, "batch_size": 4,
        "max_steps": 3, "max_time": 99.0, "early_stop": 7, "metric": "f1_macro", "eval_every": 2, "lr": 0.125,
    }  # fmt: skip
    words = [word for name, value in options.items() for word in ("--" + name.replace("_", "-"), value)]
    found = train(*words)["training"]
    assert {name: found[name] for name in options} == options
    assert [entry["step"] for entry in history()] == [2, 3]


def test_batches_of_all_records_and_of_tokens(place: Path) -> None:
    assert train("--batch-size", "full", "--optimizer", "sgd", "--epochs", 3)["training"]["batch_size"] == "full"
    assert [entry["step"] for entry in history()] == [1, 2, 3]
    assert train("--batch-tokens", 60, "--epochs", 1)["training"]["batch_tokens"] == 60


@pytest.mark.parametrize("seed", [11, 12, 13])
def test_epochs_are_equal_parts_of_the_schedule_however_many_steps_they_have(place: Path, seed: int, capsys: pytest.CaptureFixture[str]) -> None:
    train("--batch-tokens", 24, "--epochs", 3, "--lr", 0.003, "--valid-split", 0, "--seed", seed)
    steps = [entry["step"] for entry in history()]
    assert len(steps) == 3
    for epoch, entry in enumerate(history(), 1):
        assert entry["lr"] == pytest.approx(0.003 * (1 - epoch / 3), abs=0.003 / 3 / 5), "that of the epoch's last step, of 8 or so"
        assert entry["lr"] > 0
    assert "stopping" not in capsys.readouterr().err


@pytest.mark.parametrize(("copies", "epochs", "batch_size"), [(1, 10, 8), (80, 5, 16)])
def test_of_few_records_there_are_more_epochs(place: Path, copies: int, epochs: int, batch_size: int) -> None:
    header, *rows = Path("train.tsv").read_text(encoding="utf-8").splitlines(keepends=True)
    Path("train.tsv").write_text(header + "".join(rows * copies), encoding="utf-8")
    found = train("--max-time", 1e-9)["training"]
    assert (found["epochs"], found["batch_size"]) == (epochs, batch_size)


def test_of_full_and_single_records_the_textbook_comparison_runs(place: Path) -> None:
    train("--batch-size", 1, "--optimizer", "sgd", "--epochs", 1)
    steps = history()[-1]["step"]
    train("--batch-size", "full", "--optimizer", "sgd", "--epochs", 1)
    assert 25 <= steps < 30, "as many as there are records, but for those held out"
    assert history()[-1]["step"] == 1


def test_a_file_to_validate_on_goes_through_the_chain(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The metrics of training are those of evaluating the bundle on the file."""
    manifest = train("--valid", "valid.tsv", "--epochs", 2)
    assert manifest["records"] == 30
    group.main(["evaluate", "m", "valid.tsv", "--json"], standalone_mode=False)
    scores = json.loads(capsys.readouterr().out)
    assert scores["records"] == 10
    assert scores["accuracy"] == pytest.approx(manifest["metrics"]["valid_accuracy"])


def test_training_on_a_stream_validates_on_raw_text_and_on_a_stream_alike(place: Path) -> None:
    group.main(["tokenize", "train.tsv", "--method", "wordpiece", "--vocab-size", "120", "--save", "tok", "-o", "s.jsonl"], standalone_mode=False)
    group.main(["tokenize", "valid.tsv", "--load", "tok", "-o", "v.jsonl"], standalone_mode=False)
    found = []
    for valid in ("valid.tsv", "v.jsonl"):
        group.main(["train", "classify", "s.jsonl", *SMALL, "--valid", valid, "--epochs", "1", "--save", "m", "--force"], standalone_mode=False)
        found.append(Bundle.load("m").manifest["sha256"])
    assert found[0] == found[1]


def test_records_to_validate_on_of_another_chain_are_refused(place: Path) -> None:
    group.main(["tokenize", "valid.tsv", "--method", "chars", "-o", "v.jsonl"], standalone_mode=False)
    with pytest.raises(LineageError, match=r"v\.jsonl: the records to train on and those to validate on"):
        train("--valid", "v.jsonl")


def test_a_file_to_validate_on_without_records_or_labels_is_told(place: Path) -> None:
    Path("empty.tsv").write_text("label\ttext\n")
    with pytest.raises(InputError, match=r"empty\.tsv: nothing to validate on"):
        train("--valid", "empty.tsv")
    Path("bare.txt").write_text("no label here\n")
    with pytest.raises(InputError, match=r"bare\.txt.*label"):
        train("--valid", "bare.txt")
    with pytest.raises(InputError, match=r"gone\.tsv"):
        train("--valid", "gone.tsv")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
@pytest.mark.parametrize(("words", "message"), [(("--device", "cuda"), "--device cuda"), (("--precision", "fp16"), "fp16 needs a CUDA GPU")])
def test_a_device_that_is_not_there_is_told_and_leaves_nothing(place: Path, words: tuple[str, ...], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        train(*words, arch=("--arch", "lstm"))
    assert sorted(path.name for path in place.iterdir()) == ["train.tsv", "valid.tsv"]


@pytest.mark.parametrize(
    "words",
    [
        ("--valid", "valid.tsv", "--valid-split", 0.2),
        ("--batch-size", 4, "--batch-tokens", 50),
        ("--find-lr", "--dry-run"),
        ("--batch-size", "full", "--accumulate", 2),
    ],
)
def test_options_that_exclude_each_other(place: Path, words: tuple[object, ...]) -> None:
    with pytest.raises(UsageError, match="exclude each other"):
        train(*words)


@pytest.mark.parametrize(
    "words", [("--optimizer", "sgd"), ("--device", "cpu"), ("--valid", "valid.tsv"), ("--max-steps", 3), ("--dry-run",), ("--find-lr",)]
)
def test_a_linear_model_has_no_use_for_them(place: Path, words: tuple[object, ...]) -> None:
    with pytest.raises(UsageError, match=f"{words[0]} is for networks, and logreg is none"):
        train(*words, arch=("--arch", "logreg"))


def test_a_dry_run_tells_shapes_records_memory_and_time_and_saves_nothing(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    group.main(["train", "classify", "train.tsv", *SMALL, "--dry-run"], standalone_mode=False)
    told = capsys.readouterr().err
    for due in ("encoder.embedding.tokens", "LSTM", "output", " steps of ", "peak memory", "% padding"):
        assert due in told
    assert told.count(" -> ") == 3
    assert {line.rpartition(" -> ")[2] for line in told.splitlines() if " -> " in line} <= {"positive", "negative"}
    assert sorted(path.name for path in place.iterdir()) == ["train.tsv", "valid.tsv"]


@pytest.mark.parametrize(
    ("records", "words", "due"),
    [
        ([{"vector": [1.5, 2], "label": "a"}, {"vector": [3, 4], "label": "b"}], ("classify", "--arch", "mlp"), ["1.5 2 -> a", "3 4 -> b"]),
        (
            [
                {"features": {"indices": [3], "values": [0.5]}, "label": "a"},
                {"features": {"indices": [1, 4], "values": [2, 1]}, "label": "b"},
            ],
            ("classify", "--arch", "mlp"),
            ["3:0.5 -> a", "1:2 4:1 -> b"],
        ),
        (
            [{"text": "x", "pair": "y x", "label": "b"}, {"text": "x y", "pair": "y", "label": "a"}],
            ("classify", "--arch", "lstm"),
            ["x/7 | y/8 x/7 -> b", "x/7 y/8 | y/8 -> a"],
        ),
        ([{"text": "x", "labels": ["b", "a"]}, {"text": "x", "labels": []}], ("classify", "--arch", "lstm"), ["-> a, b", "-> none of the labels"]),
        ([{"tokens": ["x", "y"], "tags": ["A", "B"]}, {"tokens": ["y"], "tags": ["B"]}], ("tag",), ["-> A B", "-> B"]),
    ],
)
def test_a_dry_run_shows_what_is_learned_of_each_kind_of_record(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], records: list[dict[str, Any]], words: tuple[str, ...], due: list[str]
) -> None:
    file = tmp_path / "in.jsonl"
    file.write_text("".join(json.dumps(record) + "\n" for record in records))
    size = ["-s", "hidden=4", "--valid-split", "0", "--device", "cpu", "--precision", "fp32"]
    group.main(["train", words[0], str(file), *words[1:], *size, "--dry-run"], standalone_mode=False)
    told = [line for line in capsys.readouterr().err.splitlines() if " -> " in line]
    assert len(told) == len(due)
    assert all(line.endswith(end) for line, end in zip(told, due, strict=True))


def test_labels_that_only_the_records_to_validate_on_have_are_told(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("others.tsv").write_text("label\ttext\nnew\ta b\npositive\ta\nolder\tb\n")
    train("--valid", "others.tsv", "--epochs", 1)
    assert "no record to train on has these of the labels in --valid: new, older\n" in capsys.readouterr().err
    train("--valid", "valid.tsv", "--epochs", 1)
    assert "--valid" not in capsys.readouterr().err


def test_a_rate_test_tells_a_rate_and_saves_nothing(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    group.main(["train", "classify", "train.tsv", *SMALL, "--find-lr", "--progress", "json"], standalone_mode=False)
    facts = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    (found,) = [fact for fact in facts if "curve" in fact]
    assert found["lr"] == pytest.approx(found["lowest"] / 10, rel=0.05)
    assert sorted(path.name for path in place.iterdir()) == ["train.tsv", "valid.tsv"]
