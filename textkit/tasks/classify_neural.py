"""Classification by a network that reads ids: its batches, its loss, its probabilities."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from textkit.arrays import Ragged
from textkit.training.batching import sorted_batches

if TYPE_CHECKING:
    from textkit.tasks.classify import Classify

PREDICT_BATCH = 256  # records


class LabelsFromIds:
    """The task bound to its examples, as the training loop wants it (`loop.Problem`).

    inputs: ids of N records, targets: (N,) positions in the task's labels.
    """

    def __init__(self, task: Classify, inputs: Ragged, targets: np.ndarray, pad_id: int) -> None:
        self.task, self.inputs, self.targets, self.pad_id = task, inputs, targets, pad_id
        self.metric, self.lengths = task.metric, inputs.lengths

    def batch(self, rows: np.ndarray) -> tuple[Tensor, Tensor, Tensor]:
        """(B, T) ids, (B,) lengths, (B,) targets."""
        return *to_tensors(self.inputs, rows, self.pad_id), torch.from_numpy(self.targets[rows])

    def loss(self, model: nn.Module, batch: Any) -> Tensor:
        """Mean cross-entropy in nats."""
        ids, lengths, targets = batch
        return nn.functional.cross_entropy(model(ids, lengths).float(), targets)

    def evaluate(self, model: nn.Module, rows: np.ndarray) -> dict[str, float]:
        return self.task.metrics(probabilities(model, self.inputs, rows, self.pad_id), self.targets[rows])


def to_tensors(inputs: Ragged, rows: np.ndarray, pad_id: int) -> tuple[Tensor, Tensor]:
    """(B, T) ids, (B,) lengths. A record without tokens is one [PAD]."""
    ids, lengths = inputs.padded(rows, pad_id)
    return torch.from_numpy(ids), torch.from_numpy(np.maximum(lengths, 1))


@torch.inference_mode()
def probabilities(model: nn.Module, inputs: Ragged, rows: np.ndarray, pad_id: int) -> np.ndarray:
    """(B, C) probabilities of these rows, in fp32."""
    model.eval()
    batches = sorted_batches(inputs.lengths[rows], PREDICT_BATCH)
    parts = [model(*to_tensors(inputs, rows[batch], pad_id)).float().softmax(1) for batch in batches]
    back = np.argsort(np.concatenate(batches))  # from the order of the batches to that of the rows
    return torch.cat(parts).numpy()[back]  # type: ignore[no-any-return]
