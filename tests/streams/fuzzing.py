"""The fuzzer: damaged inputs of every format, each made from its number alone, and what must hold for all of them.

Whatever the bytes are, a reader gives records or a TextkitError, in time. It gives the same with the format named as
with the format recognised, in small blocks as in large ones, with bad records left out as without if none is bad;
and the records that a plain program finds (`oracles`).
"""

from __future__ import annotations

import contextlib
import io
import random
import signal
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tests.streams import oracles
from tests.streams.fuzz_seeds import Seed, seeds
from tests.streams.oracles import ANY, BAD, Expected
from textkit.errors import LineageError, TextkitError
from textkit.streams import bytesource
from textkit.streams.bytesource import ByteSource
from textkit.streams.faults import Faults
from textkit.streams.formats.base import Reading
from textkit.streams.source import Inputs, open_stream, sniff

LIMIT = 20.0  # s for one input: nothing here is long
STRUCTURE = [
    *(bytes([byte]) for byte in b'\n\r\t ",;{}[]:\\#_-10a\x00\xff\xef'),
    *(b"\r\n", b"\n\n", b'""', b"\\u", b"\\ud800", b"\xe2\x80\xa8", b"\xef\xbb\xbf", b"\xed\xa0\x80", b"1e999", b"null", b"NaN", b"{}", b"[]"),
    *(b"},{", b"}\n{", b"__label__", b"-DOCSTART-", b"# text = ", b'{"textkit":{"end":1}}\n', b'"text":'),
    *(b"text", b"label", bytes(8), b"\xff\xff\xff\xff"),
]


class Hang(BaseException):
    """An input took too long."""


@dataclass(frozen=True)
class Case:
    number: int
    seed: Seed  # with the damaged bytes
    name: str  # of its file
    small: int  # bytes of a small block
    wanted: tuple[str, ...]  # what is read of it as a stage would


@dataclass(frozen=True)
class Outcome:
    lines: list[str]  # of JSON
    skipped: int = 0
    problem: str | None = None  # a stream that was cut short
    refused: TextkitError | None = None


def case(number: int) -> Case:
    chance = random.Random(number)
    seed = chance.choice(seeds())
    data = _damaged(seed.data, chance)
    second = None if seed.second is None else _damaged(seed.second, chance)
    name = f"f{seed.suffix if chance.random() < 0.5 else '.dat'}"
    wanted = ("text",) if chance.random() < 0.2 else ()
    return Case(number, seed._replace(data=data, second=second), name, chance.randint(1, 80), wanted)


def _damaged(data: bytes, chance: random.Random) -> bytes:
    for _ in range(chance.choices((0, 1, 2, 3, 6), (3, 50, 25, 12, 10))[0]):
        start, end = sorted(chance.randint(0, len(data)) for _ in range(2))
        end = min(end, start + chance.choice((1, 2, 8, 40, 1000)))
        data = chance.choice((_flip, _flip, _insert, _insert, _delete, _repeat, _truncate, _splice))(data, start, end, chance)
    return data


def _flip(data: bytes, start: int, _: int, chance: random.Random) -> bytes:
    byte = data[start] ^ (1 << chance.randrange(8)) if start < len(data) and chance.random() < 0.5 else chance.randrange(256)
    return data[:start] + bytes([byte]) + data[start + 1 :]


def _insert(data: bytes, start: int, _: int, chance: random.Random) -> bytes:
    return data[:start] + chance.choice(STRUCTURE) * chance.choice((1, 1, 1, 2, 5)) + data[start:]


def _delete(data: bytes, start: int, end: int, _: random.Random) -> bytes:
    return data[:start] + data[end:]


def _repeat(data: bytes, start: int, end: int, chance: random.Random) -> bytes:
    return data[:end] + data[start:end] * chance.choice((1, 1, 3)) + data[end:]


def _truncate(data: bytes, start: int, _: int, chance: random.Random) -> bytes:
    return data[:start] if chance.random() < 0.7 else data[start:]


def _splice(data: bytes, start: int, _: int, chance: random.Random) -> bytes:
    other = data if chance.random() < 0.5 else chance.choice(seeds()).data
    at = chance.randint(0, len(other))
    return data[:start] + other[at : at + chance.choice((5, 50, 5000))] + (data[start:] if chance.random() < 0.5 else b"")


def troubles(case: Case, folder: Path) -> tuple[list[str], bool]:
    """What is wrong with how the input is read, and whether it was accepted as what it is."""
    found: list[str] = []
    with _in_time(), contextlib.redirect_stderr(io.StringIO()):
        try:
            accepted = _check(case, folder, found)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # a panic of polars' is no Exception
            return [*found, "".join(traceback.format_exception(error))], False
    return found, accepted


@contextlib.contextmanager
def _in_time() -> Iterator[None]:
    def stop(*_: Any) -> None:
        raise Hang

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, LIMIT)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _check(case: Case, folder: Path, found: list[str]) -> bool:
    """Read the input in every way, and compare."""
    paths = [folder / case.name, folder / "second.txt"][: 2 if case.seed.second is not None else 1]
    for path, data in zip(paths, (case.seed.data, case.seed.second), strict=False):
        path.write_bytes(data or b"")
    given = None if len(paths) == 2 else case.seed.format
    outcome = _both_modes(case, paths, given, found)
    if len(paths) == 1:
        with contextlib.suppress(TextkitError):  # damaged in its compression
            sniffed = _sniffed(paths[0], case)
            again = _read(case, paths, None, False) if sniffed == given else _both_modes(case, paths, None, found, sniffed)
            if sniffed == given and not _same(outcome, again):
                found.append(f"as {given}, recognised: {_short(again)}, named: {_short(outcome)}")
    return outcome.refused is None


def _sniffed(path: Path, case: Case) -> str:
    source = ByteSource(str(path))
    try:
        return sniff(source, Reading(quotes=case.seed.quotes)) if source.peek(1) else "text"
    finally:
        source.close()


def _both_modes(case: Case, paths: list[Path], format: str | None, found: list[str], oracle: str | None = None) -> Outcome:
    """Read it, first with bad records refused, then left out. Returns the first."""
    strict, lenient = (_read(case, paths, format, skip) for skip in (False, True))
    told = f"{format or oracle or 'parallel'}{' (recognised)' if oracle else ''}: "
    problems = (*_against_oracle(case, format or oracle, strict, lenient), *_against_each_other(strict, lenient))
    found += [told + problem for problem in problems]
    with _small_blocks(case.small):
        for skip, large in ((False, strict), (True, lenient)):
            small = _read(case, paths, format, skip) if case.number % 3 == 0 else large
            ambiguous = skip and (large.refused or large.skipped) and b'"' in case.seed.data and (format or oracle) in ("tsv", "csv")
            if not ambiguous and not _same(small, large):  # where a field ends after a stray quote nothing tells for sure
                found.append(f"{told}in blocks of {case.small} (skip {skip}): {_short(small)}, in one block: {_short(large)}")
    return strict


@contextlib.contextmanager
def _small_blocks(size: int) -> Iterator[None]:
    before = bytesource.BLOCK, bytesource.READ
    bytesource.BLOCK = bytesource.READ = size
    try:
        yield
    finally:
        bytesource.BLOCK, bytesource.READ = before


def _read(case: Case, paths: list[Path], format: str | None, skip: bool) -> Outcome:
    faults = Faults(skip, reject=(rejected := list[bytes]()).append)
    reading = Reading(quotes=case.seed.quotes, faults=faults)
    inputs = Inputs(tuple(map(str, paths)), format, reading=reading)
    if len(paths) == 2:
        inputs = replace(inputs, paths=(), parallel=((str(paths[0]), str(paths[1])),))
    try:
        stream = open_stream(inputs, case.wanted)
        lines = [line for batch in stream.batches for line in batch.lines()]
    except TextkitError as error:
        str(error).encode()
        return Outcome([], refused=error)
    assert faults.skipped == len(rejected)
    assert skip or not faults.skipped
    return Outcome(lines, faults.skipped, stream.ending.problem)


def _same(one: Outcome, other: Outcome) -> bool:
    """Which of several errors is told of may depend on the blocks."""
    if one.refused or other.refused:
        return bool(one.refused and other.refused)
    return (one.lines, one.skipped, one.problem is None) == (other.lines, other.skipped, other.problem is None)


def _against_each_other(strict: Outcome, lenient: Outcome) -> Iterator[str]:
    if strict.refused is None and not _same(strict, lenient):
        yield f"skipping: {_short(lenient)}, without it: {_short(strict)}"
    if strict.refused is not None and lenient.refused is None and not lenient.skipped:
        yield f"refused with {strict.refused}, but nothing to skip: {_short(lenient)}"


def _against_oracle(case: Case, format: str | None, strict: Outcome, lenient: Outcome) -> Iterator[str]:
    if case.wanted or (format in ("arrow", "parquet") and strict.refused):  # pyarrow alone would crash at damaged data
        return
    try:
        due = _due(case, format)
    except oracles.Unknown:
        return
    except oracles.Refused:
        yield from (f"accepted, must be refused: {_short(outcome)}" for outcome in (strict, lenient) if not outcome.refused)
        return
    except Exception as error:  # the decompressor's
        if not strict.refused:
            yield f"accepted what {type(error).__name__} ({error}) refuses: {_short(strict)}"
        return
    if not strict.refused and not (strict.problem and format == "json"):
        yield from _differences(strict, due, [])
    elif strict.refused and not (due.loose or due.counted):
        yield from _refusal(strict.refused, due)
    if due.counted and not lenient.refused and len(lenient.lines) + lenient.skipped != len(due.records):
        yield f"{len(due.records)} records, but {len(lenient.lines)} read and {lenient.skipped} skipped"
    if not due.loose and not due.counted:
        yield from [f"refused: {lenient.refused}"] if lenient.refused else _differences(lenient, due, due.bad)


def _due(case: Case, format: str | None) -> Expected:
    data = [_unpacked(case.seed.data, case.name), _unpacked(case.seed.second or b"", "")]
    return oracles.parallel(*data) if case.seed.second is not None else oracles.expected(format or "", data[0], case.seed.quotes)


def _unpacked(data: bytes, name: str) -> bytes:
    compression = bytesource.compression_of(data, Path(name))
    if compression and not data:
        raise EOFError("nothing at all")
    return oracles.UNPACK[compression.name](data) if compression else data


def _differences(outcome: Outcome, due: Expected, bad: list[int]) -> Iterator[str]:
    if outcome.skipped < len(bad) or due.bad != bad:
        yield f"bad records in lines {due.bad}, skipped {outcome.skipped}"
    elif len(due.good) != len(outcome.lines):
        yield f"{len(due.good)} records are due, {len(outcome.lines)} came"
    else:
        for (line, right), found in zip(((line, record) for line, record in due.records if record is not BAD), outcome.lines, strict=True):
            if right is not ANY and oracles.values(found) != right:
                yield f"line {line} should be {right!r}, is {found!r}"
                return


def _refusal(error: TextkitError, due: Expected) -> Iterator[str]:
    """An error must be about a bad record, and name its line."""
    line = (error.where or "").rpartition(":")[2]
    if isinstance(error, LineageError):
        return
    if not due.bad:
        yield f"nothing is bad, but: {error}"
    elif due.bad[0] and (not line.isdigit() or int(line) not in due.bad):
        yield f"lines {due.bad} are bad, but: {error}"


def _short(outcome: Outcome) -> str:
    if outcome.refused:
        return f"refused ({outcome.refused})"
    return f"{len(outcome.lines)} records, {outcome.skipped} skipped, {outcome.problem or 'whole'}: {str(outcome.lines)[:300]}"


def run_chunk(start: int, count: int, folder: Path) -> Iterator[tuple[Case, list[str], bool]]:
    """Cases with what is wrong about them and whether they were accepted. Their files stay in `folder`."""
    for number in range(start, start + count):
        made = case(number)
        yield made, *troubles(made, folder)
