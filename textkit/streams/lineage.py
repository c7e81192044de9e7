"""The lineage: which stages made a stream, with which settings and artifacts.

It travels as the first line of a stream and in a bundle's manifest:

    {"textkit":{"version":1,"stages":[{"stage":"tokenize","method":"words","config":{...},"sha256":"...","artifact":"tok"}]}}

Two lineages are equal when stages, methods, settings and artifact hashes are: what changes the bytes. Paths are
hints on where an artifact may be found, `columns` says what the user's own column names were; neither is compared.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field, replace
from typing import Any

from textkit.errors import InputError

VERSION = 1
CONTROL = r'^[ \t]*\{\s*"textkit"\s*:\s*\{'  # how a header or end line starts, and maybe a record of the user's
LINEAGE_FIX = "make the stream again"
CONTROL_KEY = b'"textkit"'  # what is in all of them
SAID = 3  # items of a list in an error


# settings of a learned stage that say how it is applied
APPLIED = (
    *("pool", "oov", "unit", "token_vectors", "ids"),
    *("k", "proba", "skip_special", "fields", "offsets", "max_tokens", "stop_words", "add_bos_eos", "terms"),
)


@dataclass(frozen=True)
class Entry:
    """One stage of a lineage. `artifact` is a path hint; `sha256` the authority on what was learned."""

    stage: str
    method: str | None = None
    config: dict[str, Any] = field(default_factory=dict)
    artifact: str | None = None
    sha256: str | None = None

    @property
    def identity(self) -> tuple[str, str | None, str, str | None]:
        # how a vocabulary or a table was learned is told by its hash: then only the settings of applying it count
        applied = {name: self.config[name] for name in APPLIED if self.config.get(name) not in (None, False)}
        settings = self.config if self.sha256 is None else applied
        return self.stage, self.method, json.dumps(settings, sort_keys=True), self.sha256

    @property
    def label(self) -> str:
        return f"{self.stage} {self.method}" if self.method else self.stage

    def to_json(self) -> dict[str, Any]:
        return {key: value for key, value in vars(self).items() if value is not None}


@dataclass(frozen=True)
class Lineage:
    stages: tuple[Entry, ...] = ()
    columns: dict[str, str] = field(default_factory=dict)  # our name -> the user's name

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Lineage) and self.identity == other.identity

    def __hash__(self) -> int:
        return hash(self.identity)

    @property
    def identity(self) -> tuple[Any, ...]:
        return tuple(entry.identity for entry in self.stages)

    def plus(self, *entries: Entry) -> Lineage:
        return replace(self, stages=self.stages + entries)

    def difference(self, other: Lineage) -> str:
        """In words: the first stage in which `self` and `other` differ."""
        for position, (mine, theirs) in enumerate(zip(self.stages, other.stages, strict=False), 1):
            if mine.identity != theirs.identity:
                return f"stage {position} differs: {_compare(mine, theirs)}"
        longer, first = (self, "only the first") if len(self.stages) > len(other.stages) else (other, "only the second")
        extra = longer.stages[min(len(self.stages), len(other.stages)) :]
        return f"{first} has {', '.join(entry.label for entry in extra)}" if extra else "they are equal"

    def to_json(self) -> dict[str, Any]:
        columns = {"columns": self.columns} if self.columns else {}
        return {"version": VERSION, **columns, "stages": [entry.to_json() for entry in self.stages]}

    def header(self) -> str:
        return json.dumps({"textkit": self.to_json()}, ensure_ascii=False, separators=(",", ":"))


def _compare(mine: Entry, theirs: Entry) -> str:
    if mine.label != theirs.label:
        return f"{mine.label} against {theirs.label}"
    keys = sorted(k for k in {*mine.config, *theirs.config} if mine.config.get(k) != theirs.config.get(k))
    if keys:
        return f"{mine.label} with " + ", ".join(f"{k}={_said(mine.config.get(k))} against {_said(theirs.config.get(k))}" for k in keys)
    return f"{mine.label} with artifact {_short(mine)} against {_short(theirs)}"


def _said(value: Any) -> str:
    """A setting in an error of one line: of a long list, such as stop words, the beginning."""
    if isinstance(value, list) and len(value) > SAID:
        return f"[{', '.join(map(repr, value[:SAID]))}, … {len(value)} in all]"
    return str(value)


def _short(entry: Entry) -> str:
    return f"{entry.artifact or ''}@{(entry.sha256 or 'none')[:12]}"


class _Damaged(Exception):
    """Why an object is no lineage, in words."""


def from_json(value: Any, where: str) -> Lineage:
    """A Lineage from the object under "textkit"; InputError if it is not one or is of a newer version."""
    try:
        json.dumps(value, ensure_ascii=False).encode()  # half of a surrogate pair could not be written on
        version = value["version"]
        if type(version) is not int:
            raise _Damaged("its version is no number")
        if version > VERSION:
            fix = "update textkit, or make the stream again with this version"
            raise InputError(f"the lineage is of version {version}, this textkit reads up to {VERSION}", where=where, fix=fix)
        stages = tuple(_entry(stage) for stage in value["stages"])
        columns = {str(k): str(v) for k, v in value.get("columns", {}).items()}
    except _Damaged as error:
        raise InputError(f"the lineage header is damaged ({error})", where=where, fix=LINEAGE_FIX) from None
    except KeyError as error:
        raise InputError(f"the lineage header is damaged (it has no {error})", where=where, fix=LINEAGE_FIX) from None
    except (TypeError, AttributeError, UnicodeEncodeError):
        raise InputError("the lineage header is damaged (it is not of textkit's form)", where=where, fix=LINEAGE_FIX) from None
    return Lineage(stages, columns)


def _entry(value: dict[str, Any]) -> Entry:
    entry = Entry(value["stage"], value.get("method"), value.get("config", {}), value.get("artifact"), value.get("sha256"))
    strings = (entry.stage, entry.method or "", entry.artifact or "", entry.sha256 or "")
    if not all(isinstance(s, str) for s in strings) or not isinstance(entry.config, dict):
        raise _Damaged("a stage's fields have the wrong types")
    if entry.sha256 is not None and not re.fullmatch("[0-9a-f]{64}", entry.sha256):
        raise _Damaged("a stage's sha256 is not 64 hex digits")
    return entry


def end_line(records: int) -> str:
    return json.dumps({"textkit": {"end": records}}, separators=(",", ":"))


def control_line(line: str, where: str) -> Lineage | int | None:
    """A header line as Lineage, an end line as its count of records; None if it is a record of the user's."""
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise InputError("a header or end line of textkit's is damaged", where=where, fix=LINEAGE_FIX) from error
    value = record["textkit"]
    if len(record) > 1 or not isinstance(value, dict) or not {"version", "end"} & {*value}:
        return None
    if "version" in value:
        return from_json(value, where)
    if type(value["end"]) is not int:
        raise InputError("an end line of textkit's is damaged: it has no number", where=where, fix=LINEAGE_FIX)
    return value["end"]
