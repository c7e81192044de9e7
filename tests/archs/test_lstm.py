"""The LSTM: embedding, recurrent states, readout, the record's vector, each from its own part."""

from __future__ import annotations

import itertools

import pytest
import torch

from textkit.archs.lstm import LSTM
from textkit.nn.inputs import Sizes, Tokens
from textkit.nn.recurrent import last_states, read_out

IDS = torch.tensor([[7, 8, 9, 10], [9, 7, 0, 0], [8, 0, 0, 0]])
LENGTHS = torch.tensor([4, 2, 1])


def model(**config: object) -> LSTM:
    torch.manual_seed(0)
    return LSTM(LSTM.Config(**{"hidden": 6, **config}), Sizes(vocabulary=12, dim=5)).eval()  # type: ignore[arg-type]


@pytest.mark.parametrize("readout", ["last", "mean", "max"])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_the_vector_from_the_parts(readout: str, bidirectional: bool) -> None:
    lstm = model(readout=readout, bidirectional=bidirectional)
    inputs = Tokens(IDS, LENGTHS)
    states = lstm.recurrent(lstm.embedding(inputs), LENGTHS)
    vector = last_states(states, LENGTHS, 6) if readout == "last" else read_out(states, LENGTHS, readout)
    assert vector.shape == (3, lstm.width)
    torch.testing.assert_close(lstm.states(inputs), states)
    torch.testing.assert_close(lstm(inputs), vector)


@pytest.mark.parametrize(("readout", "bidirectional", "layers"), [*itertools.product(["last", "mean", "max"], [False, True], [1, 2])])
def test_padding_and_company_change_nothing(readout: str, bidirectional: bool, layers: int) -> None:
    lstm = model(readout=readout, bidirectional=bidirectional, layers=layers)
    wide = torch.cat([IDS, torch.full((3, 5), 11)], dim=1)
    together = lstm(Tokens(IDS, LENGTHS))
    torch.testing.assert_close(lstm(Tokens(wide, LENGTHS)), together, atol=1e-6, rtol=0)
    for row, n in enumerate(LENGTHS):
        torch.testing.assert_close(lstm(Tokens(IDS[row : row + 1, :n], LENGTHS[row : row + 1]))[0], together[row], atol=1e-6, rtol=0)


def test_dropout_is_for_training_only() -> None:
    lstm = model(dropout=0.5)
    torch.testing.assert_close(lstm(Tokens(IDS, LENGTHS)), lstm(Tokens(IDS, LENGTHS)))
    lstm.train()
    assert not torch.allclose(lstm(Tokens(IDS, LENGTHS)), lstm(Tokens(IDS, LENGTHS)))
