"""What every architecture that `--explain` shows must tell of itself."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from tests.archs.making import NEURAL, RECORDS, feed, settings_of
from textkit.nn.inputs import Tokens
from textkit.registry import ARCHS

torch.set_num_threads(1)  # tensors this small are only slowed down by more
EXPLAINS = [name for name in NEURAL if getattr(ARCHS.find(name), "explains", ())]
READOUTS: list[tuple[str, dict[str, Any]]] = [
    (name, {"readout": how})
    for name in EXPLAINS
    if "readout" in ARCHS.find(name).Config.__dataclass_fields__
    for how in ("last", "mean", "max", "attention")
    if how != "last" or name != "transformer"
]
OTHERS: list[tuple[str, dict[str, Any]]] = [
    ("cnn", {"widths": (1, 4)}), ("linear-bow", {}), ("cnn-rnn", {"cell": "gru", "layers": 2, "pool": 3}), ("cnn-rnn", {"cell": "rnn"}),
    ("lstm", {"layers": 2, "bidirectional": False}), ("gru", {"layers": 2}), ("transformer", {"heads": 2, "layers": 3, "norm": "post"}),
]  # fmt: skip
each = pytest.mark.parametrize(("name", "given"), [*READOUTS, *OTHERS])


def traced(name: str, given: dict[str, Any], more: int = 0) -> tuple[Any, Tokens, Any]:
    torch.manual_seed(0)
    made, sizes = feed()
    encoder = ARCHS.find(name)(settings_of(name, **given), sizes).eval()
    inputs = made.inputs(np.arange(len(RECORDS)))
    assert isinstance(inputs, Tokens)
    wide = replace(inputs, ids=torch.cat([torch.where(inputs.mask, inputs.ids, 1), torch.ones(len(RECORDS), more, dtype=torch.int64)], dim=1))
    with torch.inference_mode():
        return encoder, wide, encoder.trace(wide)


def test_all_that_explain_are_tested() -> None:
    assert {*EXPLAINS} == {name for name, _ in [*READOUTS, *OTHERS]} == {*NEURAL} - {"mlp"}
    assert {name for name in NEURAL if hasattr(ARCHS.find(name), "trace")} == {*EXPLAINS}


@each
def test_its_parts_are_the_vector_and_padding_has_none(name: str, given: dict[str, Any]) -> None:
    encoder, inputs, found = traced(name, given, more=2)
    torch.testing.assert_close(found.parts.sum(1), encoder(inputs), atol=1e-5, rtol=0)
    torch.testing.assert_close(found.readout.sum(1), torch.ones(len(RECORDS)), atol=1e-5, rtol=0)
    spans = found.spans or [(place, place + 1) for place in range(inputs.ids.shape[1])]
    assert found.parts.shape == (len(RECORDS), len(spans), encoder.width)
    for row, length in enumerate(inputs.lengths.tolist()):
        behind = torch.tensor([start >= length for start, _ in spans])
        assert (found.parts[row, behind] == 0).all()
        assert (found.readout[row, behind] == 0).all()


@each
def test_more_padding_tells_the_same(name: str, given: dict[str, Any]) -> None:
    """Of each record by itself, which is how it is shown."""
    _, inputs, together = traced(name, given, more=2)
    encoder, _, _ = traced(name, given)
    for row, length in enumerate(inputs.lengths.tolist()):
        with torch.inference_mode():
            alone = encoder.trace(Tokens(inputs.ids[row : row + 1, :length], inputs.lengths[row : row + 1]))
        steps = alone.parts.shape[1]
        if alone.spans is None or name == "cnn-rnn":  # the windows of a cnn stand in another order where there are more
            torch.testing.assert_close(together.parts[row, :steps], alone.parts[0], atol=1e-5, rtol=0)
        for gate, values in alone.gates.items():
            torch.testing.assert_close(together.gates[gate][row, :, :, :steps], values[0], atol=1e-5, rtol=0)
            assert (together.gates[gate][row, :, :, steps:] == 0).all()
        if alone.attention is not None:
            torch.testing.assert_close(together.attention[row, :, :, :length, :length], alone.attention[0], atol=1e-5, rtol=0)


@each
def test_its_matrices_have_their_shapes(name: str, given: dict[str, Any]) -> None:
    encoder, inputs, found = traced(name, given)
    config, steps = encoder.config, found.parts.shape[1]
    assert bool(found.gates) == ("gates" in encoder.explains and getattr(config, "cell", "") != "rnn")
    for gate in found.gates.values():
        assert gate.shape == (len(RECORDS), config.layers, 1 + config.bidirectional, steps)
    assert (found.attention is not None) == ("attention" in encoder.explains)
    if found.attention is not None:
        assert found.attention.shape == (len(RECORDS), config.layers, config.heads, steps, steps)
        due = inputs.mask[:, None, None].expand(found.attention.shape[:-1]).float()  # each row 1 together, that of padding 0
        torch.testing.assert_close(found.attention.sum(4), due)


def test_the_window_of_a_filter_is_where_brute_force_finds_the_most() -> None:
    encoder, inputs, found = traced("cnn", {"widths": (2, 3), "filters": 4})
    with torch.inference_mode():
        x = encoder.embedding(inputs)
        for row, length in enumerate(inputs.lengths.tolist()):
            for number, (k, layer) in enumerate(zip((2, 3), encoder.convolution.filters, strict=True)):
                around = torch.cat([torch.zeros(k - 1, x.shape[2]), x[row, :length], torch.zeros(k - 1, x.shape[2])])
                for column in range(4):
                    values = torch.stack([(layer.weight[column].T * around[at : at + k]).sum() + layer.bias[column] for at in range(length + k - 1)])
                    best = int(values.argmax())
                    if values[best] > 0:
                        (step,) = found.parts[row, :, 4 * number + column].nonzero()[:, 0].tolist()
                        assert found.spans is not None
                        assert found.spans[step] == (best - k + 1, best + 1)
                        torch.testing.assert_close(found.parts[row, step, 4 * number + column], values[best], atol=1e-5, rtol=0)


def test_pooled_steps_share_out_the_tokens() -> None:
    _, inputs, found = traced("cnn-rnn", {"pool": 2})
    assert inputs.ids.shape[1] == 5
    assert found.spans == [(0, 2), (2, 4), (4, 5)]
