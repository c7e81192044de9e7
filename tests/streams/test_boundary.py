"""Between two commands of one process fields are renamed as they are between two processes."""

from __future__ import annotations

import json

import pytest

from tests.conftest import Textkit
from tests.streams.reading import put

RECORDS = [{"text": "a b", "pair": "c", "n": {"text": 1}}, {"pair": "d", "text": "e"}]
SWAP = "--text-field pair --pair-field text"


@pytest.mark.parametrize("first", ["convert", "tokenize"])
def test_two_fields_may_swap_their_names(textkit: Textkit, first: str) -> None:
    put(textkit.folder, "a.jsonl", "".join(json.dumps(record) + "\n" for record in RECORDS))
    piped = textkit.shell(f"textkit pipe '{first} a.jsonl | convert {SWAP} --to jsonl'").stdout
    assert piped == textkit.shell(f"textkit {first} a.jsonl | textkit convert {SWAP} --to jsonl").stdout
    records = [record for line in piped.splitlines() if "textkit" not in (record := json.loads(line))]
    due = [{**record, "text": record["pair"], "pair": record["text"]} for record in RECORDS]
    assert [{name: record[name] for name in record if name in RECORDS[0]} for record in records] == due
