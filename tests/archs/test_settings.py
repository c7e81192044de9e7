"""What an architecture's settings change: readouts, directions, layers, positions, norms, windows, pooling."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from tests.archs.making import RECORDS, build, feed, settings_of
from tests.archs.test_contract import check_gradients, padded
from textkit.archs.mlp import MLP
from textkit.archs.transformer import Transformer
from textkit.errors import UsageError
from textkit.nn.inputs import Sizes, Tokens, Vectors
from textkit.nn.readout import last_states
from textkit.registry import ARCHS

torch.set_num_threads(1)  # tensors this small are only slowed down by more
ROWS = np.arange(len(RECORDS))
READOUTS = ("last", "mean", "max", "attention")
RECURRENT = [
    (name, {"readout": readout, "bidirectional": both, "layers": layers, "hidden": 5})
    for name, readout, both, layers in itertools.product(("rnn", "lstm", "gru", "cnn-rnn"), READOUTS, (False, True), (1, 2))
]
OTHERS: list[tuple[str, dict[str, Any]]] = [
    *(("cnn-rnn", {"cell": cell, "pool": pool, "kernel": k}) for cell, pool, k in [("rnn", 1, 1), ("gru", 3, 4), ("lstm", 4, 2)]),
    *(("cnn", {"widths": widths, "filters": 3}) for widths in [(1,), (3, 4, 5), (9,)]),
    *(
        ("transformer", {"positions": positions, "norm": norm, "hidden": 8, "feedforward": 16, "heads": 2})
        for positions, norm in itertools.product(("sinusoidal", "learned", "rotary"), ("pre", "post"))
    ),
    *(("transformer", {"readout": readout, "layers": 1}) for readout in ("mean", "max", "attention")),
    ("transformer", {"positions": "learned", "max_positions": 2}),
    ("mlp", {"layers": 3}),
]
each = pytest.mark.parametrize(("name", "settings"), [*RECURRENT, *OTHERS])


@each
def test_padding_and_company_change_nothing(name: str, settings: dict[str, Any]) -> None:
    torch.manual_seed(0)
    model, (made, _) = build(name, **settings).eval(), feed()
    inputs = made.inputs(ROWS)
    assert isinstance(inputs, Tokens)
    together = model(inputs)
    torch.testing.assert_close(model(padded(inputs, 5)), together, atol=1e-5, rtol=0)
    for row in ROWS:
        torch.testing.assert_close(model(made.inputs(np.array([row])))[0], together[row], atol=1e-5, rtol=0)


@each
def test_the_gradient_reaches_every_parameter(name: str, settings: dict[str, Any]) -> None:
    torch.manual_seed(0)
    check_gradients(build(name, **settings), "ids", "none")


@pytest.mark.parametrize("name", ["rnn", "lstm", "gru"])
def test_the_last_state_is_where_reading_ends(name: str) -> None:
    torch.manual_seed(0)
    made, sizes = feed()
    encoder = ARCHS.find(name)(settings_of(name, readout="last", hidden=5), sizes).eval()
    inputs = made.inputs(ROWS)
    assert isinstance(inputs, Tokens)
    torch.testing.assert_close(encoder(inputs), last_states(encoder.states(inputs), inputs.lengths, 5))


@pytest.mark.parametrize("name", ["lstm", "cnn", "transformer"])
def test_dropout_is_for_training_only(name: str) -> None:
    model, inputs = build(name, dropout=0.5).eval(), feed()[0].inputs(ROWS)
    torch.testing.assert_close(model(inputs), model(inputs))
    model.train()
    assert not torch.allclose(model(inputs), model(inputs))


@pytest.mark.parametrize(("positions", "norm"), [("sinusoidal", "pre"), ("learned", "post"), ("rotary", "pre")])
def test_a_transformer_knows_the_order_of_tokens_and_shows_where_it_looks(positions: Any, norm: Any) -> None:
    torch.manual_seed(0)
    made, sizes = feed(records=[[7, 8, 9], [9, 8, 7]])
    encoder = Transformer(Transformer.Config(positions=positions, norm=norm), sizes).eval()
    inputs = made.inputs(np.array([0, 1]))
    assert isinstance(inputs, Tokens)
    vectors = encoder(inputs)
    assert not torch.allclose(vectors[0], vectors[1], atol=1e-4)
    weights = encoder.attention(replace(inputs, lengths=torch.tensor([3, 2])))
    assert [layer.shape for layer in weights] == [(2, 4, 3, 3)] * 2
    for layer in weights:
        torch.testing.assert_close(layer.sum(3), torch.ones(2, 4, 3))
        assert layer[1, :, :, 2].abs().sum() == 0


@pytest.mark.parametrize(("settings", "message"), [({"hidden": 10}, "heads=4"), ({"hidden": 12}, "even width, not 3")])
def test_heads_must_share_out_the_width(settings: dict[str, int], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Transformer(settings_of("transformer", **settings), Sizes(vocabulary=9, dim=4))


@pytest.mark.parametrize("widths", [(), (0, 3)])
def test_windows_must_have_a_width(widths: tuple[int, ...]) -> None:
    with pytest.raises(UsageError, match="widths"):
        build("cnn", widths=widths)


def test_an_mlp_reads_features_as_the_vectors_that_they_are() -> None:
    torch.manual_seed(0)
    made, sizes = feed("features")
    mlp = MLP(MLP.Config(hidden=3), sizes).eval()
    assert made.features is not None
    dense = torch.from_numpy(made.features.csr().toarray().astype(np.float32))
    torch.testing.assert_close(mlp(made.inputs(ROWS)), mlp(Vectors(dense)), atol=1e-6, rtol=0)
    torch.testing.assert_close(mlp(Vectors(dense)), F.relu(dense @ mlp.first.weight + mlp.first.bias), atol=1e-6, rtol=0)
