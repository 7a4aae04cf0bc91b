"""Two processes of `serve` on one database: what is closed by hand, and what both of them count."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from tests.fleet_processes import FleetOfProcesses, fleet_of_processes, get
from tests.waiting import wait_until
from widget.domain.history import Span
from widget.domain.survey import Translations
from widget.domain.switches import Act, Entry
from widget.store.history import HistoryStore

FRESH_FOR = 2.0
HISTORY = "[history]\nenabled = true\n"
WORDS = Translations(MappingProxyType({"en": "The <b>fire</b> alarm rings.", "de": "Feueralarm"}))


@pytest.fixture
def fleet_on(url: str, tmp_path: Path) -> Callable[[], Any]:
    def start() -> Any:
        return fleet_of_processes(tmp_path, members=2, storage_url=url, fresh_for=FRESH_FOR, more=HISTORY)

    return start


def reasons(fleet: FleetOfProcesses) -> list[str | None]:
    return [json.loads(get(each.port, f"/v1/status/{fleet.names[0]}")[1])["reason"] for each in fleet.members]


def act(store: HistoryStore, act: Act, **more: Any) -> None:
    async def append() -> None:
        await store.append(Entry("entry_point_000", act, "Ada", datetime.now(UTC), **more))
        await store.close()

    asyncio.run(append())


def test_what_is_closed_in_one_process_is_closed_in_all_survives_restarts_and_is_reopened(
    fleet_on: Callable[[], Any], url: str
) -> None:
    store = HistoryStore(url)
    with fleet_on() as fleet:
        assert reasons(fleet) == [None, None]
        clicked = [get(each.port, "/v1/chat/entry_point_000")[0] for each in fleet.members]
        assert clicked == [303, 303]
        act(store, Act.CLOSE, words=WORDS)
        wait_until(lambda: reasons(fleet) == ["switched_off"] * 2, "both are closed")
        for each in fleet.members:
            status, page, _ = get(each.port, "/v1/chat/entry_point_000?locale=en")
            assert (status, b"The &lt;b&gt;fire&lt;/b&gt; alarm rings." in page) == (200, True)
        fleet.members[0].restart(signal.SIGKILL)
        assert reasons(fleet) == ["switched_off"] * 2
        act(store, Act.REOPEN)
        wait_until(lambda: reasons(fleet) == [None, None], "both are open")

        def clicks() -> dict[str, int]:
            async def read() -> dict[str, int]:
                now = datetime.now(UTC)
                buckets = await store.counts(Span.DAY, now - timedelta(days=2), now)
                await store.close()
                return {
                    name: sum(each.counts.of("clicks").get(name, 0) for each in buckets)
                    for name in ("opened", "switched_off")
                }

            return asyncio.run(read())

        # the one that was killed may have lost what it had not written
        wait_until(lambda: clicks()["switched_off"] >= 1 and clicks()["opened"] >= 1, "the clicks are written")
    counted = clicks()
    assert counted["opened"] in (1, 2)
    assert counted["switched_off"] in (1, 2)

    async def changes() -> list[tuple[str, str | None]]:
        now = datetime.now(UTC)
        found = await store.changes(now - timedelta(hours=1), now + timedelta(hours=1))
        return [(each.state.value, each.reason) for each in found[::-1]]

    assert asyncio.run(changes()) == [("available", None), ("unavailable", "switched_off"), ("available", None)]
