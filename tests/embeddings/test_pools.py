"""`embed --pool` and `--tokens` as a stage and a command: what is learned, kept, replayed and refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pytest

from tests.conftest import Textkit
from tests.making import REVIEWS, records_of, run, stream_of, trained
from textkit.artifacts import folder
from textkit.artifacts.bundle import Bundle
from textkit.artifacts.store import Store
from textkit.commands.embed import POOLS
from textkit.embeddings.pooling import Pooling
from textkit.embeddings.stage import Embed
from textkit.embeddings.table import Table
from textkit.embeddings.word2vec import Word2Vec
from textkit.errors import InputError, LineageError, UsageError
from textkit.predicting import Predict
from textkit.stage import connect, restore
from textkit.streams.lineage import Entry

TEXTS = ["a b c a", "c b a b", "", "b c", "x y z", "c", "a a a b"] * 5
WEIGHED = ("sif", "tfidf")
each_pool = pytest.mark.parametrize("pool", [name for name in POOLS if name not in ("none", "doc")])
each_weighed = pytest.mark.parametrize("pool", WEIGHED)


def learner(save: Path | None, pool: str | Pooling = "none", saves: str | None = None) -> Embed:
    settings = Word2Vec.Config(dim=6, min_count=6)
    return Embed("word2vec", settings, pool, learner=Word2Vec(settings), store=Store(save and str(save)), saves=saves)


@pytest.fixture
def vec(tmp_path: Path) -> Path:
    """A saved embedding of a, b and c without weights."""
    run(TEXTS, learner(tmp_path / "vec"))
    return tmp_path / "vec"


def vectors(stream: Any) -> np.ndarray:
    return np.array([record["vector"] for record in records_of(stream)], np.float32)


def loaded(vec: Path, pool: str | Pooling, save: Path | None = None, saves: str | None = None) -> Embed:
    return Embed.load(vec, pool, Store(save and str(save)), saves)


@each_pool
def test_records_of_nothing_known_get_zeros(pool: str, vec: Path) -> None:
    found = vectors(run(TEXTS, loaded(vec, pool)))
    assert found.shape == (35, 6)
    for vector, text in zip(found, TEXTS, strict=True):
        assert vector.any() == bool({*text.split()} & {*"abc"})
    assert np.isfinite(found).all()


@each_pool
def test_saved_and_loaded_it_gives_the_same(pool: str, tmp_path: Path) -> None:
    while_learning = run(TEXTS, learner(tmp_path / "vec", pool))
    due = records_of(while_learning)
    again = run(TEXTS, loaded(tmp_path / "vec", pool))
    assert records_of(again) == due
    assert again.lineage == while_learning.lineage
    assert records_of(run(TEXTS, restore(again.lineage.stages[1]))) == due


@each_weighed
def test_weights_learned_when_it_is_loaded_are_those_of_learning(pool: str, vec: Path, tmp_path: Path) -> None:
    stream = run(TEXTS, loaded(vec, pool, tmp_path / "weighed"))
    found = records_of(stream)
    assert found == records_of(run(TEXTS, learner(tmp_path / "other", pool)))
    manifests = [folder.load(tmp_path / name, "embedding") for name in ("weighed", "other")]
    assert manifests[0]["sha256"] == manifests[1]["sha256"] != folder.load(vec, "embedding")["sha256"]
    assert manifests[0]["pooling"] == manifests[1]["pooling"]
    assert records_of(run(TEXTS[:3], loaded(tmp_path / "weighed", pool))) == found[:3]  # nothing is learned from these


@each_weighed
def test_without_a_name_the_weights_go_to_the_cache(pool: str, vec: Path, cache: Path) -> None:
    stream = run(TEXTS, loaded(vec, pool))
    due = records_of(stream)
    entry = stream.lineage.stages[1]
    assert Path(str(entry.artifact)).parent == cache
    assert records_of(run(TEXTS, restore(entry))) == due


@each_weighed
def test_batches_do_not_matter(pool: str, vec: Path) -> None:
    due: Any = None
    for size in (1, 4, 35, 100):
        stream = connect(stream_of(TEXTS, size), loaded(vec, pool))
        found = (records_of(stream), stream.lineage.identity)
        due = due or found
        assert found == due


def test_weights_that_other_settings_would_give_too_are_found_by_their_hash(vec: Path) -> None:
    """No record has both known and unknown words: then it is the same whether zeros are counted."""
    lineages = [run(TEXTS, loaded(vec, Pooling("sif", oov))).lineage for oov in ("skip", "zero")]
    assert len({lineage.stages[1].artifact for lineage in lineages}) == 1
    assert [restore(lineage.stages[1]).entry().config.get("oov") for lineage in lineages] == [None, "zero"]


def test_weights_for_other_settings_are_learned_anew(tmp_path: Path, vec: Path) -> None:
    texts = [*TEXTS, "a x", "x c c y", "b b z"]
    run(texts, loaded(vec, "sif", tmp_path / "sif"))
    kept = folder.load(tmp_path / "sif", "embedding")["sha256"]
    for asked, same in [(Pooling("sif", "skip"), True), (Pooling("sif", "error"), True), (Pooling("sif", "zero"), False)]:
        assert (run(texts, loaded(tmp_path / "sif", asked)).lineage.stages[1].sha256 == kept) is same
    assert run(texts, loaded(tmp_path / "sif", Pooling("sif", sif_a=0.1))).lineage.stages[1].sha256 != kept
    assert run(texts, loaded(tmp_path / "sif", "mean")).lineage.stages[1].sha256 == kept


def test_one_record_keeps_its_vector(vec: Path) -> None:
    assert vectors(run(["a b"], loaded(vec, "sif"))).any()


def test_nothing_to_learn_weights_from(vec: Path) -> None:
    with pytest.raises(InputError, match="--pool sif from: there are no records"):
        run([], loaded(vec, "sif"))


@pytest.mark.parametrize("oov", ["zero", "mean"])
@each_pool
def test_a_model_replays_the_vectors_that_it_was_trained_on(pool: str, oov: str, tmp_path: Path, cache: Path) -> None:
    texts = [record["text"] for record in REVIEWS]
    asked = Pooling(pool, oov, unit=True)
    settings = Word2Vec.Config(dim=6, min_count=1, epochs=1)
    run(texts, Embed("word2vec", settings, "none", learner=Word2Vec(settings), store=Store(str(tmp_path / "vec"))))
    stream = run(REVIEWS, loaded(tmp_path / "vec", asked))
    due = vectors(stream)
    trained(run(REVIEWS, loaded(tmp_path / "vec", asked)), tmp_path / "model", arch="logreg")
    (tmp_path / "vec").rename(tmp_path / "gone")
    cache.rename(tmp_path / "cache gone")
    bundle = Bundle.load(tmp_path / "model")
    replayed = stream_of(REVIEWS, size=3)
    for stage in bundle.stages():
        replayed = replayed.map(stage.apply)
    np.testing.assert_array_equal(vectors(replayed), due)
    np.testing.assert_allclose(np.linalg.norm(due, axis=1), 1, rtol=1e-6)
    assert len(records_of(connect(stream_of(texts), Predict(bundle)))) == len(texts)


@pytest.mark.parametrize("asked", [Pooling("sum"), Pooling("mean", "zero"), Pooling("mean", unit=True), Pooling("mean", token_vectors=True)], ids=str)
def test_what_changes_the_bytes_is_in_the_lineage(asked: Pooling, vec: Path) -> None:
    usual, other = run(TEXTS, loaded(vec, "mean")).lineage, run(TEXTS, loaded(vec, asked)).lineage
    assert other != usual
    assert "embed word2vec with" in usual.difference(other)
    assert Pooling.of(other.stages[1].config).settled(Table.load(vec)) == asked.settled(Table.load(vec))
    assert run(TEXTS, loaded(vec, Pooling("mean", "skip"))).lineage == usual  # which is the usual treatment, said aloud


def test_an_entry_of_a_weighed_pool_needs_its_weights(vec: Path) -> None:
    entry = run(TEXTS, loaded(vec, "mean")).lineage.stages[1]
    with pytest.raises(InputError, match="nothing learned for --pool sif"):
        restore(Entry(entry.stage, entry.method, {**entry.config, "pool": "sif"}, entry.artifact, entry.sha256))


def test_what_is_saved_as_float16_pools_as_it_is_loaded(tmp_path: Path, vec: Path) -> None:
    full = vectors(run(TEXTS, loaded(vec, "sif")))
    for name, stage in {"learned": learner(tmp_path / "learned", "sif", "float16"), "kept": loaded(vec, "sif", tmp_path / "kept", "float16")}.items():
        found = vectors(run(TEXTS, stage))
        np.testing.assert_array_equal(vectors(run(TEXTS, loaded(tmp_path / name, "sif"))), found)
        np.testing.assert_allclose(found, full, rtol=0.02, atol=1e-3)
        assert folder.load(tmp_path / name, "embedding")["store"] == "float16"
    assert (tmp_path / "learned" / "pooling.safetensors").read_bytes() == (tmp_path / "kept" / "pooling.safetensors").read_bytes()
    run(TEXTS, loaded(tmp_path / "kept", "none", tmp_path / "back", "float32"))
    assert "store" not in folder.load(tmp_path / "back", "embedding")
    assert Table.load(tmp_path / "back").vectors.tolist() == Table.load(tmp_path / "kept").vectors.tolist()


def test_the_command_and_the_shell_pipe(textkit: Textkit) -> None:
    """Raw text to a model gets the vectors of training; a stream with other weights is told apart."""
    lines = "".join(f"{record['label']}\t{record['text']}\n" for record in REVIEWS)
    (textkit.folder / "train.tsv").write_text("label\ttext\n" + lines)
    done = textkit.shell(
        "textkit embed --dim 6 --min-count 1 --epochs 1 --save vec train.tsv > /dev/null\n"
        "textkit embed --load vec --pool sif --unit --oov zero train.tsv | textkit train classify --arch logreg --save model\n"
        "textkit embed --load vec --pool sif --unit --oov zero train.tsv | textkit predict model --keep prediction,score --no-lineage > one\n"
        "textkit predict model --keep prediction,score train.tsv > two\n"
    )
    assert "--pool sif: learned each word's weight and the direction to take out from 20 records" in done.stderr
    one, two = ([json.loads(line) for line in (textkit.folder / name).read_text().splitlines()] for name in ("one", "two"))
    assert [record["prediction"] for record in one] == [record["prediction"] for record in two]
    assert [record["score"] for record in one] == pytest.approx([record["score"] for record in two], abs=1e-6)
    told = textkit.shell("textkit embed --load vec --pool sif --unit train.tsv | textkit predict model", code=LineageError.exit_code)
    assert "oov=None against zero" in told.stderr or "oov=zero against None" in told.stderr


def test_vectors_of_tokens_are_for_arrow(textkit: Textkit) -> None:
    (textkit.folder / "in.txt").write_text("a b a\n\nx a\n" * 5)
    textkit("embed", "--dim", "4", "--save", "vec", "in.txt")
    told = textkit("embed", "--load", "vec", "--tokens", "in.txt", code=UsageError.exit_code).stderr
    assert "huge as jsonl" in told
    textkit("embed", "--load", "vec", "--tokens", "--pool", "mean", "-o", "out.arrow", "in.txt")
    frame = pl.from_arrow(pa.ipc.open_stream((textkit.folder / "out.arrow").read_bytes()).read_all())
    assert isinstance(frame, pl.DataFrame)
    table = Table.load(textkit.folder / "vec")
    rows = {token: table.vectors[table.vocabulary.tokens.index(token)] for token in "abx"}
    for tokens, found, mean in zip(frame["tokens"], frame["token_vectors"], frame["vector"], strict=True):
        due = [rows[token] for token in tokens]
        assert found.to_list() == [row.tolist() for row in due]
        np.testing.assert_allclose(mean.to_numpy(), np.mean(due, 0) if due else np.zeros(4), rtol=1e-6, atol=1e-7)
    forced = textkit("embed", "--load", "vec", "--tokens", "--force", "--no-lineage", "in.txt").stdout
    assert [len(json.loads(line)["token_vectors"]) for line in forced.splitlines()] == [3, 0, 2] * 5
    again = textkit("convert", "--to", "jsonl", "--no-lineage", "out.arrow").stdout
    assert [json.loads(line)["token_vectors"] for line in again.splitlines()] == [json.loads(line)["token_vectors"] for line in forced.splitlines()]


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (["--oov", "zero"], "--oov is about vectors in records"),
        (["--unit"], "--unit is about vectors in records"),
        (["--pool", "mean", "--sif-a", "0.1"], "--sif-a goes with --pool sif"),
        (["--pool", "doc", "--oov", "zero"], "--pool doc has its own way"),
        (["--load", "vec", "--store", "float16"], "add --save"),
        (["--load", "vec", "--pool", "doc"], "vectors of documents"),
        (["--pool", "doc"], "vectors of documents"),
        (["--pool", "mean", "--oov", "subword"], "has no subwords"),
        (["--load", "vec", "--pool", "mean", "--oov", "subword"], "has no subwords"),
    ],
    ids=" ".join,
)
def test_what_makes_no_sense_is_refused(words: list[str], what: str, textkit: Textkit) -> None:
    (textkit.folder / "in.txt").write_text("a b a\n" * 5)
    textkit("embed", "--dim", "4", "--save", "vec", "in.txt")
    assert what in textkit("embed", *words, "in.txt", code=UsageError.exit_code).stderr


def test_records_with_an_unknown_token_are_bad_records(textkit: Textkit) -> None:
    (textkit.folder / "in.txt").write_text("a b a\n" * 5)
    textkit("embed", "--dim", "4", "--save", "vec", "in.txt")
    error = textkit("embed", "--load", "vec", "--pool", "mean", "--oov", "error", stdin="a\nb new\na\n", code=InputError.exit_code).stderr
    assert "2: no vector for the token 'new'" in error
    skip = ["embed", "--load", "vec", "--pool", "sif", "--oov", "error", "--on-error", "skip", "--no-lineage"]
    done = textkit(*skip, stdin="a\nb new\na b\n")
    assert [json.loads(line)["text"] for line in done.stdout.splitlines()] == ["a", "a b"]
    assert "1 skipped" in done.stderr


def test_ids_of_another_vocabulary_do_not_matter(vec: Path) -> None:
    records = [{"tokens": ["a", "b"], "ids": [900, 901]}, {"tokens": ["x"], "ids": [3]}]
    found = records_of(run(records, loaded(vec, "mean")))
    assert [record["ids"] for record in found] == [[900, 901], [3]]
    plain = records_of(run([{"tokens": ["a", "b"]}, {"tokens": ["x"]}], loaded(vec, "mean")))
    assert [record["vector"] for record in found] == [record["vector"] for record in plain]


@pytest.mark.parametrize("method", ["doc2vec", "lsa"])
def test_methods_that_have_vectors_of_documents_give_them(method: str, textkit: Textkit) -> None:
    (textkit.folder / "in.txt").write_text("a b a\n\nx a b\nnew b\n" * 10)
    learned = textkit("embed", "--method", method, "--dim", "3", "--min-count", "1", "--pool", "doc", "--unit", "--save", "vec", "in.txt").stdout
    assert textkit("embed", "--load", "vec", "--pool", "doc", "--unit", "in.txt").stdout == learned
    records = [json.loads(line) for line in learned.splitlines()[1:-1]]
    for record in records:
        assert np.linalg.norm(record["vector"]) == pytest.approx(1 if record["tokens"] else 0, abs=1e-6)
        assert record["vector"] == next(other["vector"] for other in records if other["text"] == record["text"])
    half = ["embed", "--load", "vec", "--pool", "doc", "--save", "half", "--store", "float16", "--no-lineage", "in.txt"]
    assert textkit(*half).stdout == textkit("embed", "--load", "half", "--pool", "doc", "--no-lineage", "in.txt").stdout
