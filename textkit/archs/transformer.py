"""Transformer encoder: every token looks at every other, in layers (Vaswani et al. 2017).

    x = x + attention(norm(x))        x = x + feedforward(norm(x))        norm=pre (Xiong et al. 2020)
    x = norm(x + attention(x))        x = norm(x + feedforward(x))        norm=post, as in the paper

Shapes: B records, T tokens, E width of an embedded token, D width of a state, H heads.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor, nn

from textkit.config import setting
from textkit.errors import UsageError
from textkit.nn.attention import SelfAttention
from textkit.nn.embedding import TokenEmbedding
from textkit.nn.inputs import Sizes, Tokens
from textkit.nn.positions import sinusoidal
from textkit.nn.readout import Readout
from textkit.nn.settings import Reading
from textkit.nn.tracing import Trace, mixing_of, trace


class Layer(nn.Module):
    """Attention and a feed-forward network, each with a residual connection around it, dropout on its output."""

    def __init__(self, config: Transformer.Config) -> None:
        super().__init__()
        width = config.hidden
        self.pre = config.norm == "pre"
        self.attention = SelfAttention(width, config.heads, rotates=config.positions == "rotary")
        self.feedforward = nn.Sequential(nn.Linear(width, config.feedforward), nn.GELU(), nn.Linear(config.feedforward, width))
        self.norms = nn.ModuleList([nn.LayerNorm(width), nn.LayerNorm(width)])
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """(B, T, D), (B, T) -> (B, T, D)."""
        if self.pre:
            x = x + self.dropout(self.attention(self.norms[0](x), mask))
            return x + self.dropout(self.feedforward(self.norms[1](x)))  # type: ignore[no-any-return]
        x = self.norms[0](x + self.dropout(self.attention(x, mask)))
        return self.norms[1](x + self.dropout(self.feedforward(x)))  # type: ignore[no-any-return]

    def weights(self, x: Tensor, mask: Tensor) -> Tensor:
        """-> (B, H, T, T), the attention of each head."""
        return self.attention.weights(self.norms[0](x) if self.pre else x, mask)  # type: ignore[no-any-return]


class Transformer(nn.Module):
    engine = "torch"
    reads = ("ids",)
    explains = ("words", "attention")
    tokenwise = True

    @dataclass(frozen=True)
    class Config(Reading):
        hidden: int = setting(128, "width of a state; heads share it out", least=1)
        heads: int = setting(4, "ways in which a token looks at the others at once", least=1)
        layers: int = setting(2, "layers of attention and feed-forward network", least=1)
        feedforward: int = setting(512, "width inside of a feed-forward network", least=1)
        positions: Literal["sinusoidal", "learned", "rotary"] = setting("rotary", "how it knows where a token stands")
        max_positions: int = setting(512, "learned positions; tokens behind them share the last one", least=1, only="positions=learned")
        norm: Literal["pre", "post"] = setting("pre", "layer norm before attention and feed-forward network, or behind them")
        readout: Literal["mean", "max", "attention"] = setting("mean", "the record's vector, of all states")

    def __init__(self, config: Config, sizes: Sizes) -> None:
        """UsageError if the heads cannot share out the width."""
        super().__init__()
        if config.hidden % config.heads:
            raise UsageError(f"hidden={config.hidden} cannot be shared out to heads={config.heads}", fix="make hidden a multiple of heads")
        if config.positions == "rotary" and config.hidden // config.heads % 2:
            raise UsageError(f"positions=rotary needs heads of an even width, not {config.hidden // config.heads}", fix="give another -s hidden=")
        self.config = config
        self.embedding = TokenEmbedding(config, sizes)
        self.enter = nn.Linear(self.embedding.width, config.hidden)
        self.positions = nn.Embedding(config.max_positions, config.hidden) if config.positions == "learned" else None
        self.layers = nn.ModuleList(Layer(config) for _ in range(config.layers))
        self.norm = nn.LayerNorm(config.hidden) if config.norm == "pre" else nn.Identity()
        self.width = config.hidden
        self.readout = Readout(config.readout, self.width, config.hidden)

    def embedded(self, inputs: Tokens) -> Tensor:
        """-> (B, T, D), what the first layer sees."""
        x = self.enter(self.embedding(inputs)) * math.sqrt(self.config.hidden)  # (B, T, E) -> (B, T, D); scaled as in the paper, 3.4
        steps = x.shape[1]
        if self.positions is not None:
            x = x + self.positions(torch.arange(steps, device=x.device).clamp(max=self.config.max_positions - 1))
        elif self.config.positions == "sinusoidal":
            x = x + sinusoidal(steps, x.shape[2], x.device)
        return torch.as_tensor(x)

    def states(self, inputs: Tokens) -> Tensor:
        """-> (B, T, D)."""
        x, mask = self.embedded(inputs), inputs.mask
        for layer in self.layers:
            x = layer(x, mask)
        return torch.as_tensor(self.norm(x))

    def forward(self, inputs: Tokens) -> Tensor:
        """-> (B, D), the records' vectors."""
        return self.readout(self.states(inputs), inputs.lengths)  # type: ignore[no-any-return]

    def attention(self, inputs: Tokens) -> list[Tensor]:
        """-> of each layer (B, H, T, T): how much each token looks at each, padding never."""
        x, mask = self.embedded(inputs), inputs.mask
        found = []
        for layer in self.layers:
            assert isinstance(layer, Layer)
            found.append(layer.weights(x, mask))
            x = layer(x, mask)
        return found

    def trace(self, inputs: Tokens) -> Trace:
        """What each token adds to the vector; attention (B, layers, H, T, T)."""
        states = self.states(inputs)
        attention = torch.stack(self.attention(inputs), dim=1) * inputs.mask[:, None, None, :, None]
        return replace(trace(mixing_of(self.readout, states, inputs.lengths), states), attention=attention)
