"""What there is to tell of an artifact, of textkit's or another program's, from its files."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

from textkit.artifacts import folder as artifact
from textkit.artifacts.bundle import HISTORY
from textkit.errors import InputError

TOKENIZER = "tokenizer.json"
VECTORS = "vectors.safetensors"  # of an embedding
LARGEST = 1 << 29  # bytes of a tokenizer.json
HEAD = 4096
KNOWN_BINARY = (b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd", b"PAR1", b"ARROW1", b"\xff\xff\xff\xff", b"\xff\xfe", b"\xfe\xff")


def facts_of_artifact(path: str) -> dict[str, Any]:
    """The manifest, its files checked, and a bundle's history; or what another program's tokenizer is."""
    foreign = Path(path) / TOKENIZER
    if foreign.is_file() and not (Path(path) / artifact.MANIFEST).exists():
        return facts_of_tokenizer(str(foreign))
    manifest = artifact.load(path, artifact.read_manifest(path).get("kind", ""))
    history = Path(path) / HISTORY
    lines = history.read_text(encoding="utf-8").splitlines() if history.exists() else []
    more = {**_of_words(Path(path), manifest), **_of_partial(Path(path), manifest)}
    return {"path": path, **manifest, **more, "history": [json.loads(line) for line in lines]}


def _of_words(path: Path, manifest: dict[str, Any]) -> dict[str, Any]:
    """Of an embedding: how many words have a vector, and how often they were seen."""
    file = path / VECTORS
    if manifest["kind"] != "embedding" or not file.is_file():
        return {}
    from safetensors import safe_open

    with safe_open(file, framework="numpy") as tensors:
        counts = tensors.get_tensor("counts")
    return {"words": {"with_vector": int((counts > 0).sum()), "occurrences": int(counts.sum())}}


def _of_partial(path: Path, manifest: dict[str, Any]) -> dict[str, Any]:
    """Of an unfinished training: how far it is, and the command that goes on with it."""
    if manifest["kind"] != "partial":
        return {}
    steps = [int(place.name) for place in path.glob("checkpoints/[0-9]*")]
    return {"step": max(steps, default=None), "resume": f"textkit train --resume {shlex.quote(str(path).removesuffix('.partial'))}"}


def is_tokenizer(path: str) -> bool:
    """Whether a file is a tokenizer of the `tokenizers` library, by its name or how it begins."""
    file = Path(path)
    if file.suffix != ".json" or not file.is_file():
        return False
    with file.open("rb") as data:
        head = data.read(HEAD)
    return file.name == TOKENIZER or (head.lstrip().startswith(b"{") and b'"truncation"' in head and b'"version"' in head)


def facts_of_tokenizer(path: str) -> dict[str, Any]:
    """Its model, how much it knows, and its steps. InputError if it is damaged."""
    file = Path(path)
    try:
        if file.stat().st_size > LARGEST:
            raise InputError("too large for a tokenizer.json", where=path)
        whole = json.loads(file.read_text(encoding="utf-8"))
        model = whole["model"]
        steps = {name: _named(whole.get(name)) for name in ("normalizer", "pre_tokenizer", "post_processor", "decoder")}
        added = [token["content"] for token in whole.get("added_tokens", [])]
        vocabulary = model.get("vocab", ())
        known = {*vocabulary} if isinstance(vocabulary, dict) else {piece for piece, _ in vocabulary}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(f"not a tokenizer.json, or a damaged one ({error})", where=path) from None
    kind = model.get("type") or ("BPE" if "merges" in model else "unknown")
    facts = {"path": path, "kind": "tokenizer.json", "model": kind, "vocabulary": {"size": len(known | {*added})}, "special_tokens": added}
    return {**facts, "steps": {name: step for name, step in steps.items() if step}, "size": file.stat().st_size}


def _named(step: Any) -> list[str]:
    """The types of a step and of what a sequence holds."""
    if not step:
        return []
    inner = next((step[key] for key in ("normalizers", "pretokenizers", "processors", "decoders") if key in step), None)
    return [name for one in inner for name in _named(one)] if inner is not None else [step["type"]]


def refuse_binary(path: str, encoding: str) -> None:
    """InputError if a file is neither text nor of a format that textkit reads."""
    file = Path(path)
    if not file.is_file():
        return
    with file.open("rb") as data:
        head = data.read(HEAD)
    wide = encoding.lower().replace("_", "-").startswith(("utf-16", "utf-32"))
    if b"\x00" in head and not wide and not head.startswith(KNOWN_BINARY):
        raise InputError("is binary, and of no format that textkit reads", where=path, fix="give text, a stream or a saved folder")
