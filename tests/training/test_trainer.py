"""A Trainer: restored from a snapshot it goes on bit for bit; what it computes is exact however a step is cut into pieces."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from torch import Tensor, nn

from textkit.arrays import Ragged
from textkit.errors import UsageError
from textkit.nn.inputs import Tokens
from textkit.tasks.classify import Classify
from textkit.tasks.classify_neural import Classifying
from textkit.tasks.feeding import Feed
from textkit.training import loop
from textkit.training.loop import Diverged, Settings, Trainer
from textkit.training.optimizers import OPTIMIZERS
from textkit.training.schedules import SCHEDULES

torch.set_num_threads(1)
N = 60
RNG = np.random.default_rng(0)
RECORDS = [RNG.integers(1, 9, RNG.integers(1, 7)).tolist() for _ in range(N)]
TARGETS = np.array([record[0] % 2 for record in RECORDS])
ROWS = np.arange(40), np.arange(40, N)
EVERY = pytest.mark.parametrize("optimizer", OPTIMIZERS)


class Bag(nn.Module):
    """The mean of embeddings, some of them dropped, as logits."""

    def __init__(self, dropout: float = 0.3) -> None:
        super().__init__()
        self.embedding, self.output, self.dropout = nn.Embedding(9, 4), nn.Linear(4, 2), nn.Dropout(dropout)

    def forward(self, inputs: Tokens) -> Tensor:
        inside = inputs.mask[:, :, None]  # (B, T, 1)
        return torch.as_tensor(self.output(self.dropout((self.embedding(inputs.ids) * inside).sum(1) / inputs.lengths[:, None])))


class Plain(Bag):
    def __init__(self) -> None:
        super().__init__(0.0)


class Counted(Classifying):
    """As where tokens and not records are what is counted: a record's loss counts by its length."""

    def weight(self, rows: np.ndarray) -> float:
        return float(self.lengths[rows].sum())

    def loss(self, model: nn.Module, batch: Any) -> Tensor:
        inputs, targets, *_ = batch
        each = nn.functional.cross_entropy(model(inputs), targets, reduction="none")
        return (each * inputs.lengths).sum() / inputs.lengths.sum()


def problem(kind: type[Classifying] = Classifying, targets: np.ndarray = TARGETS) -> Classifying:
    return kind(Classify(["a", "b"]), Feed(Ragged.of(pl.Series(RECORDS, dtype=pl.List(pl.Int32))), 0), targets)


def given(**settings: Any) -> Settings:
    return Settings(**{"epochs": 3, "batch_size": 8, "precision": "fp32", "device": "cpu", **settings})


def trainer(watch: Any = None, rows: Any = ROWS, build: Any = Bag, kind: type[Classifying] = Classifying, **settings: Any) -> Trainer:
    return Trainer(build, problem(kind), rows, given(**settings), watch)


def ran(one: Trainer) -> Trainer:
    one.run()
    return one


def same(first: Trainer, second: Trainer) -> bool:
    pairs = zip(first.result().state_dict().values(), second.result().state_dict().values(), strict=True)
    return all(torch.equal(one, other) for one, other in pairs)


def timeless(history: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: value for name, value in entry.items() if name not in ("seconds", "tokens_per_second")} for entry in history]


class Broken(Exception):
    pass


class BreakOff:
    """Raises when it is called for the n-th time, with what a checkpoint would keep."""

    def __init__(self, calls: int) -> None:
        self.left = calls

    def __call__(self, one: Trainer) -> None:
        self.left -= 1
        if self.left == 0:
            raise Broken


def resumed(calls: int, **settings: Any) -> Trainer:
    """Broken off at the n-th moment at which it can be, and gone on with by another one that was restored."""
    first = trainer(BreakOff(calls), **settings)
    with pytest.raises(Broken):
        first.run()
    tensors, facts = first.snapshot()
    again = trainer(**settings)
    torch.rand(3)
    again.restore({name: tensor.clone() for name, tensor in tensors.items()}, facts)
    return ran(again)


def moments(**settings: Any) -> int:
    """How often it can be broken off."""
    watch = BreakOff(-1)
    ran(trainer(watch, **settings))
    return -1 - watch.left


# Going on from a snapshot.

CASES: dict[str, dict[str, Any]] = {
    "momentum, noam, two batches a step": {"optimizer": "momentum", "schedule": "noam", "accumulate": 2},
    "plateau, validation every third step": {"schedule": "plateau", "eval_every": 3, "lr": 0.5},
    "all records in a step": {"batch_size": "full", "epochs": 6},
    "steps, early stop": {"max_steps": 12, "epochs": None, "eval_every": 2, "early_stop": 3, "lr": 0.3},
    "by tokens, nadam": {"batch_tokens": 30, "optimizer": "nadam"},
    "bf16": {"precision": "bf16"},
}


@pytest.mark.parametrize("name", CASES)
def test_broken_off_at_any_moment_it_goes_on_bit_for_bit(name: str) -> None:
    """After a step, between the batches of one, in validation: everywhere."""
    settings = CASES[name]
    whole = ran(trainer(**settings))
    for calls in range(1, moments(**settings) + 1):
        again = resumed(calls, **settings)
        assert same(whole, again), f"broken off at the {calls}th moment"
        assert timeless(again.history) == timeless(whole.history)


@EVERY
def test_every_optimizer_goes_on_with_its_state(optimizer: str) -> None:
    assert same(ran(trainer(optimizer=optimizer)), resumed(9, optimizer=optimizer))


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_every_schedule_goes_on(schedule: str) -> None:
    assert same(ran(trainer(schedule=schedule, warmup=0.2)), resumed(9, schedule=schedule, warmup=0.2))


def test_a_snapshot_says_all_in_tensors_and_json() -> None:
    import json

    one = ran(trainer())
    tensors, facts = one.snapshot()
    assert json.loads(json.dumps(facts)) == facts
    assert all(isinstance(tensor, Tensor) for tensor in tensors.values())
    assert facts["step"] == 15
    assert {name.partition(".")[0] for name in tensors} == {"model", "best", "optimizer", "random"}


def test_seconds_go_on_where_they_stood() -> None:
    one = trainer(BreakOff(2))
    with pytest.raises(Broken):
        one.run()
    tensors, facts = one.snapshot()
    again = trainer()
    again.restore(tensors, facts | {"seconds": 1000.0})
    assert 1000 <= again.seconds < 1001


def test_watching_changes_nothing() -> None:
    assert same(ran(trainer()), ran(trainer(lambda one: None)))


# Exact gradients.


def gradient(one: Trainer, step: int = 1) -> list[Tensor]:
    """That of the last step, of plain gradient descent without decay: by how much it moved the weights."""
    before = [parameter.detach().clone() for parameter in one.model.parameters()]
    one.run()
    return [old - new for old, new in zip(before, (p.detach() for p in one.model.parameters()), strict=True)]


def plain(**settings: Any) -> dict[str, Any]:
    return {"build": Plain, "optimizer": "sgd", "schedule": "constant", "clip": 0.0, "lr": 1.0, "epochs": 1, **settings}


@pytest.mark.parametrize("kind", [Classifying, Counted], ids=["by records", "by tokens"])
@pytest.mark.parametrize("pieces", [{"batch_size": 7, "accumulate": 6}, {"batch_size": "full"}], ids=["accumulated", "full"])
def test_the_gradient_of_the_pieces_is_that_of_the_whole(kind: type[Classifying], pieces: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("textkit.training.batching.PIECE", 7)
    rows = np.arange(41), np.arange(0)
    whole = trainer(rows=rows, kind=kind, **plain(batch_size=41))
    parts = trainer(rows=rows, kind=kind, **plain(**pieces))
    for one, other in zip(gradient(whole), gradient(parts), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-7)
    assert whole.step == parts.step == 1
    assert whole.history[0]["train_loss"] == pytest.approx(parts.history[0]["train_loss"], abs=2e-6)


@pytest.mark.parametrize("kind", [Classifying, Counted])
def test_the_training_loss_is_the_mean_over_all_by_weight(kind: type[Classifying]) -> None:
    """At a rate of nearly 0 it is the loss of the network as it was made."""
    one = ran(trainer(kind=kind, **plain(lr=1e-12, batch_size=7)))
    whole = problem(kind)
    due = whole.loss(one.model, whole.batch(ROWS[0])).item()
    assert one.history[0]["train_loss"] == pytest.approx(due, abs=2e-6)


def test_full_is_one_step_an_epoch() -> None:
    one = ran(trainer(batch_size="full", epochs=4))
    assert [entry["step"] for entry in one.history] == [1, 2, 3, 4]


def test_the_gradient_is_cut_to_its_norm() -> None:
    def norm(clip: float) -> float:
        moved = gradient(trainer(rows=(np.arange(40), np.arange(0)), **plain(batch_size="full", clip=clip)))
        return float(torch.cat([part.ravel() for part in moved]).norm())

    free = norm(0.0)
    assert norm(free / 2) == pytest.approx(free / 2, rel=1e-4)
    assert norm(free * 2) == pytest.approx(free, rel=1e-6)


# When it stops, and what is measured.


def test_steps_are_counted_over_epochs() -> None:
    one = ran(trainer(max_steps=12, epochs=None))
    assert one.step == 12
    assert [entry["step"] for entry in one.history] == [5, 10, 12]
    assert [entry["epoch"] for entry in one.history] == [1, 2, 3]


def test_the_fewer_of_epochs_and_steps() -> None:
    assert ran(trainer(max_steps=100, epochs=2)).step == 10


def test_validation_every_so_many_steps_and_at_the_end() -> None:
    one = ran(trainer(eval_every=4))
    assert [entry["step"] for entry in one.history] == [4, 8, 12, 15]
    assert all("valid_accuracy" in entry for entry in one.history)


def test_time_is_up_after_a_step(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(1000))
    monkeypatch.setattr("textkit.training.loop.time.monotonic", lambda: float(next(clock)))
    one = ran(trainer(max_time=3.0))
    assert 1 <= one.step < 15
    assert one.history[-1]["step"] == one.step
    assert one.reason == "3 s are over"


def test_it_stops_when_nothing_gets_better_and_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    """Validation labels are turned round: each epoch is worse than the first."""
    turned = problem(targets=np.concatenate([TARGETS[:40], 1 - TARGETS[40:]]))
    one = ran(Trainer(Plain, turned, ROWS, given(epochs=50, early_stop=2, metric="loss", lr=0.3)))
    assert "loss has not become better for 2 evaluations" in capsys.readouterr().err
    best = loop.best_epoch(one.history, "loss")
    assert best["epoch"] == min(one.history, key=lambda entry: entry["valid_loss"])["epoch"]
    assert len(one.history) == best["epoch"] + 2 < 50


def test_the_weights_kept_are_the_best_by_the_metric_asked_for() -> None:
    one = ran(trainer(metric="loss", lr=2.0, optimizer="sgd", schedule="constant", epochs=8))
    best = min(entry["valid_loss"] for entry in one.history)
    assert problem().evaluate(one.result(), ROWS[1])["loss"] == pytest.approx(best, abs=2e-6)


@pytest.mark.parametrize(
    ("settings", "rows", "message"),
    [
        ({"metric": "bleu"}, ROWS, "--metric bleu.*loss, accuracy"),
        ({"metric": "loss"}, (ROWS[0], ROWS[1][:0]), "--metric needs records to validate on"),
        ({"early_stop": 1}, (ROWS[0], ROWS[1][:0]), "--early-stop needs"),
    ],
)
def test_what_cannot_be_measured_is_told_before_training(settings: dict[str, Any], rows: Any, message: str) -> None:
    one = trainer(rows=rows, **settings)
    with pytest.raises(UsageError, match=message):
        one.run()
    assert one.step == 0


def test_asking_for_the_metric_it_has_changes_nothing() -> None:
    assert same(ran(trainer()), ran(trainer(metric="accuracy")))


class Spoilt(Classifying):
    """The loss of a certain batch is no number."""

    seen = 0

    def loss(self, model: nn.Module, batch: Any) -> Tensor:
        self.seen += 1
        return super().loss(model, batch) * (float("nan") if self.seen == 8 else 1.0)


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_a_loss_beyond_all_bounds_is_divergence_too(optimizer: str) -> None:
    with pytest.raises(Diverged, match=r"diverged in epoch 1, step \d+: the loss is \S+; use a lower --lr than 1e\+06"):
        trainer(optimizer=optimizer, lr=1e6, schedule="constant").run()


def test_a_loss_that_is_no_number_leaves_the_last_good_weights() -> None:
    one = trainer(kind=Spoilt)
    with pytest.raises(Diverged, match=r"diverged in epoch 2, step 8: the loss is nan.*--lr"):
        one.run()
    tensors, facts = one.snapshot()
    assert facts["step"] == 7
    assert all(tensor.isfinite().all() for tensor in tensors.values())
    again = trainer()
    again.restore(tensors, facts)
    assert same(ran(again), ran(trainer()))
