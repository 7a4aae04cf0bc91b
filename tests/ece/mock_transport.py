"""The client over a transport that a test answers by itself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import httpx
import pytest

from widget.domain.errors import EceError
from widget.domain.readings import Call
from widget.ece.client import EceClient
from widget.settings import EceSettings

ALLOWED = '<chatAllowed allowed="true"/>'
Handler = Callable[[httpx.Request], httpx.Response]


def settings(**values: object) -> EceSettings:
    return EceSettings.model_validate({"base_url": "https://ece.example.com/system", **values})


def client(handler: Handler, **values: object) -> EceClient:
    return EceClient(settings(**values), transport=httpx.MockTransport(handler))


def answers(status: int = 200, body: str = ALLOWED, **headers: str) -> Handler:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda request: httpx.Response(status, text=body, headers=given)


async def failure(handler: Handler) -> EceError:
    with pytest.raises(EceError) as caught:
        await client(handler).ask(Call.CHAT_ALLOWED, 1001)
    return caught.value


class Hanging(httpx.AsyncBaseTransport):
    """Never answers; `asked` counts who waits."""

    def __init__(self) -> None:
        self.asked = 0
        self.left = 0
        self.begun = asyncio.Semaphore(0)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.asked += 1
        self.begun.release()
        try:
            await asyncio.Event().wait()
        finally:
            self.left += 1
        raise AssertionError
