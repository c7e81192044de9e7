"""Settings of a method or architecture: frozen dataclasses whose fields describe themselves.

    @dataclass(frozen=True)
    class Config:
        hidden: int = setting(128, "width of the hidden state")

`override` applies `-s name=value`, `to_json`/`from_json` carry a Config in lineages and manifests, `describe` feeds
the help. An unknown name or a wrong type is an error that lists the fields.
"""

from __future__ import annotations

import dataclasses
import math
import types
from collections.abc import Iterable, Mapping
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from textkit.errors import InputError, UsageError

C = TypeVar("C")


def setting(
    default: Any, help: str, *, least: float | None = None, most: float | None = None, above: float | None = None, only: str | None = None
) -> Any:
    """A field of a Config with its one-line meaning, and the bounds of a number: `least` and `most` belong to them, `above` not.

    only: the values of another setting with which it has a use: `positions=learned|both`.
    """
    return dataclasses.field(default=default, metadata={"help": help, "bounds": (least, most, above), "only": only})


def describe(config: type) -> list[tuple[str, str, Any, str]]:
    """(name, type, default, help) of each field, in order."""
    hints = get_type_hints(config)
    return [(field.name, type_name(hints[field.name]), field.default, field.metadata.get("help", "")) for field in dataclasses.fields(config)]


def type_name(hint: Any) -> str:
    origin = get_origin(hint)
    if origin is Literal:
        return "|".join(map(str, get_args(hint)))
    if origin in (Union, types.UnionType):
        return "|".join("none" if arg is type(None) else type_name(arg) for arg in get_args(hint))
    if origin is tuple:
        return f"{type_name(get_args(hint)[0])},..."
    return getattr(hint, "__name__", str(hint))


def override(config: C, pairs: Iterable[str]) -> C:
    """`config` with the `name=value` pairs applied; UsageError for an unknown name or a wrong type."""
    hints = get_type_hints(type(config))
    changes: dict[str, Any] = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals or name not in hints:
            problem = f"no setting is called {name!r}" if equals else f"-s takes name=value, not {pair!r}"
            raise UsageError(problem, fix=f"the settings are {field_list(type(config))}")
        changes[name] = parse(text, hints[name], name)
        if bounds := out_of_bounds(type(config), name, changes[name]):
            raise UsageError(bounds)
    return dataclasses.replace(config, **changes)  # type: ignore[type-var]


def check_used(config: Any, names: Iterable[str]) -> None:
    """UsageError if one of these settings, which somebody gave, does nothing beside the others."""
    given = {*names}
    for field in [field for field in dataclasses.fields(config) if field.name in given and field.metadata.get("only")]:
        other, _, values = field.metadata["only"].partition("=")
        if (value := str(getattr(config, other))) not in values.split("|"):
            raise UsageError(f"{field.name} does nothing with {other}={value}", fix=f"it is for {other}={values}")


def field_list(config: type) -> str:
    return "; ".join(f"{name}={default} ({kind}: {help})" for name, kind, default, help in describe(config)) or "none"


def parse(text: str, hint: Any, name: str) -> Any:
    origin = get_origin(hint)
    if origin is Literal:
        for choice in get_args(hint):
            if text == str(choice):
                return choice
    elif origin in (Union, types.UnionType):
        if type(None) in get_args(hint) and text.lower() == "none":
            return None
        for arg in (arg for arg in get_args(hint) if arg is not type(None)):
            try:
                return parse(text, arg, name)
            except UsageError:
                pass  # the message below names all that it may be
    elif origin is tuple:
        return tuple(parse(part, get_args(hint)[0], name) for part in text.split(",")) if text else ()
    elif hint is bool:
        if text.lower() in ("true", "yes", "1", "false", "no", "0"):
            return text.lower() in ("true", "yes", "1")
    else:
        try:
            value = hint(text)
            if not isinstance(value, float) or math.isfinite(value):
                return value
        except ValueError:
            pass
    raise UsageError(f"setting {name} takes {type_name(hint)}, not {text!r}")


def out_of_bounds(config: type, name: str, value: Any) -> str | None:
    """What is wrong with a number, in words; None if nothing is."""
    field = next(field for field in dataclasses.fields(config) if field.name == name)
    least, most, above = field.metadata.get("bounds", (None, None, None))
    if not isinstance(value, int | float):
        return None
    if least is not None and value < least:
        return f"setting {name} is at least {least}, not {value}"
    if most is not None and value > most:
        return f"setting {name} is at most {most}, not {value}"
    if above is not None and value <= above:
        return f"setting {name} is above {above}, not {value}"
    return None


def to_json(config: Any) -> dict[str, Any]:
    return {name: list(value) if isinstance(value, tuple) else value for name, value in dataclasses.asdict(config).items()}


def from_json(config: type[C], values: Mapping[str, Any], where: str) -> C:
    """Rebuild a Config from a manifest or lineage; InputError if a field is unknown or has another type."""
    hints = get_type_hints(config)
    for name, value in values.items():
        if name not in hints or not fits(value, hints[name]) or out_of_bounds(config, name, value):
            raise InputError(f"setting {name}={value!r} is not one this version knows", where=where)
    return config(**{name: tuple(value) if isinstance(value, list) else value for name, value in values.items()})


def fits(value: Any, hint: Any) -> bool:
    origin = get_origin(hint)
    if origin is Literal:
        return value in get_args(hint)
    if origin in (Union, types.UnionType):
        return any(fits(value, arg) for arg in get_args(hint))
    if origin is tuple:
        return isinstance(value, list | tuple) and all(fits(part, get_args(hint)[0]) for part in value)
    if hint is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    return type(value) is (type(None) if hint is None else hint)
