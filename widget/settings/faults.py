"""One wrong setting as an operator reads it: its key, its value (never a secret's), and what is allowed."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import SecretStr

_LONGEST_SHOWN = 80
# A user and a password before a host. They may hold any character, so all goes up to the last @, also where the two
# slashes were forgotten.
_CREDENTIALS = re.compile(r"(://|:).*@")
# Keys whose values are secrets, and the sections that hold one: written as a text, a section could be the secret.
_SECRET = frozenset({"secret_keys", "operator_tokens", "url", "proxy", "secret", "security", "storage", "shared"})
_SECTIONS_WITH_A_SECRET = (("smtp",), ("webhooks",), ("webhooks", "*"))  # of which most keys are none
_UNKNOWN = "is not a setting"
_TOO_FEW = "at least one entry"
_PLAIN_WORDS = {
    "string_type": "a text",
    "string_unicode": "a text in UTF-8",
    "string_sub_type": "a text",
    "path_type": "a text: the name of a file or folder",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "tuple_type": 'a list, as ["one", "two"]',
    "list_type": 'a list, as ["one", "two"]',
    "dict_type": 'a table, as { key = "value" }',
    "model_type": "a table of settings",
    "model_attributes_type": "a table of settings",
}
_BOUNDS = {
    "greater_than_equal": ("at least", "ge"),
    "less_than_equal": ("at most", "le"),
    "greater_than": ("more than", "gt"),
    "less_than": ("less than", "lt"),
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One wrong setting. `value` is as written, empty for a secret; `variable` set it, where the file did not."""

    key: str
    value: str
    allowed: str
    variable: str = ""

    def __str__(self) -> str:
        origin = f" (from {self.variable})" if self.variable and self.variable != self.key else ""
        return f"{self.key}{origin}{' = ' + self.value if self.value else ''}: {self.allowed}"


class SettingsFaults(Exception):
    """The settings cannot be used; carries every fault found."""

    def __init__(self, source: str, faults: list[Fault]) -> None:
        self.source = source
        self.faults = faults
        noun = "fault" if len(faults) == 1 else "faults"
        super().__init__(f"{source}: {len(faults)} {noun}\n" + "\n".join(f"  {fault}" for fault in faults))


def shown(value: Any, *, secret: bool = False) -> str:
    """Return a value as a fault shows it: short, without the password of an address, and nothing of a secret."""
    if secret or isinstance(value, dict | SecretStr):
        return ""
    text = _CREDENTIALS.sub(r"\1…@", json.dumps(value, default=str, ensure_ascii=False))
    return text if len(text) <= _LONGEST_SHOWN else text[: _LONGEST_SHOWN - 1] + "…"


def is_secret(parts: Iterable[str]) -> bool:
    """Return whether the value at this place is, or may hold, a secret."""
    place = tuple(parts)
    if place[:1] == ("webhooks",):
        place = (*place[:1], *("*" for _ in place[1:2]), *place[2:])
    return place in _SECTIONS_WITH_A_SECRET or not _SECRET.isdisjoint(place)


def in_words(
    errors: Iterable[Any],
    raw: dict[str, Any],
    origins: Mapping[tuple[str, ...], str],
    *,
    did_you_mean: Callable[[Sequence[str]], str],
) -> list[Fault]:
    """Turn pydantic's errors into faults; the branches of a union that refuse one value become one fault."""
    words: dict[tuple[str, str, str], list[str]] = {}
    for error in errors:
        parts = _place(error, raw)
        allowed = _allowed(error)
        if allowed == _UNKNOWN:
            allowed += did_you_mean(parts) or "; `ece-widget settings` prints all that there are"
        hidden = is_secret(parts) or error["type"] in ("missing", "extra_forbidden")
        key = (".".join(parts), shown(error["input"], secret=hidden), origin_of(parts, origins))
        said = words.setdefault(key, [])
        if allowed not in said:
            said.append(allowed)
    keys = {key for key, _, _ in words}
    return [
        Fault(key, value, "; or ".join(said), variable)
        for (key, value, variable), said in words.items()
        # A list whose entries are all wrong counts as empty too; its entries say it better.
        if not (said == [_TOO_FEW] and any(other.startswith(f"{key}.") for other in keys))
    ]


def origin_of(parts: Sequence[str], origins: Mapping[tuple[str, ...], str]) -> str:
    """Return the variable that set the value at this place, or "" for the file's own."""
    for length in range(len(parts), 0, -1):
        if variable := origins.get(tuple(parts[:length])):
            return variable
    return next((variable for place, variable in origins.items() if place[: len(parts)] == tuple(parts)), "")


def _place(error: Any, raw: dict[str, Any]) -> list[str]:
    """Return the keys from the top to the value, without those that pydantic adds for union branches and key checks."""
    node: Any = raw
    parts: list[str] = []
    location = [part for part in error["loc"] if part != "[key]"]
    for number, part in enumerate(location, 1):
        inside = (isinstance(node, dict) and part in node) or (
            isinstance(node, list | tuple) and isinstance(part, int) and part < len(node)
        )
        if inside:
            node = node[part]
        missing = number == len(location) and error["type"] == "missing"
        if inside or missing or isinstance(part, int):  # a number counts the words of a variable
            parts.append(str(part))
    return parts


def _allowed(error: Any) -> str:
    kind, context = error["type"], error.get("ctx", {})
    match kind:
        case "missing":
            return "is required"
        case "extra_forbidden":
            return _UNKNOWN
        case "value_error":
            return str(context["error"])
        case "literal_error" | "enum":
            choices = re.findall(r"'([^']*)'", str(context["expected"]))
            return ("one of " if len(choices) > 1 else "") + ", ".join(f'"{choice}"' for choice in choices)
        case "too_short":
            return _TOO_FEW if context["min_length"] == 1 else f"at least {context['min_length']} entries"
        case "too_long":
            return f"at most {context['max_length']} entries"
        case _ if kind in _BOUNDS:
            word, bound = _BOUNDS[kind]
            return f"a number of {word} {context[bound]}"
        case _:
            message = str(error["msg"]).removeprefix("Input should be ")
            return _PLAIN_WORDS.get(kind, message[:1].lower() + message[1:])
