"""A unigram model of pieces, learned from counted words: begin with all frequent pieces, leave out what is needed least.

Kudo 2018. The corpus is a lattice: every place where a piece could end, with where it begins. Expectation and
maximization give each piece its probability; then go those whose best replacement by other pieces costs least.
All places at the same distance from their word's beginning are worked on at once. Sums are made in the order of the
words, which are sorted, so that each run gives the same bits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import numpy as np

    Ints = np.ndarray[Any, Any]
    Floats = np.ndarray[Any, Any]

PART = 48  # longer words are learned from in parts; the probability of a part fits into a float
SEEDS = 1_000_000  # pieces to begin with at the most
SHARE = 0.75  # of the pieces that a round of pruning keeps
ROUNDS = 2  # of expectation and maximization before it
SPARE = 1.1  # times the pieces that are wanted: when pruning ends


class Edges(NamedTuple):
    """Where pieces of one length stand: the places where they end, the places before them, the pieces; by `bounds` in blocks of one depth."""

    end: Ints
    before: Ints
    piece: Ints
    bounds: list[int]


class Lattice:
    """symbols: of all words, as ranks in the alphabet, -1 between words; weights: how often each one's word occurs.

    A place is the end of a character; places stand by their depth (the characters from the part's beginning), the parts
    by falling length, so that at each depth the parts that go so far are the first. The last places are the beginnings.
    """

    def __init__(self, symbols: Ints, weights: Ints) -> None:
        import numpy as np

        starts, lengths = _parts(symbols)
        order = np.argsort(-lengths, kind="stable")
        starts, lengths = starts[order], lengths[order]
        reaching = np.searchsorted(-lengths, -np.arange(1, int(lengths.max(initial=0)) + 1), side="right")
        self.offsets = np.concatenate(([0], np.cumsum(reaching)))
        self.size, parts = int(self.offsets[-1]), len(lengths)
        self.weights = weights[starts].astype(np.float64)
        self.ends = self.offsets[lengths - 1] + np.arange(parts)
        self.symbols = np.concatenate([symbols[starts[:count] + depth] for depth, count in enumerate(reaching)]).astype(np.int32)
        befores = [self.size + np.arange(parts), *(self.offsets[depth] + np.arange(count) for depth, count in enumerate(reaching[1:]))]
        self.before = np.concatenate(befores).astype(np.int32)

    def pieces(self, alphabet: int, longest: int, least: int) -> tuple[list[Ints], Floats, Ints, Ints]:
        """All pieces of up to `longest` characters that occur `least` times.

        (by length the piece that ends at each place or -1), (how often, by piece), (its length), (one place where it ends).
        The first are the single characters.
        """
        import numpy as np

        weight = self._weights()
        tables, counts = [self.symbols], [np.bincount(self.symbols, weights=weight, minlength=alphabet)]
        places = [np.zeros(alphabet, dtype=np.int64)]
        total = alphabet
        for _ in range(2, longest + 1):
            shorter = np.append(tables[-1], np.full(len(self.ends), -1, dtype=np.int32))[self.before]
            here = np.flatnonzero(shorter >= 0)
            _, first, found = np.unique(shorter[here].astype(np.int64) * alphabet + self.symbols[here], return_index=True, return_inverse=True)
            count = np.bincount(found, weights=weight[here], minlength=len(first))
            kept = count >= least
            names = np.where(kept, total + np.cumsum(kept) - 1, -1).astype(np.int32)
            table = np.full(self.size, -1, dtype=np.int32)
            table[here] = names[found]
            tables.append(table)
            counts.append(count[kept])
            places.append(here[first[kept]])
            total += int(kept.sum())
        lengths = np.repeat(np.arange(1, len(tables) + 1), [len(part) for part in counts])
        return tables, np.concatenate(counts), lengths, np.concatenate(places)

    def _weights(self) -> Floats:
        import numpy as np

        return np.concatenate([self.weights[: after - before] for before, after in zip(self.offsets, self.offsets[1:], strict=False)])


def _parts(symbols: Ints) -> tuple[Ints, Ints]:
    """(starts, lengths) of the runs of symbols, long ones in parts."""
    import numpy as np

    inside = symbols >= 0
    index = np.arange(len(symbols))
    begins = inside & ~np.concatenate(([False], inside[:-1]))
    run = np.maximum.accumulate(np.where(begins, index, 0))
    starts = np.flatnonzero(inside & ((index - run) % PART == 0))
    stops = np.flatnonzero(inside & (((index - run) % PART == PART - 1) | ~np.concatenate((inside[1:], [False]))))
    return starts, stops - starts + 1


class Unigrams:
    """letters: the alphabet. The first pieces are its letters, which always stay."""

    def __init__(self, symbols: Ints, weights: Ints, letters: list[str], longest: int, least: int) -> None:
        import numpy as np

        self.lattice, self.letters = Lattice(symbols, weights), letters
        self.alphabet = alphabet = len(letters)
        self.tables, counts, self.lengths, self.places = self.lattice.pieces(alphabet, longest, least)
        worth = counts * self.lengths
        worth[alphabet:][np.argsort(-worth[alphabet:], kind="stable")[SEEDS:]] = 0
        self.score = _log(worth / worth.sum())

    def learn(self, size: int, share: float = SHARE) -> list[tuple[str, float]]:
        """(piece, log probability) of `size` pieces or fewer, the most probable first."""
        import numpy as np

        edges, room = self._edges(), max(0, size - self.alphabet)
        while True:
            for _ in range(ROUNDS):
                expected = self._expect(edges)
                expected[expected < 0.5] = 0  # what is not even expected once
                expected[: self.alphabet] = np.maximum(expected[: self.alphabet], 0.5)
                self.score = np.where(expected > 0, _digamma(np.maximum(expected, 0.5)) - _digamma(expected.sum(keepdims=True)), -np.inf)
            alive = np.flatnonzero(self.score[self.alphabet :] > -np.inf) + self.alphabet
            if len(alive) <= SPARE * room or not len(alive):
                break
            loss = expected[alive] * (self.score[alive] - self._replaced(alive))
            kept = max(int(SPARE * room), int(share * len(alive)))
            self.score[alive[np.argsort(-loss, kind="stable")[kept:]]] = -np.inf
            edges = self._edges()
        best = alive[np.argsort(-self.score[alive], kind="stable")[:room]]
        found = np.concatenate((np.arange(self.alphabet), best))
        found = found[np.argsort(-self.score[found], kind="stable")]
        return [(self._spell(int(i)), float(self.score[i])) for i in found]

    def _spell(self, piece: int) -> str:
        if piece < self.alphabet:
            return self.letters[piece]
        spelt, place = "", int(self.places[piece])
        for _ in range(self.lengths[piece]):
            spelt, place = self.letters[self.lattice.symbols[place]] + spelt, int(self.lattice.before[place])
        return spelt

    def _edges(self) -> list[Edges]:
        """Of the pieces that are left, by length."""
        import numpy as np

        left, found = np.append(self.score > -np.inf, False), []
        before: Ints = np.arange(self.lattice.size)
        beginnings = np.full(len(self.lattice.ends), -1, dtype=np.int64)  # there is nothing before them
        step = np.append(self.lattice.before, beginnings)
        for table in self.tables:
            before = step[before]
            end = np.flatnonzero(left[table])
            found.append(Edges(end, before[end], table[end], np.searchsorted(end, self.lattice.offsets).tolist()))
        return found

    def _expect(self, edges: list[Edges]) -> Floats:
        """How often each piece is expected in the corpus."""
        import numpy as np

        lattice, depths = self.lattice, range(len(self.lattice.offsets) - 1)
        probability = np.exp(self.score)
        chances = [probability[edge.piece] for edge in edges]
        forward = np.zeros(lattice.size + len(lattice.ends))
        forward[lattice.size :] = 1
        for depth in depths:
            for edge, chance in zip(edges[: depth + 1], chances, strict=False):
                block = slice(edge.bounds[depth], edge.bounds[depth + 1])
                forward[edge.end[block]] += forward[edge.before[block]] * chance[block]
        backward = np.zeros_like(forward)
        backward[lattice.ends] = lattice.weights / forward[lattice.ends]
        for depth in reversed(depths):
            for edge, chance in zip(edges[: depth + 1], chances, strict=False):
                block = slice(edge.bounds[depth], edge.bounds[depth + 1])
                backward[edge.before[block]] += backward[edge.end[block]] * chance[block]
        expected = np.zeros(len(self.score))
        for edge, chance in zip(edges, chances, strict=True):
            expected += np.bincount(edge.piece, weights=forward[edge.before] * chance * backward[edge.end], minlength=len(expected))
        return expected

    def _replaced(self, pieces: Ints) -> Floats:
        """The log probability of each piece when it is put together from others."""
        import numpy as np

        score, found = np.append(self.score, -np.inf), np.empty(len(pieces))
        for length in range(2, len(self.tables) + 1):
            mine = np.flatnonzero(self.lengths[pieces] == length)
            path = [self.places[pieces[mine]]]  # the places of its characters, from the last
            for _ in range(length - 1):
                path.insert(0, self.lattice.before[path[0]])
            best = [np.zeros(len(mine))]
            for depth in range(1, length + 1):
                lasts = range(1, min(depth, length - 1) + 1)
                best.append(np.max([best[depth - last] + score[self.tables[last - 1][path[depth - 1]]] for last in lasts], axis=0))
            found[mine] = best[-1]
        return found


def _log(values: Floats) -> Floats:
    import numpy as np

    return np.log(values, out=np.full(len(values), -np.inf), where=values > 0)


def _digamma(x: Floats) -> Floats:
    """As in sentencepiece: rare pieces get less than their share."""
    import numpy as np

    shift = np.zeros_like(x)
    for _ in range(7):
        shift -= 1 / x
        x = x + 1
    return shift + np.log(x) - 1 / (2 * x) - 1 / (12 * x**2) + 1 / (120 * x**4) - 1 / (252 * x**6)
