"""Bad input, each with a real process: the right exit code, one line that says what, where and how to mend it."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from tests.conftest import Textkit

GOOD = "text\tlabel\nwarm and funny\tgood\ncold and dull\tbad\n"
FILTERS = [["tokenize"], ["pad", "--length", "4"]]
FITS = [
    ["tokenize", "--save", "new"],
    ["tokenize", "--method", "wordpiece"],
    ["embed"],
    ["embed", "--save", "new"],
    ["train", "classify", "--save", "new"],
]

filters = pytest.mark.parametrize("words", FILTERS, ids=" ".join)
fits = pytest.mark.parametrize("words", FITS, ids=" ".join)
both = pytest.mark.parametrize("words", [*FILTERS, *FITS], ids=" ".join)


def refused(textkit: Textkit, *words: object, told: str, code: int = 3, stdin: str | bytes = b"") -> str:
    """The run ends with `code`, one line of error that matches `told`, and leaves nothing new in the folder."""
    before = {path: path.stat().st_mtime_ns for path in textkit.folder.rglob("*")}
    result = textkit(*words, stdin=stdin, code=code)
    errors = [line for line in result.stderr.splitlines() if "error:" in line]
    assert len(errors) == 1, result.stderr
    assert result.stderr.splitlines()[-1] == errors[0], "the error is the last line"
    assert re.search(told, errors[0]), errors[0]
    assert {path: path.stat().st_mtime_ns for path in textkit.folder.rglob("*")} == before
    return result.stdout


def write(textkit: Textkit, name: str, data: str | bytes) -> str:
    (textkit.folder / name).write_bytes(data.encode() if isinstance(data, str) else data)
    return name


@both
def test_missing_file(textkit: Textkit, words: list[str]) -> None:
    assert refused(textkit, *words, "gone.tsv", told=r": error: gone\.tsv: no such file$") == ""


def test_missing_file_beside_a_good_one_is_told_before_any_output(textkit: Textkit) -> None:
    write(textkit, "good.tsv", GOOD)
    assert refused(textkit, "tokenize", "good.tsv", "gone.tsv", told=r"gone\.tsv: no such file") == ""


@filters
@pytest.mark.parametrize("name", ["empty.txt", "empty.tsv", "empty.jsonl", "empty.arrow", "-"])
def test_empty_input_of_a_filter_is_no_records(textkit: Textkit, words: list[str], name: str) -> None:
    write(textkit, "empty" if name == "-" else name, "")
    out = textkit(*words, name).stdout.splitlines()
    assert json.loads(out[0])["textkit"]["version"] == 1
    assert out[1:] == ['{"textkit":{"end":0}}']


def test_empty_input_of_predict_is_no_records(textkit: Textkit, made: Path) -> None:
    assert textkit("predict", made / "model").stdout == ""


@fits
def test_empty_input_of_a_fit(textkit: Textkit, words: list[str]) -> None:
    write(textkit, "empty.tsv", "")
    refused(textkit, *words, "empty.tsv", told="nothing to .*: there are no records")
    write(textkit, "header.tsv", "text\tlabel\n")
    refused(textkit, *words, "header.tsv", told="nothing to .*: there are no records")


def test_empty_input_of_evaluate(textkit: Textkit, made: Path) -> None:
    refused(textkit, "evaluate", made / "model", "-", told="nothing to evaluate: there are no records")


@both
def test_a_directory(textkit: Textkit, words: list[str]) -> None:
    (textkit.folder / "folder").mkdir()
    refused(textkit, *words, "folder", told=r"folder: is a directory; give a file")


BINARY = {
    "bytes": bytes(range(256)) * 40,
    "elf": b"\x7fELF\x02\x01\x01" + bytes(500),
    "png": b"\x89PNG\r\n\x1a\n" + bytes(90),
    "latin": b"\xe9t\xe9" * 9,
}


@pytest.mark.parametrize(("words", "kind"), [*((words, "elf") for words in [*FILTERS, *FITS]), *((["tokenize"], kind) for kind in BINARY)])
def test_a_binary_file(textkit: Textkit, words: list[str], kind: str) -> None:
    told = r"data\.bin:[123]: (a NUL byte: this is no text file|not UTF-8)"
    refused(textkit, *words, write(textkit, "data.bin", BINARY[kind]), told=told)


def test_invalid_utf8_names_the_line(textkit: Textkit) -> None:
    write(textkit, "bad.txt", b"fine\nfine too\n\xff\xfe broken\xff\nfine\n")
    refused(textkit, "tokenize", "bad.txt", told=r"bad\.txt:3: not UTF-8; name its encoding")


@pytest.mark.parametrize("suffix", ["txt", "tsv", "csv", "jsonl"])
def test_cp949_names_the_encoding_and_that_reads_it(textkit: Textkit, suffix: str) -> None:
    """As Korean Excel and Notepad write."""
    record = {"txt": "돈이 아깝다", "tsv": "돈이 아깝다\t0", "csv": "돈이 아깝다,0", "jsonl": '{"text":"돈이 아깝다","label":"0"}'}[suffix]
    header = {"tsv": "text\tlabel\n", "csv": "text,label\n"}.get(suffix, "")
    name = write(textkit, f"korean.{suffix}", f"{header}{record}\n".encode("cp949"))
    line = 2 if header else 1
    refused(textkit, "tokenize", name, told=rf"korean\.{suffix}:{line}: .*CP949.*; add --encoding cp949$")
    assert '"tokens":["돈이","아깝다"]' in textkit("tokenize", "--encoding", "cp949", name).stdout


BROKEN = [
    '{"text":"x","label":"a"',
    '{"text":"x","label":"a"} {"text":"y","label":"a"}',
    '{"text":"x" "label":"a"}',
    '{"text":"x","score":NaN}',
    "[1]",
    '"text"',
    "NaN",
]


@pytest.mark.parametrize(("words", "bad"), [*((words, BROKEN[0]) for words in [*FILTERS, *FITS]), *((["tokenize"], bad) for bad in BROKEN[1:])])
def test_broken_json_on_line_7(textkit: Textkit, words: list[str], bad: str) -> None:
    lines = [f'{{"text":"number {i}","label":"{"ab"[i % 2]}"}}' for i in range(9)]
    lines[6] = bad
    refused(textkit, *words, write(textkit, "records.jsonl", "\n".join(lines)), told=r"error: records\.jsonl:7: not a JSON object")


@pytest.mark.parametrize(("words", "row", "fields"), [*((w, "a", "1 field") for w in [*FILTERS, *FITS]), (["tokenize"], "a\tb\tc", "3 fields")])
def test_a_row_with_too_few_or_too_many_fields(textkit: Textkit, words: list[str], row: str, fields: str) -> None:
    name = write(textkit, "rows.tsv", GOOD + row + "\n" + GOOD.partition("\n")[2])
    refused(textkit, *words, name, told=rf"rows\.tsv:4: {fields} where 2 are due; see that line's tabs")


def test_no_label_in_train(textkit: Textkit) -> None:
    name = write(textkit, "reviews.tsv", "text\tmood\nwarm\tgood\ncold\tbad\n")
    refused(
        textkit, "train", "classify", "--save", "new", name, told=r"reviews\.tsv:2: the record has no 'label'; name the column with --label-field"
    )
    refused(
        textkit, "train", "classify", "--save", "new", "--label-field", "moood", name, told="no column is called 'moood'; the columns are text, mood"
    )


def test_no_label_in_one_record(textkit: Textkit) -> None:
    lines = ['{"text":"warm","label":"good"}', '{"text":"cold","label":"bad"}', '{"text":"new"}', '{"text":"x","label":null}']
    name = write(textkit, "some.jsonl", "\n".join(lines))
    refused(textkit, "train", "classify", "--save", "new", name, told=r"some\.jsonl:3: the record has no 'label'")


@pytest.mark.parametrize("arch", ["logreg", "lstm"])
def test_one_class_only(textkit: Textkit, arch: str) -> None:
    name = write(textkit, "one.tsv", "text\tlabel\n" + "warm and funny\tgood\n" * 4)
    refused(
        textkit,
        "train",
        "classify",
        "--arch",
        arch,
        "--save",
        "new",
        name,
        told="all 4 records have the label 'good': a classifier needs two or more",
    )


@fits
def test_all_texts_empty(textkit: Textkit, words: list[str]) -> None:
    name = write(textkit, "blank.tsv", "text\tlabel\n\tgood\n \tbad\n\tbad\n")
    refused(textkit, *words, name, told=r"nothing to .*: (every text is empty|there are no tokens|no record has a token|the records have no terms)")


def test_labels_unseen_in_training_are_counted_and_named(textkit: Textkit, made: Path) -> None:
    name = write(textkit, "test.tsv", "text\tlabel\nGreat film!\tpositive\nBoring.\tawful\nWaste.\tnegative\nSo so.\tmixed\n")
    result = textkit("evaluate", made / "model", "--json", name)
    assert "2 of 4 records have a label that the model was not trained with: awful, mixed" in result.stderr
    found = json.loads(result.stdout)
    assert found["records"] == 4
    assert found["accuracy"] <= 0.5


def test_labels_missing_at_evaluate(textkit: Textkit, made: Path) -> None:
    name = write(textkit, "raw.tsv", "text\tmood\nwarm\tgood\n")
    refused(textkit, "evaluate", made / "model", name, told=r"raw\.tsv:2: the record has no 'label'; name the label with --label-field")


USES = [["predict", "MODEL"], ["evaluate", "MODEL", "reviews.tsv"], ["show", "MODEL"]]


@pytest.fixture
def model(textkit: Textkit, made: Path) -> Path:
    shutil.copytree(made / "model", textkit.folder / "model")
    shutil.copy(made / "reviews.tsv", textkit.folder)
    return textkit.folder / "model"


@pytest.mark.parametrize("words", USES, ids=lambda words: words[0])
@pytest.mark.parametrize("harm", ["flipped byte", "flipped byte in a stage", "missing file", "missing manifest", "newer version", "not a model"])
def test_a_bundle_that_is_not_whole(textkit: Textkit, model: Path, made: Path, words: list[str], harm: str) -> None:
    if harm.startswith("flipped"):
        file = model / "stages/1-vectorize/0-word.txt" if "stage" in harm else model / "model.safetensors"
        data = bytearray(file.read_bytes())
        data[len(data) // 2] ^= 1
        file.write_bytes(data)
        told = rf"{file.name}: the contents are not those that were saved \(sha256 differs\); make the artifact again"
    elif harm == "missing file":
        (model / "model.safetensors").unlink()
        told = r"model/model\.safetensors: the file is missing from its artifact; make the artifact again"
    elif harm == "missing manifest":
        (model / "manifest.json").unlink()
        told = r"model: is no artifact of textkit's \(it has no manifest\.json\); give a folder that --save made"
    elif harm == "newer version":
        manifest = json.loads((model / "manifest.json").read_text())
        (model / "manifest.json").write_text(json.dumps(manifest | {"textkit": 2, "version": "3.1"}))
        told = r"model: made by a newer textkit \(3\.1, format 2\); this one reads format 1; update textkit"
    else:
        shutil.rmtree(model)
        shutil.copytree(made / "tok", model)
        told = "model: is a tokenizer, and a bundle is needed here"
        if words[0] == "show":
            words = ["predict", "MODEL"]  # show takes any artifact
    refused(textkit, *(model.name if word == "MODEL" else word for word in words), told=told, stdin="warm\n")


@pytest.mark.parametrize("words", [["tokenize"], ["embed"], ["train", "classify"]], ids=" ".join)
def test_save_onto_what_exists_is_refused_before_any_work(textkit: Textkit, model: Path, words: list[str]) -> None:
    """Before the input is read, even: it does not exist."""
    told = r"model: exists already; add --force to replace it"
    refused(textkit, *words, "--save", "model", "gone.tsv", told=told, code=2)
    (textkit.folder / "mine").mkdir()
    write(textkit, "mine/thesis.txt", "work")
    refused(textkit, *words, "--save", "mine", "--force", "gone.tsv", told="mine: is not an artifact of textkit's", code=2)


def test_force_replaces_a_model_by_another(textkit: Textkit, model: Path) -> None:
    before = json.loads((model / "manifest.json").read_text())["sha256"]
    textkit("train", "classify", "--save", "model", "--force", "-s", "C=1", "--arch", "logreg", "reviews.tsv")
    assert json.loads((model / "manifest.json").read_text())["sha256"] != before
    textkit("predict", "model", stdin="warm\n")


def test_train_without_save_ends_at_once(textkit: Textkit) -> None:
    refused(textkit, "train", "classify", "gone.tsv", told="train keeps nothing without --save DIR", code=2)
