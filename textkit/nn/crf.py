"""A linear-chain conditional random field (Lafferty et al. 2001) on a network's emissions (Lample et al. 2016).

    score(y) = start[y_1] + end[y_T] + sum_t emissions[t, y_t] + sum_t between[y_{t-1}, y_t]      p(y) = exp score(y) / Z

Z by the forward algorithm, the best path by Viterbi's, marginals by forward and backward: in log space, in fp32, over
all records and labels at once; only the words are a loop.

Shapes: B records, N words of the longest, C labels. A record's words stand first in its row: mask (B, N) marks them.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn


class Chain(NamedTuple):
    """Scores of labels beside each other."""

    start: Tensor  # (C,) of the first label
    between: Tensor  # (C, C) of a label (row) before another (column)
    end: Tensor  # (C,) of the last label

    def plus(self, other: Chain) -> Chain:
        return Chain(*(one + another for one, another in zip(self, other, strict=True)))


class CRF(nn.Module):
    """The parameters of a chain."""

    def __init__(self, labels: int) -> None:
        super().__init__()
        self.start = nn.Parameter(torch.zeros(labels))
        self.between = nn.Parameter(torch.zeros(labels, labels))
        self.end = nn.Parameter(torch.zeros(labels))

    def forward(self) -> Chain:
        return Chain(self.start, self.between, self.end)


def score(emissions: Tensor, labels: Tensor, mask: Tensor, chain: Chain) -> Tensor:
    """(B, N, C) emissions, (B, N) labels -> (B,) the score of each record's labels; of a record without words 0."""
    labels = labels.masked_fill(~mask, 0)
    own = emissions.gather(2, labels[:, :, None])[:, :, 0] * mask  # (B, N)
    steps = chain.between[labels[:, :-1], labels[:, 1:]] * mask[:, 1:]  # (B, N - 1)
    last = labels.gather(1, (mask.sum(1, keepdim=True) - 1).clamp(min=0))[:, 0]  # (B,)
    return own.sum(1) + steps.sum(1) + (chain.start[labels[:, 0]] + chain.end[last]) * mask[:, 0]


def log_partition(emissions: Tensor, mask: Tensor, chain: Chain) -> Tensor:
    """(B, N, C) -> (B,) log Z; of a record without words 0."""
    return (_forward(emissions, mask, chain)[-1] + chain.end).logsumexp(1) * mask[:, 0]


def log_marginals(emissions: Tensor, mask: Tensor, chain: Chain) -> Tensor:
    """(B, N, C) -> (B, N, C) the log-probability of each label of a word, given all words. Of padding they say nothing."""
    forward = torch.stack(_forward(emissions, mask, chain), 1)  # (B, N, C)
    joint = forward + torch.stack(_backward(emissions, mask, chain), 1)
    return joint - joint.logsumexp(2, keepdim=True)


def viterbi(emissions: Tensor, mask: Tensor, chain: Chain) -> Tensor:
    """(B, N, C) -> (B, N) the labels of the highest score. Of equals the first; padding has the last word's."""
    stay = torch.arange(emissions.shape[2], device=emissions.device)
    best = chain.start + emissions[:, 0]  # (B, C) of the best path that ends in each label
    before = []  # (B, C) each: the label before each label on that path
    for step in range(1, emissions.shape[1]):
        value, index = (best[:, :, None] + chain.between).max(1)
        inside = mask[:, step, None]
        before.append(torch.where(inside, index, stay))
        best = torch.where(inside, value + emissions[:, step], best)
    path = [(best + chain.end).argmax(1)]
    for index in reversed(before):
        path.append(index.gather(1, path[-1][:, None])[:, 0])
    return torch.stack(path[::-1], 1)


def _forward(emissions: Tensor, mask: Tensor, chain: Chain) -> list[Tensor]:
    """Of each word (B, C): the log of the sum over all beginnings that end in each label there; of padding the last word's."""
    sums = [chain.start + emissions[:, 0]]
    for step in range(1, emissions.shape[1]):
        following = (sums[-1][:, :, None] + chain.between).logsumexp(1) + emissions[:, step]
        sums.append(torch.where(mask[:, step, None], following, sums[-1]))
    return sums


def _backward(emissions: Tensor, mask: Tensor, chain: Chain) -> list[Tensor]:
    """Of each word (B, C): the log of the sum over all ways to go on after each label there."""
    sums = [chain.end.expand_as(emissions[:, 0])]
    for step in range(emissions.shape[1] - 1, 0, -1):
        going = (chain.between + (emissions[:, step] + sums[-1])[:, None, :]).logsumexp(2)
        sums.append(torch.where(mask[:, step, None], going, sums[-1]))
    return sums[::-1]
