"""Why a network decides as it does: what each token, or window of tokens, adds to the label's logit, and what it did on the way.

The output is linear in a record's vector, and that is a sum of parts, one of each step: so a part times the label's output weights is
exactly what it adds. Labels that exclude one another are compared: the logit is that of the label less the mean over the others. Of two
labels all that is added, and the bias, are the log-odds of the score.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import torch

from textkit.errors import InputError, UsageError
from textkit.nn.inputs import Tokens
from textkit.nn.tracing import Trace
from textkit.padding import real_ids
from textkit.registry import ARCHS
from textkit.tasks.feeding import Feed

if TYPE_CHECKING:
    from textkit.streams.batch import Batch

DECIMALS = 6
STARTS = "word_starts"
EMPTY = "[PAD]"  # which a network reads where a record has no tokens
INNER = {"gates", "attention"}  # what there is to show of a network that tags


class NetworkExplainer:
    """task: classify or tag; model: its network; unknown: id of the token that stands for those that the vocabulary lacks, if it has one."""

    def __init__(self, task: Any, model: Any, manifest: dict[str, Any], where: str, unknown: int | None = None) -> None:
        """UsageError if there is nothing to show of the model."""
        if not shown_of(manifest["arch"], task.wordwise):
            what = f"tags of {manifest['arch']}" if task.wordwise else manifest["arch"]
            able = ", ".join(name for name in ARCHS if shown_of(name, task.wordwise))
            raise UsageError(f"--explain has nothing to show of {what}", where=where, fix=f"it shows {able}")
        if manifest.get("pairs"):
            problem = "--explain tells what each token adds, and a network that compares two texts does not add"
            raise UsageError(problem, where=where, fix="networks of one text can be explained")
        self._task, self._model, self._manifest, self._unknown = task, model, manifest, unknown
        self._windows = "windows" in shown_of(manifest["arch"], task.wordwise)

    @torch.inference_mode()
    def explain(self, batch: Batch, columns: list[pl.Series]) -> pl.Series:
        """(B,) JSON of each record: `tokens`, `unknown` places of those that the vocabulary lacks, `adds` of each or `windows` [first, end,
        adds], `bias`, `readout`, `gates`, `attention`.

        Of a model of several labels `labels` holds the adds of each of `predictions`. Of a convolution before a recurrent layer `steps`
        [first, end] are what all else is of; of a tagger `starts` are the tokens at which words begin that were cut up. batch: it went
        through the model's chain; columns: what the task predicted for it. InputError if its tokens are not those of its ids.
        """
        feed, names = Feed.of_batch(batch, self._manifest), self._names(batch)
        lacking = None if self._unknown is None else real_ids(batch).list.eval((pl.element() == self._unknown).arg_true()).to_list()
        labels = None if self._task.wordwise else self._labels(columns[0])
        starts = batch.read(STARTS)[STARTS].to_list() if self._task.wordwise and batch.has(STARTS) else None
        found = []
        for row, tokens in enumerate(names):  # one by one: what is shown does not depend on the company, and nothing is padding
            inputs = feed.inputs(np.array([row]))
            assert isinstance(inputs, Tokens), "vectors are not explained"
            if len(tokens) != max(1, int(feed.lengths[row])):
                raise InputError("tokens and ids differ in number", where=batch.position(row), fix="tokenize again")
            trace = self._model.encoder.trace(inputs)
            told = {"tokens": tokens, **({} if lacking is None else {"unknown": lacking[row]}), **({} if starts is None else {"starts": starts[row]})}
            told |= self._inner(trace) if labels is None else {**self._of_labels(trace, len(tokens), labels[row]), **self._inner(trace)}
            found.append(json.dumps(told, ensure_ascii=False, separators=(",", ":")))
        return pl.Series(found, dtype=pl.String)

    def _names(self, batch: Batch) -> list[list[str]]:
        """The tokens that the network reads, by their ids where there is no more."""
        tokens = batch.read("tokens")["tokens"] if batch.has("tokens") else real_ids(batch).cast(pl.List(pl.String))
        return [own or [EMPTY] for own in tokens.to_list()]

    def _labels(self, predicted: pl.Series) -> list[list[int]]:
        """Positions in the task's labels of those that are explained, of each record."""
        if not self._task.multi:
            return [[self._task.labels.index(label)] for label in predicted]
        return [[self._task.labels.index(one["label"]) for one in several] for several in predicted]

    def _of_labels(self, trace: Trace, tokens: int, labels: list[int]) -> dict[str, Any]:
        each = []
        for label in labels:
            weights, bias = self._output(label)
            adds = (trace.parts[0].double() @ weights).numpy()
            told = {"windows": windows(adds, trace.spans or [], tokens)} if self._windows else {"adds": rounded(adds)}
            each.append({**told, "bias": round(float(bias), DECIMALS)})
        return {"labels": each} if self._task.multi else each[0]

    def _output(self, label: int) -> tuple[torch.Tensor, torch.Tensor]:
        """(W,) weights and the bias of a label, less the mean of the others' where it excludes them."""
        weight, bias = self._model.output.weight.double(), self._model.output.bias.double()
        if self._task.multi:
            return weight[label], bias[label]
        others = torch.arange(len(bias)) != label
        return weight[label] - weight[others].mean(0), bias[label] - bias[others].mean()

    def _inner(self, trace: Trace) -> dict[str, Any]:
        """Matrices of the first record, which is the only one."""
        told: dict[str, Any] = {}
        if trace.spans is not None and not self._windows:
            told["steps"] = trace.spans
        if not self._windows and not self._task.wordwise:
            told["readout"] = rounded(trace.readout[0].numpy())
        if trace.gates:
            told["gates"] = {name: rounded(gate[0].numpy()) for name, gate in trace.gates.items()}
        if trace.attention is not None:
            told["attention"] = rounded(trace.attention[0].numpy())
        return told


def shown_of(name: str, wordwise: bool) -> set[str]:
    """What there is to show of an architecture, or if it tags."""
    arch = ARCHS.find(name)
    kinds = {*getattr(arch, "explains", ())}
    return kinds if not wordwise else kinds & INNER if getattr(arch, "tokenwise", False) else set()


def windows(adds: np.ndarray, spans: list[tuple[int, int]], tokens: int) -> list[list[float]]:
    """[first token, end, what all filters add that found the most there], the strongest first; without what stands before and behind the text."""
    found: dict[tuple[int, int], float] = {}
    for (start, end), value in zip(spans, adds, strict=True):
        place = max(0, start), min(end, tokens)
        found[place] = found.get(place, 0.0) + float(value)
    order = sorted((place for place, value in found.items() if value), key=lambda place: (-abs(found[place]), place))
    return [[*place, round(found[place], DECIMALS)] for place in order]


def rounded(values: np.ndarray) -> list[Any]:
    return (values.astype(np.float64).round(DECIMALS) + 0.0).tolist()  # type: ignore[no-any-return]  # + 0.0 makes -0.0 a plain 0
