"""Settings as dataclass fields: default, purpose and range, spelled once for code and options."""

from __future__ import annotations

import math
from dataclasses import Field, dataclass, field, fields
from typing import Any, TypeVar

Value = TypeVar("Value")

_KEY = "setting"  # in a field's metadata


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """Metadata of a setting, besides type and default."""

    purpose: str  # for --help
    least: float = -math.inf
    most: float = math.inf
    above: float = -math.inf  # like `least`, without the bound itself
    option: str = ""  # on the command line, if it isn't named like the field

    def allows(self, value: float) -> bool:
        return self.least <= value <= self.most and value > self.above

    @property
    def range(self) -> str:
        if self.above > -math.inf:
            return f"above {self.above:g}"
        if self.most == math.inf:
            return f"{self.least:g} or more"
        return f"from {self.least:g} to {self.most:g}"


def setting(default: Value, purpose: str, **about: Any) -> Value:
    """A field of a dataclass; `about` are further fields of Setting."""
    return field(default=default, metadata={_KEY: Setting(purpose=purpose, **about)})


def setting_of(one: Field[Any]) -> Setting | None:
    """The metadata that `setting` put into a field; None for any other field."""
    return one.metadata.get(_KEY)


def check(settings: Any) -> None:
    """Raises ValueError for the first field of a dataclass that is out of its range, or NaN."""
    for one in fields(settings):
        known, value = setting_of(one), getattr(settings, one.name)
        if known and isinstance(value, int | float) and not known.allows(value):
            msg = f"{one.name.replace('_', ' ')} must be {known.range}"
            raise ValueError(msg)
