"""CNN: filters over windows of tokens, the strongest finding of each (Kim 2014; one more layer of width: Collobert et al. 2011 for tags).

    c_i = relu(W x_{i:i+k} + b)       vector = max over i of c_i, for each filter and window width k

Shapes: B records, T tokens, D width of an embedded token, W width of the vector: filters of each width x widths.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from textkit.config import setting
from textkit.errors import UsageError
from textkit.nn.convolution import Convolution
from textkit.nn.embedding import TokenEmbedding
from textkit.nn.inputs import Sizes, Tokens
from textkit.nn.settings import Reading
from textkit.nn.tracing import Trace, picking, trace


class CNN(nn.Module):
    engine = "torch"
    reads = ("ids",)
    explains = ("windows",)
    tokenwise = True

    @dataclass(frozen=True)
    class Config(Reading):
        embedding_dim: int = setting(256, "width of the token embedding, where no embed stage gives one", least=1)
        dropout: float = setting(0.5, "share of embedding and readout values dropped in training", least=0, most=1)
        widths: tuple[int, ...] = setting((2, 3, 4, 5), "tokens that filters see at once, such as 3,4,5")
        filters: int = setting(100, "filters of each width", least=1)

    def __init__(self, config: Config, sizes: Sizes) -> None:
        """UsageError if the windows have no width."""
        super().__init__()
        if not config.widths or min(config.widths) < 1:
            raise UsageError("setting widths takes numbers of at least 1, such as 3,4,5")
        self.config = config
        self.embedding = TokenEmbedding(config, sizes)
        self.convolution = Convolution(self.embedding.width, config.filters, config.widths)
        self.width = self.convolution.width

    def states(self, inputs: Tokens) -> Tensor:
        """-> (B, T, W): what the filters find around each token."""
        return self.convolution(self.embedding(inputs), inputs.lengths)  # type: ignore[no-any-return]

    def forward(self, inputs: Tokens) -> Tensor:
        """-> (B, W), the records' vectors."""
        return self.convolution.strongest(self.embedding(inputs), inputs.lengths)

    def trace(self, inputs: Tokens) -> Trace:
        """What each window adds to the vector: all that a filter found is of one of them. Steps are the windows of all widths, W columns each."""
        found = self.convolution.windows(self.embedding(inputs), inputs.lengths)  # (B, T + k - 1, filters) each
        widths, filters = self.config.widths, self.config.filters
        mixing = [picking(one, inputs.lengths + k - 1) for one, k in zip(found, widths, strict=True)]
        before = range(0, self.width, filters)  # columns of narrower windows

        def together(parts: list[Tensor]) -> Tensor:
            return torch.cat([F.pad(one, (start, self.width - start - filters)) for one, start in zip(parts, before, strict=True)], dim=1)

        spans = [(start, start + k) for k in widths for start in range(1 - k, inputs.ids.shape[1])]
        return replace(trace(together(mixing), together(found)), spans=spans)
