"""Settings: `name=value` to typed fields, to JSON and back, and errors that list the fields."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from typing import Any, Literal, get_type_hints

import pytest

from textkit import config
from textkit.config import setting
from textkit.errors import InputError, UsageError
from textkit.registry import ARCHS, EMBEDDINGS, TOKENIZERS

OWNERS = [entry for registry in (TOKENIZERS, EMBEDDINGS, ARCHS) for entry in registry.values()]
every_config = pytest.mark.parametrize("entry", OWNERS, ids=lambda entry: entry.target.partition(":")[2])


@dataclass(frozen=True)
class Config:
    hidden: int = setting(128, "width of the hidden state")
    dropout: float = setting(0.1, "share of units left out")
    bidirectional: bool = setting(False, "read from both ends")
    cell: Literal["lstm", "gru"] = setting("lstm", "which cell")
    limit: int | None = setting(None, "at the most")
    name: str = setting("x", "what it is called")
    heads: int = setting(4, "attention heads", least=1, most=64)
    rate: float | None = setting(None, "how fast", above=0)
    marks: tuple[str, ...] = setting((), "which marks")
    widths: tuple[int, ...] = setting((1, 2), "how wide")


@pytest.mark.parametrize(
    ("pair", "value"),
    [
        ("hidden=64", 64),
        ("hidden=-1", -1),
        ("dropout=0", 0.0),
        ("dropout=1e-3", 0.001),
        ("bidirectional=true", True),
        ("bidirectional=Yes", True),
        ("bidirectional=0", False),
        ("cell=gru", "gru"),
        ("limit=none", None),
        ("limit=7", 7),
        ("name=a=b", "a=b"),
        ("name=", ""),
        ("marks=", ()),
        ("marks=<a>", ("<a>",)),
        ("marks=<a>,b=c, d", ("<a>", "b=c", " d")),
        ("marks=a,,b", ("a", "", "b")),
        ("widths=7,8", (7, 8)),
    ],
)
def test_override(pair: str, value: Any) -> None:
    changed = config.override(Config(), [pair])
    assert getattr(changed, pair.partition("=")[0]) == value
    assert type(getattr(changed, pair.partition("=")[0])) is type(value)


def test_the_last_of_equal_names_wins() -> None:
    assert config.override(Config(), ["hidden=1", "hidden=2"]).hidden == 2


@pytest.mark.parametrize(
    ("pair", "told"),
    [
        ("hidden=wide", "setting hidden takes int, not 'wide'"),
        ("hidden=1.5", "setting hidden takes int, not '1.5'"),
        ("hidden=", "setting hidden takes int, not ''"),
        ("dropout=half", "setting dropout takes float, not 'half'"),
        ("dropout=nan", "setting dropout takes float, not 'nan'"),
        ("dropout=inf", "setting dropout takes float, not 'inf'"),
        ("bidirectional=maybe", "setting bidirectional takes bool, not 'maybe'"),
        ("cell=rnn", "setting cell takes lstm|gru, not 'rnn'"),
        ("limit=few", "setting limit takes int|none, not 'few'"),
        ("hiden=1", "no setting is called 'hiden'; the settings are hidden=128 (int: width of the hidden state); dropout=0.1"),
        ("widths=3,x", "setting widths takes int, not 'x'"),
        ("heads=0", "setting heads is at least 1, not 0"),
        ("heads=65", "setting heads is at most 64, not 65"),
        ("rate=0", "setting rate is above 0, not 0.0"),
        ("hidden", "-s takes name=value, not 'hidden'; the settings are hidden=128"),
    ],
)
def test_wrong_pairs_are_usage_errors(pair: str, told: str) -> None:
    with pytest.raises(UsageError) as caught:
        config.override(Config(), [pair])
    assert str(caught.value).startswith(told)


def test_a_setting_that_does_nothing_is_told_if_it_was_given() -> None:
    @dataclass(frozen=True)
    class Config:
        kind: str = setting("plain", "which")
        size: int = setting(3, "of the other two", only="kind=large|huge")

    config.check_used(Config(), ["kind"])
    config.check_used(Config("huge", 4), ["size"])
    with pytest.raises(UsageError, match=r"size does nothing with kind=plain; it is for kind=large\|huge"):
        config.check_used(Config(), ["size"])


def test_json_gives_the_same_config_back() -> None:
    settings = Config(hidden=3, dropout=0.5, bidirectional=True, cell="gru", limit=9, name="é", marks=("<a>", "b,c"), widths=())
    assert config.to_json(settings)["marks"] == ["<a>", "b,c"]
    assert config.from_json(Config, json.loads(json.dumps(config.to_json(settings))), "here") == settings


def test_a_whole_number_is_a_float_after_json() -> None:
    """A manifest written elsewhere may say 1 for 1.0."""
    assert config.from_json(Config, {"dropout": 1}, "here").dropout == 1.0


@pytest.mark.parametrize(
    "values",
    [
        *({"hidden": value} for value in ("3", True, 1.0, None)),
        *({"cell": "rnn"}, {"depth": 2}, {"bidirectional": 1}, {"heads": 0}, {"name": ["x"]}),
        *({"marks": "a"}, {"marks": [1]}, {"marks": None}, {"widths": [1.0]}, {"widths": [True]}),
    ],
)
def test_json_of_another_shape_is_an_input_error(values: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=f"^manifest: setting {next(iter(values))}="):
        config.from_json(Config, values, "manifest")


@every_config
def test_every_field_says_what_it_is(entry: Any) -> None:
    for name, kind, _, help_text in config.describe(entry.load().Config):
        assert help_text, f"{entry.target}: {name} has no help"
        assert help_text[0].islower() or not help_text[0].isalpha() or help_text.split()[0].isupper(), f"{name}: a phrase, no sentence"
        assert kind in ("int", "float", "bool", "str") or "|" in kind or kind.endswith(",...")


@every_config
def test_every_config_survives_json_and_its_own_spelling(entry: Any) -> None:
    settings = entry.load().Config()
    assert config.from_json(type(settings), json.loads(json.dumps(config.to_json(settings))), "here") == settings
    values = {field.name: getattr(settings, field.name) for field in fields(settings)}
    spelt = [f"{name}={','.join(map(str, value)) if isinstance(value, tuple) else value}" for name, value in values.items()]
    assert config.override(settings, spelt) == settings


@every_config
def test_every_default_is_of_its_type(entry: Any) -> None:
    settings = entry.load().Config
    for field in fields(settings):
        assert config.fits(field.default, get_type_hints(settings)[field.name]), field.name
        assert config.out_of_bounds(settings, field.name, field.default) is None
