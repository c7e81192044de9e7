"""The registry: each entry loads, has one line of help, and is imported no sooner than it is asked for."""

from __future__ import annotations

import subprocess
import sys

import pytest

from textkit import registry
from textkit.errors import UsageError
from textkit.registry import Entry, Registry

TABLES = {name: value for name, value in vars(registry).items() if isinstance(value, Registry)}
ENTRIES = [(table, name) for table in TABLES for name in TABLES[table]]


@pytest.mark.parametrize(("table", "name"), ENTRIES)
def test_every_entry_loads_and_says_what_it_is(table: str, name: str) -> None:
    found = TABLES[table].find(name)
    assert found is TABLES[table][name].load()
    assert TABLES[table][name].help
    assert "\n" not in TABLES[table][name].help
    assert getattr(found, "__doc__", None) or table == "ARCHS" or getattr(sys.modules[found.__module__], "__doc__", None)


@pytest.mark.parametrize(("table", "name"), ENTRIES)
def test_names_are_what_one_types(table: str, name: str) -> None:
    assert name == name.lower()
    assert name.replace("-", "").replace("_", "").isalnum()


@pytest.mark.parametrize("table", TABLES)
def test_no_two_names_for_one_thing(table: str) -> None:
    targets = [entry.target for entry in TABLES[table].values()]
    assert len({*targets}) == len(targets)


def test_unknown_name_lists_the_choices() -> None:
    with pytest.raises(UsageError) as caught:
        registry.TOKENIZERS.find("magic")
    assert str(caught.value) == f"no tokenizer is called 'magic'; choose from {', '.join(registry.TOKENIZERS)}"


def test_an_entry_is_imported_only_when_it_is_loaded() -> None:
    table = Registry("thing", {"gone": Entry("no.such.module:Thing", "a thing that is not there")})
    assert list(table) == ["gone"]
    with pytest.raises(ModuleNotFoundError):
        table.find("gone")


def test_importing_the_registry_imports_nothing_else_of_the_house() -> None:
    code = "import sys, textkit.registry; print(*sorted(name for name in sys.modules if name.startswith('textkit')))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["textkit", "textkit.errors", "textkit.registry"]
