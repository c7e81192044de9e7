"""What a network's explanation adds up to, for each kind of task; and what cannot be explained."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch

from tests.archs.making import DIM, feed, settings_of
from tests.making import REVIEWS, records_of, run, trained
from textkit.artifacts.store import Store
from textkit.errors import InputError, UsageError
from textkit.predicting import Predict
from textkit.registry import ARCHS
from textkit.streams.batch import Batch, Position
from textkit.tasks.classify import Classify
from textkit.tasks.explaining import NetworkExplainer, windows
from textkit.tasks.tag import Tag
from textkit.tokenizers.stage import Tokenize

torch.set_num_threads(1)  # tensors this small are only slowed down by more
IDS = [[7, 8, 9, 9], [], [10]]
TOKENS = [["가", "a", '"', "b"], [], ["한글"]]
MANIFEST: dict[str, Any] = {"input": "ids", "pad_id": 0, "sizes": {"vocabulary": 20, "dim": DIM, "features": 0, "unknown": 0, "characters": 0}}
SHOWN = [name for name in ARCHS if getattr(ARCHS.find(name), "explains", ())]


def batch(tokens: list[list[str]] | None = TOKENS, starts: list[list[int]] | None = None) -> Batch:
    columns = {"ids": pl.Series(IDS, dtype=pl.List(pl.Int32))} | ({} if tokens is None else {"tokens": pl.Series(tokens, dtype=pl.List(pl.String))})
    columns |= {} if starts is None else {"word_starts": pl.Series(starts, dtype=pl.List(pl.Int32))}
    return Batch(pl.DataFrame(columns), Position("here", 1))


def model_of(name: str, task: Any) -> torch.nn.Module:
    torch.manual_seed(0)
    model: torch.nn.Module = task.network(ARCHS.find(name)(settings_of(name), feed()[1])).eval()
    return model


def explained(task: Any, name: str, columns: list[pl.Series], given: Batch | None = None) -> list[dict[str, Any]]:
    explainer = NetworkExplainer(task, model_of(name, task), {**MANIFEST, "arch": name}, "m")
    return [json.loads(line) for line in explainer.explain(given or batch(), columns)]


def logits(name: str, task: Any) -> torch.Tensor:
    with torch.inference_mode():
        return model_of(name, task)(feed(records=IDS)[0].inputs(np.arange(3))).double()  # type: ignore[no-any-return]


def added(one: dict[str, Any]) -> float:
    return sum(one["adds"] if "adds" in one else [value for _, _, value in one["windows"]]) + one["bias"]  # type: ignore[no-any-return]


@pytest.mark.parametrize("name", SHOWN)
@pytest.mark.parametrize("labels", [["a", "b"], ["a", "b", "c"]])
def test_all_that_is_added_is_the_logit_less_the_mean_of_the_others(name: str, labels: list[str]) -> None:
    task = Classify(labels)
    values = logits(name, task)
    for code, label in enumerate(labels):
        found = explained(task, name, [pl.Series([label] * 3)])
        assert [one["tokens"] for one in found] == [TOKENS[0], ["[PAD]"], TOKENS[2]]
        for one, row in zip(found, values, strict=True):
            others = [value for other, value in enumerate(row.tolist()) if other != code]
            assert added(one) == pytest.approx(row[code].item() - sum(others) / len(others), abs=1e-4)
            if len(labels) == 2:
                assert 1 / (1 + np.exp(-added(one))) == pytest.approx(row.softmax(0)[code].item(), abs=1e-4)


@pytest.mark.parametrize("name", ["gru", "cnn"])
def test_of_several_labels_each_that_was_predicted_has_its_own_logit(name: str) -> None:
    task = Classify(["a", "b", "c"], multi=True)
    chosen = [["c", "a"], [], ["b"]]
    predictions = pl.Series([[{"label": label, "score": 0.5} for label in several] for several in chosen])
    values = logits(name, task)
    for row, one in enumerate(explained(task, name, [predictions])):
        assert [added(each) for each in one["labels"]] == pytest.approx([values[row, "abc".index(label)].item() for label in chosen[row]], abs=1e-4)


def test_a_tagger_shows_what_it_did_and_where_words_begin() -> None:
    task = Tag(["A", "B"])
    tagged = [pl.Series([["A", "B"], [], ["A"]])]
    for name, told in (("lstm", "gates"), ("gru", "gates"), ("transformer", "attention")):
        assert [[*one] for one in explained(task, name, tagged)] == [["tokens", told]] * 3
    assert [one["starts"] for one in explained(task, "lstm", tagged, batch(starts=[[0, 2], [], [0]]))] == [[0, 2], [], [0]]


def test_what_has_nothing_to_show_is_refused_and_told_what_can() -> None:
    classifiers, taggers = "it shows lstm, gru, rnn, cnn, cnn-rnn, transformer, linear-bow", "it shows lstm, gru, transformer"
    for task, name, fix in ((Classify(["a", "b"]), "mlp", classifiers), (Tag(["A", "B"]), "cnn", taggers), (Tag(["A", "B"]), "rnn", taggers)):
        with pytest.raises(UsageError, match=f"of {name}") as error:
            NetworkExplainer(task, None, {**MANIFEST, "arch": name}, "m")
        assert error.value.fix == fix
    with pytest.raises(UsageError, match="two texts"):
        NetworkExplainer(Classify(["a", "b"], pairs=True), None, {**MANIFEST, "arch": "lstm", "pairs": True}, "m")


def test_tokens_that_are_not_those_of_the_ids() -> None:
    task, columns = Classify(["a", "b"]), [pl.Series(["a"] * 3)]
    with pytest.raises(InputError, match="differ in number"):
        explained(task, "gru", columns, batch([["a"], [], ["b"]]))
    assert [one["tokens"] for one in explained(task, "gru", columns, batch(None))] == [["7", "8", "9", "9"], ["[PAD]"], ["10"]]


def test_places_of_tokens_that_the_vocabulary_lacks() -> None:
    task = Classify(["a", "b"])
    explainer = NetworkExplainer(task, model_of("gru", task), {**MANIFEST, "arch": "gru"}, "m", unknown=9)
    found = [json.loads(line) for line in explainer.explain(batch(), [pl.Series(["a"] * 3)])]
    assert [one["unknown"] for one in found] == [[2, 3], [], []]
    assert "unknown" not in explained(task, "gru", [pl.Series(["a"] * 3)])[0]  # of a vocabulary that lacks nothing


@pytest.mark.parametrize(("method", "unknown"), [("words", [[1, 2], []]), ("chars", [[], []]), ("byte-bpe", [[], []])])
def test_the_vocabulary_is_that_of_the_models_own_chain(tmp_path: Path, method: str, unknown: list[list[int]]) -> None:
    save = tmp_path / "model"
    tokenize = Tokenize.of(method, None, Store(str(tmp_path / "tok")))
    trained(run(REVIEWS, tokenize), save, arch="gru", settings=("hidden=4", "embedding_dim=4"), training={"epochs": 1, "batch_size": 8})
    found = [one["explanation"] for one in records_of(run(["a tame dram", "a film"], Predict.load(save, explain=10)))]
    assert [one["unknown"] for one in found] == unknown


def test_windows_are_merged_where_only_their_edges_differ_and_come_by_strength() -> None:
    """Of two tokens, in windows of 2 and 3: all that hold the same tokens are one."""
    spans = [(-1, 1), (0, 2), (1, 3), (-2, 1), (-1, 2), (0, 3), (1, 4)]
    adds = np.array([1.0, -4.0, 0.5, 1.0, 1.0, 0.0, -0.5])
    assert windows(adds, spans, 2) == [[0, 2, -3.0], [0, 1, 2.0]]
