"""How a text becomes tokens, step by step, as JSON: what `tokenize --explain` shows.

    {"text": ..., "steps": [{"step": "normalize", "by": "NFC", "before": ..., "after": ...}, ...], "tokens": [...], "ids": [...]}

The steps are told from the method's tokenizer.json; the tokens and ids are those that the stage gives.
"""

from __future__ import annotations

import json
import unicodedata
from typing import TYPE_CHECKING, Any

import polars as pl

from textkit.errors import UsageError
from textkit.tokenizers.applying import Finishing, offsets
from textkit.tokenizers.normalizing import normalizer
from textkit.tokenizers.paths import path

if TYPE_CHECKING:
    from tokenizers import Tokenizer

    from textkit.tokenizers.stage import Tokenize

Step = dict[str, Any]
LONGEST = 200  # characters of a piece whose way is shown: nobody reads ten thousand merges


def explain(stage: Tokenize, text: str) -> dict[str, Any]:
    """All steps of one text, and what comes of it."""
    column = pl.Series("text", [text], dtype=pl.String)
    made = {part.name: part for part in _columns(stage, column)}
    library = _library(stage)
    steps = _steps_of(library, text, stage.vocabulary is not None) if library else _steps_without(stage, text)
    finished, _ = Finishing(stage.tokenizer, stage.applying).finished([*made.values()])
    steps += _finishing(stage, [*made.values()], finished)
    odd = characters(text)
    shown = {part.name: part.to_list()[0] for part in finished}
    return {"text": text, **({"characters": odd} if odd else {}), "steps": steps, **shown}


def _library(stage: Tokenize) -> Tokenizer | None:
    try:
        library: Tokenizer = stage.tokenizer.library()
    except UsageError:  # the method is more than the library can do
        return None
    return library


def _columns(stage: Tokenize, text: pl.Series) -> list[pl.Series]:
    tokens, ids = stage.tokenizer.encode(text)
    where = [] if _library(stage) is None else [offsets(stage.tokenizer, text)]
    return [tokens, *([] if ids is None else [ids]), *where]


def characters(text: str) -> list[dict[str, Any]]:
    """The characters that one does not see as they are: invisible ones, and those in several parts."""
    found = []
    start = 0
    while start < len(text):
        end = start + 1
        while end < len(text) and unicodedata.normalize("NFC", text[start : end + 1]) != text[start : end + 1] and joins(text[end]):
            end += 1
        part = text[start:end]
        why = "decomposed" if end > start + 1 else "invisible" if invisible(part) else None
        if why:
            found.append({"at": start, "why": why, "code_points": [code_point(character) for character in part]})
        start = end
    return found


def joins(character: str) -> bool:
    """Whether it is drawn together with the character before it: a mark, a vowel or final of Hangul."""
    return bool(unicodedata.combining(character)) or "\u1161" <= character <= "\u11c2"


def invisible(character: str) -> bool:
    """White space but for plain spaces, controls, joiners and the like."""
    return character != " " and (unicodedata.category(character) in ("Cc", "Cf", "Zs", "Zl", "Zp") or "\ufe00" <= character <= "\ufe0f")


def code_point(character: str) -> str:
    return f"U+{ord(character):04X} {unicodedata.name(character, '')}".rstrip()


def _steps_of(library: Tokenizer, text: str, looks_up: bool) -> list[Step]:
    """`looks_up`: there is a vocabulary, so that pieces become tokens of it."""
    whole = json.loads(library.to_str())
    steps: list[Step] = []
    before = text
    for one in _flat(whole["normalizer"], "normalizers"):
        after = str(_alone(normalizer=one).normalizer.normalize_str(before))
        steps += [{"step": "normalize", "by": one["type"], "before": before, "after": after}] if after != before else []
        before = after
    pieces = [(before, before)] if before else []
    done: list[Step] = []
    for one in _flat(whole["pre_tokenizer"], "pretokenizers"):
        done.append(one)
        cut = _alone(pre_tokenizer={"type": "Sequence", "pretokenizers": done}).pre_tokenizer.pre_tokenize_str(before)
        found = [(piece, before[start:end]) for piece, (start, end) in cut]
        if found != pieces:
            steps.append({"step": "pre-tokenize", "by": one["type"], "pieces": [{"piece": piece, "text": part} for piece, part in found]})
        pieces = found
    return [*steps, _segmentation(library, whole["model"], [piece for piece, _ in pieces])] if looks_up else steps


def _flat(one: Step | None, inside: str) -> list[Step]:
    """A normalizer or pre-tokenizer as the ones that it is made of."""
    if one is None:
        return []
    return [leaf for part in one[inside] for leaf in _flat(part, inside)] if one["type"] == "Sequence" else [one]


def _alone(**parts: Step) -> Any:
    """A tokenizer of the library with this part only."""
    from tokenizers import Tokenizer

    nothing = dict.fromkeys(("truncation", "padding", "normalizer", "pre_tokenizer", "post_processor", "decoder"))
    model = {"type": "WordLevel", "vocab": {"[UNK]": 0}, "unk_token": "[UNK]"}
    return Tokenizer.from_str(json.dumps({"version": "1.0", **nothing, "added_tokens": [], "model": model, **parts}))


def _segmentation(library: Tokenizer, model: dict[str, Any], pieces: list[str]) -> Step:
    """What the model makes of each piece, and how; only what, where the way here does not lead where the library comes out."""
    found = []
    for piece in pieces:
        ids = [token.id for token in library.model.tokenize(piece)]
        walked = path(model, piece) if len(piece) <= LONGEST else None
        agrees = walked is not None and [library.token_to_id(token) for token in walked[0]] == ids
        found.append({"piece": piece, "tokens": [library.id_to_token(i) for i in ids], **({"path": walked[1]} if walked and agrees else {})})
    return {"step": "segment", "by": model["type"], "pieces": found}


def _steps_without(stage: Tokenize, text: str) -> list[Step]:
    """Of a method that the library does not know: the normal form, and what the method makes of it."""
    after = str(normalizer(stage.tokenizer.config).normalize_str(text))
    steps: list[Step] = [{"step": "normalize", "by": stage.tokenizer.config.normalize.upper(), "before": text, "after": after}]
    tokens, ids = stage.tokenizer.encode(pl.Series([text], dtype=pl.String))
    row = [] if ids is None else ids.to_list()[0]
    unknown = getattr(stage.vocabulary, "unk_id", None)
    pieces = [{"piece": token, "text": token} for token in tokens.to_list()[0]]
    cut: Step = {"step": "pre-tokenize", "by": stage.method, "pieces": pieces}
    looked = [
        {"piece": each["piece"], "tokens": [each["piece"]], "path": [{"look_up": each["piece"], "found": i != unknown}]}
        for each, i in zip(pieces, row, strict=bool(row))
    ]
    segment: list[Step] = [{"step": "segment", "by": "WordLevel", "pieces": looked}] if row else []
    return [*(steps if after != text else []), cut, *segment]


def _finishing(stage: Tokenize, made: list[pl.Series], finished: list[pl.Series]) -> list[Step]:
    """What the stage leaves out, cuts off and puts around."""
    settings = stage.applying
    kept = Finishing(stage.tokenizer, settings).wanted(made)[0].to_list()[0]
    before, after = made[0].to_list()[0], finished[0].to_list()[0]
    steps: list[Step] = []
    if len(kept) < len(before):
        steps.append({"step": "stop words", "by": "--stop-words", "pieces": [{"piece": token, "text": token} for token in kept]})
    around = 2 * settings.add_bos_eos
    if len(after) - around < len(kept):
        steps.append({"step": "cut", "by": "--max-tokens", "left_out": kept[len(after) - around :]})
    if around:
        steps.append({"step": "put around", "by": "--add-bos-eos", "tokens": [after[0], after[-1]]})
    return steps
