"""Read the settings again and build everything from them anew, for `widget_server.py`. Faults change nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel

from widget import settings as settings_module
from widget import telemetry
from widget.domain.errors import WidgetError
from widget.settings import Settings, SettingsFaults

Built = TypeVar("Built")

DID_NOT_START = "the application did not start with them"


class Refused(Exception):
    """The new settings cannot be used; `faults` are lines of ours, which quote no secret."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = faults

    def log(self) -> None:
        """Tell the operator."""
        telemetry.logger().error("settings_refused", faults=self.faults, note="the settings in use stay")


def refused(error: BaseException | None) -> Refused:
    """Return why settings cannot be used, from what using them raised; an exception's own words are never quoted."""
    match error:
        case SettingsFaults():
            return Refused([f"{fault.key}: {fault.allowed}" for fault in error.faults])
        case WidgetError():
            return Refused([str(error)])  # a sentence for the operator
        case OSError() | ValueError():
            return Refused([type(error).__name__])
    return Refused([DID_NOT_START])


async def built_anew(config: Path, build: Callable[[Settings], Built]) -> tuple[Settings, Built]:
    """Return the settings as they are now and what `build` makes of them, in a thread. Raise Refused."""

    def load_and_build() -> tuple[Settings, Built]:
        settings = settings_module.load(config)
        return settings, build(settings)

    try:
        return await asyncio.to_thread(load_and_build)
    except Exception as error:
        if not isinstance(error, SettingsFaults | WidgetError):
            telemetry.logger().error("building_failed", exc_info=error)
        raise refused(error) from error


def log_applied(before: Settings, after: Settings) -> None:
    """Log that `after` is in use, which settings differ, and which of those need a restart. Names alone, no value."""
    names = list(changed("", before, after))
    if "server.metrics_listen" in names:
        telemetry.logger().warning("needs_restart", setting="server.metrics_listen")
    telemetry.logger().info("settings_applied", changed=names)


def changed(name: str, before: Any, after: Any) -> Iterator[str]:
    """Yield the dotted names of what differs, as the settings file has them; one that came or went is one name."""
    if before == after:
        return
    old, new = _members(before), _members(after)
    if not old or not new:
        yield name
        return
    for key in sorted(old.keys() | new.keys()):
        yield from changed(f"{name}.{key}".lstrip("."), old.get(key), new.get(key))


def _members(value: Any) -> dict[str, Any]:
    if isinstance(value, BaseModel):
        return {field.alias or name: getattr(value, name) for name, field in type(value).model_fields.items()}
    return {str(key): each for key, each in value.items()} if isinstance(value, Mapping) else {}
