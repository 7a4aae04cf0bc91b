"""Read the settings: TOML file, then `ECE_WIDGET_<SECTION>__<KEY>`, then the files that `…_FILE` variables name.

Why not a settings library's sources: they stop at the first bad value and pass over unknown variables; here every
fault of every source stands in one list, and a misspelt variable is a fault too.
"""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import SecretStr, ValidationError

from widget.settings.model import EceSettings, Settings, relative_paths_from
from widget.settings.survey_rules import survey_faults

PREFIX = "ECE_WIDGET_"
NOT_SETTINGS = frozenset({"ECE_WIDGET_CONFIG"})
_SECRET_KEYS = frozenset({"secret_keys", "operator_tokens", "url"})
_LONGEST_SHOWN = 80


@dataclass(frozen=True, slots=True)
class Fault:
    """One wrong setting: its key, its value as written (never a secret's), and what is allowed."""

    key: str
    value: str
    allowed: str

    def __str__(self) -> str:
        return f"{self.key}{' = ' + self.value if self.value else ''}: {self.allowed}"


class SettingsFaults(Exception):
    """The settings cannot be used; carries every fault found."""

    def __init__(self, source: str, faults: list[Fault]) -> None:
        self.source = source
        self.faults = faults
        noun = "fault" if len(faults) == 1 else "faults"
        super().__init__(f"{source}: {len(faults)} {noun}\n" + "\n".join(f"  {fault}" for fault in faults))


def default_file(environ: Mapping[str, str] = os.environ) -> Path:
    """Give the file read when none is named: `ECE_WIDGET_CONFIG`, else `ece-widget.toml` here."""
    return Path(environ.get("ECE_WIDGET_CONFIG") or "ece-widget.toml")


def load(file: Path, environ: Mapping[str, str] = os.environ) -> Settings:
    """Read and check the settings of `file` with the environment over it; raises SettingsFaults with all faults."""
    try:
        raw = tomllib.loads(file.read_bytes().decode("utf-8-sig"))
    except FileNotFoundError:
        raise SettingsFaults(
            str(file), [Fault("the file", "", "does not exist; `ece-widget init` writes a starter")]
        ) from None
    except OSError as error:
        raise SettingsFaults(str(file), [Fault("the file", "", f"cannot be read: {error.strerror}")]) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsFaults(str(file), [Fault("the file", "", f"is not TOML: {error}")]) from None
    return parse(raw, environ=environ, directory=file.absolute().parent, source=str(file))


def parse(
    raw: dict[str, Any],
    *,
    environ: Mapping[str, str] | None = None,
    directory: Path | None = None,
    source: str = "settings",
) -> Settings:
    """Check a table as read from TOML; raises SettingsFaults with all faults."""
    faults = list(_overlay(raw, environ or {}))
    raw = relative_paths_from(raw, directory or Path.cwd())
    settings: Settings | None = None
    try:
        settings = Settings.model_validate(raw)
    except ValidationError as error:
        faults += [_fault(each) for each in error.errors(include_url=False)]
    faults += _cross_faults(raw)
    if faults or settings is None:
        raise SettingsFaults(source, list(dict.fromkeys(faults)))
    return settings


def _overlay(raw: dict[str, Any], environ: Mapping[str, str]) -> Iterator[Fault]:
    for variable, text in sorted(environ.items()):
        if not variable.startswith(PREFIX) or variable in NOT_SETTINGS:
            continue
        path = variable.removeprefix(PREFIX).lower().split("__")
        value: Any = text
        if path[-1].endswith("_file") and path[-1] != "ca_file":
            path[-1] = path[-1].removesuffix("_file")
            try:
                value = Path(text).read_text(encoding="utf-8").strip()
            except (OSError, UnicodeDecodeError):
                yield Fault(variable, text[:_LONGEST_SHOWN], "the name of a file that can be read")
                continue
            if path[-1] in ("secret_keys", "operator_tokens"):
                value = value.split()
        elif text[:1] in ("[", "{"):
            try:
                value = json.loads(text)
            except ValueError:
                shown = "" if path[-1] in _SECRET_KEYS else text[:_LONGEST_SHOWN]
                yield Fault(variable, shown, "a text, or a list or table as JSON")
                continue
        table = raw
        for part in path[:-1]:
            inner = table.setdefault(part, {})
            if not isinstance(inner, dict):
                inner = table[part] = {}
            table = inner
        if len(path) < 2:
            yield Fault(variable, "", "ECE_WIDGET_<SECTION>__<KEY>, as ECE_WIDGET_SERVER__PUBLIC_URL")
        else:
            table[path[-1]] = value


def _fault(error: Any) -> Fault:
    parts = [str(part) for part in error["loc"] if str(part) != "[key]"]
    key = ".".join(part for part in parts if "[" not in part and not part.startswith(("function-", "literal")))
    secret = any(part in _SECRET_KEYS for part in parts)
    message = str(error["msg"]).removeprefix("Value error, ")
    match error["type"]:
        case "missing":
            return Fault(key, "", "is required")
        case "extra_forbidden":
            return Fault(key, "", "is not a setting; look for a misspelling, or in examples/widget.toml")
        case _:
            given = error["input"]
            shown = "" if secret or isinstance(given, dict | SecretStr) else _shown(given)
            return Fault(key, shown, message[:1].lower() + message[1:])


def _shown(value: Any) -> str:
    text = json.dumps(value, default=str, ensure_ascii=False)
    return text if len(text) <= _LONGEST_SHOWN else text[: _LONGEST_SHOWN - 1] + "…"


def _cross_faults(raw: dict[str, Any]) -> list[Fault]:
    """Rules between settings, looked at even when single values are wrong, so that one run shows everything."""
    faults: list[Fault] = []
    entry_points, surveys = _table(raw, "entry_points"), _table(raw, "surveys")
    if not entry_points:
        faults.append(
            Fault("entry_points", "", 'at least one is needed, as [entry_points.sales] with "id" and "chat_url"')
        )
    seen: dict[str, str] = {}
    for name in entry_points:
        entry_point = _table(entry_points, name)
        number = str(entry_point.get("id"))
        if "id" in entry_point and seen.setdefault(number, name) != name:
            faults.append(
                Fault(
                    f"entry_points.{name}.id",
                    number,
                    f"is the id of {seen[number]} too; each entry point has its own",
                )
            )
        survey = entry_point.get("survey")
        if isinstance(survey, str) and survey not in surveys:
            known = ", ".join(sorted(surveys)) or "none is there"
            faults.append(Fault(f"entry_points.{name}.survey", _shown(survey), f"the name of a survey ({known})"))
        hours = _table(entry_point, "hours")
        for day in set(map(str, _list(hours.get("closed")))) & set(map(str, _table(hours, "special"))):
            faults.append(
                Fault(f"entry_points.{name}.hours.special.{day}", "", "stands in closed too; keep one of them")
            )
    for name in surveys:
        faults += [Fault(key, value, allowed) for key, value, allowed in survey_faults(name, _table(surveys, name))]
    ece = _table(raw, "ece")
    for key in ("ca_file", "client_cert", "client_key"):
        if isinstance(ece.get(key), str) and not Path(ece[key]).is_file():
            faults.append(Fault(f"ece.{key}", _shown(ece[key]), "the name of a file that is there"))
    if ("client_cert" in ece) != ("client_key" in ece):
        faults.append(Fault("ece.client_cert", "", "goes with ece.client_key; write both or none"))
    try:
        times = EceSettings.model_validate({"base_url": "http://ece", **_pick(ece, "fresh_for", "stale_for")})
        if times.stale_for < times.fresh_for:
            faults.append(Fault("ece.stale_for", _shown(ece.get("stale_for")), "at least fresh_for"))
    except ValidationError:
        pass  # told already, as a fault of the value itself
    return faults


def _table(raw: Mapping[str, Any], key: str) -> dict[str, Any]:
    value = raw.get(key)
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _pick(table: dict[str, Any], *keys: str) -> dict[str, Any]:
    return {key: table[key] for key in keys if key in table}
