"""What every neural architecture of the registry must do, with whatever it reads."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.archs.making import NEURAL, RECORDS, TARGETS, TASK, build, feed, problem, settings_of
from textkit import config
from textkit.nn.inputs import Sizes, Tokens
from textkit.registry import ARCHS
from textkit.tasks.classify_neural import network, probabilities
from textkit.training import loop

torch.set_num_threads(1)  # tensors this small are only slowed down by more
KINDS = {"ids": ["ids", "pair"], "vector": ["vector"], "features": ["features"]}  # by column, what may be fed
each_arch = pytest.mark.parametrize("name", NEURAL)
each_input = pytest.mark.parametrize(("name", "kind"), [(name, kind) for name in NEURAL for read in ARCHS.find(name).reads for kind in KINDS[read]])
reading_ids = pytest.mark.parametrize("name", [name for name in NEURAL if "ids" in ARCHS.find(name).reads])
tokenwise = pytest.mark.parametrize("name", [name for name in NEURAL if ARCHS.find(name).tokenwise])
each_chars = pytest.mark.parametrize("chars", ["cnn", "lstm", "ngrams"])
ROWS = np.arange(len(RECORDS))


def fit(name: str, kind: str = "ids", chars: str = "none", **settings: Any) -> tuple[torch.nn.Module, list[dict[str, Any]]]:
    given = loop.Settings(**{"epochs": 120, "batch_size": 4, "lr": 0.01, "precision": "fp32", **settings})
    return loop.fit(lambda: build(name, kind, chars=chars), problem(kind, chars), (ROWS, ROWS), given)


def padded(tokens: Tokens, more: int) -> Tokens:
    """The same records with more padding behind them, of other ids and spellings than padding has."""

    def wide(x: Tensor) -> Tensor:
        tail = torch.ones(len(x), more, dtype=x.dtype)
        return torch.cat([torch.where(tokens.mask, x, 1), tail], dim=1)

    forms = None if tokens.forms is None else wide(tokens.forms)
    return replace(tokens, ids=wide(tokens.ids), forms=forms, pair=None if tokens.pair is None else padded(tokens.pair, more))


def test_there_is_an_architecture_to_test() -> None:
    assert NEURAL


@each_input
def test_what_it_reads_gives_finite_logits_for_each_record(name: str, kind: str) -> None:
    logits = build(name, kind)(feed(kind)[0].inputs(ROWS))
    assert logits.shape == (len(RECORDS), 3)
    assert logits.isfinite().all()


@each_input
def test_its_vector_is_as_wide_as_it_says(name: str, kind: str) -> None:
    made, sizes = feed(kind)
    encoder = ARCHS.find(name)(settings_of(name), sizes)
    assert encoder(made.inputs(ROWS)).shape == (len(RECORDS), encoder.width)


@reading_ids
@pytest.mark.parametrize("chars", ["none", "cnn", "lstm", "ngrams"])
@pytest.mark.parametrize("kind", ["ids", "pair"])
def test_padding_changes_nothing(name: str, chars: str, kind: str) -> None:
    torch.manual_seed(0)
    model = build(name, kind, chars=chars).eval()
    inputs = feed(kind, chars)[0].inputs(ROWS)
    assert isinstance(inputs, Tokens)
    for more in (0, 1, 7):
        torch.testing.assert_close(model(padded(inputs, more)), model(inputs), atol=1e-5, rtol=0)


@tokenwise
def test_a_tokenwise_one_has_a_state_for_each_token_that_padding_does_not_change(name: str) -> None:
    torch.manual_seed(0)
    made, sizes = feed()
    encoder = ARCHS.find(name)(settings_of(name), sizes).eval()
    inputs = made.inputs(ROWS)
    assert isinstance(inputs, Tokens)
    states = encoder.states(inputs)
    assert states.shape == (*inputs.ids.shape, encoder.width)
    torch.testing.assert_close(encoder.states(padded(inputs, 5))[:, : states.shape[1]][inputs.mask], states[inputs.mask], atol=1e-5, rtol=0)


@tokenwise
def test_each_token_counts_for_its_own_state(name: str) -> None:
    torch.manual_seed(0)
    made, sizes = feed(records=[[7, 8, 9, 10]])
    encoder = ARCHS.find(name)(settings_of(name), sizes).eval()
    inputs = made.inputs(np.array([0]))
    assert isinstance(inputs, Tokens)
    for place in range(4):
        other = inputs.ids.clone()
        other[0, place] = 12
        assert not torch.allclose(encoder.states(replace(inputs, ids=other))[0, place], encoder.states(inputs)[0, place])


@each_input
def test_the_gradient_reaches_every_parameter(name: str, kind: str) -> None:
    check_gradients(build(name, kind), kind, "none")


@reading_ids
@each_chars
def test_the_gradient_reaches_the_characters(name: str, chars: str) -> None:
    check_gradients(build(name, chars=chars), "ids", chars)


def check_gradients(model: torch.nn.Module, kind: str, chars: str) -> None:
    torch.manual_seed(0)
    bound = problem(kind, chars)
    bound.loss(model, bound.batch(ROWS)).backward()  # type: ignore[no-untyped-call]
    for parameter_name, parameter in model.named_parameters():
        assert parameter.grad is not None, parameter_name
        assert parameter.grad.isfinite().all(), parameter_name
        assert parameter.grad.abs().sum() > 0, parameter_name


@each_input
def test_it_learns_eight_records_by_heart_an_empty_one_too(name: str, kind: str) -> None:
    model, history = fit(name, kind)
    assert history[-1]["train_loss"] < history[0]["train_loss"]
    assert probabilities(model, feed(kind)[0], ROWS).argmax(1).tolist() == TARGETS.tolist()


@each_arch
def test_training_twice_gives_the_same_weights_and_another_seed_others(name: str) -> None:
    first, again, other = (fit(name, epochs=2, seed=seed)[0].state_dict() for seed in (1, 1, 2))
    assert all(torch.equal(tensor, again[key]) for key, tensor in first.items())
    assert not all(torch.equal(tensor, other[key]) for key, tensor in first.items())


@each_input
def test_its_config_sizes_and_weights_rebuild_it(name: str, kind: str) -> None:
    model, _ = fit(name, kind, epochs=1)
    arch, (made, sizes) = ARCHS.find(name), feed(kind)
    settings = config.from_json(arch.Config, config.to_json(arch.Config()), "here")
    again = network(replace(TASK, pairs=kind == "pair"), arch(settings, config.from_json(Sizes, asdict(sizes), "here")))
    again.load_state_dict(model.state_dict())
    np.testing.assert_array_equal(probabilities(again, made, ROWS), probabilities(model, made, ROWS))


@each_input
def test_probabilities_do_not_depend_on_the_company(name: str, kind: str) -> None:
    torch.manual_seed(0)
    model, (made, _) = build(name, kind).eval(), feed(kind)
    together = probabilities(model, made, ROWS)
    alone = np.concatenate([probabilities(model, made, np.array([row])) for row in ROWS])
    np.testing.assert_allclose(together, alone, atol=1e-5)
    np.testing.assert_allclose(together.sum(1), 1, atol=1e-6)


@each_input
def test_bf16_autocast_is_near_to_fp32(name: str, kind: str) -> None:
    torch.manual_seed(0)
    model, inputs = build(name, kind).eval(), feed(kind)[0].inputs(ROWS)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        rough = model(inputs)
    torch.testing.assert_close(rough.float(), model(inputs), atol=0.1, rtol=0.1)


@each_arch
def test_every_setting_says_what_it_means(name: str) -> None:
    assert all(help for _, _, _, help in config.describe(ARCHS.find(name).Config))
