"""The small chat page at `{root}/templates/chat/{template}/index.html`, instead of ECE's own template."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from widget.simulator import pages
from widget.simulator.calls import under_any_root
from widget.simulator.chat_texts import RIGHT_TO_LEFT, texts_for
from widget.simulator.queue import Refusal
from widget.simulator.world import EntryPoint, World

DEFAULT_ENTRY_POINT = "1000"  # the vendor's template uses this id when its address has none


class ChatPages:
    """Serve the page and the few addresses its script uses."""

    def __init__(self, world: World, *, widget_url: str) -> None:
        self._world = world
        self._widget_url = widget_url.rstrip("/")
        parts = urlsplit(self._widget_url)
        # No frame-ancestors: the page must open in a frame of any site, as ECE's does.
        self._policy = (
            "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
            f"base-uri 'none'; form-action {parts.scheme}://{parts.netloc}"
        )

    def page_routes(self) -> list[Route]:
        return [
            route
            for file in ("index.html", "chat.html")
            for route in under_any_root(f"/templates/chat/{{template}}/{file}", self.page, methods=["GET"])
        ]

    def session_routes(self) -> list[Route]:
        return [
            Route("/start", self.start, methods=["POST"]),
            Route("/state", self.state, methods=["POST"]),
            Route("/end", self.end, methods=["POST"]),
        ]

    async def page(self, request: Request) -> Response:
        query = request.query_params
        language, texts = texts_for(query.get("locale") or query.get("languageCode") or "en")
        return pages.page(
            "chat.html",
            policy=self._policy,
            language=language,
            direction="rtl" if language in RIGHT_TO_LEFT else "ltr",
            texts=texts,
            entry_point=self._entry_point(query.get("entryPointId", DEFAULT_ENTRY_POINT)),
            ticket=query.get("ticket", ""),
            survey_url=f"{self._widget_url}/survey/start",
        )

    async def start(self, request: Request) -> Response:
        self._world.catch_up()
        asked = await _json(request)
        entry_point = self._entry_point(str(asked.get("entryPointId", "")))
        if entry_point is None:
            return JSONResponse({"state": "refused", "reason": "invalid_entry_point"})
        chat = self._world.join(entry_point)
        if isinstance(chat, Refusal):
            return JSONResponse({"state": "refused", "reason": str(chat)})
        return JSONResponse({"sid": chat.sid, **self._describe(chat.sid)})

    async def state(self, request: Request) -> Response:
        self._world.catch_up()
        sid = str((await _json(request)).get("sid", ""))
        if started := self._world.chats.get(sid):
            started.entry_point.queue.keep(started.chat.number)
        return JSONResponse(self._describe(sid))

    async def end(self, request: Request) -> Response:
        self._world.catch_up()
        started = self._world.chats.pop(str((await _json(request)).get("sid", "")), None)
        if started is not None:
            started.entry_point.queue.leave(started.chat.number)
        return JSONResponse({"state": "ended"})

    def _describe(self, sid: str) -> dict[str, Any]:
        started = self._world.chats.get(sid)
        position = started.entry_point.queue.position(started.chat.number) if started else None
        if started is None or position is None:
            self._world.chats.pop(sid, None)
            return {"state": "ended"}
        if position == 0:
            return {"state": "running"}
        return {
            "state": "waiting",
            "position": position,
            "wait": started.entry_point.queue.wait_estimate(position),
        }

    def _entry_point(self, text: str) -> EntryPoint | None:
        known = text.isascii() and text.isdigit() and len(text) < 20
        return self._world.entry_points.get(int(text)) if known else None


async def _json(request: Request) -> dict[str, Any]:
    """Return a small JSON object; an empty one for anything else."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > 4096:
            return {}
    try:
        value = json.loads(body)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
