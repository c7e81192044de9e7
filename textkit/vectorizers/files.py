"""A vectorizer's files: the terms as text, one a line, and what was learned of them as safetensors."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from textkit.artifacts import tensors
from textkit.errors import InputError
from textkit.vectorizers.base import Method
from textkit.vectorizers.columns import Columns, Places
from textkit.vectorizers.packing import Alphabet, PackedColumns
from textkit.vectorizers.vectorizer import Vectorizer, parts_of

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


def save(vectorizer: Vectorizer, folder: Path) -> list[dict[str, Any]]:
    """Write the files of each part; returns what the manifest says of them."""
    parts: list[dict[str, Any]] = []
    for part, ((name, *_), columns) in enumerate(zip(parts_of(vectorizer.config), vectorizer.columns, strict=True)):
        if columns.vocabulary is not None:
            save_terms(columns.vocabulary, folder / f"{part}-{name}.txt")
            alphabet = columns.tensors().get("alphabet")
            parts.append({"columns": columns.width, "alphabet": None if alphabet is None else len(alphabet)})
    named = {f"{part}.{name}": array for part, each in enumerate(vectorizer.learned) for name, array in each.items()}
    if named:
        tensors.save(folder / FILE, named)
    return parts


def load(folder: Path, manifest: dict[str, Any], method: type[Method], config: Any) -> tuple[list[Places], list[dict[str, np.ndarray]]]:
    """The columns and the tensors of each part. InputError if the files are not what the manifest says."""
    parts, told = parts_of(config), manifest.get("parts")
    if not isinstance(told, list) or len(told) != len(parts):
        raise InputError("the manifest does not say what each analyzer has", where=str(folder), fix="make the artifact again")
    named = list(enumerate(zip(parts, told, strict=True)))
    due: dict[str, tuple[str, tuple[int | None, ...]]] = {}
    for part, (_, about) in named:
        due |= {f"{part}.{name}": shape for name, shape in method.due(config, about["columns"]).items()}
        if about["alphabet"] is not None:
            due |= {f"{part}.keys": ("uint64", (about["columns"],)), f"{part}.alphabet": ("uint32", (about["alphabet"],))}
    found = tensors.load(folder / FILE, due) if due else {}
    columns: list[Places] = []
    for part, ((name, *_), about) in named:
        file = folder / f"{part}-{name}.txt"
        columns.append(_packed(found, part) if about["alphabet"] is not None else Columns(load_terms(file)))
        if columns[-1].width != about["columns"]:
            raise InputError(f"the vocabulary has {columns[-1].width} terms, and should have {about['columns']}", where=str(file))
    learned = [{name: found[f"{part}.{name}"] for name in method.due(config, about["columns"])} for part, (_, about) in named]
    return columns, learned


def _packed(found: dict[str, np.ndarray], part: int) -> PackedColumns:
    return PackedColumns(Alphabet(found[f"{part}.alphabet"]), found[f"{part}.keys"])
