"""A bundle: a trained model with the whole chain of stages that made its input.

model/
  manifest.json        kind "bundle", task, arch, config, labels, chain, columns, metrics ...
  model.safetensors
  stages/0-tokenize/   what predicting needs of each stage
  history.jsonl
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textkit.artifacts import folder as artifact
from textkit.errors import LineageError
from textkit.stage import restore
from textkit.streams.lineage import Entry, Lineage, from_json

if TYPE_CHECKING:
    from textkit.stage import Stage
    from textkit.streams.stream import Stream

KIND = "bundle"
MODEL = "model.safetensors"
HISTORY = "history.jsonl"


@dataclass
class Bundle:
    folder: Path
    manifest: dict[str, Any]
    lineage: Lineage  # of the records that the model was trained on

    @classmethod
    def load(cls, folder: str | Path) -> Bundle:
        """A saved bundle, every file checked. InputError says what is wrong with it."""
        manifest = artifact.load(folder, KIND)
        return cls(Path(folder), manifest, from_json(manifest["lineage"], str(folder)))

    def done(self, stream: Stream) -> int:
        """How many stages of the model's chain a stream has been through: none for raw text.

        LineageError if the stream was made by other stages than the model's training data.
        """
        done = len(stream.lineage.stages)
        self._need_own_tokens(stream, done)
        if stream.lineage.identity != self.lineage.identity[:done]:
            difference = Lineage(self.lineage.stages).difference(stream.lineage)
            fix = "give it raw text, or a stream of the same stages"
            raise LineageError(f"the model {self.folder} and the input were made by different chains: {difference}", fix=fix)
        return done

    def _need_own_tokens(self, stream: Stream, done: int) -> None:
        """A model of tokens that came ready-made cannot make them from text."""
        first = stream.peek()
        own = not done and self.lineage.stages and _reads_tokens(self.lineage.stages[0])
        if own and first is not None and not first.has("tokens"):
            fix = "give it records with tokens made as then, not raw text"
            raise LineageError(f"the model {self.folder} was trained on tokens that textkit did not make", fix=fix)

    def stages(self) -> list[Stage]:
        """The chain that makes the model's input from raw text."""
        places = [stage_folder(self.folder, position, entry.stage) for position, entry in enumerate(self.lineage.stages)]
        return [restore(entry, folder=place if entry.sha256 else None) for entry, place in zip(self.lineage.stages, places, strict=True)]


def _reads_tokens(entry: Entry) -> bool:
    return entry.stage == "index" or (entry.stage == "vectorize" and "word" in entry.config.get("analyzer", ("word",)))


def stage_folder(bundle: Path, position: int, name: str) -> Path:
    return bundle / "stages" / f"{position}-{name}"


def save(draft: Path, lineage: Lineage, near: tuple[Path, ...], manifest: dict[str, Any]) -> str:
    """Copy the chain into a draft that already holds the model, and seal it; returns the bundle's hash."""
    for position, entry in enumerate(lineage.stages):
        if entry.sha256 is not None:
            target = stage_folder(draft, position, entry.stage)
            target.parent.mkdir(exist_ok=True)
            restore(entry, near).copy_to(target)
    stages = tuple(
        replace(entry, artifact=f"stages/{position}-{entry.stage}" if entry.sha256 else None) for position, entry in enumerate(lineage.stages)
    )  # where they stand now, not on whose machine they were made
    return artifact.seal(draft, {"kind": KIND, **manifest, "lineage": Lineage(stages, lineage.columns).to_json()})
