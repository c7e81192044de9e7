"""Checkpoints: the state of a training as folders named by step, of which the last few are kept.

checkpoints/000000120/
  manifest.json         kind "checkpoint": size and sha256 of the file, and what is no tensor
  state.safetensors     weights, the state of optimizer and random numbers
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import torch

from textkit.artifacts import folder as artifact
from textkit.artifacts import tensors as files
from textkit.errors import InputError
from textkit.report import say

KIND = "checkpoint"
STATE = "state.safetensors"
DIGITS = 9  # of a step, so that names are in order

State = tuple[dict[str, torch.Tensor], dict[str, Any]]  # tensors, and facts that JSON can hold


def write(folder: Path, step: int, state: State, keep: int) -> None:
    """Put the state after `step` steps there in one move, then remove all but the last `keep`. ResourceError if the disk is full."""
    tensors, facts = state
    with artifact.publish(folder / f"{step:0{DIGITS}}", force=True) as draft:
        files.save(draft / STATE, {name: tensor.detach().cpu().numpy() for name, tensor in tensors.items()})
        artifact.seal(draft, {"kind": KIND, "step": step, "facts": facts})
    for old in standing(folder)[:-keep]:
        shutil.rmtree(old)


def standing(folder: Path) -> list[Path]:
    """The checkpoints that are there, the oldest first, damaged or not."""
    return sorted(path for path in folder.glob("[0-9]" * DIGITS) if path.is_dir())


def last_step(folder: Path) -> int | None:
    """Of the last checkpoint; None if there is none."""
    return next((int(path.name) for path in reversed(standing(folder))), None)


def read_last(folder: Path) -> tuple[int, State] | None:
    """Steps and state of the last checkpoint that is whole; None if there is none. Those that are not are told of, and removed: they would count."""
    for place in reversed(standing(folder)):
        try:
            manifest = artifact.load(place, KIND)
            found = files.load(place / STATE)
        except InputError as error:
            say(f"passed over a damaged checkpoint: {error.where}: {error.message}")
            shutil.rmtree(place)
            continue
        return manifest["step"], ({name: torch.from_numpy(np.array(array)) for name, array in found.items()}, manifest["facts"])
    return None
