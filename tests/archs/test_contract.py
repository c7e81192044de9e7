"""What every neural architecture of the registry must do for a task that reads ids."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
import torch

from textkit import config
from textkit.arrays import Ragged
from textkit.nn.inputs import Sizes, Tokens
from textkit.registry import ARCHS
from textkit.tasks.classify import Classify
from textkit.tasks.classify_neural import Classifying, network, probabilities
from textkit.tasks.feeding import Feed
from textkit.training import loop

torch.set_num_threads(1)  # tensors this small are only slowed down by more
NEURAL = [name for name in ARCHS if ARCHS.find(name).engine == "torch"]
SIZES = Sizes(vocabulary=20, dim=6)
each_arch = pytest.mark.parametrize("name", NEURAL)
RECORDS = [[7, 8, 9], [9, 8], [10], [11, 12, 13, 14], [7, 12], [15, 16, 17, 18, 19], [13], []]
TARGETS = np.array([0, 1, 2, 0, 1, 2, 0, 1])
TASK = Classify(["a", "b", "c"])


def build(name: str) -> torch.nn.Module:
    arch = ARCHS.find(name)
    return network(TASK, arch(arch.Config(), SIZES))


def feed() -> Feed:
    return Feed(Ragged.of(pl.Series(RECORDS, dtype=pl.List(pl.Int32))), 0)


def problem() -> Classifying:
    return Classifying(TASK, feed(), TARGETS)


def everything() -> Tokens:
    inputs = feed().inputs(np.arange(len(RECORDS)))
    assert isinstance(inputs, Tokens)
    return inputs


def fit(name: str, **settings: Any) -> tuple[torch.nn.Module, list[dict[str, Any]]]:
    rows = np.arange(len(RECORDS))
    given = loop.Settings(**{"epochs": 40, "batch_size": 4, "lr": 0.01, "precision": "fp32", **settings})
    return loop.fit(lambda: build(name), problem(), (rows, rows), given)


def test_there_is_an_architecture_to_test() -> None:
    assert NEURAL


@each_arch
def test_ids_and_lengths_give_logits_for_each_record(name: str) -> None:
    logits = build(name)(everything())
    assert logits.shape == (len(RECORDS), 3)
    assert logits.isfinite().all()


@each_arch
def test_the_gradient_reaches_every_parameter(name: str) -> None:
    torch.manual_seed(0)
    model = build(name)
    problem().loss(model, problem().batch(np.arange(len(RECORDS)))).backward()  # type: ignore[no-untyped-call]
    for parameter_name, parameter in model.named_parameters():
        assert parameter.grad is not None, parameter_name
        assert parameter.grad.abs().sum() > 0, parameter_name


@each_arch
def test_it_learns_eight_records_by_heart_an_empty_one_too(name: str) -> None:
    model, history = fit(name)
    assert history[-1]["train_loss"] < history[0]["train_loss"]
    assert probabilities(model, feed(), np.arange(len(RECORDS))).argmax(1).tolist() == TARGETS.tolist()


@each_arch
def test_training_twice_gives_the_same_weights_and_another_seed_others(name: str) -> None:
    first, again, other = (fit(name, epochs=2, seed=seed)[0].state_dict() for seed in (1, 1, 2))
    assert all(torch.equal(tensor, again[key]) for key, tensor in first.items())
    assert not all(torch.equal(tensor, other[key]) for key, tensor in first.items())


@each_arch
def test_its_config_and_weights_rebuild_it(name: str) -> None:
    model, _ = fit(name, epochs=1)
    arch = ARCHS.find(name)
    settings = config.from_json(arch.Config, config.to_json(arch.Config()), "here")
    again = network(TASK, arch(settings, SIZES))
    again.load_state_dict(model.state_dict())
    rows = np.arange(len(RECORDS))
    np.testing.assert_array_equal(probabilities(again, feed(), rows), probabilities(model, feed(), rows))


@each_arch
def test_probabilities_do_not_depend_on_the_company(name: str) -> None:
    model = build(name).eval()
    together = probabilities(model, feed(), np.arange(len(RECORDS)))
    alone = np.concatenate([probabilities(model, feed(), np.array([row])) for row in range(len(RECORDS))])
    np.testing.assert_allclose(together, alone, atol=1e-6)
    np.testing.assert_allclose(together.sum(1), 1, atol=1e-6)
