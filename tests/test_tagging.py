"""Tagging from end to end: files in, a tagger saved, tags out in every format, measured; with words and with subwords."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.conftest import CORPORA, Textkit
from tests.making import Records, records_of, run, stream_of, trained
from textkit.artifacts.bundle import Bundle
from textkit.artifacts.store import Store
from textkit.errors import InputError, LineageError, UsageError
from textkit.padding import Pad
from textkit.predicting import Predict
from textkit.registry import TOKENIZERS
from textkit.stage import Stage, connect
from textkit.streams.lineage import Lineage
from textkit.tokenizers.stage import Tokenize

torch.set_num_threads(1)
SMALL = ("hidden=6", "embedding_dim=8", "embedding_std=1", "word_dropout=0", "chars=none", "dropout=0")
KINDS = {"Kim": "PER", "Lee": "PER", "Paris": "LOC", "Busan": "LOC"}
TEXTS = ["Kim saw Busan .", "", "   ", "unheard-of words only", "Lee 재밌게 👍🏽 Paris"]


def tagged(text: str) -> dict[str, Any]:
    tokens = text.split()
    return {"tokens": tokens, "tags": [f"B-{KINDS[token]}" if token in KINDS else "O" for token in tokens]}


SENTENCES: list[dict[str, Any]] = [tagged(f"{one} {verb} {other} .") for one in KINDS for other in KINDS for verb in ("saw", "likes")]


def save(folder: Path, *stages: Stage, records: Records = SENTENCES, **plan: Any) -> Path:
    plan = {"settings": SMALL, "training": {"epochs": 20, "lr": 0.02, "batch_size": 8}, "arch": "lstm", **plan}
    trained(run(records, *stages), folder / "model", task="tag", **plan)
    return folder / "model"


def predicted(model: Path, records: Records, lineage: Lineage | None = None, **options: Any) -> list[dict[str, Any]]:
    return records_of(connect(stream_of(records, lineage=lineage), Predict(Bundle.load(model), **options)))


def subwords(folder: Path, method: str = "wordpiece") -> Tokenize:
    return Tokenize.of(method, TOKENIZERS.find(method).Config(vocab_size=60, min_frequency=1), Store(str(folder / "tok")))


@pytest.mark.parametrize("crf", ["crf=true", "crf=false"])
def test_it_learns_and_keeps_what_a_record_had(tmp_path: Path, crf: str) -> None:
    model = save(tmp_path, settings=(*SMALL, crf))
    assert Bundle.load(model).manifest["task_config"] == {"crf": crf == "crf=true"}
    out = predicted(model, [{**record, "mine": 10**30} for record in SENTENCES])
    assert [record["tags"] for record in out] == [record["tags"] for record in SENTENCES]
    assert [record["gold_tags"] for record in out] == [record["tags"] for record in SENTENCES]
    assert all(record["mine"] == 10**30 and set(record) == {"tokens", "tags", "gold_tags", "mine"} for record in out)


def test_a_tagger_begins_with_the_output_of_one_without_crf(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = save(tmp_path / "first")
    save(tmp_path / "second", settings=(*SMALL, "crf=true"), init_from=str(first), training={"epochs": 1})
    (told,) = (line for line in capsys.readouterr().err.splitlines() if f"from {first}:" in line)
    taken, new = told.split("; new: ")
    assert "output.weight" in taken
    assert "crf." in new
    assert "output." not in new


def test_predicting_what_was_predicted_keeps_the_first_gold(tmp_path: Path) -> None:
    model = save(tmp_path)
    once = predicted(model, [{**SENTENCES[0], "tags": ["X"] * 4}])
    twice = predicted(model, once)
    assert (once[0]["gold_tags"], twice[0]["gold_tags"]) == (["X"] * 4, ["X"] * 4)
    assert once[0]["tags"] == twice[0]["tags"]


@pytest.mark.parametrize("chain", ["words", "subwords", "byte-bpe", "subwords, padded"])
def test_as_many_tags_as_words_whatever_cut_them_up(tmp_path: Path, chain: str) -> None:
    made = {"words": [], "subwords": [subwords(tmp_path)], "byte-bpe": [subwords(tmp_path, "byte-bpe")]}
    stages = made.get(chain) if chain in made else [subwords(tmp_path), Pad(Pad.Config(4))]
    model = save(tmp_path, *stages)  # type: ignore[misc]
    records = [{"tokens": text.split() + ["\u200b"] * (number % 2)} for number, text in enumerate(TEXTS)]
    out = predicted(model, records, proba=True)
    assert [len(record["tags"]) for record in out] == [len(record["tokens"]) for record in records]
    assert [len(record["scores"]) for record in out] == [len(record["tokens"]) for record in records]
    assert [record["tokens"] for record in out] == [record["tokens"] for record in records]
    raw = predicted(model, TEXTS)
    assert [len(record["tags"]) for record in raw] == [len(record["tokens"]) for record in raw]
    assert raw[0]["tokens"] == ["Kim", "saw", "Busan", "."]


def test_subwords_learn_the_tags_of_words_and_a_half_done_stream_gets_the_same(tmp_path: Path) -> None:
    model = save(tmp_path, subwords(tmp_path))
    due = predicted(model, SENTENCES)
    assert [record["tags"] for record in due] == [record["tags"] for record in SENTENCES]
    stream = run(SENTENCES, Tokenize.load(tmp_path / "tok"))
    half = predicted(model, records_of(stream), stream.lineage)
    assert [record["tags"] for record in half] == [record["tags"] for record in due]
    assert "word_starts" in half[0]


def test_pieces_of_words_that_nothing_says_the_starts_of_get_no_tags(tmp_path: Path) -> None:
    """Raw text that was cut into subwords: a tag for each piece would look like an answer, and be none."""
    model = save(tmp_path, subwords(tmp_path))
    stream = run(["Kim saw Busan ."], Tokenize.load(tmp_path / "tok"))
    with pytest.raises(InputError, match="nothing says where words start; give raw text"):
        predicted(model, records_of(stream), stream.lineage)


def test_class_weights_are_refused_without_asking_for_an_architecture(textkit: Textkit) -> None:
    told = textkit("train", "tag", CORPORA / "tags_en.conllu", "--class-weight", "balanced", "--save", "m", code=2).stderr
    assert "--class-weight is not for tag" in told


def test_what_is_shown_of_a_tagger_has_its_crf_and_no_readout(textkit: Textkit, tmp_path: Path) -> None:
    told = textkit("show", save(tmp_path, settings=(*SMALL, "crf=true"))).stdout
    assert "crf=True" in told
    assert "readout" not in told


def test_a_model_of_raw_text_and_tags_predicts_raw_text(tmp_path: Path) -> None:
    records = [{"text": " ".join(record["tokens"]), "tags": record["tags"]} for record in SENTENCES]
    model = save(tmp_path, records=records)
    out = predicted(model, ["Kim saw Busan ."])
    assert (out[0]["tokens"], len(out[0]["tags"])) == (["Kim", "saw", "Busan", "."], 4)


def test_batches_without_records_and_streams_without_any_pass(tmp_path: Path) -> None:
    model = save(tmp_path)
    assert predicted(model, []) == []
    stream = stream_of(SENTENCES)
    first = next(stream.batches)
    stream.batches = iter([first.head(0), first])
    assert len(records_of(connect(stream, Predict(Bundle.load(model), proba=True)))) == len(first)


def test_training_twice_gives_the_same_model_and_another_seed_another(tmp_path: Path) -> None:
    hashes = []
    for seed in (1, 1, 2):
        save(tmp_path, seed=seed, force=True)
        hashes.append(Bundle.load(tmp_path / "model").manifest["sha256"])
    assert hashes[0] == hashes[1] != hashes[2]


@pytest.mark.parametrize(
    ("bad", "told"),
    [
        ({"tokens": ["a", "b"], "tags": ["X"]}, "<test>:33: the record has 1 tag for 2 words; give a tag for each token"),
        ({"tokens": ["a"], "tags": [""]}, "<test>:33: one of the record's tags is empty"),
        ({"tokens": ["a"], "tags": [None]}, "<test>:33: 'tags' should be a list of strings"),
        ({"tokens": ["a"]}, "<test>:33: the record has no 'tags'; a tagger learns from"),
        ({"tokens": ["a"], "tags": "X"}, "<test>:33: .*tags"),
    ],
)
def test_a_bad_record_is_told_of_with_its_place(tmp_path: Path, bad: dict[str, Any], told: str) -> None:
    with pytest.raises(InputError, match=told):
        save(tmp_path, records=[*SENTENCES, bad])


@pytest.mark.parametrize(
    ("plan", "told"),
    [
        ({"arch": "logreg", "settings": ()}, "--arch logreg says nothing of each word"),
        ({"settings": ("crf=perhaps",)}, "setting crf takes bool"),
        ({"settings": ("nonsense=1",)}, "no setting is called 'nonsense'; the settings are .*hidden=.*; of the task: crf=False"),
        ({"weight": "w"}, "--weight-field is not for tag"),
        ({"class_weight": "balanced"}, "--class-weight is not for tag"),
        ({"label_smoothing": 0.1}, "--label-smoothing is not for tag"),
        ({"settings": (*SMALL, "readout=mean")}, "setting readout is for a record's vector"),
    ],
)
def test_what_tagging_does_not_know(tmp_path: Path, plan: dict[str, Any], told: str) -> None:
    with pytest.raises(UsageError, match=told):
        save(tmp_path, **plan)


def test_text_alone_has_nothing_to_learn_from(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="<test>:1: the record has no 'tags'"):
        save(tmp_path, records=["a b", "c"])


def test_a_stream_of_another_chain_is_refused(tmp_path: Path) -> None:
    model = save(tmp_path, subwords(tmp_path))
    stream = run(["Kim saw Busan"], Tokenize.of("chars"))
    with pytest.raises(LineageError, match="different chains"):
        predicted(model, records_of(stream), stream.lineage)


def test_the_sample_is_a_whole_job_on_the_command_line(textkit: Textkit, tmp_path: Path) -> None:
    """A file of CoNLL-U to a tagger; its predictions as CoNLL-U, CoNLL columns and JSON Lines say the same and are measured alike."""
    sample = CORPORA / "tags_en.conllu"
    settings = [word for pair in SMALL for word in ("-s", pair)]
    told = textkit("train", "tag", sample, "--save", "m", *settings, "--epochs", 3, "--lr", "0.02").stderr
    assert "valid_tag_accuracy" in told
    columns = [line.split("\t") for line in textkit("predict", "m", sample, "--to", "conll").stdout.splitlines() if line]
    words, was = (
        [line.split("\t") for line in text.split("\n") if line.split("\t")[0].isdigit()]
        for text in (textkit("predict", "m", sample, "--to", "conllu").stdout, sample.read_text(encoding="utf-8"))
    )
    assert columns == [[word[1], word[3]] for word in words]
    assert [word[:3] + word[4:] for word in words] == [word[:3] + word[4:] for word in was]
    measured = textkit("evaluate", "m", sample, "--json", "--fail-under", "tag_accuracy=1", code=5)
    found = json.loads(measured.stdout)
    assert found["words"] == len(was)
    assert found["tag_accuracy"] == pytest.approx(sum(new[3] == old[3] for new, old in zip(words, was, strict=True)) / len(was), abs=1e-6)
    assert "tag_accuracy is" in measured.stderr
    assert json.loads(textkit.shell(f"textkit predict m '{sample}' | textkit evaluate --json").stdout) == found
    raw = textkit("predict", "m", "--to", "conllu", stdin="I like green tea.\n").stdout.splitlines()
    assert [line.split("\t")[1] for line in raw[1:-1]] == ["I", "like", "green", "tea", "."]
    assert "SpaceAfter=No" in raw[-3]
    assert "-k is for labels of records" in textkit("predict", "m", "-k", 2, stdin="a\n", code=2).stderr
