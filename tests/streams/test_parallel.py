"""Two files of lines that belong together."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.streams.reading import put
from textkit.errors import InputError
from textkit.streams import bytesource
from textkit.streams.faults import Faults
from textkit.streams.formats.base import Reading
from textkit.streams.source import Inputs, check_exist, open_stream

lines = st.text(st.sampled_from('ab 한\u2028\x85\t"'), max_size=9)


def pairs_of(*files: tuple[str, str], faults: Faults | None = None) -> list[tuple[str, str, str]]:
    stream = open_stream(Inputs(parallel=files, reading=Reading(faults=faults or Faults())))
    return [
        (batch.position(row).rpartition("/")[2], *pair) for batch in stream.batches for row, pair in enumerate(batch.require("text", "target").rows())
    ]


@settings(max_examples=60, deadline=None)
@given(pairs=st.lists(st.tuples(lines, lines), max_size=12), block=st.integers(1, 30))
def test_lines_meet_whatever_the_blocks_are(tmp_path_factory: pytest.TempPathFactory, pairs: list[tuple[str, str]], block: int) -> None:
    folder = tmp_path_factory.mktemp("parallel")
    files = [put(folder, name, "".join(pair[side] + "\n" for pair in pairs)) for side, name in enumerate(("a.de", "b.en"))]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bytesource, "BLOCK", block)
        patch.setattr(bytesource, "READ", 3)
        assert pairs_of((files[0], files[1])) == [(f"a.de:{row + 1}", *pair) for row, pair in enumerate(pairs)]


def test_several_pairs_one_compressed(tmp_path: Path) -> None:
    first = (put(tmp_path, "a.de.gz", gzip.compress(b"eins\r\nzwei\n")), put(tmp_path, "a.en", "one\ntwo"))
    second = (put(tmp_path, "b.de", "drei\n"), put(tmp_path, "b.en", "three\n"))
    assert pairs_of(first, second) == [("a.de.gz:1", "eins", "one"), ("a.de.gz:2", "zwei", "two"), ("b.de:1", "drei", "three")]


@pytest.mark.parametrize("block", [1, 1 << 20])
@pytest.mark.parametrize(("left", "right"), [(3, 2), (1, 5), (0, 1), (2, 0), (9, 8)])
def test_unequal_numbers_of_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int, left: int, right: int) -> None:
    monkeypatch.setattr(bytesource, "BLOCK", block)
    monkeypatch.setattr(bytesource, "READ", 1)
    files = (put(tmp_path, "a.de", "x\n" * left), put(tmp_path, "b.en", "y\n" * right))
    with pytest.raises(InputError, match=re.escape(f"a.de has {left} line{'s' * (left != 1)} and {files[1]} {right}")):
        pairs_of(files)


def test_a_bad_line_on_either_side_drops_the_pair(tmp_path: Path) -> None:
    files = (put(tmp_path, "a.de", b"a\nb\xff\nc\nd\n"), put(tmp_path, "b.en", b"1\n2\n3\x00\n4\n"))
    with pytest.raises(InputError, match=r"a\.de:2: not UTF-8"):
        pairs_of(files)
    kept: list[bytes] = []
    faults = Faults(skip=True, reject=kept.append)
    assert pairs_of(files, faults=faults) == [("a.de:1", "a", "1"), ("a.de:4", "d", "4")]
    assert faults.skipped == 2
    assert [line.split(b'"reason"')[0].count(b"b.en:3") for line in kept] == [0, 1]


def test_files_are_looked_for_first_and_artifacts_beside_them(tmp_path: Path) -> None:
    files = (put(tmp_path, "a.de", "a\n"), put(tmp_path, "b.en", "b\n"))
    assert open_stream(Inputs(parallel=(files,))).near == (tmp_path,)
    with pytest.raises(InputError, match="nowhere: no such file"):
        check_exist(Inputs(parallel=((files[0], "nowhere"),)))
