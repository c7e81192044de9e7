"""Words, numbers and punctuation of any script, by one regular expression over Unicode classes.

A word is a run of letters, marks and digits ("don't" and "3.14" are whole); runs of . ! ? ~ and ... are one token,
any other symbol is one, an emoji with its modifiers and joiners too.
"""

from __future__ import annotations

from textkit.tokenizers.splitting import Split

_WORD = r"\p{L}\p{M}\p{N}_"
_INSIDE = rf"{_WORD}\x{{AD}}\x{{200C}}\x{{200D}}"  # soft hyphens, and the joiners of Persian and Indic words
_SYMBOL = rf"[^\s{_WORD}]"
_MODIFIER = r"[\p{M}\x{1F3FB}-\x{1F3FF}\x{E0020}-\x{E007F}]"  # skin tones, and the tags that spell a region's flag
PATTERN = "|".join(
    [
        r"\p{N}+(?:[.,:]\p{N}+)+",
        rf"[{_WORD}][{_INSIDE}]*(?:['’][{_WORD}][{_INSIDE}]*)*",
        r"[.!?…~]+",
        r"[\x{1F1E6}-\x{1F1FF}]{2}",
        rf"{_SYMBOL}{_MODIFIER}*(?:\x{{200D}}{_SYMBOL}{_MODIFIER}*)*",
    ]
)


class Words(Split):
    """Words, numbers, punctuation and symbols; white space is left out."""

    pattern = PATTERN
