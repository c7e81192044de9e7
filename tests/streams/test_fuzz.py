"""Damaged inputs of every format. `tests/benchmarks/fuzz.py` runs many more."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.streams import fuzzing
from tests.streams.fuzzing import case, run_chunk, troubles
from textkit.registry import READ
from textkit.streams.batch import Batch

INPUTS, CHUNK = 2000, 500


@pytest.mark.parametrize("start", range(0, INPUTS, CHUNK))
def test_damaged_inputs(tmp_path: Path, start: int) -> None:
    found = [(made.number, made.seed, trouble) for made, trouble, _ in run_chunk(start, CHUNK, tmp_path) if trouble]
    assert not found


def test_an_input_is_made_from_its_number_and_every_format_has_some() -> None:
    assert case(7) == case(7)
    assert {case(number).seed.format for number in range(300)} == {*READ}


def test_a_record_that_is_lost_is_found_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cases = [made for made in map(case, range(300)) if made.seed.format == "text" and made.seed.second is None and made.seed.suffix == ".text"]
    accepted = [made for made in cases if troubles(made, tmp_path)[1] and made.seed.data and not made.wanted]
    monkeypatch.setattr(Batch, "lines", lambda batch, lines=Batch.lines: lines(batch)[1:])
    assert len(accepted) > 5
    assert all(troubles(made, tmp_path)[0] for made in accepted)


def test_a_panic_and_a_hang_are_found_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: Batch) -> None:
        raise BaseException("panic")

    def hang(_: Batch) -> None:
        time.sleep(60)

    made = next(made for made in map(case, range(300)) if made.seed.format == "text" and troubles(made, tmp_path)[1] and made.seed.data)
    for replacement, told in ((fail, "panic"), (hang, "Hang")):
        monkeypatch.setattr(Batch, "lines", replacement)
        monkeypatch.setattr(fuzzing, "LIMIT", 0.2)
        assert told in troubles(made, tmp_path)[0][0]
