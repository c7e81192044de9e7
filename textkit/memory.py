"""What was made of each distinct string is remembered: text obeys Zipf's law, so most of it has been seen before."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl


class Memory:
    """Strings and what was made of each, by a code that counts up from 0 as new ones are seen. Memory: both.

    `made` tells of `nothing`, the string whose code is 0; `make` of (P,) new strings.
    """

    def __init__(self, make: Callable[[pl.Series], pl.Series], nothing: str, made: pl.Series) -> None:
        self._make = make
        # polars forgets the codes of a dictionary that no column uses: this one keeps it
        self._first = pl.Series([nothing]).cast(pl.Categorical(pl.Categories.random()))
        self.made = made
        self.bytes = 0

    def __call__(self, strings: pl.Series) -> pl.Series:
        """(P,) strings -> (P,) what was made of each."""
        codes = self.codes(strings)
        return self.made.gather(codes)

    def codes(self, strings: pl.Series) -> pl.Series:
        """(P,) strings -> (P,) codes: places in `made`."""
        codes = strings.cast(self._first.dtype).to_physical()
        # codes count up in the order in which strings are first seen: a new one is larger than all before it
        known = len(self.made)
        seen = codes.cum_max().shift(1, fill_value=known - 1).clip(lower_bound=known - 1)
        new = codes > seen
        if new.any():
            fresh = strings.filter(new)
            self.bytes += int(fresh.str.len_bytes().sum())
            self.made = pl.concat([self.made, self._make(fresh)], rechunk=True)  # gathering from many chunks takes many times as long
            assert len(self.made) == int(codes.max()) + 1, "codes count up"  # type: ignore[arg-type]
        return codes
