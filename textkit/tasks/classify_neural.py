"""Classification by a network: its head, its loss, its probabilities."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from textkit.nn.heads import Classifier
from textkit.tasks.feeding import Feed
from textkit.training.batching import sorted_batches

if TYPE_CHECKING:
    from textkit.tasks.classify import Classify

PREDICT_BATCH = 256  # records


def network(task: Classify, encoder: nn.Module) -> nn.Module:
    """The encoder of an architecture with what the task puts on it."""
    return Classifier(encoder, task.outputs)


class Classifying:
    """The task bound to N examples, as the training loop wants it (`loop.Problem`). targets: (N,) positions in the task's labels."""

    def __init__(self, task: Classify, feed: Feed, targets: np.ndarray) -> None:
        self.task, self.feed, self.targets = task, feed, targets
        self.metric, self.lengths = task.metric, feed.lengths

    def batch(self, rows: np.ndarray) -> tuple[Any, Tensor]:
        """Inputs and (B,) targets."""
        return self.feed.inputs(rows), torch.from_numpy(self.targets[rows])

    def loss(self, model: nn.Module, batch: Any) -> Tensor:
        """Mean cross-entropy in nats."""
        inputs, targets = batch
        return nn.functional.cross_entropy(model(inputs).float(), targets)

    def evaluate(self, model: nn.Module, rows: np.ndarray) -> dict[str, float]:
        return self.task.metrics(probabilities(model, self.feed, rows), self.targets[rows])


@torch.inference_mode()
def probabilities(model: nn.Module, feed: Feed, rows: np.ndarray) -> np.ndarray:
    """(B, C) probabilities of these rows, in fp32."""
    model.eval()
    batches = sorted_batches(feed.lengths[rows], PREDICT_BATCH)
    parts = [model(feed.inputs(rows[batch])).float().softmax(1) for batch in batches]
    back = np.argsort(np.concatenate(batches))  # from the order of the batches to that of the rows
    return torch.cat(parts).numpy()[back]  # type: ignore[no-any-return]
