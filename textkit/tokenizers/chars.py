"""Characters as a reader sees them: a letter with its marks, a Hangul syllable, a whole emoji. White space counts.

They are the grapheme clusters of Unicode (UAX #29) in the main: a pattern that polars and the `tokenizers` library read
alike cannot ask for more properties. Other than there, \\r\\n is two, so that each of its halves has one id.
"""

from __future__ import annotations

from textkit.tokenizers.splitting import Split

# What belongs to the character before it: marks, the non-joiner, Thai and Lao am, half-width voicing, skin tones, tags.
_MARK = r"\p{M}\x{200C}\x{E33}\x{EB3}\x{FF9E}\x{FF9F}\x{1F3FB}-\x{1F3FF}\x{E0020}-\x{E007F}"
_JOINER = r"\x{200D}"
_LEADING, _VOWEL = r"[\x{1100}-\x{115F}\x{A960}-\x{A97C}]", r"[\x{1160}-\x{11A7}\x{D7B0}-\x{D7C6}]"
_TRAILING, _SYLLABLE = r"[\x{11A8}-\x{11FF}\x{D7CB}-\x{D7FB}]", r"[\x{AC00}-\x{D7A3}]"
HANGUL = rf"{_LEADING}*(?:{_VOWEL}+|{_SYLLABLE}){_TRAILING}*[{_MARK}{_JOINER}]*"
OTHER = "|".join(
    [
        r"[\p{Cc}\p{Zl}\p{Zp}]",  # no mark belongs to them
        rf"[\x{{1F1E6}}-\x{{1F1FF}}]{{2}}[{_MARK}{_JOINER}]*",  # two letters are a flag
        rf"\p{{S}}[{_MARK}]*(?:{_JOINER}\p{{S}}?[{_MARK}]*)*",
        rf"[\s\S][{_MARK}{_JOINER}]*",
    ]
)


class Chars(Split):
    """Every character of the text is in one token, so that the tokens put together are the text."""

    pattern = f"{HANGUL}|{OTHER}"
    joiner = ""
