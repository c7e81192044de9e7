"""Byte-pair merges learned from counted words: the most frequent pair of neighbours becomes one piece, again and again.

Sennrich, Haddow and Birch 2016. All words stand behind one another in one array of symbols, linked to their neighbours;
a merge changes every place where its pair stands at once. Sums are of whole numbers and equal counts go by symbol, so
the result depends on nothing but the counts; it is that of the trainer of the `tokenizers` library.
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    Ints = np.ndarray[Any, Any]

NONE, HEAD = -1, -2  # no symbol; where a merge begins, while it is done
PAIR = (1 << 64) - 1


class Merges:
    """Learns merges: `learn` extends `pieces` and fills `pairs`, in the order in which they were learned.

    symbols: of all words, one behind the other, as indices into `pieces`; NONE parts words.
    weights: how often the word around each symbol occurs.
    """

    def __init__(self, symbols: Ints, weights: Ints, pieces: list[str], join: Callable[[str, str], str] = str.__add__) -> None:
        import numpy as np

        end = len(symbols)  # the place that stands for none
        self._symbol = np.append(symbols, NONE).astype(np.int32)
        place = np.arange(end + 1, dtype=np.int64 if end > 2**31 - 2 else np.int32)
        linked = (self._symbol[:-1] != NONE) & (self._symbol[1:] != NONE)
        self._next = np.append(np.where(linked, place[1:], end), end).astype(place.dtype)
        self._previous = np.append(end, np.where(linked, place[:-1], end)).astype(place.dtype)
        self._weight, self.pieces, self._join = weights, pieces, join
        self._ids = {piece: i for i, piece in enumerate(pieces)}
        order: Ints = np.argsort(self._symbol[:-1], kind="stable").astype(place.dtype)
        starts = np.searchsorted(self._symbol[:-1], np.arange(len(pieces) + 1), sorter=order)
        self._places = [order[starts[i] : starts[i + 1]] for i in range(len(pieces))]
        self.pairs: dict[tuple[str, str], None] = {}

    def learn(self, size: int, min_frequency: int, max_length: int | None) -> None:
        """Merge until there are `size` pieces or no pair occurs `min_frequency` times; no piece gets longer than `max_length`."""
        self._least, self._length = min_frequency, max_length
        self._count_all()
        heap = self._heap
        while heap and len(self.pieces) < size:
            item = heappop(heap)
            pair, count = item & PAIR, -(item >> 64)
            now = self._counts.get(pair, 0)
            if now == count:
                del self._counts[pair]
                self._merge(pair >> 32, pair & 0xFFFFFFFF)
            elif now:  # other merges have taken some of its places
                heappush(heap, (-now << 64) | pair)

    def _count_all(self) -> None:
        import numpy as np

        here = np.flatnonzero(self._next[:-1] != len(self._next) - 1)
        pairs = (self._symbol[here].astype(np.int64) << 32) | self._symbol[self._next[here]]
        self._counts = {
            pair: count for pair, count in _totals(pairs, self._weight[here]) if count >= self._least and self._fits(pair >> 32, pair & 0xFFFFFFFF)
        }
        self._heap = [(-count << 64) | pair for pair, count in self._counts.items()]
        heapify(self._heap)

    def _fits(self, left: int, right: int) -> bool:
        return self._length is None or len(self._join(self.pieces[left], self.pieces[right])) <= self._length

    def _merge(self, left: int, right: int) -> None:
        self.pairs[self.pieces[left], self.pieces[right]] = None
        piece = self._join(self.pieces[left], self.pieces[right])
        new = self._ids.setdefault(piece, len(self.pieces))
        heads = self._standing(left, right)
        if new == len(self.pieces):
            self.pieces.append(piece)
            self._places.append(heads)
            self._replace(left, right, new, heads)
        else:  # "ab" + "c" where "a" + "bc" is a piece already
            import numpy as np

            self._replace(left, right, new, heads)
            self._places[new] = np.union1d(self._places[new], heads)
            self._count_around(new, self._living(new))

    def _living(self, symbol: int) -> Ints:
        """The places where a symbol stands, in their order."""
        places = self._places[symbol]
        self._places[symbol] = places[self._symbol[places] == symbol]
        return self._places[symbol]

    def _standing(self, left: int, right: int) -> Ints:
        """The places where the pair begins, found from the rarer of the two; of overlapping ones the first."""
        lefts, rights = self._living(left), self._living(right)
        if len(lefts) <= len(rights):
            heads = lefts[self._symbol[self._next[lefts]] == right]
        else:
            heads = self._previous[rights]
            heads = heads[self._symbol[heads] == left]
        return heads if left != right else self._every_other(heads)

    def _every_other(self, heads: Ints) -> Ints:
        """Of aaaa, where aa begins at three places, the first and the third."""
        import numpy as np

        index = np.arange(len(heads))
        goes_on = np.append(False, self._next[heads[:-1]] == heads[1:])
        start = np.maximum.accumulate(np.where(goes_on, 0, index))
        chosen: Ints = heads[(index - start) % 2 == 0]
        return chosen

    def _replace(self, left: int, right: int, new: int, heads: Ints) -> None:
        """Put `new` in all places, and count the pairs that this makes and unmakes."""
        symbol, following, previous, weight = self._symbol, self._next, self._previous, self._weight[heads]
        tails = following[heads]
        after = following[tails]
        before = symbol[previous[heads]]
        symbol[heads] = HEAD  # a pair of two merges is counted once, at the second
        behind = symbol[after]
        symbol[heads], symbol[tails] = new, NONE
        following[heads], previous[after] = after, heads
        lefts = _totals(before, weight)
        rights = _totals(behind, weight)
        counts, least = self._counts, self._least
        for gone in ([(other << 32 | left, count) for other, count in lefts], [(right << 32 | other, count) for other, count in rights]):
            for pair, count in gone:
                rest = counts.get(pair, 0) - count
                if rest >= least:
                    counts[pair] = rest
                else:
                    counts.pop(pair, None)
        if (behind == HEAD).any():
            lefts = _totals(symbol[previous[heads]], weight)
        self._put(new, lefts, rights)

    def _count_around(self, new: int, places: Ints) -> None:
        weight, behind = self._weight[places], self._symbol[self._next[places]]
        apart = behind != new
        self._put(new, _totals(self._symbol[self._previous[places]], weight), _totals(behind[apart], weight[apart]))

    def _put(self, new: int, lefts: list[tuple[int, int]], rights: list[tuple[int, int]]) -> None:
        for other, count in lefts:
            if count >= self._least and self._fits(other, new):
                self._counts[other << 32 | new] = count
                heappush(self._heap, (-count << 64) | other << 32 | new)
        for other, count in rights:
            if count >= self._least and self._fits(new, other):
                self._counts[new << 32 | other] = count
                heappush(self._heap, (-count << 64) | new << 32 | other)


def _totals(keys: Ints, weights: Ints) -> list[tuple[int, int]]:
    """(key, sum of its weights) of the keys that are symbols or pairs."""
    import numpy as np

    if not len(keys):
        return []
    order = keys.argsort()
    keys = keys[order]
    starts = np.flatnonzero(keys[1:] != keys[:-1]) + 1
    starts = np.concatenate((np.zeros(1, starts.dtype), starts))
    found = zip(keys[starts].tolist(), np.add.reduceat(weights[order], starts).tolist(), strict=True)
    return list(found) if keys[0] >= 0 else [(key, total) for key, total in found if key >= 0]
