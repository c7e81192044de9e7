"""Recurrent layers: the output of torch's packed layers, whatever the padding."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from textkit.nn.masks import mask_of
from textkit.nn.readout import Readout, last_states
from textkit.nn.recurrent import Cell, Recurrent, reverse
from textkit.nn.settings import How

torch.set_num_threads(1)  # tensors this small are only slowed down by more
WIDTH, HIDDEN = 5, 4
LENGTHS = torch.tensor([3, 1, 6, 6, 2])


def inputs(lengths: Tensor = LENGTHS, extra: int = 0) -> Tensor:
    torch.manual_seed(0)
    return torch.randn(len(lengths), int(lengths.max()) + extra, WIDTH)


def oracle(ours: Recurrent, cell: Cell, layers: int, bidirectional: bool) -> nn.Module:
    """torch's own stacked layer with the same weights."""
    theirs = cell(WIDTH, HIDDEN, layers, batch_first=True, bidirectional=bidirectional)
    with torch.no_grad():
        for layer in range(layers):
            for suffix, stack in (("", ours.forwards), ("_reverse", ours.backwards)):
                for kind in ("weight_ih", "weight_hh", "bias_ih", "bias_hh") if stack else ():
                    getattr(theirs, f"{kind}_l{layer}{suffix}").copy_(getattr(stack[layer], f"{kind}_l0"))
    return theirs


@pytest.mark.parametrize("cell", [nn.RNN, nn.LSTM, nn.GRU])
@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_states_and_last_states_as_torch_gives_them_packed(cell: Cell, layers: int, bidirectional: bool) -> None:
    ours = Recurrent(cell, WIDTH, HIDDEN, layers, bidirectional, dropout=0.0)
    packed = pack_padded_sequence(inputs(), LENGTHS, batch_first=True, enforce_sorted=False)
    output, state = oracle(ours, cell, layers, bidirectional)(packed)
    due, _ = pad_packed_sequence(output, batch_first=True)
    states = ours(inputs(), LENGTHS)
    inside = mask_of(LENGTHS, states.shape[1])
    torch.testing.assert_close(states[inside], due[inside], atol=1e-6, rtol=0)
    hidden = state[0] if isinstance(state, tuple) else state  # (layers x directions, B, H)
    top = torch.cat([*hidden[-1 - bidirectional :]], dim=1)
    torch.testing.assert_close(last_states(states, LENGTHS, HIDDEN), top, atol=1e-6, rtol=0)
    assert ours.width == states.shape[2] == HIDDEN * (1 + bidirectional)


@pytest.mark.parametrize("bidirectional", [False, True])
def test_padding_never_counts(bidirectional: bool) -> None:
    ours = Recurrent(nn.LSTM, WIDTH, HIDDEN, 2, bidirectional, dropout=0.0)
    wide = torch.full((len(LENGTHS), 11, WIDTH), 99.0)
    wide[:, :6] = torch.where(mask_of(LENGTHS, 6)[:, :, None], inputs(), 99.0)
    tight, padded = ours(inputs(), LENGTHS), ours(wide, LENGTHS)
    inside = mask_of(LENGTHS, 6)
    torch.testing.assert_close(padded[:, :6][inside], tight[inside], atol=1e-6, rtol=0)
    readouts: list[How] = ["last", "mean", "max", "attention"]
    for how in readouts:
        readout = Readout(how, ours.width, HIDDEN)
        torch.testing.assert_close(readout(padded, LENGTHS), readout(tight, LENGTHS), atol=1e-6, rtol=0)


def test_lstm_against_its_equations() -> None:
    """i, f, g, o = W x + U h + b, in the order in which torch stacks them; c = f c + i g; h = o tanh(c)."""
    ours = Recurrent(nn.LSTM, WIDTH, HIDDEN, 1, False, dropout=0.0)
    w, u, b1, b2 = (parameter.detach() for parameter in ours.forwards[0].parameters())
    x = inputs()
    h = c = torch.zeros(len(x), HIDDEN)
    for step in range(x.shape[1]):
        i, f, g, o = (x[:, step] @ w.T + h @ u.T + b1 + b2).chunk(4, dim=1)
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        h = o.sigmoid() * c.tanh()
        torch.testing.assert_close(ours(x, torch.full((len(x),), x.shape[1]))[:, step], h, atol=1e-6, rtol=0)


@given(st.lists(st.integers(1, 6), min_size=1, max_size=5), st.integers(0, 2))
@settings(max_examples=40)
def test_reversing_turns_each_record_round_and_leaves_its_padding(lengths: list[int], extra: int) -> None:
    x = inputs(torch.tensor(lengths), extra)
    turned = reverse(x, torch.tensor(lengths))
    for row, n in enumerate(lengths):
        torch.testing.assert_close(turned[row, :n], x[row, :n].flip(0))
        torch.testing.assert_close(turned[row, n:], x[row, n:])
    torch.testing.assert_close(reverse(turned, torch.tensor(lengths)), x)


def test_gru_against_its_equations() -> None:
    """r, z = sigmoid(W x + U h); n = tanh(W x + r * (U h + b)); h = (1 - z) n + z h, in the order in which torch stacks them."""
    ours = Recurrent(nn.GRU, WIDTH, HIDDEN, 1, False, dropout=0.0)
    w, u, b1, b2 = (parameter.detach() for parameter in ours.forwards[0].parameters())
    x = inputs()
    h = torch.zeros(len(x), HIDDEN)
    for step in range(x.shape[1]):
        (r, z, n), (hr, hz, hn) = ((x[:, step] @ w.T + b1).chunk(3, dim=1), (h @ u.T + b2).chunk(3, dim=1))
        z = (z + hz).sigmoid()
        h = (1 - z) * (n + (r + hr).sigmoid() * hn).tanh() + z * h
        torch.testing.assert_close(ours(x, torch.full((len(x),), x.shape[1]))[:, step], h, atol=1e-6, rtol=0)


def test_rnn_against_its_equation() -> None:
    ours = Recurrent(nn.RNN, WIDTH, HIDDEN, 1, False, dropout=0.0)
    w, u, b1, b2 = (parameter.detach() for parameter in ours.forwards[0].parameters())
    x = inputs()
    h = torch.zeros(len(x), HIDDEN)
    for step in range(x.shape[1]):
        h = (x[:, step] @ w.T + h @ u.T + b1 + b2).tanh()
        torch.testing.assert_close(ours(x, torch.full((len(x),), x.shape[1]))[:, step], h, atol=1e-6, rtol=0)


def test_readouts_by_hand() -> None:
    states = torch.tensor([[[1.0, -5.0], [3.0, -1.0], [100.0, 100.0]]])
    lengths = torch.tensor([2])
    assert Readout("mean", 2, 2)(states, lengths).tolist() == [[2.0, -3.0]]
    assert Readout("max", 2, 2)(states, lengths).tolist() == [[3.0, -1.0]]
    assert Readout("last", 2, 2)(states, lengths).tolist() == [[3.0, -1.0]]
    assert Readout("last", 2, 1)(states, lengths).tolist() == [[3.0, -5.0]]


def test_attention_by_hand() -> None:
    """a = softmax(v . tanh(W h + b)) over the record's own steps; the vector is the sum of a h."""
    readout = Readout("attention", 2, 2)
    assert readout.attention is not None
    with torch.no_grad():
        readout.attention.hidden.weight.copy_(torch.eye(2))
        readout.attention.hidden.bias.zero_()
        readout.attention.context.weight.copy_(torch.tensor([[2.0, 0.0]]))
    states, lengths = torch.tensor([[[1.0, -5.0], [3.0, -1.0], [100.0, 100.0]]]), torch.tensor([2])
    scores = [math.exp(2 * math.tanh(1.0)), math.exp(2 * math.tanh(3.0))]
    due = [score / sum(scores) for score in scores]
    assert readout.attention(states, lengths)[0].tolist() == pytest.approx([*due, 0.0])
    assert readout(states, lengths)[0].tolist() == pytest.approx([due[0] + 3 * due[1], -5 * due[0] - due[1]])
