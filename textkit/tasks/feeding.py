"""From records to what networks read: the columns of examples, or of a batch to predict, as tensors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from textkit.arrays import Ragged
from textkit.errors import InputError
from textkit.nn.inputs import Inputs, Tokens
from textkit.padding import real_ids

if TYPE_CHECKING:
    from textkit.streams.batch import Batch
    from textkit.training.examples import Examples


@dataclass
class Feed:
    """N records, of which `inputs` makes tensors."""

    ids: Ragged
    pad_id: int

    def __len__(self) -> int:
        return len(self.ids.offsets) - 1

    @property
    def lengths(self) -> np.ndarray:
        """(N,) tokens of each, by which batches are made."""
        return self.ids.lengths

    def inputs(self, rows: np.ndarray) -> Inputs:
        """These records."""
        ids, lengths = self.ids.padded(rows, self.pad_id)
        return Tokens(torch.from_numpy(ids), torch.from_numpy(np.maximum(lengths, 1)))

    @classmethod
    def of_examples(cls, examples: Examples, pad_id: int) -> Feed:
        return cls(examples.ragged["ids"], pad_id)

    @classmethod
    def of_batch(cls, batch: Batch, vocabulary: int, pad_id: int) -> Feed:
        """The records of a batch that went through a bundle's chain. InputError if an id is not in the vocabulary."""
        ids = Ragged.of(real_ids(batch))
        if len(ids.flat) and (ids.flat.min() < 0 or ids.flat.max() >= vocabulary):
            raise InputError(f"an id is outside the model's vocabulary of {vocabulary}", where=batch.position(0))
        return cls(ids, pad_id)
