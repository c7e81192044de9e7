"""Predicting with a bundle: the rest of its chain, then its model, then only what was asked for is kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from textkit import config
from textkit.arrays import Ragged
from textkit.artifacts import tensors
from textkit.artifacts.bundle import MODEL, Bundle
from textkit.errors import InputError
from textkit.padding import real_ids
from textkit.registry import ARCHS, TASKS
from textkit.stage import Stage
from textkit.streams.batch import Batch
from textkit.streams.lineage import Entry
from textkit.streams.stream import Stream


class Predict(Stage):
    """A bundle as a stage: adds prediction and score, and nothing of what the chain makes on the way."""

    def __init__(self, bundle: Bundle, top: int | None = None, proba: bool = False) -> None:
        self.bundle, self._top, self._proba = bundle, top, proba
        manifest, where = bundle.manifest, str(bundle.folder)
        self.task = TASKS.find(manifest["task"]).from_json(manifest, where)
        self._scores = load_model(bundle)

    def start(self, stream: Stream) -> tuple[Predict, Stream]:
        """Find what the input still lacks of the model's chain."""
        self._chain = self.bundle.rest_of_chain(stream)
        return self, stream

    def apply(self, batch: Batch) -> Batch:
        ready = batch
        for stage in self._chain:
            ready = stage.apply(ready)
        return batch.put(*self.task.columns(self._scores(ready), self._top, self._proba))

    def entry(self) -> Entry:
        manifest = self.bundle.manifest
        settings = {"k": self._top, "proba": self._proba}
        return Entry("predict", manifest["task"], settings, str(self.bundle.folder), manifest["sha256"])

    @classmethod
    def restore(cls, entry: Entry, folder: Path | None) -> Predict:
        if folder is None:
            raise InputError("the lineage has a prediction without a model")
        return cls(Bundle.load(folder), entry.config.get("k"), entry.config.get("proba", False))


def load_model(bundle: Bundle) -> Any:
    """A function from a batch to its (B, C) probabilities."""
    manifest, where = bundle.manifest, str(bundle.folder)
    arch = ARCHS.find(manifest["arch"])
    settings = config.from_json(arch.Config, manifest["config"], where)
    if arch.engine == "classic":
        return _classic(arch, bundle)
    return _torch(arch, settings, bundle)


def _classic(arch: Any, bundle: Bundle) -> Any:
    labels, dense = len(bundle.manifest["labels"]), bundle.manifest["input"] == "vector"
    due: dict[str, tuple[str, tuple[int | None, ...]]] = {"weights": ("float64", (None, labels)), "bias": ("float64", (labels,))}
    due |= {} if dense else {"idf": ("float64", (None,))}
    model = arch.from_tensors(tensors.load(bundle.folder / MODEL, due))

    def scores(batch: Batch) -> np.ndarray:
        if not dense:
            return model.predict_ids(known_ids(batch, len(model.idf)))  # type: ignore[no-any-return]
        width = model.weights.shape[0]
        vectors = batch.require("vector")["vector"]
        if not (vectors.list.len() == width).all():
            raise InputError(f"a vector is not {width} wide", where=batch.position(0))
        return model.predict_vectors(vectors.list.to_array(width).to_numpy())  # type: ignore[no-any-return]

    return scores


def _torch(arch: Any, settings: Any, bundle: Bundle) -> Any:
    import torch

    from textkit.training.loop import predict

    sizes = bundle.manifest["sizes"]
    model = arch(settings, sizes["vocabulary"], sizes["dim"], sizes["outputs"])
    due = {name: (str(tensor.numpy().dtype), tuple(tensor.shape)) for name, tensor in model.state_dict().items()}
    found = tensors.load(bundle.folder / MODEL, due)  # type: ignore[arg-type]
    model.load_state_dict({name: torch.from_numpy(array) for name, array in found.items()})

    def scores(batch: Batch) -> np.ndarray:
        if not len(batch):
            return np.empty((0, sizes["outputs"]), np.float32)
        return predict(model, known_ids(batch, sizes["vocabulary"]), np.arange(len(batch)), sizes["pad_id"])

    return scores


def known_ids(batch: Batch, vocabulary: int) -> Ragged:
    """A batch's ids without padding; InputError if one is not in the vocabulary of this size."""
    ids = Ragged.of(real_ids(batch))
    if len(ids.flat) and (ids.flat.min() < 0 or ids.flat.max() >= vocabulary):
        raise InputError(f"an id is outside the model's vocabulary of {vocabulary}", where=batch.position(0))
    return ids
