"""The columns that textkit knows: their types, and how their values look in JSON.

Everything else in a record is the user's and is not touched.
"""

from __future__ import annotations

import json
import re

import polars as pl

TEXT_ALIASES = ("text", "document", "sentence", "review", "comment")  # what users' tables call it
KNOWN_NAMES = (*TEXT_ALIASES, "label", "target", "pair")

STRING, STRINGS, INTS = pl.String, pl.List(pl.String), pl.List(pl.Int32)

COLUMNS: dict[str, pl.DataType | type[pl.DataType]] = {
    "text": STRING,
    "pair": STRING,
    "target": STRING,
    "label": STRING,
    "labels": STRINGS,
    "tags": STRINGS,
    "gold_tags": STRINGS,  # those that a record had before a model tagged it
    "tokens": STRINGS,
    "ids": INTS,
    "mask": INTS,
    "type_ids": INTS,
    "offsets": pl.List(INTS),
    "word_starts": INTS,
    "features": pl.Struct({"indices": INTS, "values": pl.List(pl.Float64)}),
    "vector": pl.List(pl.Float32),
    "token_vectors": pl.List(pl.List(pl.Float32)),
    "prediction": STRING,
    "score": pl.Float64,
    "predictions": pl.List(pl.Struct({"label": STRING, "score": pl.Float64})),
    "output": STRING,
}

# Values that the fast reader and the exact one are known to read alike (regular expressions of the Rust crate).
_STRING = r'"(?:[^"\\]|\\.)*"'
_INTEGER = r"(?:0|-?[1-9][0-9]{0,8})"
_NUMBER = r"-?[0-9]{1,15}(?:\.[0-9]+)?(?:[eE](?:\+?[0-9]|-[0-9]{1,2}))?"  # within 32-bit range


def _list(value: str) -> str:
    return rf"\[\s*(?:{value}(?:\s*,\s*{value})*)?\s*\]"


_PLAIN: dict[str, str] = {
    str(pl.String()): _STRING,
    str(pl.Float64()): rf"{_NUMBER}\s*[,}}]",
    str(STRINGS): _list(_STRING),
    str(INTS): _list(_INTEGER),
    str(pl.List(pl.Float32)): _list(_NUMBER),
    str(COLUMNS["features"]): rf'\{{\s*"indices"\s*:\s*{_list(_INTEGER)}\s*,\s*"values"\s*:\s*{_list(_NUMBER)}\s*\}}',
}


def dtype_of(name: str) -> pl.DataType | None:
    """The type of a known column, prefixes included (`target_ids`), or None for a user's own."""
    base = re.sub(r"^(text|pair|target)_(?=tokens$|ids$|mask$|type_ids$|offsets$)", "", name)
    known = COLUMNS.get(base)
    return None if known is None else known() if isinstance(known, type) else known


def key_pattern(name: str) -> str:
    """A member's key as it is usually spelt. A quote inside a string is escaped, so this never matches in one."""
    return rf"[{{,\s]{key_literal(name)}\s*:\s*"


def key_literal(name: str) -> str:
    return re.escape(json.dumps(name, ensure_ascii=False))


def odd_pattern(name: str) -> str:
    """Escapes that can spell the key another way, or half a surrogate pair: the exact reader's."""
    return r"\\[u/]" if not name.isascii() or "/" in name else r"\\u(?:00[0-7]|[dD][89a-fA-F])"


def value_pattern(name: str) -> str | None:
    """What a value must look like for the fast reader to be exact; None if only the exact reader is."""
    if name == "label":  # a label may be a JSON number and is kept by its spelling
        return rf"(?:{_STRING}|{_INTEGER}\s*[,}}])"
    return _PLAIN.get(str(dtype_of(name)))
