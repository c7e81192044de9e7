"""Tagging by a network: its loss, and decoding, in which only legal tags follow one another.

Shapes: B records, T tokens, N words of the longest record, C labels.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from textkit.arrays import Ragged
from textkit.nn.crf import Chain, log_marginals, log_partition, score, viterbi
from textkit.nn.masks import mask_of
from textkit.tasks.feeding import Feed
from textkit.tasks.tag_schemes import legal
from textkit.training.batching import sorted_batches
from textkit.training.devices import moved

if TYPE_CHECKING:
    from textkit.tasks.tag import Tag

NONE = -100  # the target where there is no word
FORBIDDEN = -1e4  # of a step that is not legal: below any sum of scores, and small enough for fp32


@dataclass
class Words:
    """N records of tokens as a network reads them, and where their words start; None: each token is a word."""

    feed: Feed
    starts: Ragged | None

    def __post_init__(self) -> None:
        self.tokens = self.feed.lengths  # (N,) of each record: kept, as each batch asks for some
        self.counts = self.tokens if self.starts is None else self.starts.lengths  # (N,) words of each

    def batch(self, rows: np.ndarray) -> tuple[Any, Tensor, *tuple[Tensor, ...]]:
        """Inputs, (B,) words of each record, and if tokens are not words (B, N) the first token of each."""
        inputs, counts = self.feed.inputs(rows), torch.from_numpy(self.counts[rows])
        if self.starts is None:
            return inputs, counts
        starts, _ = self.starts.padded(rows, 0)
        last = np.maximum(self.tokens[rows], 1) - 1  # a word of which nothing was left is read there
        return inputs, counts, torch.from_numpy(np.minimum(starts, last[:, None]))


class Tagging:
    """The task bound to N examples, as the training loop wants it (`loop.Problem`). targets: (N, words) positions in the task's labels."""

    def __init__(self, task: Tag, words: Words, targets: Ragged) -> None:
        self.task, self.words, self.targets = task, words, targets
        self.metric, self.lengths, self._due = task.metric, words.tokens, targets.lengths

    def weight(self, rows: np.ndarray) -> float:
        """Words: each counts the same."""
        return float(self._due[rows].sum())

    def batch(self, rows: np.ndarray) -> tuple[Any, ...]:
        """(B, N) targets, then as of `Words`."""
        return torch.from_numpy(self.targets.padded(rows, NONE)[0]), *self.words.batch(rows)

    def loss(self, model: nn.Module, batch: Any) -> Tensor:
        """Of a word, in nats: mean cross-entropy, or with a CRF the negative log-likelihood of the records by their words."""
        targets, inputs, _, *starts = batch
        return loss_of(model, model(inputs, *starts).float(), targets)

    @torch.inference_mode()
    def evaluate(self, model: nn.Module, rows: np.ndarray) -> dict[str, float]:
        losses, parts, gold = 0.0, [], self.targets.take(rows)
        chain = chain_of(self.task, model)
        for batch, emissions, mask in emitted(model, self.words, rows):
            targets = torch.from_numpy(self.targets.padded(rows[batch], NONE)[0]).to(emissions.device)
            losses += float(loss_of(model, emissions, targets)) * int(mask.sum())
            parts.append((batch, best(emissions, mask, chain)[mask], mask))
        found = self.task.metrics(in_order(parts).flat, gold.flat, gold.lengths)
        return {"loss": round(losses / max(1, len(gold.flat)), 6), **found}


def loss_of(model: Any, emissions: Tensor, targets: Tensor) -> Tensor:
    """(B, N, C) emissions, (B, N) targets -> the mean over the words."""
    mask = targets != NONE
    words = mask.sum().clamp(min=1)
    if model.crf is None:
        return nn.functional.cross_entropy(emissions.flatten(0, 1), targets.flatten(), ignore_index=NONE, reduction="sum") / words
    chain = model.crf()
    return (log_partition(emissions, mask, chain) - score(emissions, targets, mask, chain)).sum() / words


def chain_of(task: Tag, model: Any) -> Chain | None:
    """What the labels of a record have to do with one another when they are chosen: the CRF's scores, and what the scheme forbids."""
    chain: Chain | None = None if model.crf is None else model.crf()
    if task.scheme is None:
        return chain
    rules = legal(task.scheme, task.labels)
    device = model.output.weight.device
    forbidden = Chain(*((~torch.from_numpy(allowed)).float().to(device) * FORBIDDEN for allowed in (rules.start, rules.between, rules.end)))
    return forbidden if chain is None else chain.plus(forbidden)


def emitted(model: nn.Module, words: Words, rows: np.ndarray) -> Iterator[tuple[np.ndarray, Tensor, Tensor]]:
    """Batch by batch: positions in `rows`, (B, N, C) emissions in fp32, (B, N) true where there is a word."""
    model.eval()
    device = next(model.parameters()).device
    for batch in sorted_batches(words.tokens[rows]):
        inputs, counts, *starts = moved(words.batch(rows[batch]), device)
        emissions = model(inputs, *starts).float()
        yield batch, emissions, mask_of(counts, emissions.shape[1])


def best(emissions: Tensor, mask: Tensor, chain: Chain | None) -> Tensor:
    """(B, N) labels: the best path, or without a chain the best of each word."""
    return emissions.argmax(2) if chain is None else viterbi(emissions, mask, chain)


@torch.inference_mode()
def decoded(task: Tag, model: nn.Module, words: Words, rows: np.ndarray, proba: bool) -> tuple[Ragged, np.ndarray | None]:
    """(B, words) labels of these records; with proba of all words the probability of theirs, given what is legal."""
    chain, codes, scores = chain_of(task, model), [], []
    for batch, emissions, mask in emitted(model, words, rows):
        path = best(emissions, mask, chain)
        codes.append((batch, path[mask], mask))
        if proba:
            logs = emissions.log_softmax(2) if chain is None else log_marginals(emissions, mask, chain)
            scores.append((batch, logs.gather(2, path[:, :, None])[:, :, 0].exp()[mask], mask))
    return in_order(codes), in_order(scores).flat if proba else None


def in_order(parts: list[tuple[np.ndarray, Tensor, Tensor]]) -> Ragged:
    """Values of the words of batches as those of the rows. parts: positions in the rows, (words,) values, (B, N) mask."""
    rows, lengths = np.concatenate([batch for batch, _, _ in parts]), torch.cat([mask.sum(1) for _, _, mask in parts]).cpu().numpy()
    flat = torch.cat([values for _, values, _ in parts]).cpu().numpy()
    return Ragged(flat, np.concatenate([[0], np.cumsum(lengths)])).take(np.argsort(rows))
