"""Weights in safetensors, without torch. Names, shapes and dtypes are checked on loading."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from textkit.errors import InputError

if TYPE_CHECKING:
    import numpy as np


def save(path: Path, tensors: dict[str, np.ndarray]) -> None:
    """Write the tensors. OSError if the disk is full and the like, which the library tells in words only."""
    import numpy as np
    from safetensors import SafetensorError
    from safetensors.numpy import save_file

    try:
        save_file({name: np.asarray(array, order="C") for name, array in tensors.items()}, path)
    except SafetensorError as error:
        if not (number := re.search(r"os error (\d+)", str(error))):
            raise
        raise OSError(int(number[1]), os.strerror(int(number[1])), str(path)) from error


def load(path: Path, due: dict[str, tuple[str, tuple[int | None, ...]]] | None = None) -> dict[str, np.ndarray]:
    """The tensors of a file; `due` gives the dtype and shape (None: any size) of each. InputError if one is off."""
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        tensors = load_file(path)
    except (SafetensorError, OSError) as error:
        raise InputError(f"not readable as safetensors ({error})", where=str(path)) from None
    if due is not None:
        check(path, {name: (str(array.dtype), array.shape) for name, array in tensors.items()}, due)
    return tensors


def check(path: Path, found: dict[str, tuple[str, tuple[int, ...]]], due: dict[str, tuple[str, tuple[int | None, ...]]]) -> None:
    """InputError unless `found` has exactly the tensors `due`, with their dtypes and shapes."""
    if found.keys() != due.keys():
        names = ", ".join(sorted(found.keys() ^ due.keys()))
        raise InputError(f"tensors are missing or unknown: {names}", where=str(path), fix="make the artifact again")
    for name, (dtype, shape) in due.items():
        fits = len(shape) == len(found[name][1]) and all(want in (None, have) for want, have in zip(shape, found[name][1], strict=True))
        if found[name][0] != dtype or not fits:
            message = f"tensor {name} is {found[name][0]} {found[name][1]}, and should be {dtype} {shape}"
            raise InputError(message, where=str(path), fix="make the artifact again")
