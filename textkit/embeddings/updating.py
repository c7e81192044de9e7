"""Going on with an embedding: `embed --update OLD` learns new text and new words on top of it."""

from __future__ import annotations

import dataclasses
from typing import Any

from textkit import config
from textkit.artifacts import folder as artifact
from textkit.embeddings.foreign import adopted
from textkit.embeddings.learning import Learner
from textkit.embeddings.table import KIND, Table
from textkit.errors import UsageError
from textkit.registry import EMBEDDINGS


def old_one(folder: str, asked: str | None) -> tuple[str, Any, Table]:
    """The method to go on with, its settings as they were, and the table. `asked` is the method that the user named."""
    place = adopted(folder)
    manifest, table = artifact.load(place, KIND), Table.load(place)
    learned_by = manifest["method"]
    name = asked or (learned_by if learned_by != "pretrained" else "fasttext" if table.subwords is not None else "word2vec")
    found = EMBEDDINGS.find(name)
    if not (isinstance(found, type) and issubclass(found, Learner) and found.continues):
        raise UsageError(f"{name} cannot go on with an old embedding", where=folder, fix="learn all of the text anew, or use word2vec or fasttext")
    if name == "word2vec" and table.subwords is not None:
        raise UsageError("the old embedding has subwords, which word2vec would lose", where=folder, fix="use --method fasttext")
    settings = config.from_json(found.Config, manifest["config"], folder) if name == learned_by else found.Config()
    return name, dataclasses.replace(settings, **found.settings_of(table), updated=manifest["sha256"]), table
