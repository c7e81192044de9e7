"""Linear bag of words: the mean of a record's token vectors, and nothing between it and the labels (fastText, Joulin et al. 2017).

Shapes: B records, W width of an embedded token.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from textkit.config import setting
from textkit.nn.embedding import TokenEmbedding
from textkit.nn.inputs import Sizes, Tokens
from textkit.nn.masks import mean_inside
from textkit.nn.settings import Reading
from textkit.nn.tracing import Trace, averaging, trace


class LinearBow(nn.Module):
    engine = "torch"
    reads = ("ids",)
    explains = ("words",)
    tokenwise = False

    @dataclass(frozen=True)
    class Config(Reading):
        dropout: float = setting(0.0, "share of embedding and readout values dropped in training", least=0, most=1)

    def __init__(self, config: Config, sizes: Sizes) -> None:
        super().__init__()
        self.config = config
        self.embedding = TokenEmbedding(config, sizes)
        self.width = self.embedding.width

    def forward(self, inputs: Tokens) -> Tensor:
        """-> (B, W), the records' vectors."""
        return mean_inside(self.embedding(inputs), inputs.lengths)

    def trace(self, inputs: Tokens) -> Trace:
        """What each token adds to the vector."""
        vectors = self.embedding(inputs)
        return trace(averaging(vectors, inputs.lengths), vectors)
