"""Normalization of text: as an object of the `tokenizers` library, and the same on whole columns.

What the two must agree on is the library's: a saved tokenizer.json tells other tools what to do. polars does it faster,
so it does the rows of which that is known to come out the same.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import polars as pl

from textkit.config import setting

# The library's tables of compositions are of Unicode 9, and polars' are newer (so are their classes); emoji have no decompositions in any.
NEWER = r"[^\p{Age:9.0}\x{1F300}-\x{1FAFF}--\x{1CF2}\x{1CF3}\x{111C9}]"
# No character of these, and no two of them side by side, are changed by NFC: Latin, Hangul syllables, kana, Hanja.
COMPOSED = (
    r"^[\x{0}-\x{2FF}\x{2010}-\x{2027}\x{2030}-\x{205E}\x{3001}-\x{3029}\x{3041}-\x{3096}\x{30A0}-\x{30FF}\x{3131}-\x{318E}"
    r"\x{4E00}-\x{9FD5}\x{AC00}-\x{D7A3}\x{FF01}-\x{FF5E}]*$"
)
SIGMAS = "[Σ\u03f9\U0001d6ba\U0001d6f4\U0001d72e\U0001d768\U0001d7a2]"  # its small letter depends on its neighbours for polars alone


@dataclass(frozen=True)
class Normalizing:
    """Settings that every method of tokenizing has."""

    normalize: Literal["nfc", "nfkc", "nfd", "none"] = setting("nfc", "normal form of Unicode; nfd takes Hangul apart into jamo")
    lowercase: bool = setting(False, "lower-case the text")
    strip_accents: bool = setting(False, "leave accents out: é becomes e (Hangul stays whole)")


def normalizer(settings: Normalizing) -> Any:
    """The settings as a normalizer of the library: normal form, then case, then accents."""
    from tokenizers import normalizers

    return normalizers.Sequence([getattr(normalizers, name)() for name in _steps(settings)])


def _steps(settings: Normalizing) -> list[str]:
    form = [] if settings.normalize == "none" else [settings.normalize.upper()]
    # BERT's normalizer stops after the accents, with Hangul in pieces: here it is composed again
    stripped = ["NFD", "StripAccents", *(["NFC"] if settings.normalize != "nfd" else [])] if settings.strip_accents else []
    return [*form, *(["Lowercase"] if settings.lowercase else []), *stripped]


def normalized(text: pl.Series, settings: Normalizing) -> pl.Series:
    """(B,) texts as `normalizer` makes them."""
    steps = _steps(settings)
    todo = ~text.str.contains(COMPOSED) if steps == ["NFC"] else pl.Series([bool(steps)]).new_from_index(0, len(text))
    if not todo.any():
        return text
    # scatter changes the column that it is called on
    return text.clone().scatter(todo.arg_true(), _normalized(text.filter(todo), steps, settings))


def _normalized(text: pl.Series, steps: list[str], settings: Normalizing) -> pl.Series:
    odd = text.str.contains(f"{NEWER}|{SIGMAS}" if settings.lowercase else NEWER)
    done = text
    for step in steps:
        done = _STEPS[step](done) if step in _STEPS else done.str.normalize(step)  # type: ignore[arg-type]
    if odd.any():  # a loop over records: those with rare characters
        library = normalizer(settings)
        done = done.scatter(odd.arg_true(), [library.normalize_str(line) for line in text.filter(odd)])
    return done


_STEPS: dict[str, Callable[[pl.Series], pl.Series]] = {
    "Lowercase": lambda text: text.str.to_lowercase(),
    "StripAccents": lambda text: text.str.replace_all(r"\p{M}", ""),
}
