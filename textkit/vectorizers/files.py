"""A vectorizer's files: the terms as text, one a line, and what was learned of them as safetensors."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import polars as pl

from textkit.artifacts import tensors
from textkit.errors import InputError

FILE = "vectorizer.safetensors"
ESCAPES = {"\\": "\\\\", "\n": "\\n", "\r": "\\r"}  # so that every term is a line
PLAIN = {spelt: plain for plain, spelt in ESCAPES.items()}


def save_terms(terms: pl.Series, file: Path) -> None:
    escaped = terms
    for plain, spelt in ESCAPES.items():
        escaped = escaped.str.replace_all(plain, spelt, literal=True)
    file.write_bytes((escaped.str.join("\n").item() + "\n").encode())


def load_terms(file: Path) -> pl.Series:
    """The terms of a file; InputError if one stands twice or it is no text."""
    try:
        text = file.read_bytes().decode()
    except UnicodeDecodeError:
        raise InputError("the vocabulary is not UTF-8", where=str(file)) from None
    except OSError as error:
        raise InputError(f"no vocabulary can be read there ({error.strerror})", where=str(file)) from None
    terms = pl.Series("term", [text.removesuffix("\n")]).str.split("\n").explode()
    odd = terms.str.contains("\\", literal=True).arg_true()
    if len(odd):  # a loop over the few terms that have one
        terms = terms.scatter(odd, [re.sub(r"\\[\\nr]", lambda found: PLAIN[found[0]], term) for term in terms.gather(odd)])
    rising = (terms[1:] > terms[:-1]).all()  # as they are saved: then none stands twice
    if not rising and terms.n_unique() < len(terms):
        raise InputError(f"the term {terms.filter(terms.is_duplicated())[0]!r} stands twice in the vocabulary", where=str(file))
    return terms


def save_learned(learned: list[dict[str, np.ndarray]], folder: Path) -> None:
    named = {f"{part}.{name}": array for part, each in enumerate(learned) for name, array in each.items()}
    if named:
        tensors.save(folder / FILE, named)


def load_learned(folder: Path, due: list[dict[str, tuple[str, tuple[int | None, ...]]]]) -> list[dict[str, np.ndarray]]:
    """The tensors of each part; `due` gives their dtypes and shapes."""
    named = {f"{part}.{name}": shape for part, each in enumerate(due) for name, shape in each.items()}
    found = tensors.load(folder / FILE, named) if named else {}
    return [{name: found[f"{part}.{name}"] for name in each} for part, each in enumerate(due)]
