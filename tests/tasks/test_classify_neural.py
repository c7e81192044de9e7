"""Classification by networks: the loss and its weights, several labels, pairs, vectors, features, weights of another model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.utils.class_weight import compute_class_weight, compute_sample_weight
from torch.nn import functional as F

from tests.conftest import Textkit
from textkit.artifacts.bundle import MODEL
from textkit.errors import InputError
from textkit.tasks.classify import Classify
from textkit.tasks.classify_neural import Classifying, weights_of
from textkit.tasks.feeding import Feed

torch.set_num_threads(1)  # tensors this small are only slowed down by more
LOGITS = torch.tensor([[1.0, -1.0, 0.5], [0.0, 2.0, -0.5]])
QUICK = ("--epochs", "3", "-s", "embedding_dim=8", "--lr", "0.02", "-q", "--force", "--precision", "fp32")


def loss(targets: np.ndarray, weights: np.ndarray | None = None, smoothing: float = 0.0) -> float:
    bound = Classifying(Classify(["a", "b", "c"], multi=targets.ndim == 2), Feed(vectors=np.zeros((2, 1))), targets, weights, smoothing)
    _, some, weighed = bound.batch(np.arange(2))
    return float(bound.loss(lambda *_: LOGITS, (None, some, weighed)))  # type: ignore[arg-type]


def test_one_label_weighted_and_smoothed_as_torch_has_it() -> None:
    targets, weights = np.array([0, 1]), np.array([1.0, 3.0, 0.5], np.float32)
    due = F.cross_entropy(LOGITS, torch.from_numpy(targets), weight=torch.from_numpy(weights), reduction="sum") / 2
    assert loss(targets, weights[targets]) == pytest.approx(float(due))
    assert loss(targets, smoothing=0.2) == pytest.approx(float(F.cross_entropy(LOGITS, torch.from_numpy(targets), label_smoothing=0.2)))


def test_several_labels_by_hand() -> None:
    marks = np.array([[True, False, True], [False, True, False]])
    each = F.binary_cross_entropy_with_logits(LOGITS, torch.from_numpy(marks).float(), reduction="none")
    assert loss(marks) == pytest.approx(float(each.mean()))
    counts = np.array([[2.0] * 3, [0.0] * 3], np.float32)
    assert loss(marks, counts) == pytest.approx(float((2 * each[0]).sum() / 6))
    soft = F.binary_cross_entropy_with_logits(LOGITS, torch.from_numpy(marks) * 0.8 + 0.1)
    assert loss(marks, smoothing=0.2) == pytest.approx(float(soft))


def test_a_batch_of_records_that_count_nothing_has_no_loss() -> None:
    assert loss(np.array([0, 1]), np.zeros(2, np.float32)) == 0.0


def test_balanced_weights_are_scikit_learns() -> None:
    targets, records = np.array([0, 0, 0, 1, 2, 2]), np.array([1.0, 2, 3, 4, 5, 6])

    def found(*given: Any) -> np.ndarray:
        weights = weights_of(*given)
        assert weights is not None
        return weights

    balanced = compute_class_weight("balanced", classes=np.arange(3), y=targets)[targets]
    np.testing.assert_allclose(found(targets, 3, None, "balanced"), balanced, rtol=1e-6)
    both = balanced * records
    np.testing.assert_allclose(found(targets, 3, records, "balanced"), both / both.mean(), rtol=1e-6)
    np.testing.assert_allclose(found(targets, 3, records, None), records / 3.5, rtol=1e-6)
    assert weights_of(targets, 3, None, None) is None
    marks = targets[:, None] == np.arange(3)
    each = found(marks, 3, None, "balanced")
    for label in range(3):
        np.testing.assert_allclose(each[:, label], compute_sample_weight("balanced", marks[:, label]), rtol=1e-6)


def test_weights_are_those_of_the_records_to_train_on() -> None:
    targets, trained = np.array([0, 1, 0, 0, 0]), np.array([0, 1])
    np.testing.assert_allclose(weights_of(targets, 2, None, "balanced", trained), np.ones(5))  # type: ignore[arg-type]
    np.testing.assert_allclose(weights_of(targets, 2, np.array([1.0, 3, 8, 8, 8]), None, trained), [0.5, 1.5, 4, 4, 4])  # type: ignore[arg-type]
    np.testing.assert_allclose(weights_of(targets[:, None] == np.arange(2), 2, None, "balanced", trained), np.ones((5, 2)))  # type: ignore[arg-type]
    with pytest.raises(InputError, match="weight 0"):
        weights_of(targets, 2, np.array([0.0, 0, 1, 1, 1]), None, trained)


@pytest.mark.parametrize(
    "options", [("--batch-size", "1"), ("--batch-size", "3"), ("--batch-size", "full"), ("--batch-size", "1", "--accumulate", "8")]
)
def test_class_weights_count_however_records_are_cut_into_batches(textkit: Textkit, tmp_path: Path, options: tuple[str, ...]) -> None:
    """Nine records in ten say nothing and are of one label: by weights, that is even."""
    records = write(tmp_path / "rare.jsonl", [{"text": "word", "label": "rare" if i % 10 == 0 else "usual"} for i in range(60)])
    learn = (
        "train",
        "classify",
        records,
        "--arch",
        "linear-bow",
        *QUICK[2:],
        "-s",
        "dropout=0",
        "--valid-split",
        "0",
        "--epochs",
        "30",
        "--clip",
        "0",
        *options,
    )
    textkit(*learn, "--class-weight", "balanced", "--save", "even")
    textkit(*learn, "--save", "plain")
    even, plain = (next(json.loads(line) for line in textkit("predict", m, records, "--proba").stdout.splitlines()) for m in ("even", "plain"))
    share = {name: {one["label"]: one["score"] for one in found["predictions"]}["rare"] for name, found in (("even", even), ("plain", plain))}
    assert share["plain"] < 0.3 < 0.4 < share["even"] < 0.6


def write(path: Path, records: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records), encoding="utf-8")
    return path


def predictions(textkit: Textkit, model: str, records: Path, *options: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in textkit("predict", model, records, *options).stdout.splitlines()]


@pytest.fixture
def coloured(tmp_path: Path) -> Path:
    words = ["red", "blue", "green"]
    return write(tmp_path / "several.jsonl", [{"text": "it is " + " ".join(some := words[i % 3 :][: i % 4]), "labels": some} for i in range(48)])


@pytest.fixture
def compared(tmp_path: Path) -> Path:
    words = ["빨간색", "파란색"]
    records = [
        {"text": f"{words[i % 2]} 집", "pair": f"{words[i // 2 % 2]} 차", "label": "same" if i % 2 == i // 2 % 2 else "other"} for i in range(64)
    ]
    return write(tmp_path / "pairs.jsonl", records)


def test_a_network_learns_several_labels(textkit: Textkit, coloured: Path) -> None:
    textkit("train", "classify", coloured, "--arch", "linear-bow", *QUICK[2:], "--epochs", "40", "--save", "m")
    for record in predictions(textkit, "m", coloured):
        assert {one["label"] for one in record["predictions"]} == {*record["labels"]}
    assert all(len(record["predictions"]) == 3 for record in predictions(textkit, "m", coloured, "--proba"))


@pytest.mark.parametrize("made", ["raw", "ids", "embedded"])
def test_a_network_compares_pairs_of_texts(textkit: Textkit, compared: Path, made: str) -> None:
    learn = f"textkit train classify {{}} --arch lstm -s hidden=8 -s chars=ngrams -s char_buckets=64 {' '.join(QUICK[2:])} --epochs 12 --save m"
    before = {
        "raw": learn.format(compared),
        "ids": f"textkit tokenize {compared} --fields text,pair --method wordpiece --vocab-size 60 -q --save tok | " + learn.format(""),
        "embedded": f"textkit tokenize {compared} --fields text,pair -q | textkit embed -q -s dim=8 | " + learn.format(""),
    }
    textkit.shell(before[made])
    found = predictions(textkit, "m", compared)
    assert [record["prediction"] for record in found] == [record["label"] for record in found]
    assert not {"tokens", "ids", "pair_ids"} & found[0].keys()


def test_a_pair_that_was_not_tokenized_is_said_to_be_left_out(textkit: Textkit, compared: Path) -> None:
    told = textkit.shell(f"textkit tokenize {compared} -q | textkit train classify --arch linear-bow --epochs 1 --save m").stderr
    assert "pair was not tokenized" in told


@pytest.mark.parametrize("stage", ["embed --pool mean -s dim=8", "vectorize"])
def test_an_mlp_learns_from_vectors_and_features(textkit: Textkit, coloured: Path, stage: str) -> None:
    textkit.shell(f"textkit {stage} {coloured} -q | textkit train classify --arch mlp -s dropout=0 {' '.join(QUICK[4:])} --epochs 40 --save m")
    found = predictions(textkit, "m", coloured)
    assert np.mean([{one["label"] for one in record["predictions"]} == {*record["labels"]} for record in found]) > 0.7


def test_characters_need_tokens(textkit: Textkit, coloured: Path) -> None:
    learn = f"textkit train classify --arch lstm -s chars=cnn {' '.join(QUICK)} --save m"
    ids = f"textkit tokenize {coloured} -q --method wordpiece --vocab-size 60 --save tok --drop tokens"
    assert "chars=cnn" in textkit.shell(f"{ids} | {learn}", code=2).stderr
    vectors = f"textkit vectorize {coloured} -q | textkit train classify --arch mlp --save m"
    assert "chars=cnn is for networks that read tokens" in textkit.shell(f"{vectors} -s chars=cnn", code=2).stderr
    assert "embedding_dim=7 is for networks that read tokens" in textkit.shell(f"{vectors} -s embedding_dim=7", code=2).stderr
    textkit.shell(f"textkit tokenize {coloured} --load tok -q | {learn}")
    assert "keep the tokens" in textkit.shell(f"textkit tokenize {coloured} --load tok -q --drop tokens | textkit predict m", code=4).stderr


def test_weights_of_another_model_by_name_shape_and_token(textkit: Textkit, coloured: Path, compared: Path) -> None:
    from safetensors.numpy import load_file

    learn = ("train", "classify", "--arch", "cnn", "-s", "filters=3", "-s", "chars=cnn+ngrams", *QUICK)
    textkit(*learn, coloured, "--save", "one")
    textkit(*learn, coloured, "--init-from", "one", "--freeze", "encoder.*", "--save", "two")
    one, two = (load_file(textkit.folder / name / MODEL) for name in ("one", "two"))
    frozen = [name for name in one if name.startswith("encoder.")]
    assert frozen
    for name in frozen:
        np.testing.assert_array_equal(one[name], two[name])
    assert not np.array_equal(one["output.weight"], two["output.weight"])
    other_arch = ("train", "classify", "--arch", "lstm", "-s", "embedding_dim=8", "--epochs", "1")
    other = textkit(*other_arch, compared, "--init-from", "one", "--save", "three").stderr
    assert "encoder.embedding.tokens.weight (" in other
    assert "new: " in other
    same_arch = ("train", "classify", "--arch", "cnn", "-s", "filters=3", "-s", "chars=cnn+ngrams", "-s", "embedding_dim=8", "--epochs", "1")
    (told,) = (line for line in textkit(*same_arch, compared, "--init-from", "one", "--save", "four").stderr.splitlines() if "from one:" in line)
    taken, new = told.split("; new: ")
    grams = "encoder.embedding.characters.ngrams.grams.weight"
    assert "letters.weight (" in taken
    assert grams in new  # hashed of the numbers of other letters
    assert grams not in taken


def test_what_cannot_be_begun_with_is_told(textkit: Textkit, coloured: Path) -> None:
    textkit("train", "classify", coloured, "--arch", "logreg", "-q", "--save", "linear")
    learn = ("train", "classify", coloured, "--arch", "linear-bow", *QUICK, "--save", "m")
    assert "takes a network" in textkit(*learn, "--init-from", "linear", code=2).stderr
    assert "no weight is called so" in textkit(*learn, "--freeze", "nope", code=2).stderr
    assert "nothing to learn" in textkit(*learn, "--freeze", "*", code=2).stderr
    assert "goes with word vectors" in textkit(*learn, "--freeze-embedding", code=2).stderr


def test_word_vectors_by_path_and_frozen_are_those_of_the_model(textkit: Textkit, coloured: Path) -> None:
    from safetensors.numpy import load_file

    textkit("embed", coloured, "-q", "-s", "dim=8", "-s", "min_count=1", "--save", "emb", "-o", "out.jsonl")
    learn = ("train", "classify", "--arch", "linear-bow", *QUICK[:2], "-q", "--force", "--precision", "fp32", "--save", "m")
    textkit(*learn, coloured, "--embedding", "emb", "--freeze-embedding")
    table, model = load_file(textkit.folder / "emb" / "vectors.safetensors")["vectors"], load_file(textkit.folder / "m" / MODEL)
    words, known = ((textkit.folder / place / "vocab.txt").read_text().split("\n") for place in ("emb", "m/stages/1-index"))
    for word in ("red", "blue", "green"):
        np.testing.assert_array_equal(model["encoder.embedding.tokens.weight"][known.index(word)], table[words.index(word)])
    assert "leave one of them out" in textkit(*learn, "out.jsonl", "--embedding", "emb", code=2).stderr
