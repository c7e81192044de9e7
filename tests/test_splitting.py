"""split: no record is lost or stands twice, shares are exact, and batches do not matter."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import Textkit
from tests.making import stream_of
from textkit.errors import InputError, UsageError
from textkit.splitting import Blocks, Split, apportion, block, counts_of, exactly, fingerprint, randoms, shares_of_labels, spelling, split
from textkit.streams.batch import Batch, Position
from textkit.streams.sink import Outputs

NAMES = ("train", "valid", "test")
quick = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def parts_of(records: list[dict[str, Any]], folder: Path, size: int = 7, **plan: Any) -> list[list[Any]]:
    """What each file holds after a split of these records, `size` of them in a batch."""
    number = len(plan.get("ratios") or plan["counts"])
    paths = {name: folder / f"{name}.jsonl" for name in NAMES[:number]}
    split(stream_of(records, size), Split({name: Outputs(str(path), lineage=False) for name, path in paths.items()}, **plan))
    return [[json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] for path in paths.values()]


def numbered(count: int, **values: Any) -> list[dict[str, Any]]:
    return [{"text": f"t{i}", "n": i, **{name: value[i % len(value)] for name, value in values.items()}} for i in range(count)]


def demand_each_once(parts: list[list[Any]], records: list[Any]) -> None:
    for part in parts:
        assert [record["n"] for record in part] == sorted(record["n"] for record in part)
    assert sorted((record for part in parts for record in part), key=lambda record: record["n"]) == records


@quick
@given(
    ratios=st.lists(st.integers(1, 20), min_size=2, max_size=3),
    records=st.integers(0, 90),
    size=st.integers(1, 40),
    other_size=st.integers(1, 40),
    seed=st.integers(0, 2**32 - 1),
    by=st.sampled_from([{}, {"stratify": "label"}, {"group": "label"}, {"stratify": "mine"}, {"group": "mine"}]),
)
def test_ratios_lose_and_double_nothing_whatever_the_batches(
    tmp_path: Path, ratios: list[int], records: int, size: int, other_size: int, seed: int, by: dict[str, str]
) -> None:
    given_ = numbered(records, label=["a", "b", "a"], mine=["x", 1, True, 1.5, {"k": [None]}])
    parts = parts_of(given_, tmp_path, size, ratios=tuple(ratios), seed=seed, **by)
    demand_each_once(parts, given_)
    assert parts == parts_of(given_, tmp_path, other_size, ratios=tuple(ratios), seed=seed, **by)


@quick
@given(
    first=st.integers(0, 30),
    second=st.integers(0, 30),
    rest=st.integers(0, 2),
    records=st.integers(60, 90),
    size=st.integers(1, 40),
    seed=st.integers(0, 2**32 - 1),
    stratify=st.sampled_from([None, "label"]),
)
def test_counts_are_exact_whatever_the_batches(
    tmp_path: Path, first: int, second: int, rest: int, records: int, size: int, seed: int, stratify: str | None
) -> None:
    given_ = numbered(records, label=["a", "b", "a", "c", "a"])
    counts: list[int | None] = [first, second]
    counts.insert(rest, None)
    parts = parts_of(given_, tmp_path, size, counts=tuple(counts), seed=seed, stratify=stratify)
    demand_each_once(parts, given_)
    due = [records - first - second if count is None else count for count in counts]
    assert [len(part) for part in parts] == due
    assert parts == parts_of(given_, tmp_path, 11, counts=tuple(counts), seed=seed, stratify=stratify)


def test_every_block_is_dealt_exactly(tmp_path: Path) -> None:
    parts = parts_of(numbered(1000), tmp_path, 33, ratios=(0.8, 0.1, 0.1))
    for start in range(0, 1000, 10):
        assert [sum(start <= record["n"] < start + 10 for record in part) for part in parts] == [8, 1, 1]


def test_stratified_blocks_are_of_a_label_each(tmp_path: Path) -> None:
    """70 a and 30 b in some order: 8, 1, 1 of each ten of a label, so 56, 7, 7 and 24, 3, 3."""
    labels = [*("a" * 70), *("b" * 30)]
    np.random.default_rng(1).shuffle(labels)
    parts = parts_of(numbered(100, label=labels), tmp_path, 9, ratios=(8, 1, 1), stratify="label")
    assert [Counter(record["label"] for record in part) for part in parts] == [{"a": 56, "b": 24}, {"a": 7, "b": 3}, {"a": 7, "b": 3}]


def test_stratified_counts_by_hand(tmp_path: Path) -> None:
    """Of 50 a, 30 b, 20 c: 10 test are 5, 3, 2; of what is left 7 valid are 3.5, 2.1, 1.4, so 4, 2, 1."""
    records = numbered(100, label=["a", "b", "a", "c", "a", "b", "a", "b", "a", "c"])
    parts = parts_of(records, tmp_path, counts=(None, 7, 10), stratify="label")
    assert [Counter(record["label"] for record in part) for part in parts[1:]] == [{"a": 4, "b": 2, "c": 1}, {"a": 5, "b": 3, "c": 2}]


@given(st.lists(st.integers(1, 50), min_size=1, max_size=8), st.data())
def test_shares_of_labels_add_up_both_ways(sizes: list[int], data: st.DataObject) -> None:
    first = data.draw(st.integers(0, sum(sizes)))
    second = data.draw(st.integers(0, sum(sizes) - first))
    counts = [first, second, sum(sizes) - first - second]
    table = shares_of_labels(sizes, counts)
    assert [sum(row) for row in table] == sizes
    assert [sum(column) for column in zip(*table, strict=True)] == counts
    for row, size in zip(table, sizes, strict=True):
        for share, count in zip(row, counts, strict=True):
            assert abs(share - Fraction(size * count, sum(sizes))) < 2


@pytest.mark.parametrize(
    ("ratios", "due"),
    [
        ((0.8, 0.1, 0.1), [8, 1, 1]),
        ((8, 1, 1), [8, 1, 1]),
        ((0.8, 0.2), [4, 1]),
        ((1, 1), [1, 1]),
        ((1, 1, 1), [1, 1, 1]),
        ((0.7, 0.15, 0.15), [14, 3, 3]),
        ((0.333, 0.333, 0.334), [333, 333, 334]),
        ((0.999, 0.001), [999, 1]),
        ((0.33333, 0.33333, 0.33334), [1, 1, 1]),
    ],
)
def test_the_smallest_block(ratios: tuple[float, ...], due: list[int]) -> None:
    assert block(ratios) == due


@given(st.lists(st.floats(0.02, 1), min_size=2, max_size=3))
def test_any_block_is_close_to_its_ratios(ratios: list[float]) -> None:
    shares = block(ratios)
    for share, ratio in zip(shares, ratios, strict=True):
        assert abs(share / sum(shares) - ratio / sum(ratios)) <= 1 / 1000


def test_a_ratio_that_no_block_has() -> None:
    with pytest.raises(UsageError, match="at least 1 of 1000"):
        block((1, 9999))


def test_largest_remainders() -> None:
    assert apportion(7, [45, 27, 18]) == [4, 2, 1]
    assert apportion(1, [1, 1]) == [1, 0]
    assert apportion(0, [3, 4]) == [0, 0]
    assert apportion(5, [0, 5]) == [0, 5]


def test_the_random_numbers_are_those_of_the_paper() -> None:
    """SplitMix64 from seed 1234567, as published with other implementations."""
    found = randoms(np.array([1234567], np.uint64), np.arange(5, dtype=np.uint64))
    assert found.tolist() == [6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431, 16408922859458223821]


def test_every_slot_is_as_likely_in_every_part() -> None:
    """10,000 blocks of 8, 1, 1 under one seed: each of the ten slots falls to test about 1,000 times."""
    parts = dealt_by_blocks(100_000)
    test = np.bincount(np.flatnonzero(parts == 2) % 10, minlength=10)
    assert test.sum() == 10_000
    assert abs(test - 1000).max() < 150  # five standard deviations


def dealt_by_blocks(records: int) -> Any:
    return Blocks(Split({}, ratios=(8, 1, 1))).deal(pl.Series([""]).new_from_index(0, records))


def test_groups_stay_whole_and_their_hash_is_fixed(tmp_path: Path) -> None:
    records = numbered(600, user=[f"user {i}" for i in range(60)])
    parts = parts_of(records, tmp_path, ratios=(6, 2, 2), group="user")
    users = [{record["user"] for record in part} for part in parts]
    assert not (users[0] & users[1] or users[0] & users[2] or users[1] & users[2])
    assert [len(part) for part in parts] == [10 * len(own) for own in users]
    assert min(map(len, users)) > 4
    assert fingerprint(42, "user 1") == 0x2B67521F61377AAF  # hashlib.blake2b(b"user 1", digest_size=8, key=b"\x2a" + bytes(7))


def test_another_seed_deals_otherwise(tmp_path: Path) -> None:
    records = numbered(100, label=["a", "b"], user=[*range(20)])
    for plan in ({"ratios": (8, 2)}, {"counts": (80, 20)}, {"ratios": (8, 2), "stratify": "label"}, {"ratios": (8, 2), "group": "user"}):
        assert parts_of(records, tmp_path, seed=1, **plan) != parts_of(records, tmp_path, seed=2, **plan)


def test_values_go_by_their_spelling(tmp_path: Path) -> None:
    """A number and a string that look alike are one group, and so is a string with an escape and the same without."""
    lines = ['{"text":"a","g":1}', '{"text":"b","g":"1"}', '{"text":"c","g":"\\u0031"}', '{"text":"d","g":1.0}', '{"text":"e","g":"\\ud800"}'] * 40
    found = spelling(Batch(pl.DataFrame(), Position("in", 1), raw=pl.Series(lines)), "g")
    assert found.to_list() == ["1", "1", "1", "1.0", '"\\ud800"'] * 40


def test_a_value_with_quotes_keeps_them() -> None:
    lines = [json.dumps({"g": value}) for value in ('"quoted"', "", "null", None, True, [1])] + ["{}"]
    found = spelling(Batch(pl.DataFrame(), Position("in", 1), raw=pl.Series(lines)), "g")
    assert found.to_list() == ['"quoted"', "", "null", None, "true", "[1]", None]


def test_counts_that_are_not_those_of_the_records() -> None:
    assert counts_of(10, (3, None)) == [3, 7]
    assert counts_of(10, (10, None)) == [10, 0]
    with pytest.raises(InputError, match="wants 9 records, and there are 10; write rest"):
        counts_of(10, (4, 5))
    with pytest.raises(InputError, match="wants 11 records, and there are 10"):
        counts_of(10, (11, None))


def test_nothing_to_deal_exactly() -> None:
    assert exactly(pl.Series(dtype=pl.String), [0, 0], 1).tolist() == []


# The command


@pytest.fixture
def place(textkit: Textkit) -> Textkit:
    lines = [json.dumps({"text": f"t {i}", "label": "ab"[i % 2], "user": i // 10}) for i in range(100)]
    (textkit.folder / "in.jsonl").write_text("\n".join(lines) + "\n")
    return textkit


def test_each_part_is_a_whole_stream(place: Textkit) -> None:
    """With the lineage of the input and an end line of its own; the run says how many records each got."""
    (place.folder / "train.jsonl").write_text("old")
    place.shell("textkit tokenize in.jsonl > tokens.jsonl")
    done = place("split", "tokens.jsonl", "--train", "train.jsonl", "--valid", "valid.jsonl.gz", "--test", "test.arrow")
    assert "textkit split: 100 records: train 80 (80.0 %), valid 10 (10.0 %), test 10 (10.0 %)\n" in done.stderr
    header = (place.folder / "tokens.jsonl").read_text().splitlines()[0]
    valid = gzip.decompress((place.folder / "valid.jsonl.gz").read_bytes()).decode().splitlines()
    assert (valid[0], valid[-1], len(valid)) == (header, '{"textkit":{"end":10}}', 12)
    shown = json.loads(place("show", "--json", "test.arrow").stdout)
    assert (shown["records"], shown["complete"], shown["lineage"]["stages"][0]["stage"]) == (10, True, "tokenize")
    both = place("convert", "train.jsonl", "valid.jsonl.gz", "test.arrow", "--no-lineage").stdout.splitlines()
    records = [json.loads(line) for line in (place.folder / "tokens.jsonl").read_text().splitlines()[1:-1]]
    assert sorted(map(json.loads, both), key=lambda record: int(record["text"][2:])) == records


def test_output_options(place: Textkit) -> None:
    place("split", "in.jsonl", "--train", "a", "--test", "b", "--to", "tsv", "--keep", "text", "--stratify", "label", "--no-lineage")
    lines = (place.folder / "a").read_text().splitlines()
    assert (lines[0], len(lines)) == ("text", 81)
    assert sum(int(line.split()[1]) % 2 for line in lines[1:]) == 40


def test_an_input_cut_short_keeps_nothing(place: Textkit) -> None:
    (place.folder / "test.jsonl").write_text("old")
    for options in (["--ratios", "8,2"], ["--counts", "rest,1"]):
        words = " ".join(["split", "--train", "train.jsonl", "--test", "test.jsonl", *options])
        done = place.shell(f"textkit tokenize in.jsonl | head -n 50 | textkit {words}", code=None)
        assert done.returncode == 3
        assert "without its end line" in done.stderr
        assert not (place.folder / "train.jsonl").exists()
        assert (place.folder / "test.jsonl").read_text() == "old"
        place.shell(f"textkit tokenize in.jsonl | head -n 50 | textkit {words} --partial; true")
        assert '"end"' not in (place.folder / "train.jsonl").read_text()
        (place.folder / "train.jsonl").unlink()
        (place.folder / "test.jsonl").write_text("old")


def test_a_record_without_the_field(place: Textkit) -> None:
    (place.folder / "bad.jsonl").write_text('{"text":"a","g":1}\n{"text":"b"}\n{"text":"c","g":null}\n{"text":"d","g":true}\n')
    for flag in ("--group", "--stratify"):
        words = ["split", "bad.jsonl", "--train", "a.jsonl", "--test", "b.jsonl", flag, "g"]
        done = place(*words, code=3)
        assert "bad.jsonl:2: the record has no 'g'" in done.stderr
        assert not (place.folder / "a.jsonl").exists()
        done = place(*words, "--reject", "left.jsonl")
        assert "2 skipped" in done.stderr
        assert [json.loads(line)["position"] for line in (place.folder / "left.jsonl").read_text().splitlines()] == ["bad.jsonl:2", "bad.jsonl:3"]
        (place.folder / "a.jsonl").unlink()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--train", "a"], "two files or three"),
        (["--train", "a", "--test", "./a"], "./a: is another part too"),
        (["--train", "a", "--test", "in.jsonl"], "in.jsonl: is an input too"),
        (["--train", "a", "--test", "-"], "a part is a file"),
        (["--train", "a", "--test", "b", "--ratios", "1,1,1"], "--ratios has 3 numbers for 2 files"),
        (["--train", "a", "--test", "b", "--ratios", "1,0"], "takes numbers above 0"),
        (["--train", "a", "--test", "b", "--ratios", "nan,1"], "takes numbers above 0"),
        (["--train", "a", "--test", "b", "--counts", "rest,rest"], "one may be rest"),
        (["--train", "a", "--test", "b", "--counts", "1,-1"], "takes whole numbers"),
        (["--train", "a", "--test", "b", "--counts", "1,rest", "--ratios", "1,1"], "two ways"),
        (["--train", "a", "--test", "b", "--stratify", "label", "--group", "user"], "do not go together"),
        (["--train", "a", "--test", "b", "--counts", "1,rest", "--group", "user"], "do not go together"),
        (["--train", "a", "--test", "b.arrow", "--field", "text"], "--field goes with --to text"),
    ],
)
def test_what_is_refused_before_any_work(place: Textkit, words: list[str], told: str) -> None:
    done = place("split", "in.jsonl", *words, code=2)
    assert told in done.stderr
    assert [path.name for path in place.folder.iterdir()] == ["in.jsonl"]


def test_parts_appear_together_or_not_at_all(place: Textkit) -> None:
    """The second part's folder is gone at once; a file of the size limit breaks off the last bytes of a compressed one."""
    big = "".join(json.dumps({"text": f"{i * 7919 % 99991} {i * 104729 % 1299709}"}) + "\n" for i in range(4000))
    (place.folder / "big.jsonl").write_text(big)
    place("split", "big.jsonl", "--train", "a.jsonl", "--test", "no/b.jsonl", code=6)
    done = place.shell("ulimit -f 20; textkit split big.jsonl --train a.jsonl.gz --test b.jsonl.gz --ratios 9,1", code=6)
    assert "file too large" in done.stderr
    assert sorted(path.name for path in place.folder.iterdir()) == ["big.jsonl", "in.jsonl"]


def test_the_last_stage_of_a_pipe(place: Textkit) -> None:
    place("pipe", "tokenize | split --train a.jsonl --test b.jsonl --group user", "in.jsonl")
    piped = (place.folder / "a.jsonl").read_bytes(), (place.folder / "b.jsonl").read_bytes()
    place.shell("textkit tokenize in.jsonl | textkit split --train a.jsonl --test b.jsonl --group user")
    assert piped == ((place.folder / "a.jsonl").read_bytes(), (place.folder / "b.jsonl").read_bytes())


def test_no_records_at_all(place: Textkit) -> None:
    for options in (["--ratios", "1,1"], ["--counts", "0,rest", "--stratify", "label"]):
        done = place("split", "--train", "a.jsonl", "--test", "b.jsonl", *options)
        assert "the input held no records" in done.stderr
        assert (place.folder / "b.jsonl").read_text().endswith('{"textkit":{"end":0}}\n')
