"""An older release beside this one on the same database, and after it: what it writes and what it reads."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from tests import settling
from tests.store.test_schema import engine
from widget.domain.outbox import Claim, MessageState, OutboxMessage
from widget.store.outbox import Outbox
from widget.store.times import to_ms

pytestmark = pytest.mark.anyio

Make = Callable[..., OutboxMessage]
LEASE = timedelta(seconds=60)

# What the first release executes, which knows neither `kind` nor `destination`.
ENQUEUE = text(
    "INSERT INTO ece_widget_outbox"
    " (key, sid, entry_point, survey, answers, state, attempts, next_attempt_at, accepted_at, waiting_since)"
    " VALUES (:key, :sid, 'sales', 'after_chat', :answers, 'pending', 0, :at, :at, :at) ON CONFLICT DO NOTHING"
)
CLAIM = text(
    "UPDATE ece_widget_outbox SET state = 'leased', lease_owner = 'old', leased_until = :until"
    " WHERE id IN (SELECT id FROM ece_widget_outbox WHERE state = 'pending' AND next_attempt_at <= :at"
    " ORDER BY accepted_at LIMIT 1) RETURNING key, sid, answers, attempts"
)
SETTLE = text(
    "UPDATE ece_widget_outbox SET state = 'delivered', attempts = 1, settled_at = :at, lease_owner = NULL,"
    " leased_until = NULL WHERE key = :key AND lease_owner = 'old'"
)


async def test_the_release_before_works_beside_this_one_and_after_it(
    outbox: Outbox, url: str, clock: Any, message: Make
) -> None:
    maker = engine(url)
    answers = '[{"question_id":"q","question":"How?","answer":"5"}]'

    def the_old_one_accepts() -> None:
        with maker.begin() as connection:
            connection.execute(ENQUEUE, {"key": "old", "sid": "1", "answers": answers, "at": to_ms(clock.now())})

    def the_old_one_delivers() -> str:
        now, until = to_ms(clock.now()), to_ms(clock.now() + LEASE)
        with maker.begin() as connection:
            key = connection.execute(CLAIM, {"at": now, "until": until}).one().key
        with maker.begin() as connection:
            connection.execute(SETTLE, {"at": now, "key": key})
        return str(key)

    await asyncio.to_thread(the_old_one_accepts)
    (taken,) = (await outbox.claim(Claim(limit=9, owner="new", now=clock.now(), lease=LEASE))).messages
    assert (taken.message.key, taken.message.answers[0].answer) == ("old", "5")
    assert await outbox.settle(settling.delivered(taken, now=clock.now()))

    new = message("new")
    assert await outbox.enqueue(new)
    assert await asyncio.to_thread(the_old_one_delivers) == new.key
    assert (await outbox.counts()).by_state[MessageState.DELIVERED] == 2
    maker.dispose()
