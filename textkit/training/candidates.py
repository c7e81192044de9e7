"""What tuning may try: how text becomes features, which model, and its settings; and in which order.

Nothing here looks at a clock or draws a number: which candidate is next follows from the results so far.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cache
from typing import Any

from textkit import config
from textkit.errors import UsageError
from textkit.registry import ARCHS
from textkit.vectorizers.base import Choice
from textkit.vectorizers.tfidf import Tfidf
from textkit.vectorizers.vectorizer import parts_of

SEARCHED = ("svm", "nbsvm", "nb", "logreg")  # from the quickest to the slowest of those that do well; sgd on demand
WORDS, BOTH = ("word",), ("word", "char_wb")

# analyzers and their n-grams, those first that do best most often
SHAPES: tuple[tuple[tuple[str, ...], tuple[int, ...]], ...] = (
    (BOTH, (1, 2, 2, 4)), (WORDS, (1, 2)), (("char_wb",), (2, 5)), (BOTH, (1, 2, 1, 5)), (BOTH, (1, 2, 2, 5)), (("char_wb",), (2, 4)),
    (BOTH, (1, 2, 1, 4)), (BOTH, (1, 1, 2, 4)), (BOTH, (1, 3, 2, 5)), (("char_wb",), (1, 4)), (("char_wb",), (1, 5)),
    (WORDS, (1, 3)), (WORDS, (1, 1)),
)  # fmt: skip
RARE = (1, 2, 3, 5)  # min_df

# what is tried of each setting, from the weakest to the strongest: a step goes to a neighbour
GRIDS: dict[str, dict[str, tuple[str, ...]]] = {
    "svm": {"C": ("0.003", "0.01", "0.03", "0.1", "0.3", "1.0", "3.0", "10.0")},
    "nbsvm": {
        "C": ("0.01", "0.03", "0.1", "0.3", "1.0", "3.0", "10.0"),
        "beta": ("0.1", "0.25", "0.5", "1.0"),
        "alpha": ("0.1", "0.3", "1.0", "3.0"),
    },
    "nb": {"alpha": ("0.01", "0.03", "0.1", "0.3", "1.0", "3.0"), "kind": ("complement", "multinomial")},
    "logreg": {"C": ("0.3", "1.0", "3.0", "10.0", "30.0", "100.0")},
    "sgd": {"alpha": ("1e-06", "3e-06", "1e-05", "3e-05", "0.0001", "0.0003"), "passes": ("1", "3", "10")},
}
FIRST = {"svm": ("0.3", "0.1")}  # of C, after its default


@dataclass(frozen=True)
class Candidate:
    """A model and how its features are made (None: they came with the records)."""

    arch: str
    settings: tuple[tuple[str, str], ...] = ()
    features: Choice | None = None

    @property
    def pairs(self) -> tuple[str, ...]:
        """As -s takes them."""
        return tuple(f"{name}={value}" for name, value in self.settings)

    @property
    def method(self) -> str:
        return method_of(self.features)

    def but(self, **settings: str) -> Candidate:
        return replace(self, settings=tuple(sorted({**dict(self.settings), **settings}.items())))

    @property
    def key(self) -> tuple[Any, ...]:
        """The same for two that give the same model."""
        return _key(self)

    def words(self) -> list[list[str]]:
        """The stages of a command line, without what the user gave for all of them."""
        train = ["train", "classify", "--arch", self.arch, *(word for pair in self.pairs for word in ("-s", pair))]
        return [train] if self.features is None else [vectorize_words(self.features), train]

    def told(self) -> str:
        """`vectorize --analyzer char_wb --ngram 2,4 | train --arch svm -s C=0.3`"""
        return " | ".join(" ".join(stage).replace("train classify", "train") for stage in self.words())

    def to_json(self) -> dict[str, Any]:
        made = None if self.features is None else {"method": self.method, **_changed(self.features)}
        return {"vectorize": made, "arch": self.arch, "settings": dict(self.settings)}


@cache
def _key(candidate: Candidate) -> tuple[Any, ...]:
    settings = config.override(ARCHS.find(candidate.arch).Config(), candidate.pairs)
    features = candidate.features
    if features is not None and getattr(settings, "binary", False):  # then no weight is looked at
        features = common_of(features)
    return candidate.arch, settings, method_of(features), features


def method_of(features: Choice | None) -> str:
    """Its vectorizer, by the class of its settings: those of `binary` are the common ones."""
    return "tfidf" if features is None or isinstance(features, Tfidf.Config) else "binary"


def common_of(features: Choice) -> Choice:
    """Its settings but those of weighing."""
    return Choice(**{each.name: getattr(features, each.name) for each in fields(Choice)})


def _changed(features: Choice) -> dict[str, Any]:
    """The settings that are not the defaults."""
    usual = config.to_json(type(features)())
    return {name: value for name, value in config.to_json(features).items() if value != usual[name]}


def vectorize_words(features: Choice) -> list[str]:
    words = ["vectorize"] + (["--method", "binary"] if method_of(features) == "binary" else [])
    for name, low, high in parts_of(features):
        words += ["--analyzer", name, "--ngram", f"{low},{high}"]
    changed = _changed(features)
    for name, value in changed.items():
        flag = "--" + name.replace("_", "-")
        if isinstance(value, bool):
            words.append(flag if value else flag.replace("--", "--no-", 1))
        elif name not in ("analyzer", "ngram"):
            words += [flag, str(value)]
    return words


@dataclass(frozen=True)
class Space:
    """What there is to search. `shapes`: () where the records came with features. fixed: what the user decided, not to be searched."""

    archs: tuple[str, ...]
    shapes: tuple[tuple[tuple[str, ...], tuple[int, ...]], ...]
    fixed: dict[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)  # of each arch
    cased: bool = True  # whether lower-casing changes anything

    def first(self) -> list[Candidate]:
        """What to try before anything is known: what `train` does by itself, then what does best most often."""
        usual = [None] if not self.shapes else [Tfidf.Config(analyzer=names, ngram=spans, sublinear_tf=True) for names, spans in self.shapes[:3]]
        found: list[Candidate] = []
        for arch in self.archs:
            plain = replace(self._plain(arch), features=usual[0])
            steps = {} if "C" in dict(self.fixed[arch]) else dict.fromkeys(plain.but(C=value) for value in FIRST.get(arch, ()))
            found += dict.fromkeys([plain, *steps])
        return found + [replace(candidate, features=features) for features in usual[1:] for candidate in _one_each(found)]

    def _plain(self, arch: str) -> Candidate:
        """A model by its defaults. What it depends on most is told, so that its command line means the same in later versions."""
        most = next(iter(GRIDS[arch]))
        usual = str(getattr(ARCHS.find(arch).Config(), most))
        return Candidate(arch, tuple(sorted({most: usual, **dict(self.fixed[arch])}.items())))

    def near(self, best: Candidate, best_of: Mapping[str, Candidate]) -> Iterator[Candidate]:
        """What differs from the best in one thing; what costs least to try comes first."""
        yield from self._steps(best)
        for arch in self.archs:
            if arch != best.arch:
                yield replace(best_of.get(arch, self._plain(arch)), features=best.features)
        if best.features is not None:
            yield from (replace(best, features=features) for features in self._features(best.features))

    def _steps(self, best: Candidate) -> Iterator[Candidate]:
        """One setting of the model, one step up or down."""
        now = config.override(ARCHS.find(best.arch).Config(), best.pairs)
        for name, grid in GRIDS[best.arch].items():
            if name in dict(self.fixed[best.arch]):
                continue
            value = str(getattr(now, name))
            at = grid.index(value) if value in grid else 0
            yield from (best.but(**{name: grid[other]}) for other in (at - 1, at + 1) if 0 <= other < len(grid))

    def _features(self, now: Choice) -> Iterator[Choice]:
        """Other analyzers, weights, and bounds."""
        yield from (replace(now, analyzer=names, ngram=spans) for names, spans in self.shapes)
        common = vars(common_of(now))
        yield from (Tfidf.Config(**common, sublinear_tf=True), Tfidf.Config(**common), Choice(**common))
        at = RARE.index(now.min_df) if now.min_df in RARE else 0
        yield from (replace(now, min_df=RARE[other]) for other in (at + 1, at - 1) if 0 <= other < len(RARE))
        if self.cased:
            yield replace(now, lowercase=not now.lowercase)


def _one_each(found: list[Candidate]) -> list[Candidate]:
    """The first of each of the two quickest models."""
    return list({candidate.arch: candidate for candidate in reversed(found)}.values())[::-1][:2]


def next_one(space: Space, tried: set[Any], ranked: Callable[[], list[Candidate]]) -> Candidate | None:
    """The next candidate: of the first ones, then beside the best, then beside the best of each other model. None: all done.

    ranked: what was tried, the best first.
    """
    for candidate in space.first():
        if candidate.key not in tried:
            return candidate
    best_of: dict[str, Candidate] = {}
    for candidate in ranked():
        best_of.setdefault(candidate.arch, candidate)
    for base in best_of.values():
        for candidate in space.near(base, best_of):
            if candidate.key not in tried:
                return candidate
    return None


def space_of(arch: str | None, settings: tuple[str, ...], shapes: tuple[Any, ...], counts: bool = True, cased: bool = True) -> Space:
    """counts: whether the features count something, as naive Bayes needs it. UsageError where no model has a setting given."""
    names = {pair.partition("=")[0] for pair in settings}
    archs = (arch,) if arch else tuple(name for name in SEARCHED if names <= _settings_of(name) and (counts or not name.startswith("nb")))
    if not archs:
        raise UsageError(f"-s {' and '.join(sorted(names))}: no model that --tune searches has that", fix="name an --arch that has it")
    fixed: dict[str, tuple[tuple[str, str], ...]] = {}
    for name in archs:
        config.override(ARCHS.find(name).Config(), settings)
        fixed[name] = tuple(sorted((key, value) for key, _, value in (pair.partition("=") for pair in settings)))
    return Space(archs, shapes, fixed, cased)


def _settings_of(arch: str) -> set[str]:
    return {each.name for each in fields(ARCHS.find(arch).Config)}
