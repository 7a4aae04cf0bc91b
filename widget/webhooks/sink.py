"""Post rows of the outbox to a webhook, signed as Standard Webhooks says (https://www.standardwebhooks.com).

`webhook-id` is the row's key, the same at each sending, by which the receiver recognises a repeat; `webhook-timestamp`
is the moment of the sending; `webhook-signature` is an HMAC with SHA-256 over both and the body.
"""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
import ssl
import time
from datetime import UTC, timedelta
from typing import Any

import httpx

from widget import __version__
from widget.domain.errors import WebhookDown, WebhookError, cause_of
from widget.domain.message import CONSENT, LANGUAGE
from widget.domain.outbox import OutboxMessage, RowKind
from widget.domain.retry_after import retry_after
from widget.settings import WebhookSettings
from widget.settings.certificates import trusting
from widget.settings.messages import SECRET_PREFIX

WEBHOOK_LIMIT = timedelta(seconds=20)  # what the specification names as usual: 15 to 30
_TYPES = {RowKind.MESSAGE: "message.left", RowKind.ALERT: "survey.alert", RowKind.SURVEY: "survey.answered"}
_GONE, _TOO_MANY, _UNAVAILABLE = 410, 429, 503
_ABOUT_THE_SETTINGS = (401, 403, 404, 405, 407)  # not let in, or nothing there: of no row more than of another
_MAY_PASS = (408, 409, 425)  # of the 4xx: too slow, at the same time as another, too early


class WebhookSink:
    """Where the delivery loop sends rows for one webhook (its port `Sink`).

    No redirect is followed: it would carry what a visitor wrote to a place that nobody configured. No cookie is kept,
    and the receiver's answer is not read, so that its connection is closed with it and there is nothing to close later.
    """

    def __init__(self, settings: WebhookSettings) -> None:
        """Read certificates: call it outside an event loop."""
        self._url = settings.url.get_secret_value()
        self._secret = base64.b64decode(settings.secret.get_secret_value().removeprefix(SECRET_PREFIX))
        self._transport = httpx.AsyncHTTPTransport(verify=trusting(settings.ca_file), trust_env=False)

    async def submit(self, message: OutboxMessage) -> None:
        """Post one row; return once the receiver answered with a success, raise WebhookError otherwise."""
        body = json.dumps(payload(message), ensure_ascii=False).encode("utf-8", "replace")
        headers = {
            "Content-Type": "application/json",
            "User-Agent": f"ece-widget/{__version__}",
            **signed(message.key, int(time.time()), body, self._secret),
        }
        status, asked = await self._exchange("POST", headers, body)
        if not 200 <= status < 300:
            raise _refusal(status, asked)

    async def reach(self) -> int:
        """Ask with HEAD whether somebody is there, for `check`; return the status. Raise WebhookDown."""
        status, _ = await self._exchange("HEAD", {"User-Agent": f"ece-widget/{__version__}"}, b"")
        return status

    async def _exchange(self, method: str, headers: dict[str, str], body: bytes) -> tuple[int, float | None]:
        limit = WEBHOOK_LIMIT.total_seconds()
        steps = {"connect": limit / 2, "pool": limit / 2, "read": limit, "write": limit}
        request = httpx.Request(method, self._url, headers=headers, content=body, extensions={"timeout": steps})
        try:
            async with asyncio.timeout(limit):
                response = await self._transport.handle_async_request(request)
                await response.aclose()  # unread, so that its connection is closed
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol) as error:
            raise WebhookDown(_why_unreached(error)) from error
        except (httpx.HTTPError, OSError) as error:  # a time-out is an OSError
            raise WebhookError("no answer came", maybe_received=True) from error
        return response.status_code, retry_after(response.headers.get("retry-after"), now=time.time())


def payload(message: OutboxMessage) -> dict[str, Any]:
    """Return what is posted: `type`, `timestamp` (when it was left) and `data`, as the specification advises."""
    at = message.accepted_at
    given = {each.question_id: each for each in message.answers}
    data: dict[str, Any] = {"entryPoint": message.entry_point}
    if message.kind is RowKind.MESSAGE:
        consent = given.pop(CONSENT, None)
        language = given.pop(LANGUAGE, None)
        data |= {name: each.answer for name, each in given.items()}
        data |= {"consent": consent.question if consent else None, "language": language.answer if language else None}
    else:
        data |= {
            "survey": message.survey,
            "answers": [
                {"questionId": each.question_id, "question": each.question, "answer": each.answer}
                for each in message.answers
            ],
        }
    return {
        "type": _TYPES[message.kind],
        "timestamp": at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if at else None,
        "data": data,
    }


def signed(key: str, moment: int, body: bytes, secret: bytes) -> dict[str, str]:
    """Return the three headers of Standard Webhooks."""
    digest = hmac.digest(secret, f"{key}.{moment}.".encode() + body, "sha256")
    return {
        "webhook-id": key,
        "webhook-timestamp": str(moment),
        "webhook-signature": "v1," + base64.b64encode(digest).decode("ascii"),
    }


def _refusal(status: int, asked: float | None) -> WebhookError:
    """Return what an answer means that is no success."""
    if status in (_TOO_MANY, _UNAVAILABLE):
        return WebhookDown("the receiver wants no more now", status=status, retry_after=asked)
    if status in _ABOUT_THE_SETTINGS:
        return WebhookDown("the receiver takes nothing there; look at its url and secret", status=status)
    if status == _GONE:
        words = "the receiver says that it wants nothing any more; take the webhook out of the settings"
        return WebhookError(words, status=status, retryable=False)
    if 300 <= status < 400:
        words = "the receiver sends to another address, which is not followed; write that one as its url"
        return WebhookError(words, status=status, retryable=False)
    if status >= 500 or status in _MAY_PASS:
        return WebhookError("the receiver failed", status=status, retry_after=asked, maybe_received=status >= 500)
    return WebhookError("the receiver refuses it", status=status, retryable=False)


def _why_unreached(error: BaseException) -> str:
    if unfit := cause_of(error, ssl.SSLCertVerificationError):
        return f"its certificate does not fit: {unfit.verify_message.rstrip('.')}"
    if cause_of(error, ssl.SSLError):
        return "TLS could not be begun"
    return "no connection could be made"
