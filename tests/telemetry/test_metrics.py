"""Counters go on when settings that were read again bring a new application; gauges begin anew."""

from __future__ import annotations

import pytest

from widget.telemetry import Metrics, Sample, Source

DECISIONS = "ece_widget_decisions_total"
LABELS = ("sales", "available", "")


class Tally:
    """A source that counts decisions and knows the age of one snapshot."""

    def __init__(self, decisions: int, *, age: float | None = None) -> None:
        self.decisions = decisions
        self.age = age

    def __call__(self) -> list[Sample]:
        ages: list[Sample] = [] if self.age is None else [("ece_widget_snapshot_age_seconds", ("sales",), self.age)]
        return [(DECISIONS, LABELS, self.decisions), *ages]


async def value(metrics: Metrics, start: str) -> float:
    lines = [line for line in (await metrics.render()).decode().splitlines() if line.startswith(start)]
    assert len(lines) <= 1
    return float(lines[0].rpartition(" ")[2]) if lines else 0.0


def with_source(metrics: Metrics, source: Source) -> Metrics:
    metrics.register_source(source)
    return metrics


@pytest.mark.anyio
async def test_what_is_recorded_goes_on_in_an_heir() -> None:
    first = Metrics(version="1")
    first.settings_reload("refused")
    second = first.heir().heir()
    second.settings_reload("refused")
    assert await value(second, 'ece_widget_settings_reloads_total{outcome="refused"}') == 2
    assert await value(second, 'ece_widget_info{version="1"}') == 1


@pytest.mark.anyio
async def test_what_sources_count_goes_on_and_is_never_counted_twice() -> None:
    old, new, newest = Tally(5), Tally(1), Tally(0)
    first = with_source(Metrics(), old)
    second = with_source(first.heir(), new)
    third = with_source(second.heir(), newest)
    old.decisions += 1  # an answer that was on its way
    assert await value(third, DECISIONS) == 7
    second.predecessor_ended()
    third.predecessor_ended()
    newest.decisions += 2
    assert await value(third, DECISIONS) == 9


@pytest.mark.anyio
async def test_gauges_are_the_heirs_own() -> None:
    second = with_source(with_source(Metrics(), Tally(0, age=40)).heir(), Tally(0, age=2))
    assert await value(second, "ece_widget_snapshot_age_seconds{") == 2
    second.predecessor_ended()
    assert await value(second, "ece_widget_snapshot_age_seconds{") == 2


@pytest.mark.anyio
async def test_an_heir_that_is_thrown_away_leaves_no_trace() -> None:
    first = with_source(Metrics(), Tally(5))
    with_source(first.heir(), Tally(100))
    assert await value(first, DECISIONS) == 5


@pytest.mark.anyio
async def test_a_source_of_the_process_is_read_by_heirs_and_once() -> None:
    first = Metrics()
    first.register_source(lambda: [("ece_widget_connections_closed_total", ("idle",), 3.0)], of_the_process=True)
    second = first.heir()
    assert await value(second, "ece_widget_connections_closed_total{") == 3
    second.predecessor_ended()
    assert await value(second, "ece_widget_connections_closed_total{") == 3
