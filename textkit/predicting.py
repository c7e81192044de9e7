"""Predicting with a bundle: the rest of its chain, then its model, then only what was asked for is kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from textkit import config
from textkit.artifacts import tensors
from textkit.artifacts.bundle import MODEL, Bundle
from textkit.artifacts.folder import read_whole
from textkit.errors import InputError
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
        self.task = TASKS.find(manifest["task"], where).from_json(manifest, where)
        self._model = load_model(bundle)
        self._stages = bundle.stages()

    @classmethod
    def load(cls, folder: str | Path, top: int | None = None, proba: bool = False) -> Predict:
        """All of a bundle at once: a model that is trained anew while this one predicts changes nothing."""
        return read_whole(folder, lambda: cls(Bundle.load(folder), top, proba))

    def start(self, stream: Stream) -> tuple[Predict, Stream]:
        """Find what the input still lacks of the model's chain."""
        self._chain = self._stages[self.bundle.done(stream) :]
        return self, stream

    def apply(self, batch: Batch) -> Batch:
        ready = batch
        for stage in self._chain:
            ready = stage.apply(ready)
        return batch.put(*self.task.predict(self._model, ready, self.bundle.manifest, self._top, self._proba))

    def entry(self) -> Entry:
        manifest = self.bundle.manifest
        settings = {"k": self._top, "proba": self._proba}
        return Entry("predict", manifest["task"], settings, str(self.bundle.folder), manifest["sha256"])

    @classmethod
    def restore(cls, entry: Entry, folder: Path | None) -> Predict:
        if folder is None:
            raise InputError("the lineage has a prediction without a model")
        return cls.load(folder, entry.config.get("k"), entry.config.get("proba", False))


def load_model(bundle: Bundle) -> Any:
    """The bundle's network or linear model, its weights checked against the sizes in the manifest."""
    manifest, where = bundle.manifest, str(bundle.folder)
    arch = ARCHS.find(manifest["arch"], where)
    settings = config.from_json(arch.Config, manifest["config"], where)
    if arch.engine == "classic":
        due = arch.due(manifest.get("model") or {}, where)
        return arch.from_tensors(tensors.load(bundle.folder / MODEL, due), manifest["model"])
    import torch

    model = arch(settings, **manifest["sizes"])
    shapes = {name: (str(tensor.numpy().dtype), tuple(tensor.shape)) for name, tensor in model.state_dict().items()}
    found = tensors.load(bundle.folder / MODEL, shapes)
    model.load_state_dict({name: torch.from_numpy(array) for name, array in found.items()})
    return model.eval()
