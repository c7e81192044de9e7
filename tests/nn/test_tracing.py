"""Traces: gates by the equations give torch's own states, and what steps put into a vector is the vector."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from textkit.nn.readout import Readout
from textkit.nn.recurrent import Cell, Recurrent
from textkit.nn.settings import How
from textkit.nn.tracing import gates_of, mixing_of, picking, trace, unrolled

torch.set_num_threads(1)  # tensors this small are only slowed down by more
WIDTH, HIDDEN = 5, 4
LENGTHS = torch.tensor([3, 1, 6, 2])


def inputs(width: int = WIDTH) -> Tensor:
    torch.manual_seed(0)
    return torch.randn(len(LENGTHS), int(LENGTHS.max()), width)


def inside(steps: int = 6) -> Tensor:
    return torch.arange(steps) < LENGTHS[:, None]


@pytest.mark.parametrize("cell", [nn.RNN, nn.LSTM, nn.GRU])
@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_the_states_of_the_equations_are_those_of_the_fast_path(cell: Cell, layers: int, bidirectional: bool) -> None:
    recurrent = Recurrent(cell, WIDTH, HIDDEN, layers, bidirectional, dropout=0.0)
    states, gates = gates_of(recurrent, inputs(), LENGTHS)
    torch.testing.assert_close(states[inside()], recurrent(inputs(), LENGTHS)[inside()], atol=1e-6, rtol=0)
    assert [*gates] == {nn.RNN: [], nn.LSTM: ["input", "forget", "output"], nn.GRU: ["reset", "update"]}[cell]
    for gate in gates.values():
        assert gate.shape == (len(LENGTHS), layers, 1 + bidirectional, 6)
        within = inside()[:, None, None].expand_as(gate)
        assert ((gate[within] > 0) & (gate[within] < 1)).all()
        assert (gate[~within] == 0).all()


def test_the_backward_gates_are_those_of_the_record_turned_round() -> None:
    recurrent = Recurrent(nn.LSTM, WIDTH, HIDDEN, 1, True, dropout=0.0)
    x = inputs()[2:3]
    _, gates = gates_of(recurrent, x, LENGTHS[2:3])
    _, back = unrolled(recurrent.backwards[0], x.flip(1))
    for name in gates:
        torch.testing.assert_close(gates[name][0, 0, 1], back[name][0].flip(0).mean(1))


def test_gates_at_the_first_token_by_hand() -> None:
    """Before it the state is 0, so that a gate is the sigmoid of what the token and the biases say."""
    for cell, names in ((nn.LSTM(WIDTH, HIDDEN), "input forget - output"), (nn.GRU(WIDTH, HIDDEN), "reset update -")):
        _, gates = unrolled(cell, inputs())
        w, _, b, b_hidden = cell.parameters()
        due = (inputs()[:, 0] @ w.T + b + b_hidden).sigmoid().chunk(len(names.split()), dim=1)
        for name, one in zip(names.split(), due, strict=True):
            if name != "-":
                torch.testing.assert_close(gates[name][:, 0], one)


@pytest.mark.parametrize("how", ["last", "mean", "max", "attention"])
@pytest.mark.parametrize("hidden", [HIDDEN, 2 * HIDDEN])
def test_what_the_steps_put_into_the_vector_is_the_vector(how: How, hidden: int) -> None:
    readout, states = Readout(how, 2 * HIDDEN, hidden), inputs(2 * HIDDEN)
    found = trace(mixing_of(readout, states, LENGTHS), states)
    torch.testing.assert_close(found.parts.sum(1), readout(states, LENGTHS), atol=1e-6, rtol=0)
    torch.testing.assert_close(found.readout.sum(1), torch.ones(len(LENGTHS)))
    assert (found.readout[~inside()] == 0).all()
    assert (found.parts[~inside()] == 0).all()
    if how == "attention":
        assert readout.attention is not None
        torch.testing.assert_close(found.readout, readout.attention(states, LENGTHS))


def test_the_greatest_value_is_picked_once_and_never_behind_the_end() -> None:
    states = torch.tensor([[[1.0, -3.0], [1.0, -2.0], [9.0, 9.0]]])
    assert picking(states, torch.tensor([2])).tolist() == [[[1, 0], [0, 1], [0, 0]]]
