"""The training loop: the best epoch is kept, the history tells the truth, divergence stops."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from torch import Tensor, nn

from textkit.arrays import Ragged
from textkit.errors import InputError
from textkit.nn.inputs import Tokens
from textkit.tasks.classify import Classify
from textkit.tasks.classify_neural import Classifying, probabilities
from textkit.tasks.feeding import Feed
from textkit.training import loop

torch.set_num_threads(1)  # tensors this small are only slowed down by more
RECORDS = [[1 + i % 2] * (1 + i % 3) for i in range(24)]
TARGETS = np.arange(24) % 2
TASK = Classify(["a", "b"])
HALF = np.arange(12), np.arange(12, 24)


class Bag(nn.Module):
    """The mean of two-dimensional embeddings as logits: the least that can be trained."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(4, 2)
        self.output = nn.Linear(2, 2)

    def forward(self, inputs: Tokens) -> Tensor:
        return torch.as_tensor(self.output(self.embedding(inputs.ids).sum(1) / inputs.lengths[:, None]))  # (B, T) -> (B, 2)


def fit(rows: tuple[np.ndarray, np.ndarray] = HALF, build: Any = Bag, **settings: Any) -> tuple[nn.Module, list[dict[str, Any]]]:
    inputs = Feed(Ragged.of(pl.Series(RECORDS, dtype=pl.List(pl.Int32))), 0)
    given = loop.Settings(**{"epochs": 4, "batch_size": 5, "lr": 0.05, "precision": "fp32", **settings})
    return loop.fit(build, Classifying(TASK, inputs, TARGETS), rows, given)


def timeless(history: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: value for name, value in entry.items() if name not in ("seconds", "tokens_per_second")} for entry in history]


def same(first: nn.Module, second: nn.Module) -> bool:
    pairs = zip(first.state_dict().values(), second.state_dict().values(), strict=True)
    return all(torch.equal(one, other) for one, other in pairs)


def test_one_entry_an_epoch_with_losses_that_fall() -> None:
    _, history = fit(epochs=8)
    assert [entry["epoch"] for entry in history] == list(range(1, 9))
    assert history[-1]["train_loss"] < history[0]["train_loss"]
    assert {"train_loss", "padding", "valid_loss", "valid_accuracy"} <= history[0].keys()
    assert history[-1]["valid_accuracy"] == 1.0


def test_the_validation_numbers_are_those_of_the_model_that_is_returned() -> None:
    model, history = fit()
    inputs = Feed(Ragged.of(pl.Series(RECORDS, dtype=pl.List(pl.Int32))), 0)
    measured = TASK.metrics(probabilities(model, inputs, HALF[1]), TARGETS[HALF[1]])
    best = loop.best_epoch(history, "accuracy")
    assert {f"valid_{name}": value for name, value in measured.items()} == {name: value for name, value in best.items() if "valid" in name}


def test_the_best_epoch_is_kept_not_the_last() -> None:
    """Validation labels are turned round, so that each epoch makes them worse: the first is the best."""
    inputs = Feed(Ragged.of(pl.Series(RECORDS, dtype=pl.List(pl.Int32))), 0)
    targets = np.concatenate([TARGETS[:12], 1 - TARGETS[12:]])
    given = loop.Settings(epochs=6, batch_size=4, lr=0.3, precision="fp32")
    model, history = loop.fit(Bag, Classifying(TASK, inputs, targets), HALF, given)
    best = loop.best_epoch(history, "accuracy")
    measured = TASK.metrics(probabilities(model, inputs, HALF[1]), targets[HALF[1]])
    assert best["epoch"] < 6
    assert measured["loss"] == best["valid_loss"] < history[-1]["valid_loss"]


def test_of_equal_epochs_the_lower_loss_wins_and_without_validation_the_last() -> None:
    history = [{"epoch": n, "valid_accuracy": a, "valid_loss": loss} for n, a, loss in [(1, 0.5, 0.1), (2, 0.9, 0.4), (3, 0.9, 0.3), (4, 0.9, 0.5)]]
    assert loop.best_epoch(history, "accuracy")["epoch"] == 3
    assert loop.best_epoch([{"epoch": 1}, {"epoch": 2}], "accuracy") == {"epoch": 2}


def test_without_validation_it_trains_to_the_end() -> None:
    _, history = fit((np.arange(24), np.arange(0)))
    assert len(history) == 4
    assert not any(name.startswith("valid_") for name in history[-1])


def test_a_seed_gives_the_same_weights_and_history() -> None:
    (first, history), (again, same_history), (other, _) = fit(seed=1), fit(seed=1), fit(seed=2)
    assert same(first, again)
    assert timeless(history) == timeless(same_history)
    assert not same(first, other)


def test_the_state_of_the_random_numbers_outside_does_not_matter() -> None:
    first = fit(seed=1)[0]
    torch.rand(7)
    assert same(first, fit(seed=1)[0])


@pytest.mark.parametrize("size", [5, 24, 100])
def test_any_batch_size_takes_every_record(size: int) -> None:
    _, history = fit(batch_size=size, epochs=1)
    assert np.isfinite(history[0]["train_loss"])


class Diverging(Bag):
    def forward(self, inputs: Tokens) -> Tensor:
        return super().forward(inputs) * float("nan")


class Exploding(Bag):
    """A finite loss with a gradient that is not: the square root's slope at 0."""

    def forward(self, inputs: Tokens) -> Tensor:
        return super().forward(inputs) + (self.output.weight * 0).sum().sqrt()


class Blind(Bag):
    """Says the same of every record, and so is always wrong about some."""

    def forward(self, inputs: Tokens) -> Tensor:
        return self.output.bias.expand(len(inputs.ids), 2)


@pytest.mark.parametrize("model", [Diverging, Exploding])
def test_divergence_stops_with_an_error(model: type[nn.Module]) -> None:
    with pytest.raises(InputError, match=r"diverged in epoch 1, step 1: .*scale them"):  # no rate has done anything yet
        fit(build=model)


def test_divergence_later_asks_for_a_lower_rate() -> None:
    with pytest.raises(InputError, match=r"diverged in epoch 1, step 2: .*--lr than 1e\+06"):
        fit(build=Blind, optimizer="sgd", lr=1e6, clip=0.0)


def test_bf16_trains_and_predicts_in_fp32() -> None:
    model, history = fit(precision="bf16", epochs=8)
    assert history[-1]["valid_accuracy"] == 1.0
    assert all(tensor.dtype == torch.float32 for tensor in model.state_dict().values())


def test_records_without_tokens_are_one_pad() -> None:
    inputs = Feed(Ragged.of(pl.Series([[], [3, 2]], dtype=pl.List(pl.Int32))), 0).inputs(np.array([0, 1]))
    assert isinstance(inputs, Tokens)
    assert inputs.ids.tolist() == [[0, 0], [3, 2]]
    assert inputs.lengths.tolist() == [1, 2]


@pytest.mark.parametrize(("warmup", "says"), [(12, False), (13, True), (0.9, False)])
def test_a_warm_up_longer_than_the_training_is_told(warmup: float, says: bool, capsys: pytest.CaptureFixture[str]) -> None:
    fit(warmup=warmup)  # 4 epochs of 3 steps
    assert ("will not come to its peak" in capsys.readouterr().err) == says
