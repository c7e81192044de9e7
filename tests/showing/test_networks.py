"""The picture of a network's explanation: it fits the terminal, its columns stand below their tokens, its numbers are those of the JSON."""

from __future__ import annotations

import io
import json
import os
import pty
import subprocess
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len
from rich.console import Console

from tests.conftest import TEXTKIT, Textkit
from textkit.showing.networks import MOST, drawn

TOKENS = ["배송은", "빨랐고", "a", "\x1b[31m", "포장도" * 9, "the", "the"]
ADDS = [0.5, 0.25, -1.0, 0.0, 0.125, -0.25, 0.0625]
SHARES = [0.4, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1]
GATE = [0.5, 0.25, 0.75, 1.0, 0.0, 0.995, 0.004]
HEAD = [[1 / 7] * 7 for _ in range(7)]
LSTM = {"tokens": TOKENS, "adds": ADDS, "bias": 0.5, "readout": SHARES, "gates": {"input": [[GATE, GATE[::-1]]], "forget": [[GATE, GATE]]}}
TRANSFORMER = {"tokens": TOKENS, "adds": ADDS, "bias": 0.5, "readout": [1 / 7] * 7, "attention": [[[SHARES] * 7, HEAD]] * 2}
CNN = {"tokens": ["not", "so", "good"], "windows": [[0, 2, -2.0], [1, 3, 1.0], [2, 3, 0.5]], "bias": 0.25}
POOLED = {"tokens": ["not", "so", "good"], "adds": [1.0, -1.0], "bias": 0.0, "readout": [0.75, 0.25], "steps": [[0, 2], [2, 3]]}


def rendered(found: dict[str, Any], width: int = 100, top: int | None = None, colour: bool = False, **record: Any) -> str:
    out = io.StringIO()
    console = Console(file=out, width=width, force_terminal=colour, color_system="truecolor" if colour else None, highlight=False)
    console.print(*drawn({"prediction": "좋음", "score": 0.75, "explanation": found, **record}, top, console), sep="\n")
    return out.getvalue()


def row(lines: list[str], name: str) -> list[str]:
    """The cells of all parts of a row."""
    return [cell for line in lines if line.startswith(name + " ") for cell in line.removeprefix(name).split()]


@pytest.mark.parametrize("found", [LSTM, TRANSFORMER, CNN, POOLED])
@pytest.mark.parametrize("width", [30, 70, 200])
def test_it_fits_the_terminal_and_begins_with_the_label(found: dict[str, Any], width: int) -> None:
    lines = rendered(found, width, top=2).splitlines()
    assert max(map(cell_len, lines)) <= width
    assert lines[0] == "좋음  0.750"
    assert "\x1b" not in "".join(lines)


@pytest.mark.parametrize("width", [50, 200])
def test_each_gate_of_each_direction_is_a_row(width: int) -> None:
    lines = rendered(LSTM, width).splitlines()
    due = [".50", ".25", ".75", "1.00", ".00", ".99", ".00"]  # 0.995 is a little less in binary
    assert row(lines, "→ input") == row(lines, "→ forget") == row(lines, "← forget") == due
    assert row(lines, "← input") == due[::-1]
    assert row(lines, "readout") == ["40%"] + ["10%"] * 6


def test_tokens_that_the_vocabulary_lacks_are_told_once() -> None:
    assert rendered({**LSTM, "unknown": [1, 5, 6]}).count("not in the vocabulary: 빨랐고, the\n") == 1
    assert "not in the vocabulary" not in rendered({**LSTM, "unknown": []})
    many = {"tokens": [f"w{number}" for number in range(13)], "adds": [0.0] * 13, "bias": 0.0, "readout": [1 / 13] * 13, "unknown": [*range(13)]}
    assert "w8, w9, and 3 more\n" in rendered(many, width=200)


def test_cells_stand_below_their_tokens_wide_ones_too() -> None:
    lines = rendered(LSTM, 200).splitlines()
    (gates,) = (line for line in lines if line.startswith("→ input"))
    head = lines[lines.index(gates) - 2]
    for token, number in (("배송은", ".50"), ("빨랐고", ".25"), ("a ", ".75"), ("⟨001B⟩[31m", "1.00"), ("the", ".99")):
        assert cell_len(head[: head.index(token)]) == cell_len(gates[: gates.index(number)])
    assert "…" in head  # a token of 54 cells is cut
    assert "the (2)" in "\n".join(lines)  # the second one speaks for the label, the first one against it


def test_attention_is_weighed_by_the_readout_and_with_top_shown_of_the_strongest() -> None:
    by_hand = ["40%"] + ["10%"] * 6
    lines = rendered(TRANSFORMER, 200).splitlines()
    assert row(lines, "layer 1 head 1") == row(lines, "layer 2 head 1") == by_hand
    assert row(lines, "layer 1 head 2") == ["14%"] * 7
    assert "looks at" not in "".join(lines)
    assert not row(lines, "readout")  # of a mean it says nothing
    one_head = [[1.0, 0.0], [0.5, 0.5]]
    found = {"tokens": ["a", "b"], "adds": [3.0, -1.0], "bias": 0.0, "readout": [0.9, 0.1], "attention": [[one_head]]}
    assert row(rendered(found).splitlines(), "head 1") == ["95%", "5%"]  # 0.9 x 1 + 0.1 x 0.5
    lines = rendered(found, top=1).splitlines()
    assert row(lines[lines.index("a looks at") :], "head 1") == ["100%", "0%"]
    assert "b looks at" not in lines


def test_windows_of_a_convolution_are_named_by_their_tokens() -> None:
    lines = rendered(CNN, 100).splitlines()
    assert [line.split("+")[0].strip() for line in lines if "+1.000" in line] == ["so good"]
    assert any("not so" in line and "−2.000" in line for line in lines)
    assert lines[-1] == "other terms +0.000, bias +0.250, sum −0.250"
    assert rendered(CNN, 100, top=1).splitlines()[-1] == "other terms +0.500, bias +0.250, sum −0.250"
    assert "\x1b[1;31mnot\x1b[0m" in rendered(CNN, 100, colour=True)  # and good in green: 1.5 for it
    assert "\x1b[1;32mgood\x1b[0m" in rendered(CNN, 100, colour=True)


def test_pooled_steps_are_columns() -> None:
    lines = rendered(POOLED, 100).splitlines()
    assert lines[-2].split() == ["not␣so", "good"]
    assert row(lines, "readout") == ["75%", "25%"]


def test_the_greatest_of_a_row_is_the_darkest() -> None:
    shown = rendered(LSTM, 200, colour=True)
    (readout,) = (line for line in shown.splitlines() if "readout" in line)
    assert readout.count("\x1b[30;48;5;39m") == 1
    assert "\x1b[30;48;5;39m40%" in readout


def test_several_labels_none_and_tags() -> None:
    several = {"tokens": ["a", "b"], "labels": [{"adds": [1.0, 2.0], "bias": 0.0}, {"adds": [3.0, 4.0], "bias": 0.0}], "readout": [0.9, 0.1]}
    lines = rendered(several, predictions=[{"label": "x", "score": 0.9}, {"label": "y", "score": 0.8}]).splitlines()
    assert {"x  0.900", "y  0.800"} <= {*lines}
    assert row(lines, "readout") == ["90%", "10%"]
    assert rendered({**several, "labels": []}, predictions=[]).splitlines()[:2] == ["no label", "a b"]
    tagged = {"tokens": ["The", "ke", "ttle"], "starts": [0, 1], "gates": {"reset": [[[0.1, 0.2, 0.3]]]}}
    lines = rendered(tagged, tags=["DET", "NOUN"]).splitlines()
    assert [line.split() for line in lines] == [["The", "ke", "ttle"], ["tags", "DET", "NOUN"], ["reset", ".10", ".20", ".30"]]
    assert rendered({"tokens": ["[PAD]"], "gates": {"reset": [[[0.5]]]}}, tags=[]).splitlines()[-1].split() == ["reset", ".50"]


def test_of_a_long_text_the_rest_is_counted() -> None:
    count = MOST + 5
    found = {"tokens": ["w"] * count, "adds": [0.1] * count, "bias": 0.0, "readout": [2 / count, *[1 / count] * (count - 1)]}
    lines = rendered(found, 80).splitlines()
    assert lines[-1] == "… 5 more"
    assert len(row(lines, "readout")) == MOST


# as a command


def on_terminal(folder: Path, *words: str, text: bytes) -> str:
    master, terminal = pty.openpty()
    done = subprocess.run([*TEXTKIT, *words], stdout=terminal, stderr=subprocess.PIPE, input=text, timeout=60, cwd=folder)
    os.close(terminal)
    found = os.read(master, 1 << 16).decode()  # little enough to wait in the terminal
    os.close(master)
    assert done.returncode == 0, done.stderr
    return found


@pytest.mark.parametrize(
    ("arch", "told", "seen"),
    [("lstm", "gates", "→ forget"), ("transformer", "attention", "layer 2 head 4"), ("cnn", "windows", "a great film")],
)
def test_a_model_tells_why_of_a_sentence(textkit: Textkit, made: Path, arch: str, told: str, seen: str) -> None:
    textkit("train", "classify", "--arch", arch, "--epochs", 1, "-s", "embedding_dim=8", "--save", "m", made / "reviews.tsv")
    lines = textkit("predict", "m", "--explain", stdin="a great film\n\n").stdout.splitlines()
    assert len(lines) == 2
    for record in map(json.loads, lines):
        assert [*record] == ["text", "prediction", "score", "explanation"]
        found = record["explanation"]
        assert found[told]
        adds = found["adds"] if "adds" in found else [value for _, _, value in found["windows"]]
        assert record["score"] == pytest.approx(1 / (1 + 2.718281828459045 ** -(sum(adds) + found["bias"])), abs=1e-4)
    shown = on_terminal(textkit.folder, "predict", "m", "--explain", "--top", "3", text=b"a great film\n")
    assert seen in shown
    assert "\x1b[" in shown
    assert ("great looks at" in shown) == (arch == "transformer")


def test_a_network_of_vectors_is_refused_before_any_input_is_read(textkit: Textkit, made: Path) -> None:
    textkit("pipe", "vectorize --svd 2 | train classify --arch mlp --epochs 1 --save m", made / "reviews.tsv")
    told = textkit("predict", "m", "--explain", "no such file", code=2).stderr
    due = "m: --explain has nothing to show of mlp; it shows lstm, gru, rnn, cnn, cnn-rnn, transformer, linear-bow"
    assert told == f"textkit predict: error: {due}\n"
