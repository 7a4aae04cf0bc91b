"""What a fleet has in common, where the settings have `[shared]`: only there is it imported."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from widget.application.availability_log import AvailabilityLog
from widget.application.breakers import GuardedSource
from widget.application.clock import Clock
from widget.application.refresh import LocalRefresher, Refresher
from widget.settings import Settings

if TYPE_CHECKING:  # needs the extra `shared`
    from widget.shared import SharedServer


def shared_server(settings: Settings) -> SharedServer | None:
    """Return what asks the fleet's Valkey or Redis; None without `[shared]`."""
    if settings.shared is None:
        return None
    from widget.shared import LONGEST_WAIT, SharedServer

    return SharedServer(settings.shared.url.get_secret_value(), longest_wait=min(LONGEST_WAIT, settings.ece.timeout))


def fleet_refresher(
    settings: Settings, source: GuardedSource, clock: Clock, shared: SharedServer, log: AvailabilityLog
) -> Refresher:
    """Return what refreshes with the other processes of the fleet."""
    from widget.application.fleet import FleetRefresher
    from widget.shared import RedisSharedState

    fresh_for = settings.ece.fresh_for
    return FleetRefresher(
        LocalRefresher(source, fresh_for=fresh_for, clock=clock),
        source,
        RedisSharedState(shared, settings.ece, settings.entry_points, monotonic=clock.monotonic),
        fresh_for=fresh_for,
        clock=clock,
        sleep=asyncio.sleep,
        crashed=log.shared_round_crashed,
    )
