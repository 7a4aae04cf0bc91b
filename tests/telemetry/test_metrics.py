"""Counters go on when settings that were read again bring a new application; gauges end with their source."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
    metrics.add_source(source)
    return metrics


@pytest.mark.anyio
async def test_what_sources_count_goes_on_and_is_never_counted_twice() -> None:
    old, new = Tally(5), Tally(1)
    metrics = with_source(with_source(Metrics(), old), new)
    old.decisions += 1  # an answer that was on its way
    assert await value(metrics, DECISIONS) == 7
    metrics.remove_source(old)
    metrics.remove_source(old)
    new.decisions += 2
    assert await value(metrics, DECISIONS) == 9
    metrics.remove_source(new)
    assert await value(with_source(metrics, Tally(4)), DECISIONS) == 13


@pytest.mark.anyio
async def test_of_a_gauge_the_newest_source_counts_and_it_ends_with_its_source() -> None:
    old, new = Tally(0, age=40), Tally(0, age=2)
    metrics = with_source(with_source(Metrics(), old), new)
    assert await value(metrics, "ece_widget_snapshot_age_seconds{") == 2
    metrics.remove_source(new)
    assert await value(metrics, "ece_widget_snapshot_age_seconds{") == 40
    metrics.remove_source(old)
    assert "ece_widget_snapshot_age_seconds{" not in (await metrics.render()).decode()


@pytest.mark.anyio
async def test_the_version_is_a_label() -> None:
    assert await value(Metrics(version="1"), 'ece_widget_info{version="1"}') == 1


@given(st.lists(st.tuples(st.sampled_from(("add", "remove", "count")), st.integers(0, 3)), max_size=30))
def test_a_counter_never_falls_however_sources_come_and_go(steps: list[tuple[str, int]]) -> None:
    metrics, tallies, before = Metrics(), [Tally(0) for _ in range(4)], 0.0
    added: set[int] = set()
    for step, at in steps:
        if step == "add" and at not in added:
            tallies[at] = Tally(0)
            metrics.add_source(tallies[at])
            added.add(at)
        elif step == "remove":
            metrics.remove_source(tallies[at])
            added.discard(at)
        elif at in added:
            tallies[at].decisions += 1
        found = metrics.registry.get_sample_value(
            DECISIONS, dict(zip(("entry_point", "state", "reason"), LABELS, strict=True))
        )
        assert (found or 0.0) >= before
        before = found or 0.0
