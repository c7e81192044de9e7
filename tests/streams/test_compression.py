"""Compressed files: read whole or not at all, however they were cut or damaged; written by suffix, the same every time."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import random
import shutil
import subprocess
import zlib
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest

from tests.conftest import Textkit
from tests.streams.reading import LINEAGE, put, stream_of, texts_of
from tests.test_pipes import read_until, start
from textkit.errors import InputError
from textkit.streams import bytesource, compression
from textkit.streams.bytesource import ByteSource
from textkit.streams.lineage import end_line
from textkit.streams.sink import Outputs, open_output, write_stream

TEXT = "alpha 1\nbeta 22\n재밌게\n".encode()
ZSTD_SUMMED = bytes.fromhex(
    "28b52ffd0458d10000616c70686120310a626574612032320aec9eacebb08ceab28c0a8f386bd9"
)  # TEXT by the zstd program: with a checksum
SKIPPABLE = b"\x50\x2a\x4d\x18\x05\x00\x00\x0012345"


def zstd(data: bytes) -> bytes:
    return bytes(pa.compress(data, codec="zstd", asbytes=True))


def unzstd(data: bytes) -> bytes:
    return bytes(pa.CompressedInputStream(pa.BufferReader(data), "zstd").read())


PACK: dict[str, Callable[[bytes], bytes]] = {".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress, ".zst": zstd}
UNPACK: dict[str, Callable[[bytes], bytes]] = {".gz": gzip.decompress, ".bz2": bz2.decompress, ".xz": lzma.decompress, ".zst": unzstd}
NAMES = {".gz": "gzip", ".bz2": "bzip2", ".xz": "xz", ".zst": "zstd"}
each = pytest.mark.parametrize("suffix", [*PACK])


def content(path: str) -> bytes:
    source = ByteSource(path)
    try:
        return b"".join(source.chunks())
    finally:
        source.close()


@each
@pytest.mark.parametrize("read", [1, 7, 1 << 20])
@pytest.mark.parametrize("name", ["a{}", "a", "a.tsv"])
def test_the_content_tells_and_members_are_joined(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str, read: int, name: str) -> None:
    monkeypatch.setattr(bytesource, "READ", read)
    pack = PACK[suffix]
    path = put(tmp_path, name.format(suffix), pack(TEXT) + pack(b"") + pack(b"more") + pack(TEXT))
    assert content(path) == TEXT + b"more" + TEXT


@each
def test_nothing_compressed_is_nothing(tmp_path: Path, suffix: str) -> None:
    assert content(put(tmp_path, "a", PACK[suffix](b""))) == b""


def test_a_name_alone_proves_nothing(tmp_path: Path) -> None:
    assert texts_of(put(tmp_path, "a.gz", "plain\n")) == ["plain"]
    assert texts_of(put(tmp_path, "a.txt", "BZh91 is text\n")) == ["BZh91 is text"]
    assert texts_of(put(tmp_path, "b.txt", "B")) == ["B"]


def test_frames_to_skip_are_skipped(tmp_path: Path) -> None:
    assert content(put(tmp_path, "a", SKIPPABLE + zstd(TEXT) + SKIPPABLE + ZSTD_SUMMED)) == TEXT + TEXT


@each
@pytest.mark.parametrize("read", [3, 1 << 20])
def test_every_cut_is_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str, read: int) -> None:
    monkeypatch.setattr(bytesource, "READ", read)
    pack = PACK[suffix]
    whole, more = pack(TEXT), pack(b"more")
    for cut in [*range(len(whole)), *range(len(whole) + 1, len(whole + more))]:
        path = put(tmp_path, f"a{suffix}", (whole + more)[:cut])
        with pytest.raises(InputError, match=f"a{suffix}: the {NAMES[suffix]} data is cut short or damaged .*; make the file again"):
            content(path)


@each
def test_no_damage_changes_the_text(tmp_path: Path, suffix: str) -> None:
    """Every byte of the file in turn is another one. Some mean nothing (a time, a name), and some make it no such file."""
    whole = ZSTD_SUMMED if suffix == ".zst" else PACK[suffix](TEXT)
    caught = 0
    for at in range(len(whole)):
        for flip in (0x01, 0x80, 0xFF):
            bad = whole[:at] + bytes([whole[at] ^ flip]) + whole[at + 1 :]
            path = put(tmp_path, f"a{suffix}", bad)
            try:
                assert content(path) in (TEXT, bad)
            except InputError:
                caught += 1
    assert caught > len(whole)


@each
@pytest.mark.parametrize("tail", [b"junk", b"\x00junk", b"\n", TEXT])
def test_what_follows_must_be_compressed_too(tmp_path: Path, suffix: str, tail: bytes) -> None:
    with pytest.raises(InputError, match="cut short or damaged"):
        content(put(tmp_path, "a", PACK[suffix](TEXT) + tail))


@pytest.mark.parametrize("suffix", [".gz", ".bz2", ".xz"])
@pytest.mark.parametrize("padding", [4, 512, 40000])
def test_zero_bytes_pad_a_file(tmp_path: Path, suffix: str, padding: int) -> None:
    zeros, pack = bytes(padding), PACK[suffix]
    assert content(put(tmp_path, "a", pack(TEXT) + zeros + pack(b"b") + zeros)) == TEXT + b"b"


@each
def test_a_small_file_of_much_data_comes_in_pieces(tmp_path: Path, suffix: str) -> None:
    size = 20 << 20
    source = ByteSource(put(tmp_path, "a", PACK[suffix](bytes(size))))
    pieces = [len(piece) for piece in source.chunks()]
    source.close()
    assert sum(pieces) == size
    assert max(pieces) <= compression.PIECE


def test_many_small_members(tmp_path: Path) -> None:
    lines = [f"line {i}\n".encode() for i in range(20000)]
    assert content(put(tmp_path, "a", b"".join(map(gzip.compress, lines)))) == b"".join(lines)


@each
def test_trouble_with_the_disk_is_not_called_damage(suffix: str) -> None:
    def read() -> bytes:
        raise OSError(5, "Input/output error")

    data = PACK[suffix](random.Random(1).randbytes(100_000))
    found = compression.compression_of(data[:16], None)
    assert found is not None
    unpacked = compression.unpacked(found, data[:50_000], read, "a")
    with pytest.raises(OSError, match="Input/output error"):
        while unpacked():
            pass


@each
def test_another_encoding_inside(tmp_path: Path, suffix: str) -> None:
    assert texts_of(put(tmp_path, f"a.txt{suffix}", PACK[suffix]("재밌게\n".encode("cp949"))), encoding="cp949") == ["재밌게"]


def test_what_was_flushed_into_a_pipe_comes_at_once() -> None:
    packer = zlib.compressobj(wbits=31)
    with start("tokenize") as process:
        assert process.stdin is not None
        for _ in range(2):
            process.stdin.write(packer.compress(b"a b\n") + packer.flush(zlib.Z_SYNC_FLUSH))
            process.stdin.flush()
            read_until(process, b'"tokens":')
        process.stdin.write(packer.flush())
        process.stdin.close()
        read_until(process, b'{"textkit":{"end":2}}')


@each
def test_a_cut_stream_in_a_pipe_is_3(textkit: Textkit, suffix: str) -> None:
    put(textkit.folder, "a", PACK[suffix](TEXT)[:-1])
    assert "<stdin>: the " in textkit.shell("cat a | textkit tokenize --to text -", code=3).stderr


@each
@pytest.mark.parametrize(("name", "format"), [("out.jsonl", "jsonl"), ("out.arrow", "arrow"), ("out.txt", "text"), ("out", "jsonl")])
def test_the_suffix_compresses(tmp_path: Path, suffix: str, name: str, format: str) -> None:
    source = put(tmp_path, "a.txt", TEXT * 50)
    for path in (name, name + suffix, "second" + suffix):
        write_stream(stream_of(source), Outputs(str(tmp_path / path), None if path != "second" + suffix else format))
    packed = (tmp_path / (name + suffix)).read_bytes()
    assert UNPACK[suffix](packed) == (tmp_path / name).read_bytes()
    assert packed == (tmp_path / ("second" + suffix)).read_bytes()
    assert texts_of(str(tmp_path / (name + suffix))) == TEXT.decode().splitlines() * 50


def test_gzip_holds_no_time_and_no_name(tmp_path: Path) -> None:
    with open_output(str(tmp_path / "a.GZ")) as out:
        out.write(b"a")
    assert (tmp_path / "a.GZ").read_bytes()[:8] == b"\x1f\x8b\x08\x00\x00\x00\x00\x00"


@each
def test_no_records_are_a_whole_file(tmp_path: Path, suffix: str) -> None:
    with open_output(str(tmp_path / f"a{suffix}")) as out:
        out.flush()
    assert content(str(tmp_path / f"a{suffix}")) == b""


@each
def test_flushing_costs_nothing(tmp_path: Path, suffix: str) -> None:
    for name, flushes in (("often", True), ("never", False)):
        with open_output(str(tmp_path / f"{name}{suffix}")) as out:
            for i in range(2000):
                assert out.write(memoryview(pl.Series([i, i]).to_numpy())) == 16
                if flushes:
                    out.flush()
    assert (tmp_path / f"often{suffix}").read_bytes() == (tmp_path / f"never{suffix}").read_bytes()


@each
def test_much_data_goes_out_as_it_comes(suffix: str) -> None:
    """What an output holds back does not grow with the data, which here is noise: it does not pack."""
    out, noise = io.BytesIO(), random.Random(2)
    parts = [noise.randbytes(1 << 20) for _ in range(8)]
    with compression.packing(out, f"a{suffix}") as packed:  # type: ignore[arg-type]
        for part in parts:
            packed.write(part)
        assert len(out.getvalue()) > 3 << 20
    assert UNPACK[suffix](out.getvalue()) == b"".join(parts)


@each
def test_an_error_on_the_way_leaves_what_was_there(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"out{suffix}"
    path.write_text("old")
    with pytest.raises(KeyError), open_output(str(path)) as out:
        out.write(b"a" * 100)
        raise KeyError
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == [(path.name, "old")]


def test_a_named_pipe_gets_compressed_data(textkit: Textkit) -> None:
    put(textkit.folder, "a.txt", "a b\n")
    done = textkit.shell("mkfifo pipe.gz; gzip -dc < pipe.gz & textkit tokenize --to text -o pipe.gz a.txt; wait; test -p pipe.gz")
    assert done.stdout == "a b\n"


@each
def test_a_disk_that_fills_up_is_6(textkit: Textkit, suffix: str) -> None:
    put(textkit.folder, "a.txt", random.Random(3).randbytes(200_000).hex() + "\n")
    textkit.shell(f"ulimit -f 8; textkit tokenize --to text -o out{suffix} a.txt", code=6)
    assert [path.name for path in textkit.folder.iterdir()] == ["a.txt"]


def test_the_lineage_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl.zst"
    with open_output(str(path)) as out:
        out.write(f'{LINEAGE.header()}\n{{"text":"a"}}\n{end_line(1)}\n'.encode())
    assert stream_of(str(path)).lineage == LINEAGE


def test_programs_read_what_was_written(textkit: Textkit) -> None:
    put(textkit.folder, "a.txt", TEXT)
    for suffix, program in NAMES.items():
        if shutil.which(program):
            textkit("tokenize", "--to", "text", "-o", f"out{suffix}", "a.txt")
            found = subprocess.run([program, "-dc", f"out{suffix}"], cwd=textkit.folder, stdout=subprocess.PIPE, check=True)
            assert found.stdout == TEXT
