"""Predicting with a bundle: the rest of its chain, then its model, then only what was asked for is kept."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl

from textkit import config
from textkit.artifacts import tensors
from textkit.artifacts.bundle import MODEL, Bundle
from textkit.artifacts.folder import read_whole
from textkit.classic.explaining import Explainer
from textkit.errors import InputError, UsageError
from textkit.registry import ARCHS, TASKS
from textkit.stage import Stage, ids_owner, missing
from textkit.streams import members
from textkit.streams.batch import Batch
from textkit.streams.lineage import Entry
from textkit.streams.stream import Stream


class Predict(Stage):
    """A bundle as a stage: adds prediction and score, and nothing of what the chain makes on the way.

    explain: of how many terms for the label, and against it, to tell as `explanation`; of a network all that there is.
    """

    def __init__(self, bundle: Bundle, top: int | None = None, proba: bool = False, explain: int | None = None) -> None:
        self.bundle, self._top, self._proba, self._explain = bundle, top, proba, explain
        manifest, where = bundle.manifest, str(bundle.folder)
        self.task = TASKS.find(manifest["task"], where).from_json(manifest, where)
        if proba and (manifest.get("model") or {}).get("link") == "none":
            raise UsageError("the model has scores and no probabilities", where=where, fix="train it with --proba, or sgd with loss=log_loss")
        self._model = load_model(bundle)
        self._stages = bundle.stages()
        self._reasons = None if explain is None else self._explaining(explain)

    @classmethod
    def load(cls, folder: str | Path, top: int | None = None, proba: bool = False, explain: int | None = None) -> Predict:
        """All of a bundle at once: a model that is trained anew while this one predicts changes nothing."""
        return read_whole(folder, lambda: cls(Bundle.load(folder), top, proba, explain))

    @property
    def neural(self) -> bool:
        return ARCHS.find(self.bundle.manifest["arch"]).engine != "classic"  # type: ignore[no-any-return]

    def _explaining(self, top: int) -> Callable[[Batch, list[pl.Series]], pl.Series]:
        """(B,) JSON of a batch that went through the chain, and of what was predicted for it. UsageError if the model cannot be explained."""
        manifest = self.bundle.manifest
        if self.neural:
            from textkit.tasks.explaining import NetworkExplainer

            return NetworkExplainer(self.task, self._model, manifest, str(self.bundle.folder), self._unknown()).explain
        explainer = Explainer(self._model, self.vectorizer.names, top)
        return lambda batch, columns: self.task.explained(explainer, batch, manifest, columns)  # type: ignore[no-any-return]

    def _unknown(self) -> int | None:
        """Id of the token that stands for those that the vocabulary of the model's ids lacks; None if it lacks nothing, or there are no ids."""
        lineage = self.bundle.lineage
        owner = ids_owner(lineage)
        if owner is None:
            return None
        stage: Any = self._stages[lineage.stages.index(owner)]
        return stage.vocabulary.unk_id  # type: ignore[no-any-return]

    @property
    def vectorizer(self) -> Any:
        """The stage whose terms a linear model weighs. UsageError if there is none, or its columns are no terms."""
        manifest, made = self.bundle.manifest, [stage for stage in self._stages if stage.entry().stage == "vectorize"]
        if manifest["input"] == "vector":
            problem = "the numbers of a vector, which the model weighs, have no names"
        elif not made:
            problem = "nothing says which terms the features are that it was trained on"
        elif not made[-1].named:  # type: ignore[attr-defined]
            problem = "columns by hash have no names"
        else:
            return made[-1]
        fix = "linear models of text, of tokens or of vectorize can be explained, but for hashing and --svd"
        raise UsageError(f"--explain tells terms, and {problem}", where=str(self.bundle.folder), fix=fix)

    def start(self, stream: Stream) -> tuple[Predict, Stream]:
        """Find what the input still lacks of the model's chain."""
        self._chain = self._words(stream) or self._stages[self.bundle.done(stream) :]
        if self.task.wordwise:  # which says something of those words too that training did without
            self._chain = [stage for stage in self._chain if stage.entry().stage != "pad"]
        return self, stream

    def _words(self, stream: Stream) -> list[Stage] | None:
        """The chain of a model of words that came ready-made, with text cut into words before it, where there is only text."""
        first = stream.peek()
        raw = first is not None and not stream.lineage.stages and not first.has("tokens")
        own = "tokens" in self._stages[0].needs if self.task.wordwise and raw and self._stages else False
        return [*missing(stream, ("tokens",)), *self._stages] if own else None

    def apply(self, batch: Batch) -> Batch:
        steps = [batch]
        for stage in self._chain:
            steps.append(stage.apply(steps[-1]))
        ready = steps[-1]
        columns = self.task.predict(self._model, ready, self.bundle.manifest, self._top, self._proba)
        if self.task.wordwise and not batch.has("tokens"):
            columns = [words_of(steps), *columns]
        predicted = batch.put(*columns)
        if self._reasons is None or not len(batch):
            return predicted
        lines = members.insert(predicted.drop(["explanation"]).lines(), '"explanation":' + self._reasons(ready, columns) + "}")
        return Batch(pl.DataFrame(), batch.position, raw=lines)

    def entry(self) -> Entry:
        manifest = self.bundle.manifest
        settings = {"k": self._top, "proba": self._proba} | ({} if self._explain is None else {"explain": self._explain})
        return Entry("predict", manifest["task"], settings, str(self.bundle.folder), manifest["sha256"])

    @classmethod
    def restore(cls, entry: Entry, folder: Path | None) -> Predict:
        if folder is None:
            raise InputError("the lineage has a prediction without a model")
        return cls.load(folder, entry.config.get("k"), entry.config.get("proba", False), entry.config.get("explain"))


def words_of(steps: list[Batch]) -> pl.Series:
    """(B, words) the tokens that are tagged: those of the last step before they were cut up."""
    return next(step.read("tokens")["tokens"] for step in reversed(steps) if not step.has("word_starts"))


def load_model(bundle: Bundle) -> Any:
    """The bundle's network or linear model, its weights checked against the sizes in the manifest."""
    manifest, where = bundle.manifest, str(bundle.folder)
    arch = ARCHS.find(manifest["arch"], where)
    settings = config.from_json(arch.Config, manifest["config"], where)
    if arch.engine == "classic":
        due = arch.due(manifest.get("model") or {}, where)
        return arch.from_tensors(tensors.load(bundle.folder / MODEL, due), manifest["model"])
    import torch

    from textkit.nn.inputs import Sizes

    task = TASKS.find(manifest["task"], where).from_json(manifest, where)
    model = task.network(arch(settings, config.from_json(Sizes, manifest["sizes"], where)))
    shapes = {name: (str(tensor.numpy().dtype), tuple(tensor.shape)) for name, tensor in model.state_dict().items()}
    found = tensors.load(bundle.folder / MODEL, shapes)
    model.load_state_dict({name: torch.from_numpy(array) for name, array in found.items()})
    return model.eval()
