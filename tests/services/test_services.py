"""What has a life is opened in order and closed in reverse order, whatever fails."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.ports import free_port
from widget import settings
from widget.app import create_app
from widget.application.availability import Availability
from widget.application.reporting import OutboxWatch
from widget.commands.init import starter
from widget.domain.errors import OutboxUnavailable
from widget.domain.outbox import Answer, OutboxMessage, RowKind
from widget.ece.client import EceClient
from widget.server.plan import build_served
from widget.services.delivering import DeliveryServices, build_delivery
from widget.services.serving import build
from widget.shared import SharedServer
from widget.store.faults import StoreRefused
from widget.store.history import HistoryStore
from widget.store.outbox import Outbox
from widget.telemetry import Metrics

pytestmark = pytest.mark.anyio


@pytest.fixture
def found(tmp_path: Path) -> settings.Settings:
    return settings.parse(tomllib.loads(starter()) | {"storage": {"url": f"sqlite:///{tmp_path}/outbox.db"}})


async def built(found: settings.Settings, metrics: Metrics | None = None) -> DeliveryServices:
    return await asyncio.to_thread(build_delivery, found, metrics=metrics)


TASKS = {"outbox watch", "delivery", "history", "switches", "warm-up"}


def tasks() -> set[str]:
    return {task.get_name() for task in asyncio.all_tasks()} & TASKS


class FailingWatch(OutboxWatch):
    """A task of the services with a fault of ours."""

    async def run(self) -> None:
        raise RuntimeError("a fault of ours")


async def test_a_task_that_failed_leaves_nothing_open(found: settings.Settings) -> None:
    services = await built(found)
    services.outbox_watch = FailingWatch(services.outbox, destinations=found.destinations, now=services.clock.now)
    await services.start()
    with pytest.raises(RuntimeError, match="a fault of ours"):
        await services.stop()
    assert tasks() == set()
    message = OutboxMessage("key", "sid", "sales", "s", (Answer("q", "How?", "fine"),))
    with pytest.raises(OutboxUnavailable):
        await services.outbox.enqueue(message)


@pytest.fixture
def everything(tmp_path: Path) -> settings.Settings:
    """Settings that ask for all there is."""
    table = tomllib.loads(starter()) | {
        "storage": {"url": f"sqlite:///{tmp_path}/outbox.db"},
        "shared": {"url": f"redis://127.0.0.1:{free_port()}/0"},
        "console": {"enabled": True},
    }
    table["security"]["operator_tokens"] = ["operator-token-for-tests"]
    return settings.parse(table)


# What has connections or a thread, in the order in which it is opened.
OPENED = {SharedServer: "aclose", EceClient: "aclose", Outbox: "close", HistoryStore: "close", Availability: "aclose"}


@pytest.mark.parametrize("failing", [None, *OPENED])
async def test_everything_is_closed_in_reverse_order_whatever_fails(
    everything: settings.Settings, failing: type | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[type] = []
    beside: dict[type, set[str]] = {}

    def note(owner: type, name: str) -> None:
        close = getattr(owner, name)

        async def closing(self: Any) -> None:
            closed.append(owner)
            beside[owner] = tasks()
            await close(self)
            if owner is failing:
                raise RuntimeError("a fault of ours")

        monkeypatch.setattr(owner, name, closing)

    for owner, name in OPENED.items():
        note(owner, name)
    services = await asyncio.to_thread(build, everything)
    await services.start()
    assert tasks() == TASKS
    with contextlib.nullcontext() if failing is None else pytest.raises(RuntimeError, match="a fault of ours"):
        await services.stop()
    assert closed == list(OPENED)[::-1]
    assert beside[HistoryStore] == tasks() == set(), "who writes ends before what it writes to is closed"


async def test_the_application_starts_its_services_and_stops_them(everything: settings.Settings) -> None:
    app = await asyncio.to_thread(create_app, everything)
    async with app.router.lifespan_context(app):
        assert tasks() == TASKS
    assert tasks() == set()


async def test_a_start_that_fails_closes_what_it_opened(found: settings.Settings, tmp_path: Path) -> None:
    (tmp_path / "outbox.db").write_text("Dear Sir or Madam" * 100)
    metrics = Metrics()
    services = await built(found, metrics)
    with pytest.raises(StoreRefused):
        await services.start()
    assert tasks() == set()
    assert "ece_widget_settings_info{" not in (await metrics.render()).decode(), "its sources are read no more"
    await services.stop()


async def test_an_application_that_cannot_be_built_leaves_nothing_in_the_metrics(found: settings.Settings) -> None:
    metrics = Metrics()
    odd = found.server.model_copy(update={"trusted_proxies": ("no address",)})  # which the settings would refuse
    with pytest.raises(ValueError, match="no address"):
        await asyncio.to_thread(build_served, found.model_copy(update={"server": odd}), False, metrics)
    assert "ece_widget_settings_info{" not in (await metrics.render()).decode()


async def test_the_counters_of_services_that_stopped_are_kept(found: settings.Settings) -> None:
    metrics = Metrics()
    first = await built(found, metrics)
    await first.start()
    assert first.delivery is not None
    first.delivery.counts.delivered_of[RowKind.SURVEY, "sales"] += 3
    second = await built(found, metrics)
    await second.start()
    await first.stop()
    assert 'ece_widget_deliveries_total{outcome="delivered"} 3.0' in (await metrics.render()).decode()
    await second.stop()


def test_delivery_alone_loads_no_templates_and_no_themes() -> None:
    program = """
import sys, tomllib
from widget import settings
from widget.commands.init import starter
from widget.server.plan import build_served
from widget.services.delivering import build_delivery
import widget.themes, widget.texts
def refuse(*_):
    raise AssertionError("not needed to deliver")
widget.themes.Themes.load = widget.texts.Texts.load = refuse
build_delivery(settings.parse(tomllib.loads(starter())))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


async def test_rows_whose_destination_is_not_in_the_settings_are_told_once_and_counted(
    found: settings.Settings, log_lines: io.StringIO
) -> None:
    metrics = Metrics()
    services = await built(found, metrics)
    await services.outbox.open()
    for key, destination in (("a", "ece"), ("b", "webhooks.old"), ("c", "webhooks.old")):
        await services.outbox.enqueue(OutboxMessage(key, "sid", "sales", "", (), destination=destination))
    for _ in range(2):
        await services.outbox_watch.look()
    told = [line for line in log_lines.getvalue().splitlines() if "rows_undeliverable" in line]
    assert [(each["destination"], each["rows"]) for each in map(json.loads, told)] == [("webhooks.old", 2)]
    scraped = (await metrics.render()).decode()
    assert 'ece_widget_outbox_waiting{destination="webhooks.old"} 2.0' in scraped
    assert 'ece_widget_outbox_waiting{destination="ece"} 1.0' in scraped
    await services.outbox.close()
