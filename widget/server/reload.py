"""What SIGHUP asks for: settings read again, and everything built from them anew. Faults change nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

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
    """Say why settings cannot be used, given what using them raised; an exception's own words are never quoted."""
    match error:
        case SettingsFaults():
            return Refused([f"{fault.key}: {fault.allowed}" for fault in error.faults])
        case WidgetError():
            return Refused([str(error)])  # a sentence for the operator
        case OSError() | ValueError():
            return Refused([type(error).__name__])
    return Refused([DID_NOT_START])


async def built_anew(config: Path, build: Callable[[Settings], Built]) -> tuple[Settings, Built]:
    """Read the settings and build from them, in a thread; raises Refused."""

    def load_and_build() -> tuple[Settings, Built]:
        settings = settings_module.load(config)
        return settings, build(settings)

    try:
        return await asyncio.to_thread(load_and_build)
    except Exception as error:
        if not isinstance(error, SettingsFaults | WidgetError):
            telemetry.logger().error("building_failed", exc_info=error)
        raise refused(error) from error
