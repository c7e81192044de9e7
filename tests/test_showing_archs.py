"""show archs, show arch NAME: what is told is what the registry and the architectures say."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.conftest import Textkit
from textkit.config import describe
from textkit.errors import UsageError
from textkit.registry import ARCHS
from textkit.showing.archs import facts_of_arch, facts_of_archs


def test_all_architectures_are_listed(textkit: Textkit) -> None:
    told = textkit("show", "archs", "--json")
    assert [one["name"] for one in json.loads(told.stdout)["archs"]] == [*ARCHS]
    lines = textkit("show", "archs").stdout.splitlines()
    assert [line.split()[0] for line in lines[:-1]] == [*ARCHS]
    assert {one["is"] for one in facts_of_archs()["archs"]} == {"linear", "network"}


@pytest.mark.parametrize("name", ARCHS)
def test_an_architecture_tells_all_its_settings(name: str) -> None:
    facts = facts_of_arch(name)
    assert [(one["name"], one["default"]) for one in facts["settings"]] == [(field[0], field[2]) for field in describe(ARCHS.find(name).Config)]
    assert facts["parameters"]["total"] > 0


def test_parameters_of_an_lstm_by_hand() -> None:
    """Four gates of a width H over D inputs and H states with two biases, in both directions; 2H to two labels; a row a token."""
    counted = facts_of_arch("lstm", ("hidden=10", "embedding_dim=6"))["parameters"]
    assert counted["token_embedding"] == 20_000 * 6
    assert counted["other"] == 2 * 4 * 10 * (6 + 10 + 2) + (2 * 10 + 1) * 2
    assert facts_of_arch("lstm", ("hidden=10",))["settings"][-4].get("value") == 10


def test_text_names_settings_with_their_changed_value(textkit: Textkit) -> None:
    shown = textkit("show", "arch", "cnn", "-s", "filters=7").stdout
    assert "filters=7" in shown
    assert "widths=2,3,4,5" in shown or "widths=3,4,5" in shown
    assert "Kim 2014" in shown


@pytest.mark.parametrize("words", [("arch",), ("arch", "lstm", "gru"), ("archs", "lstm"), ("archs", "-s", "a=1"), ("arch", "lstm", "--pipeline")])
def test_anything_else_is_a_usage_error(textkit: Textkit, words: tuple[str, ...]) -> None:
    assert textkit("show", *words, code=2).stderr


def test_no_such_architecture_or_setting() -> None:
    changes: Any
    for name, changes in (("nope", ()), ("lstm", ("nope=1",)), ("lstm", ("hidden=0",))):
        with pytest.raises(UsageError):
            facts_of_arch(name, changes)
