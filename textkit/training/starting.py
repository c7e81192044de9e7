"""What a network starts from: the sizes that its data give, word vectors, the weights of another model; and what stays as it is."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import torch
from torch import Tensor, nn

from textkit import config
from textkit.artifacts import cache
from textkit.artifacts.bundle import Bundle
from textkit.embeddings.table import Table
from textkit.errors import InputError, UsageError
from textkit.nn.inputs import Sizes
from textkit.report import say
from textkit.stage import ids_owner, vocabulary_of
from textkit.streams.stream import Stream
from textkit.tasks.feeding import Feed
from textkit.tasks.spelling import FIRST, Spelling
from textkit.tokenizers.vocabulary import Vocabulary
from textkit.training.examples import Examples
from textkit.training.run import Plan

TOKENS = "encoder.embedding.tokens.weight"
LETTERS, GRAMS = (".letters.weight", ".grams.weight")  # how the names of weights end that belong to letters and to n-grams of them


@dataclass
class Start:
    """All that a network is built from besides its architecture and settings."""

    sizes: Sizes
    vocabulary: Vocabulary | None = None  # of the ids, if it reads any
    table: Table | None = None  # word vectors to begin with
    spelling: Spelling | None = None

    @classmethod
    def of(cls, settings: Any, examples: Examples, stream: Stream, plan: Plan) -> Start:
        """InputError if the examples do not fit the vocabulary of their ids."""
        if examples.dense or examples.sparse:
            _refuse_embedding(plan)
            width = examples.dense["vector"].shape[1] if examples.dense else examples.sparse["features"].width
            return cls(Sizes(features=width))
        owner = ids_owner(stream.lineage)
        assert owner is not None, "with_ids has seen to it"
        vocabulary = vocabulary_of(owner, stream.near)
        for name in [name for name in examples.ragged if name.endswith("ids")]:
            check_ids(examples.ragged[name].flat, len(vocabulary))
        table = embedding_of(stream, plan.embedding)
        if table is None and plan.freeze_embedding:
            raise UsageError("--freeze-embedding goes with word vectors", fix="pipe it from textkit embed, or name them by --embedding")
        spelling = Spelling.learn(settings, [examples.words_trained(name) for name in examples.words]) if examples.words else None
        dim = settings.embedding_dim if table is None else table.dim
        unknown = vocabulary.unk_id or 0
        return cls(Sizes(len(vocabulary), dim, unknown=unknown, characters=spelling.kinds if spelling else 0), vocabulary, table, spelling)

    @property
    def pad_id(self) -> int:
        return 0 if self.vocabulary is None else self.vocabulary.fill_id

    def feed(self, examples: Examples) -> Feed:
        return Feed.of_examples(examples, self.pad_id, self.spelling)

    def network(self, arch: Any, settings: Any, task: Any, plan: Plan) -> nn.Module:
        """The whole network, its weights as training begins with them."""
        encoder = arch(settings, self.sizes)
        if self.vocabulary is not None:
            weight = encoder.embedding.tokens.weight
            with torch.no_grad():
                if self.table is not None:
                    weight.copy_(torch.from_numpy(self.table.rows_for(self.vocabulary, plan.seed)))
                if self.vocabulary.pad_id is not None:
                    weight[self.vocabulary.pad_id] = 0
        model: nn.Module = task.network(encoder)
        if plan.init_from is not None:
            self._take_over(model, task, plan.init_from)
        freeze(model, (*plan.freeze, *((TOKENS,) if plan.freeze_embedding else ())))
        return model

    def manifest(self, settings: Any) -> dict[str, Any]:
        """What a bundle keeps, so that predicting builds the same."""
        told = config.to_json(replace(settings, embedding_dim=self.sizes.dim)) if self.sizes.dim else config.to_json(settings)
        spelling = {"spelling": self.spelling.to_json()} if self.spelling is not None else {}
        return {"config": told, "sizes": asdict(self.sizes), "pad_id": self.pad_id, **spelling}

    def _take_over(self, model: nn.Module, task: Any, path: str) -> None:
        """Copy what fits of another model: by name and shape, embeddings by token and letter, the output if it is of the same labels."""
        from textkit.predicting import load_model  # which stands above training

        bundle = Bundle.load(path)
        source = load_model(bundle)
        if not isinstance(source, nn.Module):
            raise UsageError(f"--init-from takes a network, and {bundle.manifest['arch']} is none", where=path)
        theirs, mine = source.state_dict(), model.state_dict()
        told = {name: value for name, value in task.to_json().items() if name != "task_config"}
        same_labels = told == {name: bundle.manifest.get(name) for name in told}
        taken = []
        for name, tensor in mine.items():
            other = theirs.get(name)
            if other is None or (name.startswith(("output.", "crf.")) and not same_labels):
                continue
            rows = self._same_rows(name, bundle)
            if rows is not None and len(rows[0]) and other.shape[1:] == tensor.shape[1:]:
                tensor[rows[0]] = other[rows[1]]
                taken.append(f"{name} ({len(rows[0])} of {len(tensor)} rows)")
            elif rows is None and other.shape == tensor.shape:
                tensor.copy_(other)
                taken.append(name)
        if not taken:
            raise InputError(f"no weight of it fits the network ({bundle.manifest['arch']})", where=path, fix="train the same --arch and settings")
        new = [name for name in mine if not any(one.split(" ")[0] == name for one in taken)]
        say(f"from {path}: {', '.join(taken)}; new: {', '.join(new) or 'nothing'}", taken=len(taken), new=len(new))

    def _same_rows(self, name: str, bundle: Bundle) -> tuple[Tensor, Tensor] | None:
        """Of an embedding: the rows here and there that stand for the same token or letter; None of other weights."""
        if name == TOKENS and self.vocabulary is not None:
            places = [place for place, stage in enumerate(bundle.lineage.stages) if stage is ids_owner(bundle.lineage)]
            owner: Any = bundle.stages()[places[0]] if places else None
            return _matches(self.vocabulary.column, owner.vocabulary.column) if owner is not None else None
        if name.endswith((LETTERS, GRAMS)) and self.spelling is not None:
            theirs = Spelling.from_json(bundle.manifest.get("spelling"), str(bundle.folder))
            if name.endswith(LETTERS):
                return _matches(_letters(self.spelling), _letters(theirs))
            return None if theirs == self.spelling else (torch.empty(0, dtype=torch.int64),) * 2  # hashed of the letters' numbers
        return None


def _letters(spelling: Spelling) -> pl.Series:
    """(K,) each letter's name; those that stand for no letter are longer."""
    return pl.Series([f"special {number}" for number in range(FIRST)] + list(spelling.alphabet))


def _matches(mine: pl.Series, theirs: pl.Series) -> tuple[Tensor, Tensor]:
    left, right = (pl.DataFrame({"name": names, side: np.arange(len(names))}) for names, side in ((mine, "mine"), (theirs, "theirs")))
    both = left.join(right.unique("name", keep="first", maintain_order=True), on="name", maintain_order="left")
    return torch.from_numpy(both["mine"].to_numpy().copy()), torch.from_numpy(both["theirs"].to_numpy().copy())


def freeze(model: nn.Module, patterns: tuple[str, ...]) -> None:
    """Weights whose names match one of the patterns stay as they are. UsageError if a pattern matches none, or if all match."""
    names = [name for name, _ in model.named_parameters()]
    for pattern in patterns:
        if not any(fnmatchcase(name, pattern) for name in names):
            raise UsageError(f"--freeze {pattern}: no weight is called so", fix=f"they are {', '.join(names)}")
    frozen = [name for name in names if any(fnmatchcase(name, pattern) for pattern in patterns)]
    if len(frozen) == len(names):
        raise UsageError("--freeze leaves nothing to learn", fix="name fewer weights")
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(name not in frozen)
    if frozen:
        say(f"frozen: {', '.join(frozen)}", frozen=len(frozen))


def check_ids(ids: np.ndarray, vocabulary: int) -> None:
    """InputError if there is no id at all, or one that is not in the vocabulary that the lineage names."""
    if not len(ids):
        raise InputError("nothing to train on: no record has a token")
    if ids.min() < 0 or ids.max() >= vocabulary:
        raise InputError(f"the ids go from {ids.min()} to {ids.max()}, and their vocabulary has {vocabulary} tokens", fix="tokenize again")


def embedding_of(stream: Stream, path: str | None) -> Table | None:
    """The table of the last `embed` stage, or the one that --embedding names, or None. UsageError if there are both."""
    entries = [entry for entry in stream.lineage.stages if entry.stage == "embed"]
    if entries and path is not None:
        raise UsageError("--embedding names word vectors, and the stream has been through embed", fix="leave one of them out")
    if path is not None:
        return Table.load(Path(path))
    return Table.load(cache.locate(entries[-1], stream.near)) if entries else None


def _refuse_embedding(plan: Plan) -> None:
    if plan.embedding is not None or plan.freeze_embedding:
        raise UsageError("word vectors are for networks that read tokens, and the records are vectors or features")
