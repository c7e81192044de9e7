"""How a model of the `tokenizers` library comes from a piece of text to tokens: the way there, not only the end.

Each function follows the library's own steps on its JSON, and gives (tokens, way). They are for showing, one text at a time.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

Path = tuple[list[str], list[dict[str, Any]]]


def path(model: dict[str, Any], piece: str) -> Path | None:
    """The way through a model of this JSON; None of a kind that is not known here."""
    walk = {"WordLevel": word_level, "WordPiece": wordpiece, "BPE": bpe, "Unigram": unigram}.get(str(model.get("type")))
    return None if walk is None else walk(model, piece)


def word_level(model: dict[str, Any], piece: str) -> Path:
    """The piece is in the vocabulary, or unknown."""
    known = piece in model["vocab"]
    return [piece if known else model["unk_token"]], [{"look_up": piece, "found": known}]


def wordpiece(model: dict[str, Any], piece: str) -> Path:
    """From the left the longest piece that the vocabulary has; each that was tried. Where none fits, all is unknown."""
    vocabulary, inner = model["vocab"], model["continuing_subword_prefix"]
    if len(piece) > model["max_input_chars_per_word"]:
        return [model["unk_token"]], [{"longer_than": model["max_input_chars_per_word"]}]
    tokens: list[str] = []
    way: list[dict[str, Any]] = []
    start = 0
    while start < len(piece):
        tries = [(inner if start else "") + piece[start:end] for end in range(len(piece), start, -1)]
        found = next((number for number, token in enumerate(tries) if token in vocabulary), None)
        way.append({"tried": tries if found is None else tries[:found], "found": None if found is None else tries[found]})
        if found is None:
            return [model["unk_token"]], way
        tokens.append(tries[found])
        start = len(piece) - found
    return tokens, way


def bpe(model: dict[str, Any], piece: str) -> Path:
    """From characters, the neighbours whose merge was learned first, until none is left to merge."""
    if model.get("ignore_merges") and piece in model["vocab"]:
        return [piece], [{"look_up": piece, "found": True}]
    symbols = _symbols(model, piece)
    way: list[dict[str, Any]] = [{"symbols": [*symbols]}]
    ranks = _ranks(model)
    inner = len(model.get("continuing_subword_prefix") or "")
    while True:
        rank, at = min(((ranks.get(pair, len(ranks)), at) for at, pair in enumerate(pairwise(symbols))), default=(len(ranks), 0))
        if rank == len(ranks):
            return symbols, way
        pair = symbols[at : at + 2]
        symbols = [*symbols[:at], pair[0] + pair[1][inner:], *symbols[at + 2 :]]
        way.append({"merged": pair, "rank": rank, "symbols": symbols})


def _ranks(model: dict[str, Any]) -> dict[tuple[str, str], int]:
    pairs = (tuple(merge.split(" ")) if isinstance(merge, str) else tuple(merge) for merge in model["merges"])
    return {pair: rank for rank, pair in enumerate(pairs)}  # type: ignore[misc]


def _symbols(model: dict[str, Any], piece: str) -> list[str]:
    """The characters as the vocabulary has them; one that it lacks as its bytes, or as unknown."""
    vocabulary, unknown = model["vocab"], model.get("unk_token")
    prefix, suffix = model.get("continuing_subword_prefix") or "", model.get("end_of_word_suffix") or ""
    symbols: list[str] = []
    fuses = False  # whether the last one was unknown, and the next may become one with it
    for at, character in enumerate(piece):
        symbol = (prefix if at else "") + character + (suffix if at == len(piece) - 1 else "")
        spelt = [symbol] if symbol in vocabulary else _bytes(model, character)
        if not spelt and unknown is not None and not (fuses and model.get("fuse_unk")):
            symbols.append(unknown)
        fuses = not spelt
        symbols += spelt
    return symbols


def _bytes(model: dict[str, Any], text: str) -> list[str]:
    """The bytes of a character or more that the vocabulary lacks, where the model falls back on them and has them all."""
    spelt = [f"<0x{byte:02X}>" for byte in text.encode()]
    pieces = model["vocab"] if isinstance(model["vocab"], dict) else {token for token, _ in model["vocab"]}
    return spelt if model.get("byte_fallback") and all(token in pieces for token in spelt) else []


UNKNOWN_PENALTY = 10  # how much less likely than the least likely piece a character is that no piece has


def unigram(model: dict[str, Any], piece: str) -> Path:
    """The pieces whose log probabilities have the largest sum, by the algorithm of Viterbi."""
    scores = dict(model["vocab"])
    longest, unknown = max(map(len, scores)), min(scores.values()) - UNKNOWN_PENALTY
    best: list[tuple[float, int]] = [(0.0, 0), *[(float("-inf"), -1)] * len(piece)]  # at each place: the best sum, where its last piece begins
    for start in range(len(piece)):
        for end in range(start + 1, min(len(piece), start + longest) + 1):
            score = scores.get(piece[start:end], unknown if end == start + 1 else None)
            if score is not None and (best[end][1] < 0 or best[start][0] + score > best[end][0]):
                best[end] = (best[start][0] + score, start)
    spans: list[tuple[int, int]] = []
    end = len(piece)
    while end:
        spans.append((best[end][1], end))
        end = best[end][1]
    return _named(model, piece, scores, spans[::-1], unknown)


def _named(model: dict[str, Any], piece: str, scores: dict[str, float], spans: list[tuple[int, int]], unknown: float) -> Path:
    tokens: list[str] = []
    way: list[dict[str, Any]] = []
    fused = ""
    for start, end in [*spans, (len(piece), len(piece))]:
        part = piece[start:end]
        if part and part not in scores:  # unknown ones that stand side by side are one
            fused += part
            continue
        if fused:
            tokens += _bytes(model, fused) or [model["vocab"][model["unk_id"]][0]]
            way.append({"piece": fused, "log_probability": None})
            fused = ""
        if part:
            tokens.append(part)
            way.append({"piece": part, "log_probability": scores[part]})
    return tokens, way
