"""What stands over the file: `ECE_WIDGET_<SECTION>__<KEY>` for every value, and files that hold the secrets.

`ECE_WIDGET_ENTRY_POINTS__SALES__HOURS__MONDAY=09:00-12:00,13:00-18:00` sets `monday` of `[entry_points.sales.hours]`.
Lists are words between commas or JSON, tables are JSON. An empty variable switches an optional setting off. Secrets may
stand in files instead: `ECE_WIDGET_SECURITY__SECRET_KEYS_FILE=/run/secrets/keys`, or `secret_keys_file = "…"` in the
settings file; where several are wanted, one a line.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from widget.settings.faults import Fault, is_secret, shown
from widget.settings.near_misses import did_you_mean_variable
from widget.settings.values import EnvironmentText

PREFIX = "ECE_WIDGET_"
LARGEST_SECRET_FILE = 64 * 1024
NOT_SETTINGS = frozenset({"ECE_WIDGET_CONFIG"})
# What Kubernetes gives every container for a Service named ece-widget or ece-widget-…, in the form of Docker's links:
# ECE_WIDGET_SERVICE_HOST, ECE_WIDGET_SERVICE_PORT_HTTP, ECE_WIDGET_PORT_8000_TCP_ADDR, ECE_WIDGET_PORT=tcp://….
_INJECTED_NAME = re.compile(
    r"(?:\w+_)?(?:SERVICE_HOST|SERVICE_PORT(?:_\w+)?|PORT_[0-9]+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?)"
)
_INJECTED_VALUE = re.compile(r"(?:tcp|udp|sctp)://")
# The secrets that a file may hold, each with a value that is well formed: it stands in for one that could not be read,
# so that the one cause is told once.
SECRETS: dict[tuple[str, ...], Any] = {
    ("security", "secret_keys"): ["unread"],
    ("security", "operator_tokens"): ["stands-for-the-unread"],
    ("storage", "url"): "postgresql://unread",
    ("shared", "url"): "redis://unread",
    ("smtp", "url"): "smtp://unread",
    ("webhooks", "NAME", "url"): "https://unread",
    ("webhooks", "NAME", "secret"): "d2hzZWNfIHN0YW5kcyBmb3IgdGhlIHVucmVhZA==",
}
_OFF_WHEN_EMPTY = frozenset(
    {
        "ca_file",
        "consent",
        "consent_link",
        "client_cert",
        "client_key",
        "proxy",
        "max_wait",
        "max_queue_depth",
        "min_capacity",
        "survey",
        "hours",
    }
)


@dataclass(slots=True)
class Overlay:
    """The settings table with everything laid over it, where each value came from, and what could not be used."""

    table: dict[str, Any]
    directory: Path
    origins: dict[tuple[str, ...], str] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)


def lay_over(overlay: Overlay, environ: Mapping[str, str]) -> None:
    """Put secrets from files, then the environment, over the table."""
    for secret in SECRETS:
        for place, table in _tables(overlay.table, secret[:-1]):
            key, section = secret[-1], ".".join(place)
            if f"{key}_file" in table:
                file = table.pop(f"{key}_file")
                if key in table:
                    _fault(overlay, f"{section}.{key}_file", file, f"stands beside {section}.{key}; keep one of them")
                else:
                    table[key] = _from_file(overlay, secret, file, f"{section}.{key}_file")
    for variable, text in sorted(environ.items()):
        if variable.startswith(PREFIX) and variable not in NOT_SETTINGS and not _injected(variable, text):
            _set(overlay, variable, text, environ)


def _tables(table: Any, path: tuple[str, ...]) -> list[tuple[tuple[str, ...], dict[str, Any]]]:
    """Return each table at a path, with its place; NAME stands for every name that an operator chose."""
    found: list[tuple[tuple[str, ...], Any]] = [((), table)]
    for part in path:
        found = [
            ((*place, key), inner)
            for place, node in found
            if isinstance(node, dict)
            for key, inner in node.items()
            if part in ("NAME", key)
        ]
    return [(place, node) for place, node in found if isinstance(node, dict)]


def _injected(variable: str, text: str) -> bool:
    name = variable.removeprefix(PREFIX)
    if "__" in name:
        return False
    return _INJECTED_NAME.fullmatch(name) is not None or _INJECTED_VALUE.match(text) is not None


def _set(overlay: Overlay, variable: str, text: str, environ: Mapping[str, str]) -> None:
    path = tuple(variable.removeprefix(PREFIX).lower().split("__"))
    if len(path) < 2 or not all(path):
        words = "is not a setting; as ECE_WIDGET_SERVER__PUBLIC_URL: section, two _, key"
        _fault(overlay, variable, None, words + did_you_mean_variable(variable, overlay.table))
        return
    value: Any = EnvironmentText(text)
    key = path[-1].removesuffix("_file")
    secret = (*(path[:1] if len(path) == 2 else (path[0], "NAME")), key) if len(path) < 4 else ()
    if path[-1].endswith("_file") and secret in SECRETS:
        if variable.removesuffix("_FILE") in environ:
            _fault(overlay, variable, text, f"stands beside {variable.removesuffix('_FILE')}; keep one of them")
            return
        path = (*path[:-1], key)
        value = _from_file(overlay, secret, text, variable)
    elif text.lstrip()[:1] in ("[", "{"):
        value = _json(text)
    _put(overlay, path, value, variable)


def _put(overlay: Overlay, path: tuple[str, ...], value: Any, variable: str) -> None:
    node: Any = overlay.table
    place: list[str] = []
    for part in path:
        key = _existing(node, part)
        place.append(str(key))
        if isinstance(node, list) and not isinstance(key, int):
            _fault(overlay, variable, None, "names no entry of this list; count from 0")
            return
        if len(place) == len(path):
            break
        if not isinstance(node[key] if isinstance(node, list) else node.get(key), dict | list):
            node[key] = {}
        node = node[key]
    if value == "" and (path[-1] in _OFF_WHEN_EMPTY or path == ("shared", "url")):
        node.pop(key, None)
        if path == ("shared", "url") and not node:
            overlay.table.pop("shared", None)
        return
    node[key] = value
    overlay.origins[tuple(place)] = variable


def _existing(node: Any, part: str) -> Any:
    """Return the key that a part of a variable's name means: shells allow neither `-` nor small letters in names."""
    if isinstance(node, list):
        return next((index for index in range(len(node)) if str(index) == part), part)
    return next((key for key in node if key.lower().replace("-", "_") == part), part)


def _from_file(overlay: Overlay, secret: tuple[str, ...], name: Any, key: str) -> Any:
    try:
        with (overlay.directory / name).open("rb") as file:
            content = file.read(LARGEST_SECRET_FILE + 1)
        text = "" if len(content) > LARGEST_SECRET_FILE else content.decode("utf-8-sig").strip()
    except UnicodeDecodeError:
        allowed = "the name of a file in UTF-8; save it as UTF-8"
    except (OSError, ValueError, TypeError):
        allowed = "the name of a file that can be read"
    else:
        if text:
            lines = [line.strip() for line in text.splitlines() if line.strip()]
            return lines if isinstance(SECRETS[secret], list) else EnvironmentText(text)
        allowed = "the name of a file that holds something, 64 KiB at most"
    _fault(overlay, key, name, allowed)
    return SECRETS[secret]


def _json(text: str) -> Any:
    """Return the value, or the text as it was: `[::1]:9100` is none, whose check says what is allowed."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return EnvironmentText(text)


def _fault(overlay: Overlay, key: str, value: Any, allowed: str) -> None:
    hidden = value is None or (is_secret(key.lower().split("__")) and not key.lower().endswith("_file"))
    overlay.faults.append(Fault(key, shown(value, secret=hidden), allowed))
