"""Classification by a network: its head, its loss, its probabilities."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from textkit.errors import InputError
from textkit.nn.heads import Classifier
from textkit.tasks.feeding import Feed
from textkit.training.batching import sorted_batches
from textkit.training.devices import moved

if TYPE_CHECKING:
    from textkit.tasks.classify import Classify


def network(task: Classify, encoder: nn.Module) -> nn.Module:
    """The encoder of an architecture with what the task puts on it."""
    return Classifier(encoder, task.outputs, task.pairs)


class Classifying:
    """The task bound to N examples, as the training loop wants it (`loop.Problem`)."""

    def __init__(self, task: Classify, feed: Feed, targets: np.ndarray, weights: np.ndarray | None = None, label_smoothing: float = 0.0) -> None:
        """targets: (N,) positions in the task's labels, or (N, C) marks of several; weights: as wide, what each counts in the loss, 1 in the mean."""
        self.task, self.feed, self.targets, self.weights, self.smoothing = task, feed, targets, weights, label_smoothing
        self.metric, self.lengths = task.metric, feed.lengths

    def batch(self, rows: np.ndarray) -> tuple[Any, Tensor, Tensor | None]:
        """Inputs; (B,) or (B, C) targets, and the weights of these."""
        weights = None if self.weights is None else torch.from_numpy(self.weights[rows])
        return self.feed.inputs(rows), torch.from_numpy(self.targets[rows]), weights

    def loss(self, model: nn.Module, batch: Any) -> Tensor:
        """Mean cross-entropy in nats, of several labels that of each; smoothed as by Szegedy et al. 2016.

        Weights multiply, and the divisor is the number of records: so that they count the same however records are cut into batches.
        """
        inputs, targets, weights = batch
        logits = model(inputs).float()  # (B, C)
        if targets.ndim == 1:
            losses = F.cross_entropy(logits, targets, reduction="none", label_smoothing=self.smoothing)  # (B,)
        else:
            smooth = targets.float() * (1 - self.smoothing) + self.smoothing / 2
            losses = F.binary_cross_entropy_with_logits(logits, smooth, reduction="none")  # (B, C)
        return losses.mean() if weights is None else (losses * weights).mean()

    def evaluate(self, model: nn.Module, rows: np.ndarray) -> dict[str, float]:
        return self.task.metrics(probabilities(model, self.feed, rows, self.task.multi), self.targets[rows])


def weights_of(
    targets: np.ndarray, outputs: int, records: np.ndarray | None, class_weight: str | None, trained: np.ndarray | None = None
) -> np.ndarray | None:
    """What each target counts, (N,) or (N, C) float32: its record's weight times its label's; None if all count the same.

    balanced: a label counts in inverse proportion to its records; of several labels each is a choice of two, as in scikit-learn's one
    against the rest. trained: the rows to train on, of which the mean weight is 1 and the labels are counted; None: all.
    InputError if all of them count 0.
    """
    if records is None and class_weight is None:
        return None
    learned = slice(None) if trained is None else trained
    weights = np.ones(len(targets)) if records is None else records
    if targets.ndim == 2:
        weights = np.repeat(weights[:, None], outputs, axis=1)
    if class_weight is not None and targets.ndim == 1:
        weights = weights / np.maximum(1, np.bincount(targets[learned], minlength=outputs))[targets]
    elif class_weight is not None:
        there, count = targets[learned].sum(0), len(targets[learned])  # (C,)
        weights = weights / np.maximum(1, np.where(targets, there, count - there))
    mean = weights[learned].mean()
    if not mean:
        raise InputError("every record to train on has the weight 0", fix="give one a greater weight, or leave out --weight-field")
    return np.asarray(weights / mean, np.float32)


@torch.inference_mode()
def probabilities(model: nn.Module, feed: Feed, rows: np.ndarray, multi: bool = False) -> np.ndarray:
    """(B, C) probabilities of these rows, in fp32; with `multi` of each label by itself."""
    model.eval()
    batches = sorted_batches(feed.lengths[rows])
    device = next(model.parameters()).device
    parts = [model(moved(feed.inputs(rows[batch]), device)).float() for batch in batches]
    back = np.argsort(np.concatenate(batches))  # from the order of the batches to that of the rows
    logits = torch.cat(parts)
    return (logits.sigmoid() if multi else logits.softmax(1)).cpu().numpy()[back]  # type: ignore[no-any-return]
