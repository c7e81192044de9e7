"""Convolution over time: Kim's network by hand, and windows that see nothing of padding or of other records."""

from __future__ import annotations

import pytest
import torch

from textkit.nn.convolution import Convolution

torch.set_num_threads(1)  # tensors this small are only slowed down by more


def test_kims_network_by_hand() -> None:
    """One filter that sees two tokens: w = ((1, 0), (0, 2)), b = -1. Windows over 0, a, b, c, 0 with a = (1, 1), b = (2, 3), c = (5, -1):

    relu(0 + 2 * 1 - 1) = 1,  relu(1 + 2 * 3 - 1) = 6,  relu(2 + 2 * -1 - 1) = 0,  relu(5 + 0 - 1) = 4
    """
    convolution = Convolution(2, 1, (2,))
    weight = torch.tensor([[[1.0, 0.0], [0.0, 2.0]]])  # (F, D, k)
    convolution.load_state_dict({"filters.0.weight": weight, "filters.0.bias": torch.tensor([-1.0])})
    x = torch.tensor([[[1.0, 1.0], [2.0, 3.0], [5.0, -1.0], [99.0, 99.0]]])
    lengths = torch.tensor([3])
    assert convolution.windows(x[:, :3], lengths)[0].flatten().tolist() == [1, 6, 0, 4]
    assert convolution.strongest(x, lengths).tolist() == [[6]]
    assert convolution(x, lengths)[0, :3, 0].tolist() == [1, 6, 0]  # of two tokens the later is the middle


@pytest.mark.parametrize("widths", [(1,), (2, 3), (3, 4, 5), (7,)])
def test_one_token_is_enough_for_filters_of_any_width(widths: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    convolution = Convolution(3, 4, widths)
    x, lengths = torch.randn(2, 6, 3), torch.tensor([1, 6])
    alone = convolution.strongest(x[:1, :1], lengths[:1])
    assert alone.shape == (1, convolution.width) == (1, 4 * len(widths))
    torch.testing.assert_close(convolution.strongest(x, lengths)[:1], alone, atol=1e-6, rtol=0)
    assert convolution(x, lengths).shape == (2, 6, convolution.width)


def test_odd_filters_have_the_token_in_their_middle() -> None:
    """As a convolution that keeps the length, which torch calls padding=same."""
    torch.manual_seed(0)
    convolution = Convolution(3, 4, (5,))
    x = torch.randn(2, 6, 3)
    filters = convolution.filters[0]
    due = torch.nn.functional.conv1d(x.transpose(1, 2), filters.weight, filters.bias, padding="same").relu().transpose(1, 2)  # type: ignore[arg-type]
    torch.testing.assert_close(convolution(x, torch.tensor([6, 6])), due, atol=1e-6, rtol=0)
