"""Training examples: a stream's columns on disk, memory-mapped, so that the data may exceed memory.

Ragged columns (ids) stand as one flat array and offsets, dense ones (vectors) as a matrix, features as compressed rows. Padding is dropped by
the mask on the way in: batches are made by real length.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from textkit.arrays import Ragged, Sparse
from textkit.errors import InputError
from textkit.memory import Memory
from textkit.padding import real_ids
from textkit.ragged import flatten
from textkit.streams.batch import Batch
from textkit.streams.formats.sparse import rows_of
from textkit.streams.members import BadRecords
from textkit.streams.stream import Stream
from textkit.training import spooling
from textkit.training.spooling import Column

HEAVIEST = 1e15  # that a record may count: a float has 16 digits
PARTS = ("indices", "values")  # of features
PIECE = 1 << 14  # strings that are hashed together
NO_TAGS = "a tagger learns from CoNLL-U, CoNLL columns, or JSON Lines with lists of tokens and tags"


@dataclass
class Examples:
    """N records. `ragged` and `dense` hold their columns by name, `strings` the labels and the like.

    `words`: of a ragged column of strings, such as tokens, the distinct ones, of which it has the places; place 0 is for none.
    """

    ragged: dict[str, Ragged] = field(default_factory=dict)
    dense: dict[str, np.ndarray] = field(default_factory=dict)
    strings: dict[str, pl.Series] = field(default_factory=dict)
    sparse: dict[str, Sparse] = field(default_factory=dict)
    weights: np.ndarray | None = None  # (N,) what each record counts
    size: int = 0
    words: dict[str, pl.Series] = field(default_factory=dict)
    trained: int | None = None  # records to train on, where those behind them are given to validate on

    def __len__(self) -> int:
        return self.size

    def fingerprint(self) -> str:
        """A hash of all the data in order: says whether two models saw the same."""
        digest = hashlib.sha256()
        for name, column in sorted({**self.strings, **{f"{name} words": column for name, column in self.words.items()}}.items()):
            digest.update(f"{name}\x00".encode())
            for start in range(0, len(column), PIECE):
                digest.update(b"\x00" * bool(start) + "\x00".join(_lines(column[start : start + PIECE])).encode())
        arrays = {**self.dense, **{name: column.flat for name, column in self.ragged.items()}}
        arrays |= {f"{name} offsets": column.offsets for name, column in self.ragged.items()}
        for name, rows in self.sparse.items():
            arrays |= {f"{name} indices": rows.indices, f"{name} values": rows.values, f"{name} offsets": rows.offsets}
        arrays |= {} if self.weights is None else {"weights": self.weights}
        for name, array in sorted(arrays.items()):
            digest.update(f"{name}\x00".encode())
            digest.update(np.ascontiguousarray(array).data)  # by itself: together they would be a copy
        return digest.hexdigest()

    def words_trained(self, name: str) -> pl.Series:
        """The distinct strings of a column of `words` in the records to train on, and the first place."""
        if self.trained is None:
            return self.words[name]
        column = self.ragged[name]
        return self.words[name].gather(np.union1d([0], column.flat[: column.offsets[self.trained]]))

    def keep(self, folder: Path) -> None:
        """Write what `load` needs into a folder that has the columns of numbers already."""
        spooling.write_strings(folder, self.strings)
        for name, column in self.words.items():
            spooling.write_strings(folder, {name: column}, name)
        if self.weights is not None:
            self.weights.tofile(spooling.flat_file(folder, spooling.WEIGHTS))
        columns = {
            "records": self.size,
            "ragged": {name: column.flat.dtype.name for name, column in self.ragged.items()},
            "dense": {name: array.dtype.name for name, array in self.dense.items()},
            "sparse": {name: {"width": rows.width, **{part: getattr(rows, part).dtype.name for part in PARTS}} for name, rows in self.sparse.items()},
            "weights": None if self.weights is None else self.weights.dtype.name,
            "words": [*self.words],
            "trained": self.trained,
        }
        spooling.describe(folder, columns)

    @classmethod
    def load(cls, folder: Path) -> Examples:
        """What `collect` kept in a folder, the numbers memory-mapped. The caller has checked the files."""
        told = spooling.described(folder)
        size, weights = told["records"], told["weights"]

        def sparse(name: str, rows: dict[str, Any]) -> Sparse:
            indices, values = (spooling.read_ragged(folder, f"{name} {part}", rows[part]) for part in PARTS)
            return _rows(indices, values, rows["width"])

        return cls(
            {name: spooling.read_ragged(folder, name, dtype) for name, dtype in told["ragged"].items()},
            {name: spooling.read_flat(folder, name, dtype).reshape(size, -1) for name, dtype in told["dense"].items()},
            spooling.read_strings(folder),
            {name: sparse(name, rows) for name, rows in told["sparse"].items()},
            None if weights is None else spooling.read_flat(folder, spooling.WEIGHTS, weights),
            size,
            {name: spooling.read_strings(folder, name)[name] for name in told["words"]},
            told["trained"],
        )


def _lines(column: pl.Series) -> list[str]:
    """Strings, or lists of them, as one string a record."""
    return (column.list.join("\x01") if column.dtype == pl.List else column).to_list()


def collect(
    stream: Stream,
    ragged: tuple[str, ...] = (),
    dense: tuple[str, ...] = (),
    strings: tuple[str, ...] = (),
    sparse: tuple[str, ...] = (),
    width: int | None = None,
    weight: str | None = None,
    folder: Path | None = None,
    words: tuple[str, ...] = (),
    valid: Stream | None = None,
) -> Examples:
    """All records of a stream, these columns of them. InputError at the first record that lacks one, or if there is none.

    width: that of sparse rows, if it is known; otherwise the highest column says. weight: the field that says what a record counts.
    folder: where the columns are kept, for `Examples.load`. words: columns of strings, of which distinct ones are kept once.
    valid: records to validate on, which are put behind the others.
    """
    seen = {name: Memory(lambda new: new, "", pl.Series([""])) for name in words}
    files = {name: Column(folder, name) for name in (*ragged, *words, *dense, *(f"{name} {part}" for name in sparse for part in PARTS))}
    weights: list[np.ndarray] = []
    texts: dict[str, list[pl.Series]] = {name: [] for name in strings}
    size = 0
    sources = _Sources(stream, valid)
    for batch in sources:
        for name in strings:
            texts[name].append(REQUIRED.get(name, required_text)(batch, name))
        for name in ragged:
            files[name].add(real_ids(batch, name))
        for name in words:
            tokens, lengths = flatten(batch.require(name)[name])
            files[name].extend(seen[name].codes(tokens).cast(pl.Int32), lengths)
        for name in dense:
            files[name].add(finite(batch, name))
        for name in sparse:
            rows = rows_of(batch, width)
            for part in PARTS:
                files[f"{name} {part}"].extend(getattr(rows, part), rows.lengths)
        if weight is not None:
            weights.append(record_weights(batch, weight))
        size += len(batch)
    if not sources.sizes[0]:
        raise InputError("nothing to train on: there are no records")
    examples = Examples(
        {name: files[name].ragged() for name in (*ragged, *words)},
        {name: files[name].dense(size, name) for name in dense},
        {name: pl.concat(parts) for name, parts in texts.items()},
        {name: _rows(files[f"{name} indices"].ragged(), files[f"{name} values"].ragged(), width) for name in sparse},
        np.concatenate(weights) if weight is not None else None,
        size,
        {name: memory.made for name, memory in seen.items()},
        None if valid is None else sources.sizes[0],
    )
    if folder is not None:
        examples.keep(folder)
    return examples


class _Sources:
    """The batches of one stream after the other, and how many records each has. InputError if one was cut short."""

    def __init__(self, *streams: Stream | None) -> None:
        self._streams, self.sizes = streams, [0] * len(streams)

    def __iter__(self) -> Iterator[Batch]:
        for number, stream in enumerate(self._streams):
            if stream is not None:
                for batch in stream.batches:
                    self.sizes[number] += len(batch)
                    yield batch
                stream.ending.demand()


def _rows(indices: Ragged, values: Ragged, width: int | None) -> Sparse:
    found = int(indices.flat.max(initial=-1)) + 1 if width is None else width
    return Sparse(indices.flat, values.flat, indices.offsets, found)


def record_weights(batch: Batch, name: str) -> np.ndarray:
    """(B,) what each record counts. BadRecords unless it is a number of at least 0."""
    due = "a number of 0 or more"
    try:
        column = batch.read(name)[name].cast(pl.String)
    except BadRecords as bad:  # of other types: fields that are nobody's are read as strings
        told = f"the record's {name} should be {due}"
        raise BadRecords([(row, InputError(told, where=error.where)) for row, error in bad.faults]) from None
    numbers = column.str.strip_chars('"').cast(pl.Float64, strict=False)
    good = numbers.is_between(0, HEAVIEST).fill_null(False)

    def message(row: int) -> str:
        if numbers[row] is not None and HEAVIEST < numbers[row] < float("inf"):
            return f"the record's {name} should be at most {HEAVIEST:g}, not {column[row]}: a record of 1 would not count beside it"
        return f"the record has no {name!r}" if column[row] is None else f"the record's {name} should be {due}, not {column[row]}"

    _refuse(batch, ~good, message, f"--weight-field names {due} in each record")
    return numbers.to_numpy()


def _refuse(batch: Batch, bad: pl.Series, message: Callable[[int], str], fix: str | None = None) -> None:
    """BadRecords where `bad` (B,) is true."""
    if bad.any():
        raise BadRecords([(row, InputError(message(row), where=batch.position(row), fix=fix)) for row in bad.arg_true()])


class Usable:
    """BadRecords where a label is missing or empty or a weight is no number: for a run that leaves such records out.

    name: label, labels or tags; if it is not known, the first records with one of the former two say which it is.
    """

    def __init__(self, weight: str | None = None, name: str = "") -> None:
        self._weight, self._name = weight, name

    def checked(self, batch: Batch) -> Batch:
        self(batch)
        return batch

    def __call__(self, batch: Batch) -> None:
        self._name = self._name or next((name for name in ("label", "labels") if batch.has(name)), "")
        name = self._name or "label"
        REQUIRED.get(name, required_text)(batch, name)
        if self._weight is not None:
            record_weights(batch, self._weight)


def finite(batch: Batch, name: str) -> pl.Series:
    """A column of vectors of which every value must be a number."""
    column = batch.require(name)[name]
    broken = column.list.eval(pl.element().is_finite().fill_null(False)).list.all().not_()
    if broken.any():
        row = broken.arg_true()[0]
        raise InputError(f"the record's {name} has a value that is not a number", where=batch.position(row))
    return column


def required_text(batch: Batch, name: str) -> pl.Series:
    """A column of which every record must have a value that is not empty."""
    column = batch.require(name, fix=f"name the column with --{name}-field")[name]
    _refuse(batch, column == "", lambda row: f"the record's {name} is empty", "fill it in or take the record out")
    return column


def required_labels(batch: Batch, name: str) -> pl.Series:
    """A column of lists of labels, none of them empty or missing; a record may have none."""
    column = batch.require(name)[name]
    broken = column.list.contains("") | column.list.contains(None)
    _refuse(batch, broken, lambda row: f"one of the record's {name} is empty", "fill it in or take the record out")
    return column


def required_tags(batch: Batch, name: str) -> pl.Series:
    """A column with a tag for each word: each token, or where `word_starts` says which begin one, each of those."""
    column = batch.require(name, fix=NO_TAGS)[name]
    broken = column.list.contains("") | column.list.contains(None)
    _refuse(batch, broken, lambda row: f"one of the record's {name} is empty", "fill it in or take the record out")
    words = next((found for found in ("word_starts", "tokens", "ids") if batch.has_whole(found)), None)
    if words is not None:
        tags, due = column.list.len(), batch.read(words)[words].list.len()
        fix = "give a tag for each token" if words == "tokens" else "tokenize records that have both tokens and tags"
        _refuse(batch, tags != due, lambda row: f"the record has {tags[row]} tag{'s' * (tags[row] != 1)} for {due[row]} words", fix)
    return column


REQUIRED = {"labels": required_labels, "tags": required_tags}
