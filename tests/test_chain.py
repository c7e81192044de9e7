"""The whole chain: what is trained on a stream predicts from raw text, from half-done streams, anywhere."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.making import REVIEWS, Records, records_of, run, stream_of, trained
from textkit.artifacts.bundle import Bundle
from textkit.artifacts.store import Store
from textkit.embeddings.stage import Embed
from textkit.embeddings.word2vec import Word2Vec
from textkit.errors import InputError, LineageError
from textkit.evaluating import measure
from textkit.padding import Pad
from textkit.predicting import Predict
from textkit.registry import TOKENIZERS
from textkit.stage import Stage, connect
from textkit.streams.lineage import Lineage
from textkit.streams.stream import Stream
from textkit.tokenizers.stage import Tokenize

TEXTS = ["a warm film", "awful , cold and boring", "", "  ", "unheard-of words only", "great 재밌게 👍🏽"]


def tokenize(folder: Path, method: str = "words", name: str = "tok") -> Tokenize:
    return Tokenize.of(method, TOKENIZERS.find(method).Config(min_frequency=1), Store(str(folder / name)))


def embed(folder: Path, pool: str = "none") -> Embed:
    settings = Word2Vec.Config(dim=6, min_count=1, epochs=1)
    return Embed("word2vec", settings, pool, learner=Word2Vec(settings), store=Store(str(folder / "vec")))


def pad() -> Pad:
    return Pad(Pad.Config(4))


# name -> (architecture, the stages before training)
CHAINS: dict[str, tuple[str | None, Callable[[Path], list[Stage]]]] = {
    "raw text": (None, lambda folder: []),
    "words": ("logreg", lambda folder: [tokenize(folder)]),
    "words without a vocabulary": ("logreg", lambda folder: [Tokenize.of("words")]),
    "wordpiece, pad": ("logreg", lambda folder: [tokenize(folder, "wordpiece"), pad()]),
    "pooled vectors": ("logreg", lambda folder: [Tokenize.of("words"), embed(folder, "mean")]),
    "weighed vectors": ("logreg", lambda folder: [Tokenize.of("words"), embed(folder, "sif")]),
    "ids of the embedding": ("lstm", lambda folder: [Tokenize.of("words"), embed(folder), pad()]),
    "wordpiece, pad, a network": ("lstm", lambda folder: [tokenize(folder, "wordpiece"), pad()]),
    "everything": ("lstm", lambda folder: [tokenize(folder, "wordpiece"), embed(folder), pad()]),
}
each_chain = pytest.mark.parametrize("chain", CHAINS)


def train(chain: str, folder: Path, save: str = "model") -> str:
    arch, stages = CHAINS[chain]
    small = {"settings": ("hidden=4",), "training": {"epochs": 2}} if arch == "lstm" else {}
    return trained(run(REVIEWS, *stages(folder)), folder / save, arch=arch, **small)


def predicted(model: Path, stream: Stream, **options: Any) -> list[dict[str, Any]]:
    return records_of(connect(stream, Predict(Bundle.load(model), **options)))


def answers(records: list[dict[str, Any]]) -> list[tuple[str, Any]]:
    return [(record["prediction"], pytest.approx(record["score"], abs=2e-6)) for record in records]


@each_chain
def test_raw_text_and_every_half_done_stream_get_the_same_answer(chain: str, tmp_path: Path) -> None:
    train(chain, tmp_path)
    bundle = Bundle.load(tmp_path / "model")
    due = answers(predicted(tmp_path / "model", stream_of(TEXTS)))
    for done in range(1, len(bundle.lineage.stages) + 1):
        stream = stream_of(TEXTS)
        for position in range(done):
            stage = bundle.stages()[position]
            stream = stream.map(stage.apply, stream.lineage.plus(bundle.lineage.stages[position]))
        half = stream_of(records_of(stream), lineage=stream.lineage)
        assert answers(predicted(tmp_path / "model", half)) == due


@each_chain
def test_batches_without_records_pass(chain: str, tmp_path: Path) -> None:
    """A table of a header line alone, say, or what a filter left of a batch."""
    train(chain, tmp_path)
    stream = stream_of(TEXTS[:1])
    full = next(stream.batches)
    stream.batches = iter([replace(full, raw=full.raw.clear()), full, replace(full, raw=full.raw.clear())])  # type: ignore[union-attr]
    assert len(predicted(tmp_path / "model", stream, top=2)) == 1


@each_chain
def test_a_bundle_needs_nothing_but_itself(chain: str, tmp_path: Path, cache: Path) -> None:
    """Upstream artifacts and the cache are gone, and the folder stands elsewhere under another name."""
    train(chain, tmp_path)
    due = predicted(tmp_path / "model", stream_of(TEXTS))
    for gone in (tmp_path / "tok", tmp_path / "vec", cache):
        shutil.rmtree(gone, ignore_errors=True)
    moved = tmp_path / "else" / "where"
    moved.parent.mkdir()
    (tmp_path / "model").rename(moved)
    assert predicted(moved, stream_of(TEXTS)) == due


@each_chain
def test_training_twice_gives_the_same_model(chain: str, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    assert train(chain, tmp_path) == train(chain, tmp_path / "other")


@each_chain
def test_only_answers_are_added_and_the_users_fields_pass(chain: str, tmp_path: Path) -> None:
    train(chain, tmp_path)
    records = [{"text": text, "mine": [1, {"deep": None}], "id": 10**30, "label": "good"} for text in TEXTS]
    out = predicted(tmp_path / "model", stream_of(records), top=2)
    assert [{name: record[name] for name in records[0]} for record in out] == records
    assert {*out[0]} - {*records[0]} == {"prediction", "score", "predictions"}


def test_a_half_done_stream_keeps_its_own_columns_as_they_were(tmp_path: Path) -> None:
    train("wordpiece, pad", tmp_path)
    half = run(TEXTS, Tokenize.load(tmp_path / "tok"))
    came = records_of(run(TEXTS, Tokenize.load(tmp_path / "tok")))
    out = predicted(tmp_path / "model", half)
    assert [{name: record[name] for name in ("text", "tokens", "ids")} for record in out] == came
    assert "mask" not in out[0]


def refused(model: Path, stream: Stream) -> str:
    with pytest.raises(LineageError) as error:
        predicted(model, stream)
    assert error.value.exit_code == 4
    return str(error.value)


def test_a_stream_of_another_chain_is_refused_and_the_stage_named(tmp_path: Path) -> None:
    train("wordpiece, pad", tmp_path)
    model, loaded = tmp_path / "model", Tokenize.load(tmp_path / "tok")
    assert "stage 1 differs: tokenize wordpiece against tokenize words" in refused(model, run(TEXTS, tokenize(tmp_path, name="w")))
    assert "stage 2 differs: pad with length=4 against 9" in refused(model, run(TEXTS, loaded, Pad(Pad.Config(9))))
    other = tokenize(tmp_path, "wordpiece", "other")
    assert "stage 1 differs: tokenize wordpiece with artifact" in refused(model, run(["other words"] * 2, other))
    assert "stage 3 differs: vectorize tfidf against pad" in refused(model, run(TEXTS, loaded, pad(), pad()))


def test_ids_outside_the_vocabulary_are_an_error_not_a_crash(tmp_path: Path) -> None:
    train("wordpiece, pad, a network", tmp_path)
    lineage = Bundle.load(tmp_path / "model").lineage
    record = {"tokens": ["x"], "ids": [10**6], "mask": [1], "label": "good"}
    with pytest.raises(InputError, match="vocabulary"):
        predicted(tmp_path / "model", stream_of([record], lineage=lineage))
    stream = replace(stream_of([record, record | {"label": "bad"}], lineage=lineage), near=(tmp_path / "model",))
    with pytest.raises(InputError, match="vocabulary"):
        trained(stream, tmp_path / "again", arch="lstm")


@pytest.mark.parametrize("lineage", ["none", "of words without a vocabulary"])
def test_ids_of_unknown_origin_are_refused_by_train(lineage: str, tmp_path: Path) -> None:
    entries = () if lineage == "none" else (Tokenize.of("words").entry(),)
    records = [{"tokens": ["a"], "ids": [7], **review} for review in REVIEWS]
    with pytest.raises(LineageError, match="nothing says of which vocabulary") as error:
        trained(stream_of(records, lineage=Lineage(entries)), tmp_path / "model", arch="lstm")
    assert error.value.exit_code == 4
    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize(("arch", "stage"), [("logreg", "vectorize"), ("lstm", "index")])
def test_tokens_without_ids_get_features_or_an_index(arch: str, stage: str, tmp_path: Path) -> None:
    records = [{"tokens": review["text"].split(), "label": review["label"]} for review in REVIEWS]
    more = {"settings": ("hidden=16",), "training": {"epochs": 20, "lr": 0.01}} if arch == "lstm" else {}
    trained(stream_of(records), tmp_path / "model", arch=arch, **more)
    bundle = Bundle.load(tmp_path / "model")
    assert [entry.stage for entry in bundle.lineage.stages] == [stage]
    out = predicted(tmp_path / "model", stream_of([{"tokens": ["great", "warm"]}, {"tokens": ["awful", "cold"]}]))
    assert [record["prediction"] for record in out] == ["good", "bad"]


def test_a_second_tokenizer_replaces_the_ids_of_the_first(tmp_path: Path) -> None:
    twice = run(REVIEWS, tokenize(tmp_path, "wordpiece", "first"), pad(), tokenize(tmp_path, "words", "second"))
    once = records_of(run(REVIEWS, tokenize(tmp_path, "words", "third")))
    assert records_of(twice) == once
    again = run(REVIEWS, Tokenize.load(tmp_path / "first"), Tokenize.load(tmp_path / "second"))
    trained(again, tmp_path / "model", arch="lstm", settings=("hidden=4",), training={"epochs": 1})
    assert Bundle.load(tmp_path / "model").manifest["input"] == "ids"
    assert answers(predicted(tmp_path / "model", stream_of(TEXTS)))


def test_what_was_learned_is_what_the_words_mean(tmp_path: Path) -> None:
    train("raw text", tmp_path)
    out = predicted(tmp_path / "model", stream_of(["great , warm and funny", "boring , awful and cold"]))
    assert [record["prediction"] for record in out] == ["good", "bad"]


@each_chain
def test_measuring_a_model_is_measuring_its_predictions(chain: str, tmp_path: Path) -> None:
    """A label that neither is asked for nor predicted changes no number: it is the model's own affair."""
    train(chain, tmp_path)
    bundle = Bundle.load(tmp_path / "model")
    test: Records = [REVIEWS[0], REVIEWS[1], {"text": "great , warm and funny", "label": "unseen"}]
    of_model = measure(connect(stream_of(test), Predict(bundle)), [*bundle.manifest["labels"], "never met"])
    of_predictions = measure(stream_of(predicted(tmp_path / "model", stream_of(test))), None)
    assert of_model.to_json() == of_predictions.to_json()
    assert of_model.records == 3


@pytest.mark.parametrize("texts", [[], ["", " "]], ids=["no records", "empty texts"])
def test_nothing_to_train_on_is_an_error(texts: list[str], tmp_path: Path) -> None:
    records = [{"text": text, "label": label} for text in texts for label in ("good", "bad")]
    with pytest.raises(InputError, match="nothing to"):
        trained(stream_of(records), tmp_path / "model")
    assert not (tmp_path / "model").exists()
