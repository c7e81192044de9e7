"""`textkit pipe`: the bytes and the exit code of the shell's pipe, from one process."""

from __future__ import annotations

import contextlib
import io
import json
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.conftest import Textkit
from textkit import cli
from textkit.errors import UsageError
from textkit.piping import words_of
from textkit.registry import STAGES


def called(*arguments: object) -> tuple[int, str]:
    """Exit code and stderr of a command in this process."""
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stderr(io.StringIO()) as told:
        patch.setattr(sys, "argv", ["textkit", *map(str, arguments)])
        code = cli._run()
    assert "Traceback" not in told.getvalue()
    return code, told.getvalue()


def shell_of(folder: Path, stages: list[list[str]], source: Path, options: list[str]) -> tuple[int, bytes | None]:
    """What a pipe of these stages gives, one after the other through files: the exit code under pipefail, and the bytes if all went well."""
    at = source
    for number, stage in enumerate(stages):
        out = folder / str(number)
        code, _ = called(*stage, *(options if number == len(stages) - 1 else []), "-o", out, at)
        if code:
            return code, None
        at = out
    return 0, at.read_bytes()


def pipe_of(folder: Path, stages: list[list[str]], source: Path, options: list[str]) -> tuple[int, bytes | None]:
    out = folder / "piped"
    code, _ = called("pipe", " | ".join(map(shlex.join, stages)), *options, "-o", out, source)
    return code, out.read_bytes() if code == 0 else None


ODD = (
    r'{"text":"a film","n":123456789012345678901234567890,"n":1e400,"x":[null,{"ids":"\ud800"}],"document":"other","topic":"t\u0065a","label":1.50}'
    "\n"
    r'{ "t\u0065xt" : "a\u2028b" ,"x":-0,"tags":"mine","label":"x","topic":null,"document":"great film" }'
    "\n"
    r'{"text":"","label":null,"document":"","topic":"b","score":0.5,"vector":[1.0]}'
    "\n"
)
INPUTS = {
    "tsv": "text\tlabel\ttopic\na film\tgood\tx\n\"great\"\tbad\t\n\t\ty\n",
    "text": "a film\n\ngreat {\"text\":1}\n  x\u2028y \n",
    "jsonl": ODD,
}  # fmt: skip


@pytest.fixture(scope="module")
def things(made: Path) -> Path:
    """The folder with tok, vec and model too, and the inputs."""
    folder = made / "pipe"
    folder.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TEXTKIT_CACHE", str(made / "cache"))
        called("embed", "--dim", 4, "--epochs", 1, "--min-count", 1, "--save", folder / "vec", "-o", folder / "x", made / "reviews.tsv")
        called("convert", "-o", folder / "in.empty", "--no-lineage", "--limit", 0, made / "reviews.tsv")
        for name, data in INPUTS.items():
            (folder / f"in.{name}").write_text(data)
        called("tokenize", "--load", made / "tok", "-o", folder / "in.stream", folder / "in.jsonl")
    return folder


# Every command that is a filter, as it is used; MADE stands for the folder of saved things.
SINGLE = {
    "tokenize": "tokenize --lowercase",
    "tokenize load": "tokenize --load MADE/tok",
    "tokenize learn": "tokenize --method wordpiece --vocab-size 60 --min-frequency 1",
    "embed": "embed --load MADE/pipe/vec",
    "embed pooled": "embed --load MADE/pipe/vec --pool mean",
    "embed learn": "embed --deterministic --dim 3 --epochs 1 --min-count 1",
    "pad": "pad --length 3",
    "detokenize": "detokenize --load MADE/tok --lineage",
    "pad longest": "pad --pad pre",
    "vectorize": "vectorize --ngram 1,2",
    "vectorize terms": "vectorize --analyzer char_wb --ngram 2,3 --terms",
    "predict": "predict MADE/model --lineage",
    "predict explain": "predict MADE/model --explain",
    "convert": "convert",
}
LONGER = [
    "tokenize --load MADE/tok | embed --load MADE/pipe/vec | pad --length 4",
    "tokenize | embed --load MADE/pipe/vec --pool mean | pad | convert",
    "convert | tokenize | predict MADE/model",
    "tokenize --load MADE/tok | pad --length 4 | pad --length 2 | tokenize",
    "tokenize --load MADE/tok | pad --length 4 | detokenize --keep-special",
]
MIDDLE = [
    "tokenize --keep text,tokens,label | pad --length 3",
    "tokenize --keep tokens | pad --length 3 | convert",
    "tokenize --drop label,x | predict MADE/model",
    "tokenize --drop tokens | pad --length 3",
    "tokenize --no-lineage | pad --length 3",
    "tokenize --no-lineage | predict MADE/model",
    "tokenize | convert --no-lineage | convert",
    "convert --limit 2 | tokenize --sample 1 --seed 7 | pad --length 2 --limit 1",
    "convert --limit 0 | tokenize",
    "convert --sample 2 | tokenize --limit 1",
    "convert --drop text | tokenize",
    "convert --keep document | tokenize",
    "convert --keep label | convert",
    "tokenize --text-field topic | convert",
    "convert | tokenize --text-field topic",
    "convert | tokenize --label-field topic | convert --no-lineage",
    "convert --no-lineage | tokenize --label-field topic",
    "convert --label-field topic | convert --text-field document",
    "tokenize | convert --label-field nothing",
    "convert | tokenize --text-field topic --on-error skip | pad --length 2",
    "tokenize --on-error skip | pad --length 3 --on-error skip",
    "convert | convert --to csv",
    "convert | tokenize --to text",
    "tokenize | embed --load MADE/pipe/vec --pool mean --to arrow",
    "tokenize --drop x,tags | convert --to parquet",
]


def test_every_stage_is_here() -> None:
    without_command = {"index"}  # `train` adds it
    assert {*STAGES} - without_command <= {words.split()[0] for words in SINGLE.values()}


def parsed(text: str, made: Path) -> list[list[str]]:
    return words_of(text.replace("MADE", str(made)))


def same(things: Path, tmp_path: Path, text: str, source: str, options: tuple[str, ...] = ()) -> int:
    stages = parsed(text, things.parent)
    due = shell_of(tmp_path, stages, things / f"in.{source}", [*options])
    assert pipe_of(tmp_path, stages, things / f"in.{source}", [*options]) == due
    return due[0]


SOURCES = [*INPUTS, "stream", "empty"]


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("name", SINGLE)
def test_every_stage_is_as_in_the_shell(things: Path, tmp_path: Path, name: str, source: str) -> None:
    same(things, tmp_path, f"convert | {SINGLE[name]}", source)
    if source in ("tsv", "jsonl"):
        same(things, tmp_path, f"{SINGLE[name]} | convert", source)


@pytest.mark.parametrize("source", SOURCES)
def test_chains_are_as_in_the_shell(things: Path, tmp_path: Path, source: str) -> None:
    for text in LONGER:
        same(things, tmp_path, text, source)


@pytest.mark.parametrize("text", MIDDLE)
def test_options_in_the_middle_are_as_in_the_shell(things: Path, tmp_path: Path, text: str) -> None:
    for source in ("tsv", "jsonl", "empty"):
        same(things, tmp_path, text, source)


BAD = [
    ('{"text":"a","tokens":["a"]}\n{"text":"b","tokens":5}\n{"text":"c","tokens":["c"]}\n', "convert | pad --length 2 --on-error skip", 0),
    ('{"text":"a","tokens":5}\n', "convert | pad --length 2 --on-error skip", 3),
    ('{"text":"a"}\n{"text":5}\n{"text":"c"\n', "convert --on-error skip | tokenize --on-error skip | pad --length 2", 0),
    ('{"text":"a"}\n{"text":5}\n', "convert | tokenize", 3),
    ('{"text":"a"}\n{"text":5}\n', "convert | predict MADE/model --on-error skip", 0),
    ('{"text":"a","ids":"mine"}\n', "tokenize | pad --length 2", 3),
    ('{"text":"a","ids":"mine"}\n{"text":"b"}\n', "tokenize | pad --length 2 --on-error skip | convert", 0),
    ("text\ttokens\na\tmine\n", "convert | pad --length 2", 3),
    ("text\tids\na\t[1]\n", "tokenize | pad --length 2", 3),
    ("", "convert | train classify --save x", 2),
]  # fmt: skip


@pytest.mark.parametrize(("data", "text", "code"), BAD)
def test_bad_records_in_the_middle_are_as_in_the_shell(things: Path, tmp_path: Path, data: str, text: str, code: int) -> None:
    (tmp_path / "in.bad").write_text(data)
    stages = parsed(text, things.parent)
    due = shell_of(tmp_path, stages, tmp_path / "in.bad", [])
    assert due[0] == code
    assert pipe_of(tmp_path, stages, tmp_path / "in.bad", []) == due


CUTS = [  # with -o out at the end, or without
    ("tokenize | pad --length 2", False),
    ("tokenize --partial | pad --length 2", True),
    ("tokenize | pad --length 2 --partial", True),
    ("convert | convert --no-lineage", False),
    ("convert --no-lineage | convert", False),
    ("convert --no-lineage --partial | convert", True),
    ("convert --limit 1 | convert", True),
]


@pytest.mark.parametrize(("text", "keep"), CUTS)
def test_a_cut_input_is_as_in_the_shell(textkit: Textkit, text: str, keep: bool) -> None:
    (textkit.folder / "cut").write_text('{"textkit":{"version":1,"stages":[]}}\n{"text":"a b"}\n{"text":"c"}\n')
    first, _, rest = text.partition(" | ")
    due = textkit.shell(f"textkit {first} cut | textkit {rest} {'-o out' if keep else ''}", code=None)
    files = {path.name: path.read_bytes() for path in textkit.folder.iterdir()}
    (textkit.folder / "out").unlink(missing_ok=True)
    piped = textkit("pipe", text, "cut", *(["-o", "out"] if keep else []), code=due.returncode)
    assert {path.name: path.read_bytes() for path in textkit.folder.iterdir()} == files
    assert piped.stdout == due.stdout or (due.returncode == 3 and due.stdout.startswith(piped.stdout))  # in the shell the last one saw no lack


def test_partial_outside_of_the_quotes_is_for_all_stages(tmp_path: Path) -> None:
    (tmp_path / "cut").write_text('{"textkit":{"version":1,"stages":[]}}\n{"text":"a b"}\n')
    assert called("pipe", "tokenize | pad --length 2", tmp_path / "cut", "-o", tmp_path / "out")[0] == 3
    assert not (tmp_path / "out").exists()
    assert called("pipe", "tokenize | pad --length 2", "--partial", tmp_path / "cut", "-o", tmp_path / "out")[0] == 0
    assert len((tmp_path / "out").read_text().splitlines()) == 2


# Words

BASH = r"""set -f; set +B; w() { cat; [ $# -eq 0 ] || printf '%s\0' "$@"; printf '\001\0'; }
"""


def bash_words(text: str) -> list[list[str]] | None:
    """The words of each command of a pipe by bash; None if it takes the text for no command line."""
    done = subprocess.run(["bash", "-c", BASH + text], stdin=subprocess.DEVNULL, capture_output=True)
    if done.returncode or done.stderr:
        return None
    return [stage.split("\0")[:-1] for stage in done.stdout.decode().split("\x01\0")[:-1]]


PARTS = [
    "a", "b1", "한", " ", "  ", "\t", "'", '"', "\\", "'|'", '" | "', "\\|", "\\ ", "\\'", '\\"', '""', "''", "*", "?", "=", "-x", "\r", "\u3000",
    "\u00a0", "\\\\", "\\n", '"\\$x"', "\\$", " | w ", "|w", ",", ":", "%s", "@", "[a]",
]  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(parts=st.lists(st.sampled_from(PARTS), max_size=10))
@example(parts=['"\\a\\`\\"\\\\"'])
@example(parts=["''", " ", '""'])
@example(parts=["'a'\"b\"\\c", "|w"])
@example(parts=["'a\nb'", ' "c\\\nd"', " e\\\nf \\\n", "g"])
def test_words_are_as_bash_splits_them(parts: list[str]) -> None:
    text = "w " + "".join(parts)
    try:
        found = [words[1:] for words in words_of(text)]
    except UsageError:
        assert bash_words(text) is None or text.endswith("\\") or "$" in text  # bash takes a backslash at the very end for itself
        return
    if all(words_of(text)) and all(words[0] == "w" for words in words_of(text)):
        assert found == bash_words(text)


@pytest.mark.parametrize("mark", ["<", ">", "&", ";", "$", "`", "(", ")", ">>", "||&", "2>&1"])
def test_what_only_a_shell_can_do_is_refused(mark: str) -> None:
    for text in (f"tokenize {mark} x", f"tokenize {mark}x | pad", f"tokenize | pad {mark}"):
        code, told = called("pipe", text)
        assert (code, told.count("\n")) == (2, 1)
        assert "no shell reads it" in told


@pytest.mark.parametrize("word", ['"$HOME"', '"a`b`"', '"\\\\$x"'])
def test_what_a_shell_would_expand_in_quotes_is_refused(word: str) -> None:
    assert "no shell reads it" in called("pipe", f"tokenize --load {word}")[1]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "a stage is missing"),
        (" ", "a stage is missing"),
        ("tokenize |", "a stage is missing"),
        ("| tokenize", "a stage is missing"),
        ("tokenize || pad", "a stage is missing"),
        ("textkit | pad", "a stage is missing"),
        ("tokenize | wc -l", "no stage is called 'wc'"),
        ("tokenize | pipe pad", "no stage is called 'pipe'"),
        ("tokenize '", "is no command line"),
        ("tokenize \\", "is no command line"),
        ("train classify --save m | pad", "train writes no records, so it is the last stage"),
        ("tokenize | show tok", "files belong to the first stage"),
        ("tokenize | pad --length 2 a.txt", "files belong to the first stage"),
        ("tokenize -o x | pad", "-o"),
        ("tokenize --to text | pad", "--to of tokenize belongs to the last stage"),
        ("tokenize | pad --from text", "--from of pad belongs to the first stage"),
        ("tokenize -q | pad", "belongs to pipe itself"),
        ("tokenize | pad --progress json", "belongs to pipe itself"),
        ("tokenize --nope | pad", "No such option"),
    ],
)
def test_what_is_no_pipe_is_told_in_one_line(things: Path, text: str, message: str) -> None:
    code, told = called("pipe", text, things / "in.tsv", *(["-o", "never"] if "show" not in text else []))
    assert (code, told.count("\n")) == (2, 1), told
    assert message.lower() in told.lower()
    assert not Path("never").exists()


def test_the_word_textkit_may_stand_before_a_stage(things: Path, tmp_path: Path) -> None:
    for text in ("textkit tokenize | textkit pad --length 2", "tokenize|pad --length '2'", "tokenize\n| pad --length 2"):
        assert called("pipe", text, things / "in.tsv", "-o", tmp_path / "out")[0] == 0
        (tmp_path / "out").rename(tmp_path / f"out{len(text)}")
    assert len({path.read_bytes() for path in tmp_path.iterdir()}) == 1


def test_print_shell_prints_what_bash_runs_to_the_same_bytes(textkit: Textkit, things: Path) -> None:
    for name in ("my file.tsv", "-x 'y' \"z\" $HOME.tsv"):
        (textkit.folder / name).write_text(INPUTS["tsv"])
        arguments = ["pipe", "tokenize --lowercase | pad --length 2", "--label-field", "topic", "--drop", "text,label", "--no-lineage", "--", name]
        printed = textkit(*arguments[:1], "--print-shell", *arguments[1:]).stdout
        assert printed.count("\n") == 1
        assert textkit.shell(printed).stdout == textkit(*arguments).stdout != ""


def test_a_last_stage_that_keeps_something_keeps_the_same(things: Path, tmp_path: Path) -> None:
    train = ["train", "classify", "--arch", "logreg", "--save"]
    source = things.parent / "reviews.tsv"
    assert called("tokenize", "--lowercase", source, "-o", tmp_path / "tokens")[0] == 0
    assert called(*train, tmp_path / "one", tmp_path / "tokens")[0] == 0
    assert called("pipe", "tokenize --lowercase | " + shlex.join([*train, str(tmp_path / "two")]), source)[0] == 0
    one, two = (json.loads((tmp_path / name / "manifest.json").read_text())["sha256"] for name in ("one", "two"))
    assert one == two


def test_as_processes(textkit: Textkit, things: Path) -> None:
    (textkit.folder / "in").write_text(ODD)
    vec = shlex.quote(str(things / "vec"))
    stages = f"tokenize --keep text,tokens,x | embed --load {vec} --pool mean | pad --length 2"
    due = textkit.shell("cat in | " + " | ".join(f"textkit {stage}" for stage in stages.split(" | ")))
    assert textkit("pipe", stages, stdin=ODD).stdout == due.stdout
    assert textkit("pipe", stages, stdin='{"text":5}', code=3).stdout == textkit.shell("echo '{\"text\":5}' | textkit tokenize", code=3).stdout
