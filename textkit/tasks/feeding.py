"""From records to what networks read: the columns of examples, or of a batch to predict, as tensors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import torch

from textkit.arrays import Ragged, Sparse
from textkit.errors import InputError, LineageError
from textkit.nn.inputs import Inputs, Tokens, Vectors
from textkit.padding import real_ids
from textkit.ragged import flatten
from textkit.streams.formats.sparse import rows_of
from textkit.tasks.classify import known_vectors
from textkit.tasks.spelling import Spelled, Spelling

if TYPE_CHECKING:
    from textkit.streams.batch import Batch
    from textkit.training.examples import Examples


@dataclass
class Feed:
    """N records, of which `inputs` makes tensors: tokens (and those of a second text), or vectors, or features."""

    ids: Ragged | None = None
    pad_id: int = 0
    words: Spelled | None = None
    pair: Feed | None = None
    vectors: np.ndarray | None = None  # (N, F)
    features: Sparse | None = None  # (N, F)

    def __len__(self) -> int:
        return len(self.lengths)

    @property
    def lengths(self) -> np.ndarray:
        """(N,) tokens of each, of the longer text of a pair: by these batches are made. A vector counts as one."""
        if self.ids is None:
            return np.ones(len(self.vectors if self.vectors is not None else self.features or ()), np.int64)
        return self.ids.lengths if self.pair is None else np.maximum(self.ids.lengths, self.pair.lengths)

    def inputs(self, rows: np.ndarray) -> Inputs:
        """These records."""
        if self.vectors is not None:
            return Vectors(torch.from_numpy(np.asarray(self.vectors[rows], np.float32)))
        if self.features is not None:
            part = self.features.take(rows)
            values, columns = torch.from_numpy(part.values.astype(np.float32)), torch.from_numpy(part.indices.astype(np.int64))
            return Vectors(values, columns, torch.from_numpy(part.offsets[:-1].astype(np.int64)))
        assert self.ids is not None, "a feed has one of the three"
        ids, lengths = self.ids.padded(rows, self.pad_id)
        tokens = Tokens(torch.from_numpy(ids), torch.from_numpy(np.maximum(lengths, 1)))
        if self.words is not None:
            tokens.forms, tokens.spellings = map(torch.from_numpy, self.words.batch(rows))
        if self.pair is not None:
            pair = self.pair.inputs(rows)
            assert isinstance(pair, Tokens)
            tokens.pair = pair
        return tokens

    @classmethod
    def of_examples(cls, examples: Examples, pad_id: int = 0, spelling: Spelling | None = None) -> Feed:
        """The columns that were collected. InputError if tokens and ids do not belong together."""
        if examples.dense:
            return cls(vectors=examples.dense["vector"])
        if examples.sparse:
            return cls(features=examples.sparse["features"])

        def tokens(prefix: str) -> Feed:
            ids, name = examples.ragged[f"{prefix}ids"], f"{prefix}tokens"
            words = Spelled(examples.ragged[name], spelling.rows(examples.words[name])) if spelling is not None else None
            return cls(ids, pad_id, _matching(words, ids, "the records"))

        feed = tokens("")
        feed.pair = tokens("pair_") if "pair_ids" in examples.ragged else None
        return feed

    @classmethod
    def of_batch(cls, batch: Batch, manifest: dict[str, Any]) -> Feed:
        """The records of a batch that went through a bundle's chain. InputError if they do not fit the model."""
        where, sizes = batch.position(0), manifest["sizes"]
        if manifest["input"] == "vector":
            return cls(vectors=known_vectors(batch, sizes["features"]))
        if manifest["input"] == "features":
            rows = rows_of(batch, sizes["features"])
            offsets = np.concatenate([[0], np.cumsum(rows.lengths.to_numpy(), dtype=np.int64)])
            return cls(features=Sparse(rows.indices.to_numpy(), rows.values.to_numpy(), offsets, sizes["features"]))
        spelling = Spelling.from_json(manifest["spelling"], "the model") if sizes["characters"] else None

        def tokens(prefix: str) -> Feed:
            ids = Ragged.of(real_ids(batch, f"{prefix}ids"))
            if len(ids.flat) and (ids.flat.min() < 0 or ids.flat.max() >= sizes["vocabulary"]):
                raise InputError(f"an id is outside the model's vocabulary of {sizes['vocabulary']}", where=where)
            words = None if spelling is None else _spelled(batch, f"{prefix}tokens", spelling)
            return cls(ids, manifest["pad_id"], _matching(words, ids, where))

        feed = tokens("")
        feed.pair = tokens("pair_") if manifest.get("pairs") else None
        return feed


def _spelled(batch: Batch, name: str, spelling: Spelling) -> Spelled:
    if not batch.has(name) and batch.has("ids"):
        raise LineageError(f"the model reads the characters of {name}, and the records have ids only", fix="keep the tokens, or give it raw text")
    tokens, lengths = flatten(batch.require(name)[name])
    distinct = tokens.unique(maintain_order=True)
    codes = tokens.cast(pl.Enum(distinct)).to_physical().cast(pl.Int32) + 1
    offsets = np.concatenate([[0], np.cumsum(lengths.to_numpy(), dtype=np.int64)])
    return Spelled(Ragged(codes.to_numpy(), offsets), spelling.rows(pl.concat([pl.Series([""]), distinct.cast(pl.String)])))


def _matching(words: Spelled | None, ids: Ragged, where: str) -> Spelled | None:
    if words is not None and not np.array_equal(words.codes.lengths, ids.lengths):
        raise InputError("tokens and ids differ in number", where=where, fix="tokenize again")
    return words
