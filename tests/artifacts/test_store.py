"""Where a learned stage's artifact goes: the folder of --save, else the cache."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from textkit.artifacts import folder
from textkit.artifacts.store import Store
from textkit.errors import ResourceError, UsageError


def fill(draft: Path) -> dict[str, Any]:
    (draft / "words.txt").write_text("a b")
    return {"kind": "thing", "size": 2}


def test_save_publishes_under_the_name_given(tmp_path: Path, cache: Path) -> None:
    stored = Store(str(tmp_path / "art")).put(fill)
    assert stored.path == str(tmp_path / "art")
    assert folder.load(stored.path, "thing")["sha256"] == stored.sha256
    assert [*cache.iterdir()] == []


def test_without_save_the_cache_keeps_it_under_the_same_hash(tmp_path: Path, cache: Path) -> None:
    stored = Store().put(fill)
    assert stored.path == str(cache / stored.sha256)
    assert stored.sha256 == Store(str(tmp_path / "art")).put(fill).sha256


def test_the_path_is_kept_as_it_was_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It goes into lineages: a relative one still fits when the whole folder moves."""
    monkeypatch.chdir(tmp_path)
    assert Store("art").put(fill).path == "art"


def test_a_target_that_will_not_do_is_told_when_the_store_is_made(tmp_path: Path) -> None:
    Store(str(tmp_path / "art")).put(fill)
    with pytest.raises(UsageError):
        Store(str(tmp_path / "art"))
    with pytest.raises(ResourceError):
        Store(str(tmp_path / "art" / "words.txt" / "deeper"))
    Store(str(tmp_path / "art"), force=True)


def test_an_error_while_filling_leaves_nothing(tmp_path: Path, cache: Path) -> None:
    def broken(draft: Path) -> dict[str, Any]:
        fill(draft)
        raise RuntimeError

    for store in (Store(), Store(str(tmp_path / "art"))):
        with pytest.raises(RuntimeError):
            store.put(broken)
    assert [*tmp_path.iterdir()] == [*cache.iterdir()] == []
