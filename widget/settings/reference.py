"""Every setting of the model with its place, default and meaning: what the reference for operators is made from."""

from __future__ import annotations

import types
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, get_args

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from widget.settings.meanings import MEANINGS
from widget.settings.model import Settings

NOTHING = "–"  # off, empty, or no default


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting. `key` has NAME in the place of an operator's own names, as `entry_points.NAME.hours.monday`."""

    key: str
    field: FieldInfo

    @property
    def meaning(self) -> str:
        return MEANINGS.get(self.key, "")

    @property
    def default(self) -> str:
        """The default as a settings file has it: "required", "–" for off, or a value."""
        if self.field.is_required():
            return "required"
        return shown(self.field.get_default(call_default_factory=True, validated_data={}))


@cache
def all_settings() -> tuple[Setting, ...]:
    """Return every setting in the order of the model."""
    return tuple(_settings(Settings, ""))


def section_at(place: Sequence[str]) -> type[BaseModel] | None:
    """Return the model of the section at a place, as `entry_points.sales`, or None where there is none."""
    model: type[BaseModel] | None = Settings
    parts = list(place)
    while parts and model is not None:
        field = model.model_fields.get(attribute_of(model, parts.pop(0)))
        if field is None or (inner := _model_of(field.annotation)) is None:
            return None
        model = inner
        if parts and _is_collection(field):
            parts.pop(0)  # an operator's name, or a place in a list
    return model


def shown(value: Any) -> str:
    """Return a value as a settings file has it, times in their longest whole unit; a secret's is never asked for."""
    match value:
        case SecretStr():
            return value.get_secret_value()
        case None | () | "" | {}:
            return NOTHING
        case bool():
            return str(value).lower()
        case float():
            return _time(value)
        case tuple() | list():
            return ", ".join(shown(each) for each in value)
        case dict():
            return ", ".join(f"{key} = {shown(each)}" for key, each in value.items())
        case _:
            return str(value)


def _time(seconds: float) -> str:
    for size, unit in ((86400, "d"), (3600, "h")):
        if seconds > size and seconds % size == 0:
            return f"{seconds / size:g}{unit}"
    return f"{seconds:g}"


def _settings(model: type[BaseModel], prefix: str) -> Iterator[Setting]:
    for attribute, field in model.model_fields.items():
        name = field.alias or attribute  # `from` is a word of Python's own
        inner = _model_of(field.annotation)
        if inner is None:
            yield Setting(prefix + name, field)
        else:
            named = "NAME." if "dict[" in str(field.annotation) else ""
            yield from _settings(inner, f"{prefix}{name}.{named}")


def attribute_of(model: type[BaseModel], key: str) -> str:
    """Return the attribute of a key of the file: another name where the key is a word of Python's own, as `from`."""
    return next((name for name, field in model.model_fields.items() if field.alias == key), key)


def _is_collection(field: FieldInfo) -> bool:
    return "dict[" in str(field.annotation) or "tuple[" in str(field.annotation)


def _model_of(annotation: Any) -> type[BaseModel] | None:
    """Return the settings class inside `X`, `X | None`, `dict[str, X]` or `tuple[X, ...]`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    parts = get_args(annotation) if isinstance(annotation, types.UnionType) or get_args(annotation) else ()
    return next((found for part in parts if (found := _model_of(part))), None)
