"""The answered surveys of the demo: the same each time, delivered already, and worth reading."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from tests.demo_settings import demo_in
from tests.hand_clock import MORNING
from widget.demo.answers import REFUSED, seed_answers
from widget.domain.outbox import MessageState
from widget.domain.results import Scope, by_version, figures
from widget.store.command_outbox import command_outbox
from widget.store.outbox import open_outbox
from widget.store.results import ResultsStore

pytestmark = pytest.mark.anyio


def delivered(url: str) -> int:
    with command_outbox(url) as rows:
        return rows.counts().by_state[MessageState.DELIVERED]


async def test_two_weeks_of_answers_are_delivered_and_the_same_each_time(tmp_path: Path) -> None:
    told, rates = [], []
    scope = Scope("after_chat", MORNING.date() - timedelta(days=14), MORNING.date())
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        settings = await asyncio.to_thread(demo_in, tmp_path / name)
        url = settings.storage.url.get_secret_value()
        outbox = await open_outbox(url, now=lambda: MORNING)
        survey = settings.surveys["after_chat"].survey("after_chat")
        await asyncio.to_thread(seed_answers, url, survey, now=MORNING)
        store = ResultsStore(outbox)
        told.append((await store.totals(scope), [each.answers for each in await store.given(scope, None, 5000)]))
        assert await asyncio.to_thread(delivered, url) == len(told[-1][1]) - REFUSED > 1000
        rates.append(await store.answered(scope) / await store.begun(scope))
        versions = {each.question: each for each in await store.versions("after_chat")}
        await outbox.close()
    assert told[0] == told[1]
    assert all(0.6 < rate < 0.8 for rate in rates)
    assert set(versions) == {"helpful", "missing", "solved", "next", "recommend", "comment"}
    rating = figures(versions["helpful"], by_version(told[0][0])[versions["helpful"].id])
    assert rating.score is not None
    assert 3 < rating.score < 4.6
    assert all(share.number for share in rating.shares)
