"""Options on the command line, derived from a dataclass of settings."""

from __future__ import annotations

from argparse import ArgumentTypeError, _ArgumentGroup
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass, replace
from enum import StrEnum
from typing import Any, TypeVar

from video_classifier.ml.data.settings import Setting, setting_of

Settings = TypeVar("Settings")


def add(group: _ArgumentGroup, defaults: Any) -> None:
    """An option for each setting of a dataclass, and of the dataclasses in it.

    Its value is None if it is left out: `read` then takes the default.
    """
    for field in fields(defaults):
        default, known = getattr(defaults, field.name), setting_of(field)
        if is_dataclass(default):
            add(group, default)
        elif known:
            group.add_argument(
                known.option or f"--{field.name.replace('_', '-')}",
                dest=field.name,
                type=_type(default, known),
                choices=list(type(default)) if isinstance(default, StrEnum) else None,
                default=None,
                metavar=None if isinstance(default, StrEnum) else "X",
                help=f"{known.purpose} (default: {default})",
            )


def read(values: Mapping[str, Any], defaults: Settings) -> Settings:
    """The settings with the options' values, where there are any. Raises ValueError."""
    chosen = {
        field.name: read(values, default) if is_dataclass(default) else values[field.name]
        for field in fields(defaults)  # type: ignore[arg-type]
        if is_dataclass(default := getattr(defaults, field.name))
        or (setting_of(field) and values[field.name] is not None)
    }
    return replace(defaults, **chosen)  # type: ignore[type-var]


def _type(default: Any, known: Setting) -> Callable[[str], Any]:
    """Converts an option's text; what is out of range is refused with the option's name."""

    def convert(text: str) -> Any:
        value = type(default)(text)
        if isinstance(value, int | float) and not known.allows(value):
            msg = f"must be {known.range}"
            raise ArgumentTypeError(msg)
        return value

    convert.__name__ = type(default).__name__  # argparse names it where a text can't be converted
    return convert
