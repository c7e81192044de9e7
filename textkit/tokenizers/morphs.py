"""Korean morphemes by the analyser Kiwi (kiwipiepy, in the extra `ko`): stems and endings in their own forms.

The forms are not parts of the text: 봤다 is 보 + 었 + 다. So the saved tokenizer.json takes text that is already
analysed, morphemes with spaces between them, and knows their ids.
"""

from __future__ import annotations

from functools import cache, cached_property
from typing import Any

import polars as pl

from textkit.errors import UsageError
from textkit.tokenizers.normalizing import Normalizing, normalized
from textkit.tokenizers.splitting import Split

_COMPOSED, _APART = Normalizing(), Normalizing(normalize="nfd")


class Morphs(Split):
    """Morphemes, in the forms that a dictionary has. Needs `pip install textkit[ko]`."""

    pattern = r"\S+"

    def prepared(self, text: pl.Series) -> pl.Series:
        """The forms of each text with a space between them; those few that hold white space are cut there."""
        text = super().prepared(text)
        apart = self.config.normalize == "nfd"  # the analyser knows syllables only
        forms = analysed(normalized(text, _COMPOSED) if apart else text)
        return normalized(forms, _APART) if apart else forms

    @cached_property
    def _spelled(self) -> tuple[str, ...]:
        return self.specials

    def _normalizer(self) -> Any:
        from tokenizers import normalizers

        return normalizers.Sequence([])

    def library(self) -> Any:
        raise UsageError("morphs are not parts of the text, so the tokenizers library cannot cut it into them")


def analysed(text: pl.Series) -> pl.Series:
    """(B,) texts -> (B,) the forms of their morphemes, with spaces between them. Kiwi reads a batch on all cores."""
    # the loops over records only collect what Kiwi gives
    return pl.Series([" ".join(token.form for token in tokens) for tokens in _kiwi().tokenize(text.to_list())], dtype=pl.String)


@cache
def _kiwi() -> Any:
    try:
        from kiwipiepy import Kiwi
    except ModuleNotFoundError as error:
        if error.name != "kiwipiepy":
            raise
        raise UsageError("the method morphs needs the analyser Kiwi", fix="pip install textkit[ko]") from None
    return Kiwi()
