"""show: what it says of streams, files and artifacts, and that a printed pipe makes the same bytes."""

from __future__ import annotations

import gzip
import json
import shutil
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import Textkit
from tests.making import stream_of
from textkit.cli import group
from textkit.registry import COMMANDS, EMBEDDINGS, TOKENIZERS
from textkit.showing.picture import bar, histogram, history_table, rows
from textkit.showing.survey import facts_of_stream


def facts_of(records: list[dict[str, Any]], size: int = 7) -> dict[str, Any]:
    return facts_of_stream(stream_of(records, size), "in")


def least_not_exceeded(lengths: list[int], percent: int) -> int:
    """By hand: the shortest length that at least so many of a hundred reach."""
    return next(n for n in sorted(lengths) if 100 * sum(other <= n for other in lengths) >= percent * len(lengths))


@settings(deadline=None)
@given(st.lists(st.integers(0, 300), min_size=1, max_size=80), st.integers(1, 30))
def test_percentiles_do_not_depend_on_batches(lengths: list[int], size: int) -> None:
    found = facts_of([{"text": "x" * n, "tokens": ["y"] * (n % 7)} for n in lengths], size)["lengths"]
    for what, due in (("characters", lengths), ("tokens", [n % 7 for n in lengths])):
        points = {"min": min(due), "max": max(due)} | {f"p{p}": least_not_exceeded(due, p) for p in (5, 95, 99)}
        points |= {"median": least_not_exceeded(due, 50), "mean": round(sum(due) / len(due), 2)}
        steps = found[what].pop("histogram")
        assert found[what] == points
        assert sum(count for _, _, count in steps) == len(due)
        assert [count for _, _, count in steps] == [sum(first <= n <= last for n in due) for first, last, _ in steps]
        assert len(steps) <= 25


def test_columns_their_types_and_who_has_them() -> None:
    records = [{"text": "a", "x": 1, "y": [1], "z": {"a": 1}}, {"text": "b", "x": "1", "y": []}, {"x": None, "y": ["a"], "w": True, "text": "c"}]
    facts = facts_of(records, 2)
    assert facts["columns"] == {"text": 3, "x": 3, "y": 3, "z": 1, "w": 1}
    assert [*facts["columns"]] == ["text", "x", "y", "z", "w"]
    assert facts["types"]["x"] == {"number": 1, "string": 1, "null": 1}
    assert facts["types"]["y"] == {"list of numbers": 1, "list": 1, "list of strings": 1}
    assert (facts["types"]["z"], facts["types"]["w"]) == ({"object": 1}, {"boolean": 1})


def test_oddities_of_texts() -> None:
    decomposed = unicodedata.normalize("NFD", "재밌게 봤다")
    texts = ["a", " ", "", "a", "재밌게 봤다", decomposed, decomposed + "é", "a"]
    assert facts_of([{"text": text} for text in texts], 3)["texts"] == {"records": 8, "empty": 2, "repeated": 2, "not_nfc": 2, "nfd": 1}


def test_labels_tags_and_lists_of_labels_are_counted() -> None:
    facts = facts_of([{"text": "a", "label": i % 3, "labels": ["x", "y"][: i % 2 + 1], "tags": ["O", "O", "B"]} for i in range(10)])
    assert facts["labels"] == {"0": 4, "1": 3, "2": 3}
    assert facts["values"] == {"labels": {"x": 10, "y": 5}, "tags": {"O": 20, "B": 10}}


def test_only_the_most_frequent_labels_are_printed() -> None:
    facts = facts_of([{"text": "a", "label": f"l{i:02}"} for i in range(30) for _ in range(i + 1)])
    told = dict(rows(facts))["label"].splitlines()
    assert (len(told), told[0].split(), told[-1]) == (21, ["l29", "30", "6.5", "%"], "... and 10 more")


def test_no_records_at_all() -> None:
    facts = facts_of([])
    assert (facts["records"], facts["lengths"], facts["labels"]) == (0, {}, {})
    assert [name for name, _ in rows(facts, bars=True)] == []


def test_bars() -> None:
    assert (bar(1), bar(0.5), bar(0)) == ("█" * 24, "█" * 12, "▏")
    assert histogram([[0, 4, 8], [5, 9, 0], [10, 30, 1]]) == "0 █ ▁ 30"


# The command


@pytest.fixture
def place(textkit: Textkit, made: Path) -> Textkit:
    shutil.copy(made / "reviews.tsv", textkit.folder)
    for name in ("tok", "model"):
        shutil.copytree(made / name, textkit.folder / name)
    return textkit


def shown(place: Textkit, *words: object, **more: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(place("show", "--json", *words, **more).stdout)
    return found


def test_how_an_input_was_recognised(place: Textkit) -> None:
    data = (place.folder / "reviews.tsv").read_bytes()
    (place.folder / "r.tsv.gz").write_bytes(gzip.compress(data))
    (place.folder / "r.csv").write_bytes("text\n안녕\n".encode("cp949"))
    one = {"name": "reviews.tsv", "format": "tsv", "encoding": "utf-8", "size": len(data)}
    packed = {"name": "r.tsv.gz", "format": "tsv", "compression": "gzip", "encoding": "utf-8", "size": (place.folder / "r.tsv.gz").stat().st_size}
    assert shown(place, "reviews.tsv", "r.tsv.gz")["inputs"] == [one, packed]
    assert shown(place, "--encoding", "CP949", "r.csv")["inputs"] == [{"name": "r.csv", "format": "csv", "encoding": "cp949", "size": 10}]
    assert shown(place, stdin="a\n")["inputs"] == [{"name": "<stdin>", "format": "text", "encoding": "utf-8"}]


def test_an_arrow_stream_shows_its_own_types(place: Textkit) -> None:
    place("tokenize", "reviews.tsv", "-o", "a.arrow")
    found = shown(place, "a.arrow")
    assert found["inputs"][0]["schema"]["tokens"] == "large_list<item: large_string>"
    assert (found["inputs"][0]["format"], found["columns"]["tokens"]) == ("arrow", 40)


def test_lists_of_lists_in_an_arrow_stream(place: Textkit) -> None:
    (place.folder / "pairs.jsonl").write_text('{"text":"a b","pair":"c"}\n')
    script = "textkit tokenize --offsets --fields text,pair --to arrow pairs.jsonl | textkit show --json"
    types = json.loads(place.shell(script).stdout)["types"]
    assert types["offsets"] == types["pair_offsets"] == {"list of lists": 1}


def test_unknown_ids_are_those_of_the_vocabulary(place: Textkit) -> None:
    place.shell("printf 'zebra quux\\nthe the\\n' | textkit tokenize --vocab-size 8 -s min_frequency=2 | textkit pad --length 9 > p.jsonl")
    assert shown(place, "p.jsonl")["ids"] == {"count": 4, "unknown": 2}
    shutil.rmtree(place.folder / "gone", ignore_errors=True)
    place.shell("textkit tokenize reviews.tsv --vocab-size 50 --save gone > t.jsonl; rm -r gone")
    assert "ids" not in shown(place, "t.jsonl") or shown(place, "t.jsonl")["ids"] == {}


def test_what_is_printed_of_a_stream(place: Textkit) -> None:
    lines = place("show", "reviews.tsv").stdout.splitlines()
    assert lines[0] == "reviews.tsv: a stream of 40 records"
    assert [line.split()[0] for line in lines[1:] if line[2] != " "] == ["input", "columns", "label", "characters", "texts"]


def test_a_tokenizer_of_another_program(place: Textkit) -> None:
    shutil.copy(place.folder / "tok/tokenizer.json", place.folder)
    (place.folder / "hf").mkdir()
    shutil.copy(place.folder / "tok/tokenizer.json", place.folder / "hf")
    shutil.copy(place.folder / "tok/tokenizer.json", place.folder / "other.json")
    due = shown(place, "tok")["vocabulary"]["size"]
    for path in ("tokenizer.json", "hf", "other.json"):
        found = shown(place, path)
        assert (found["kind"], found["model"], found["vocabulary"]["size"]) == ("tokenizer.json", "WordPiece", due)
        assert found["steps"] == {"normalizer": ["NFC"], "pre_tokenizer": ["BertPreTokenizer"], "decoder": ["WordPiece"]}
        assert "a tokenizer of the tokenizers library, WordPiece" in place("show", path).stdout
    whole = (place.folder / "tokenizer.json").read_text()
    for damage in (whole[: len(whole) // 2], "[]", '{"model": 3}', '{"model": {"vocab": [1]}}'):
        (place.folder / "tokenizer.json").write_text(damage)
        assert "tokenizer.json: not a tokenizer.json, or a damaged one" in place("show", "tokenizer.json", code=3).stderr


def test_files_that_are_nothing(place: Textkit) -> None:
    (place.folder / "a.bin").write_bytes(bytes(range(256)) * 4)
    assert "a.bin: is binary, and of no format that textkit reads" in place("show", "a.bin", code=3).stderr
    assert "binary" in place("show", "model/model.safetensors", code=3).stderr
    assert "no such file" in place("show", "gone", code=3).stderr
    (place.folder / "empty").mkdir()
    assert "is no artifact" in place("show", "empty", code=3).stderr


# --pipeline

SETTINGS = {  # of embeddings
    "word2vec": "--window 3 --cbow -s ns_exponent=0.5 --deterministic",
    "fasttext": "--subword jamo --max-n 5 -s bucket=64 -s hs=true",
    "doc2vec": "--dbow --pool doc --epochs 5",
    "lsa": "--pool doc -s sublinear_tf=true",
}
CHAINS = [
    "tokenize",
    "tokenize --lowercase",
    *(f"tokenize --method {name} --vocab-size 150 --min-frequency 3" for name in TOKENIZERS if name not in ("pretrained", "morphs")),
    *(f"tokenize --method {name} --save TOKENS --vocab-size 150" for name in TOKENIZERS if name not in ("pretrained", "morphs")),
    "tokenize --load tok | pad",
    "tokenize --load tok | pad --length 5 --pad pre --truncate pre --pad-id 7",
    *(f"embed --method {name} --dim 8 --min-count 1 {SETTINGS.get(name, '')}" for name in EMBEDDINGS if name != "pretrained"),
    "embed --method onehot --dim 100 --pool sum",
    "tokenize --load tok | embed --dim 8 --min-count 1 --pool mean --save vectors | pad --length p95",
    "tokenize --load tok | embed --dim 8 --min-count 1 --pool sif --sif-a 0.01 --oov zero --unit --save vectors",
    "embed --dim 8 --min-count 1 --tokens --force",
    "vectorize",
    "tokenize --lowercase | vectorize --ngram 1,2 --stop-words en --max-df 0.5 --sublinear-tf --norm none --save TERMS",
    "vectorize --method hashing --analyzer char_wb --analyzer word --ngram 2,3 --ngram 1,1 --no-lowercase --n-features 64",
    "vectorize --method counts --select chi2:9 --svd 4",
    "vectorize --analyzer char --ngram 2,2 --terms",
    "predict model --lineage",
    "predict model --lineage -k 2 --proba",
    "predict model --lineage --explain --top 3",
    "tokenize | predict model --lineage -k 1",
]


@pytest.mark.parametrize("chain", CHAINS)
def test_the_printed_pipe_makes_the_same_bytes(
    place: Textkit, cache: Path, chain: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With what was learned at hand, and by learning it again where it is gone."""
    monkeypatch.chdir(place.folder)
    run("pipe", chain, "reviews.tsv", "-o", "out.jsonl")
    due = _comparable("out.jsonl")
    for kept in (True, False):
        if not kept:
            for path in (cache, Path("TOKENS"), Path("TERMS"), Path("vectors")):
                shutil.rmtree(path, ignore_errors=True)
        capsys.readouterr()
        run("show", "--pipeline", "out.jsonl")
        pipe = capsys.readouterr().out.removesuffix("\n")
        learned = any(word in chain for word in ("--vocab", "--save", "embed", "vectorize")) and "hashing" not in chain
        assert ("--load" in pipe) == ("--load" in chain or (kept and learned))
        run("pipe", pipe, "reviews.tsv", "-o", "again.jsonl")
        assert _comparable("again.jsonl") == due


def run(*words: str) -> None:
    group.main([*words], standalone_mode=False)


def _comparable(file: str) -> list[str]:
    """The lines; of the header all but the paths, which are hints."""
    header, *records = Path(file).read_text(encoding="utf-8").splitlines()
    stages = json.loads(header)["textkit"]["stages"]
    return [json.dumps([{key: value for key, value in stage.items() if key != "artifact"} for stage in stages]), *records]


def test_every_command_that_makes_streams_has_its_chain() -> None:
    stages = {stage.split()[0] for chain in CHAINS for stage in chain.split(" | ")}
    assert stages == {"tokenize", "embed", "vectorize", "pad", "predict"} <= {*COMMANDS}


def test_the_users_own_column_names_are_in_the_pipe(place: Textkit) -> None:
    (place.folder / "my.tsv").write_text("said\tmood\na b\tgood\n")
    place("tokenize", "my.tsv", "--text-field", "said", "--label-field", "mood", "-o", "out.jsonl")
    pipe = place("show", "--pipeline", "out.jsonl").stdout.strip()
    assert pipe == "textkit tokenize --text-field said --label-field mood"
    assert place.shell(f"{pipe} my.tsv").stdout == (place.folder / "out.jsonl").read_text()


def test_the_pipe_of_a_model_trains_the_same_one(place: Textkit) -> None:
    train = "train classify --arch lstm -s hidden=5 --epochs 2 --lr 0.01 --seed 3 --save net"
    place.shell(
        f"textkit tokenize --load tok reviews.tsv | textkit embed --dim 6 --min-count 1 --save vec | textkit pad --length 20 | textkit {train}"
    )
    pipe = place("show", "--pipeline", "net").stdout.strip()
    assert pipe.endswith("--save net-2")
    place.shell(pipe.replace(" | ", " < reviews.tsv | ", 1))
    assert shown(place, "net-2")["sha256"] == shown(place, "net")["sha256"]
    pipe = place("show", "--pipeline", "model").stdout.strip()
    assert pipe == "textkit tokenize | textkit vectorize --load model/stages/1-vectorize | textkit train classify --arch logreg --save model-2"
    place.shell(pipe.replace(" | ", " < reviews.tsv | ", 1))
    assert shown(place, "model-2")["data"] == shown(place, "model")["data"]
    (mine, its) = ((place.folder / name / "model.safetensors").read_bytes() for name in ("model-2", "model"))
    assert mine == its


def test_what_has_no_pipe(place: Textkit) -> None:
    assert "no stage of textkit's made it" in place("show", "--pipeline", "reviews.tsv", code=3).stderr
    assert "a tokenizer has no pipe" in place("show", "--pipeline", "tok", code=3).stderr
    assert "--json" in place("show", "--pipeline", "--json", "model", code=2).stderr
    place.shell("textkit predict model --lineage reviews.tsv > p.jsonl; rm -r model")
    assert "the model model that made it is not on this machine" in place("show", "--pipeline", "p.jsonl", code=3).stderr


def test_the_printed_pipe_leaves_the_pipe_before_it_whole(place: Textkit) -> None:
    assert place.shell("textkit tokenize reviews.tsv | textkit show --pipeline").stdout == "textkit tokenize\n"


def test_learning_rates_and_seconds_of_a_history_are_told_in_their_own_digits() -> None:
    table = history_table([{"step": 3, "train_loss": 0.12345, "lr": 7.41e-05, "seconds": 12.345}])
    assert [[*column.cells] for column in table.columns] == [["3"], ["0.1235"], ["7.41e-05"], ["12.3"]]
