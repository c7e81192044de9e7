"""The artifact cache: named by content, evicted by last use, and where an artifact of a lineage is looked for."""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from textkit.artifacts import cache as module
from textkit.artifacts import folder
from textkit.errors import InputError, ResourceError
from textkit.streams.lineage import Entry

DAY = 24 * 3600


def fill(words: str, size: int = 10):  # type: ignore[no-untyped-def]
    def write(draft: Path) -> str:
        (draft / "words.txt").write_text(words.ljust(size))
        return folder.seal(draft, {"kind": "thing"})

    return write


def aged(place: Path, seconds: float) -> Path:
    os.utime(place, (time.time() - seconds,) * 2)
    return place


def test_kept_under_its_hash(cache: Path) -> None:
    place = module.keep(fill("a"))
    assert place.parent == cache
    assert folder.load(place, "thing")["sha256"] == place.name
    assert module.keep(fill("a")) == place
    assert [path.name for path in cache.iterdir()] == [place.name]


def test_what_was_damaged_in_the_cache_is_made_anew(cache: Path) -> None:
    place = module.keep(fill("a"))
    (place / "words.txt").write_text("b" * 10)
    folder.load(module.keep(fill("a")), "thing")
    assert len([*cache.iterdir()]) == 1


def test_many_at_once_keep_the_same(cache: Path) -> None:
    """The stages of two pipes that learn from the same corpus at the same time."""
    with ThreadPoolExecutor(8) as pool:
        places = {*pool.map(lambda _: module.keep(fill("a")), range(80))}
    assert len(places) == 1
    assert [*cache.iterdir()] == [*places]
    folder.load(*places, "thing")


def test_an_error_while_writing_leaves_nothing(cache: Path) -> None:
    def broken(draft: Path) -> str:
        (draft / "half").write_text("x")
        raise RuntimeError

    with pytest.raises(RuntimeError):
        module.keep(broken)
    assert [*cache.iterdir()] == []


def test_least_recently_used_goes_first(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    places = [aged(module.keep(fill(name, 1000)), age * DAY) for name, age in [("a", 3), ("b", 5), ("c", 4)]]
    size = sum(module._size(place) for place in places)
    monkeypatch.setattr(module, "LIMIT", size)
    newest = module.keep(fill("d", 900))
    assert [place.exists() for place in (*places, newest)] == [True, False, True, True]


def test_never_what_was_used_in_the_last_day(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LIMIT", 0)
    young, old = aged(module.keep(fill("a")), DAY - 60), module.keep(fill("b"))
    aged(old, DAY + 60)
    newest = module.keep(fill("c"))
    assert [place.exists() for place in (young, old, newest)] == [True, False, True]


def test_using_it_is_use(monkeypatch: pytest.MonkeyPatch) -> None:
    """`locate` touches what it finds: a nightly job's tokenizer is not evicted while it is in use."""
    place = aged(module.keep(fill("a")), 9 * DAY)
    module.locate(Entry("tokenize", "words", artifact=str(place), sha256=place.name))
    module.locate(Entry("tokenize", "words", artifact="elsewhere", sha256=place.name))
    monkeypatch.setattr(module, "LIMIT", 0)
    module.keep(fill("b"))
    assert place.exists()


def test_under_the_limit_nothing_goes() -> None:
    old = aged(module.keep(fill("a")), 99 * DAY)
    module.keep(fill("b"))
    assert old.exists()


def test_folder_is_the_users_own_unless_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TEXTKIT_CACHE")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert module.root() == tmp_path / ".cache" / "textkit"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert module.root() == tmp_path / "xdg" / "textkit"


@pytest.mark.parametrize("home", ["/dev/null", "/proc/nobody", None])
def test_without_a_home_the_temporary_folder_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], home: str | None
) -> None:
    monkeypatch.delenv("TEXTKIT_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", home or "/dev/null/x")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert module.root() == tmp_path / f"textkit-{os.getuid()}"
    assert f"what is learned without --save goes to {tmp_path}" in capsys.readouterr().err


def test_another_users_folder_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TEXTKIT_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", "/dev/null/x")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    stranger = os.getuid() + 1
    monkeypatch.setattr(os, "getuid", lambda: stranger)
    with pytest.raises(ResourceError, match="is another user's; set TEXTKIT_CACHE"):
        module.root()


def test_named_folder_that_cannot_be_made_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEXTKIT_CACHE", "/dev/null/cache")
    with pytest.raises(ResourceError, match="/dev/null/cache: the cache folder cannot be made"):
        module.root()


@pytest.fixture
def saved(tmp_path: Path) -> tuple[Path, str]:
    with folder.publish(tmp_path / "tok", force=False) as draft:
        return tmp_path / "tok", fill("a")(draft)


def test_located_as_given_then_beside_the_streams_file(saved: tuple[Path, str], monkeypatch: pytest.MonkeyPatch) -> None:
    place, sha256 = saved
    monkeypatch.chdir(place.parent)
    assert module.locate(Entry("tokenize", artifact="tok", sha256=sha256)) == Path("tok")
    monkeypatch.chdir("/")
    assert module.locate(Entry("tokenize", artifact="tok", sha256=sha256), (place.parent,)) == place
    assert module.locate(Entry("tokenize", artifact="/on/another/machine/tok", sha256=sha256), (place.parent,)) == place


def test_the_hash_decides_not_the_name(saved: tuple[Path, str]) -> None:
    """At the hinted path stands another artifact by now: the cache has the one that is meant."""
    place, _ = saved
    meant = module.keep(fill("meant"))
    assert module.locate(Entry("tokenize", artifact=str(place), sha256=meant.name)) == meant


def test_a_damaged_namesake_does_not_hide_the_right_one(saved: tuple[Path, str]) -> None:
    place, sha256 = saved
    (place / "manifest.json").write_text("{")
    meant = module.keep(fill("a"))
    assert meant.name == sha256
    assert module.locate(Entry("tokenize", artifact=str(place), sha256=sha256)) == meant


def test_damaged_and_nowhere_else_says_so(saved: tuple[Path, str]) -> None:
    place, sha256 = saved
    (place / "manifest.json").write_text("{")
    with pytest.raises(InputError, match="the manifest is damaged"):
        module.locate(Entry("tokenize", artifact=str(place), sha256=sha256))


def test_not_found_names_artifact_and_save() -> None:
    with pytest.raises(InputError) as caught:
        module.locate(Entry("tokenize", "wordpiece", artifact="/far/tok", sha256="0123456789abcdef"))
    assert str(caught.value) == (
        "the artifact of tokenize wordpiece (/far/tok, 0123456789ab) is not on this machine; "
        "bring it here, or run textkit tokenize with --save NAME and take that folder along"
    )
