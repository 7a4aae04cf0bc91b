"""Webhooks over a real receiver, verified by the library of Standard Webhooks."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial

import pytest

from tests.ports import free_port
from tests.webhook_receiver import SECRET, Receiver, webhook_receiver
from widget.domain import pace, retry
from widget.domain.errors import WebhookDown, WebhookError
from widget.domain.outbox import Answer, OutboxMessage, RowKind
from widget.settings import WebhookSettings
from widget.webhooks import WebhookSink

pytestmark = pytest.mark.anyio
MESSAGE = OutboxMessage(
    key="a1" * 32,
    sid="ada@example.com",
    entry_point="sales",
    survey="",
    answers=(
        Answer("email", "E-mail", "ada@example.com"),
        Answer("text", "Message", "Grüße 😀 <b>\n"),
        Answer("consent", "I agree", "yes"),
        Answer("language", "Language of the page", "de"),
    ),
    kind=RowKind.MESSAGE,
    destination="webhooks.crm",
    accepted_at=datetime(2026, 11, 24, 8, 0, tzinfo=UTC),
)
ALERT = OutboxMessage(
    key="b2" * 32,
    sid="a-secret-session",
    entry_point="sales",
    survey="after_chat",
    answers=(Answer("helpful", "How helpful?", "1"),),
    kind=RowKind.ALERT,
    destination="webhooks.crm",
    accepted_at=datetime(2026, 11, 24, 8, 0, tzinfo=UTC),
)


def sink(url: str) -> WebhookSink:
    return WebhookSink(WebhookSettings.model_validate({"url": url, "secret": SECRET}))


async def failure(receiver: Receiver, status: int, headers: dict[str, str] | None = None) -> WebhookError:
    receiver.answers.append((status, headers or {}))
    with pytest.raises(WebhookError) as caught:
        await sink(receiver.url).submit(MESSAGE)
    return caught.value


async def test_a_message_is_posted_signed_with_the_row_as_its_id() -> None:
    with webhook_receiver() as receiver:
        await sink(receiver.url).submit(MESSAGE)
        await sink(receiver.url).submit(MESSAGE)
    assert receiver.ids == [MESSAGE.key, MESSAGE.key]
    assert receiver.events[0] == {
        "type": "message.left",
        "timestamp": "2026-11-24T08:00:00Z",
        "data": {
            "entryPoint": "sales",
            "email": "ada@example.com",
            "text": "Grüße 😀 <b>\n",
            "consent": "I agree",
            "language": "de",
        },
    }


async def test_no_connection_is_kept_behind_an_answer() -> None:
    with webhook_receiver() as receiver:
        asked = sink(receiver.url)
        receiver.answers.append((200, {}))
        for ask in (partial(asked.submit, MESSAGE), partial(asked.submit, MESSAGE), asked.reach):
            await ask()
            assert asked._transport._pool.connections == []


async def test_an_alert_has_the_answers_and_not_the_session() -> None:
    with webhook_receiver() as receiver:
        await sink(receiver.url).submit(ALERT)
    assert receiver.events[0]["type"] == "survey.alert"
    assert receiver.events[0]["data"] == {
        "entryPoint": "sales",
        "survey": "after_chat",
        "answers": [{"questionId": "helpful", "question": "How helpful?", "answer": "1"}],
    }


async def test_gone_is_dead_at_once_and_named() -> None:
    with webhook_receiver() as receiver:
        error = await failure(receiver, 410)
    assert (error.retryable, error.serves_nobody) == (False, False)
    assert "take the webhook out of the settings" in retry.described(error)


async def test_too_many_is_tried_again_when_the_receiver_says() -> None:
    with webhook_receiver() as receiver:
        error = await failure(receiver, 429, {"Retry-After": "17"})
    assert (error.retryable, error.retry_after, pace.serves_nobody(error)) == (True, 17.0, True)


async def test_a_redirect_is_refused_and_not_followed() -> None:
    with webhook_receiver() as other, webhook_receiver() as receiver:
        for status in (301, 302, 303, 307, 308):
            error = await failure(receiver, status, {"Location": other.url})
            assert not error.retryable
            assert "not followed" in error.detail
        assert other.events == []


@pytest.mark.parametrize("status", [401, 403, 404, 405])
async def test_an_answer_about_the_settings_stops_the_way_and_kills_no_row(status: int) -> None:
    with webhook_receiver() as receiver:
        error = await failure(receiver, status)
    assert (error.retryable, error.serves_nobody, error.status) == (True, True, status)
    assert "look at its url and secret" in retry.described(error)


@pytest.mark.parametrize(
    ("status", "again"), [(400, False), (413, False), (422, False), (408, True), (500, True), (504, True)]
)
async def test_other_answers_are_tried_again_where_that_can_help(status: int, again: bool) -> None:
    with webhook_receiver() as receiver:
        error = await failure(receiver, status)
    assert (error.retryable, error.status) == (again, status)


async def test_a_receiver_that_is_not_there_is_down() -> None:
    with pytest.raises(WebhookDown) as caught:
        await sink(f"http://127.0.0.1:{free_port()}/hook").submit(MESSAGE)
    assert caught.value.detail == "no connection could be made"
