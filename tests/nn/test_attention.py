"""Self-attention: torch's own with the same weights; positions by their definitions."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from textkit.nn.attention import SelfAttention, attend
from textkit.nn.masks import mask_of
from textkit.nn.positions import angles, rotary, sinusoidal

torch.set_num_threads(1)  # tensors this small are only slowed down by more
B, T, D, H = 4, 5, 12, 3
LENGTHS = torch.tensor([5, 1, 3, 4])
MASK = mask_of(LENGTHS, T)
CPU = torch.device("cpu")


def inputs(*shape: int) -> Tensor:
    torch.manual_seed(0)
    return torch.randn(*shape)


def layer(rotates: bool = False) -> SelfAttention:
    torch.manual_seed(1)
    return SelfAttention(D, H, rotates)


def test_step_by_step_as_scaled_dot_product_attention() -> None:
    q, k, v = inputs(3, B, H, T, 4)
    seen, weights = attend(q, k, v, MASK)
    torch.testing.assert_close(seen, F.scaled_dot_product_attention(q, k, v, attn_mask=MASK[:, None, None]), atol=1e-6, rtol=0)
    torch.testing.assert_close(weights.sum(3), torch.ones(B, H, T))
    assert weights.masked_select(~MASK[:, None, None]).abs().sum() == 0


def test_layer_and_weights_as_multihead_attention() -> None:
    ours, theirs = layer(), nn.MultiheadAttention(D, H, batch_first=True)
    with torch.no_grad():
        theirs.in_proj_weight.copy_(ours.queries_keys_values.weight)
        theirs.in_proj_bias.copy_(ours.queries_keys_values.bias)
        theirs.out_proj.weight.copy_(ours.output.weight)
        theirs.out_proj.bias.copy_(ours.output.bias)
    x = inputs(B, T, D)
    due, weights = theirs(x, x, x, key_padding_mask=~MASK, average_attn_weights=False)
    torch.testing.assert_close(ours(x, MASK)[MASK], due[MASK], atol=1e-6, rtol=0)
    torch.testing.assert_close(ours.weights(x, MASK), weights, atol=1e-6, rtol=0)


@pytest.mark.parametrize("rotates", [False, True])
def test_the_weights_are_those_of_the_fast_path(rotates: bool) -> None:
    ours, x = layer(rotates), inputs(B, T, D)
    _, _, v = ours._split(x)
    seen = ours.weights(x, MASK) @ v  # (B, H, T, K)
    torch.testing.assert_close(ours.output(seen.transpose(1, 2).flatten(2)), ours(x, MASK), atol=1e-6, rtol=0)


def test_sinusoidal_by_its_formula() -> None:
    """PE(p, 2i) = sin(p / 10000^(2i/d)), PE(p, 2i + 1) = cos(the same)."""
    found = sinusoidal(7, 6, CPU)
    for p in range(7):
        for i in range(3):
            angle = p / 10000 ** (2 * i / 6)
            assert found[p, 2 * i : 2 * i + 2].tolist() == pytest.approx([math.sin(angle), math.cos(angle)], abs=1e-6)
    torch.testing.assert_close(sinusoidal(7, 5, CPU), found[:, :5])  # of an odd width the last cosine is left out


def test_rotary_turns_each_pair_by_its_angle() -> None:
    """(x + iy) e^(i m theta), of neighbouring values as a complex number each."""
    x = inputs(2, 3, T, 6)
    turned = torch.view_as_complex(x.view(2, 3, T, 3, 2)) * torch.exp(1j * angles(T, 6, CPU))
    torch.testing.assert_close(rotary(x), torch.view_as_real(turned).flatten(3), atol=1e-6, rtol=0)


def test_rotary_knows_far_positions_in_bf16_too() -> None:
    x = inputs(1, 1, 1, 600, 8)[0]
    torch.testing.assert_close(rotary(x.bfloat16()).float(), rotary(x), atol=0.03, rtol=0.02)


def test_rotary_products_depend_on_distance_only() -> None:
    q, k = inputs(2, 1, 1, 1, 8)
    one, other = rotary(q.expand(1, 1, 9, 8)), rotary(k.expand(1, 1, 9, 8))
    products = (one @ other.transpose(2, 3))[0, 0]  # (9, 9)
    for distance in range(-8, 9):
        diagonal = products.diagonal(distance)
        torch.testing.assert_close(diagonal, diagonal[:1].expand_as(diagonal), atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(one.norm(dim=3), q.norm().expand(1, 1, 9), atol=1e-5, rtol=0)
