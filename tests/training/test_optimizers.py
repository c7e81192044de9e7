"""Optimizers: names are torch's own classes, a step of the simple ones by hand, decay only where it belongs."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
import torch
from torch import nn

from textkit.commands.train import OPTIMIZERS as TYPED
from textkit.training.loop import Settings
from textkit.training.optimizers import OPTIMIZERS, groups, make

torch.set_num_threads(1)
EVERY = pytest.mark.parametrize("name", OPTIMIZERS)
LR, START, GRADIENTS = 0.1, 2.0, (1.0, 3.0)


def walk(name: str, decay: float = 0.0) -> list[float]:
    """Where a single weight stands after a step for each gradient."""
    model = nn.Linear(1, 1, bias=False)
    nn.init.constant_(model.weight, START)
    optimizer, found = make(name, model, LR, decay), []
    for gradient in GRADIENTS:
        model.weight.grad = torch.full((1, 1), gradient)
        optimizer.step()
        found.append(model.weight.item())
    return found


def test_sgd_by_hand() -> None:
    assert walk("sgd") == pytest.approx([2 - 0.1 * 1, 2 - 0.1 * 1 - 0.1 * 3])


def test_momentum_by_hand() -> None:
    """v = 0.9 v + g, w = w - lr v."""
    v1, v2 = 1.0, 0.9 * 1 + 3
    assert walk("momentum") == pytest.approx([2 - 0.1 * v1, 2 - 0.1 * v1 - 0.1 * v2])


def test_nesterov_by_hand() -> None:
    """As momentum, and the step looks ahead: w = w - lr (g + 0.9 v)."""
    v1, v2 = 1.0, 0.9 * 1 + 3
    first = 2 - 0.1 * (1 + 0.9 * v1)
    assert walk("nesterov") == pytest.approx([first, first - 0.1 * (3 + 0.9 * v2)])


def test_adagrad_by_hand() -> None:
    first = 2 - 0.1 * 1 / 1
    assert walk("adagrad") == pytest.approx([first, first - 0.1 * 3 / (1 + 9) ** 0.5])


@pytest.mark.parametrize(("name", "decay"), [("adam", 0.0), ("adamw", 0.0), ("adamw", 0.5)])
def test_adam_by_hand(name: str, decay: float) -> None:
    """Both means corrected for their start; adamw takes the decay off the weight beforehand."""
    weight, mean, square, due = START, 0.0, 0.0, []
    for step, gradient in enumerate(GRADIENTS, 1):
        mean, square = 0.9 * mean + 0.1 * gradient, 0.999 * square + 0.001 * gradient**2
        weight -= LR * decay * weight
        weight -= LR * (mean / (1 - 0.9**step)) / ((square / (1 - 0.999**step)) ** 0.5 + 1e-8)
        due.append(weight)
    assert walk(name, decay) == pytest.approx(due)


@EVERY
def test_settings_are_those_of_the_class(name: str) -> None:
    kind = OPTIMIZERS[name]
    known = inspect.signature(kind.make.__init__).parameters
    assert {"lr", "weight_decay", "foreach", *kind.more} <= known.keys()
    assert kind.fused == ("fused" in known)
    assert kind.make.__module__.startswith("torch.optim")


def test_names_are_those_of_the_command_line() -> None:
    assert tuple(OPTIMIZERS) == TYPED


@EVERY
def test_every_one_goes_down_a_slope(name: str) -> None:
    """By its usual rate the loss of a small regression falls."""
    torch.manual_seed(0)
    x = torch.randn(64, 3)
    y = x @ torch.tensor([[1.0], [-2.0], [0.5]])
    model = nn.Linear(3, 1)
    optimizer, losses = make(name, model, OPTIMIZERS[name].lr, 0.0), []
    for _ in range(30):
        loss = (model(x) - y).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]


class Network(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embedding, self.layer, self.norm, self.frozen = nn.Embedding(5, 3), nn.Linear(3, 2), nn.LayerNorm(2), nn.Linear(2, 2)
        self.frozen.requires_grad_(False)


def test_matrices_decay_but_not_biases_norms_and_embeddings_and_what_is_frozen_is_left_out() -> None:
    model = Network()
    decayed, rest = groups(model, 0.1)
    assert [id(parameter) for parameter in decayed["params"]] == [id(model.layer.weight)]
    due: list[Any] = [model.embedding.weight, model.layer.bias, model.norm.weight, model.norm.bias]
    assert {id(parameter) for parameter in rest["params"]} == {*map(id, due)}
    assert (decayed["weight_decay"], rest["weight_decay"]) == (0.1, 0.0)


@pytest.mark.parametrize(("name", "lr", "decay"), [("adamw", 2e-3, 0.01), ("sgd", 0.1, 0.0), ("adadelta", 1.0, 0.0)])
def test_the_usual_rate_and_decay_are_the_optimizers(name: str, lr: float, decay: float) -> None:
    usual = Settings(optimizer=name).completed()
    assert (usual.lr, usual.weight_decay) == (lr, decay)
    asked = Settings(optimizer=name, lr=0.5, weight_decay=0.2).completed()
    assert (asked.lr, asked.weight_decay) == (0.5, 0.2)
