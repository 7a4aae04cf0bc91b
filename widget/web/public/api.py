"""The visitor's addresses under /v1: status and launcher for pages, chat for the click."""

from __future__ import annotations

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from widget.application.availability import Availability
from widget.domain.evaluation import State
from widget.web.edge.errors import Problem, unknown_entry_point
from widget.web.pages.pages import Pages
from widget.web.public.answers import PublicAnswers
from widget.web.public.cached_answer import response
from widget.web.public.spelling import query_fields

RETRY_UNKNOWN_AFTER = 5
# A docked chat passes through this redirect: who may frame the chat is for ECE to say. Our own pages stay guarded.
FRAMED_BY_ANYONE = {"Content-Security-Policy": "default-src 'none'"}


class PublicApi:
    """The endpoints; `chat_address(entry_point, locale, origin)` returns the address at ECE, with a fresh ticket."""

    def __init__(
        self,
        answers: PublicAnswers,
        availability: Availability,
        pages: Pages,
        chat_address: Callable[[str, str | None, str | None], str],
    ) -> None:
        self._answers = answers
        self._availability = availability
        self._pages = pages
        self._chat_address = chat_address

    async def public(self, request: Request) -> Response:
        """GET /v1/status/{entry_point}, the decision as JSON, and /v1/launcher/{entry_point}, the same as HTML."""
        try:
            pieces = await self._answers.when_ready(request.scope)
        except KeyError:
            raise unknown_entry_point() from None
        return response(pieces)

    async def chat(self, request: Request) -> Response:
        """GET /v1/chat/{entry_point}: decide again, then send the visitor to ECE or say why not; never cached."""
        name = request.path_params["entry_point"]
        asked = query_fields(request.scope["query_string"])
        try:
            view = await self._availability.view_for_click(name)
        except KeyError:
            raise Problem(404, "unknown_entry_point") from None
        decision = view.decision
        if decision.show:
            address = self._chat_address(name, asked.get("locale"), asked.get("origin"))
            return RedirectResponse(address, 303, headers=FRAMED_BY_ANYONE)
        page = self._pages.closed(
            decision,
            theme=self._pages.theme(asked.get("theme"), entry_point=name),
            language=self._pages.language(asked.get("locale")),
        )
        if decision.state is State.UNKNOWN:
            return HTMLResponse(page, 503, headers={"Retry-After": str(RETRY_UNKNOWN_AFTER)})
        return HTMLResponse(page)
