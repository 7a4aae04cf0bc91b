"""The control page and the JSON addresses behind it: agents, queues, faults, what was received."""

from __future__ import annotations

import json
from typing import Any, TypeVar, get_args
from urllib.parse import parse_qsl, urlsplit

from pydantic import BaseModel, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from widget.simulator import pages
from widget.simulator.changes import Advance, EntryPointChange, FaultChange, ServiceChange
from widget.simulator.faults import MEANING, Fault
from widget.simulator.state import state, survey_as_json
from widget.simulator.wire import Wire
from widget.simulator.world import ALL, CALLS, World

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
LARGEST_CHANGE = 16 * 1024
Change = TypeVar("Change", bound=BaseModel)


class Refused(Exception):
    """Raised for a change that is not made, with a sentence for every fault."""

    def __init__(self, status: int, faults: list[dict[str, str]]) -> None:
        super().__init__(faults)
        self.status = status
        self.faults = faults


async def refused(_request: Request, error: Exception) -> Response:
    """Answer a refused change: the application's handler for `Refused`."""
    assert isinstance(error, Refused)
    return JSONResponse({"faults": error.faults}, error.status)


class Control:
    """Show and change the world. Forms work without script; with it, the page updates itself."""

    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> list[Route]:
        post = ["POST"]
        return [
            Route("/state", self.state),
            Route("/lists", self.lists),
            Route("/surveys", self.surveys),
            Route("/surveys/clear", self.clear_surveys, methods=post),
            Route("/entry-points/{id:int}", self.change_entry_point, methods=post),
            Route("/faults", self.change_faults, methods=post),
            Route("/faults/clear", self.clear_faults, methods=post),
            Route("/service", self.change_service, methods=post),
            Route("/wire", self.change_wire, methods=post),
            Route("/advance", self.advance, methods=post),
            Route("/reset", self.reset, methods=post),
        ]

    async def page(self, request: Request) -> Response:
        self._world.catch_up()
        return pages.page(
            "control.html",
            policy=POLICY,
            state=state(self._world),
            world=self._world,
            base_url=f"{request.url.scheme}://{request.url.netloc}/system",
            calls=(ALL, *CALLS),
            kinds=MEANING,
            wire_choices={name: get_args(field.annotation) for name, field in Wire.model_fields.items()},
        )

    async def lists(self, request: Request) -> Response:
        """Return the part of the page with the received surveys and complaints, for its refresh."""
        return pages.page("_lists.html", policy=POLICY, world=self._world)

    async def state(self, request: Request) -> Response:
        self._world.catch_up()
        return JSONResponse(state(self._world), headers={"cache-control": "no-store"})

    async def surveys(self, request: Request) -> Response:
        return JSONResponse([survey_as_json(each) for each in self._world.surveys])

    async def clear_surveys(self, request: Request) -> Response:
        _same_origin_only(request)
        self._world.surveys.clear()
        self._world.complaints.clear()
        return self._done(request, "received")

    async def change_entry_point(self, request: Request) -> Response:
        entry_point = self._world.entry_points.get(request.path_params["id"])
        if entry_point is None:
            raise Refused(404, [{"field": "id", "message": "There is no such entry point."}])
        change = await _read(request, EntryPointChange)
        self._world.catch_up()
        change.apply_to(entry_point)
        return self._done(request, f"entry-point-{entry_point.id}")

    async def change_faults(self, request: Request) -> Response:
        change = await _read(request, FaultChange)
        self._world.set_fault(change.call, Fault(change.kind, change.seconds, change.times))
        return self._done(request, "faults")

    async def clear_faults(self, request: Request) -> Response:
        _same_origin_only(request)
        self._world.faults.clear()
        return self._done(request, "faults")

    async def change_service(self, request: Request) -> Response:
        self._world.service_running = (await _read(request, ServiceChange)).running
        return self._done(request, "faults")

    async def change_wire(self, request: Request) -> Response:
        change = await _read(request, Wire)
        self._world.wire = self._world.wire.model_copy(update=change.model_dump(exclude_unset=True))
        return self._done(request, "wire")

    async def advance(self, request: Request) -> Response:
        change = await _read(request, Advance)
        self._world.catch_up()
        self._world.skip(change.seconds)
        return self._done(request, "entry-points")

    async def reset(self, request: Request) -> Response:
        _same_origin_only(request)
        self._world.reset()
        return self._done(request, "")

    def _done(self, request: Request, anchor: str) -> Response:
        if "text/html" in request.headers.get("accept", ""):
            return RedirectResponse(f"/#{anchor}", 303)
        return JSONResponse(state(self._world))


def _same_origin_only(request: Request) -> None:
    """Refuse a form that another site posts to this loopback port."""
    origin = request.headers.get("origin")
    if origin and urlsplit(origin).netloc != request.headers.get("host"):
        raise Refused(403, [{"field": "", "message": "Another site may not change the simulator."}])


async def _read(request: Request, model: type[Change]) -> Change:
    """Return a change, sent as JSON or as a form. Raise Refused."""
    _same_origin_only(request)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_CHANGE:
            raise Refused(413, [{"field": "", "message": f"At most {LARGEST_CHANGE} bytes."}])
    given: Any
    try:
        if request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
            given = dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=50))
            given = {key: None if value == "" else value for key, value in given.items()}
        else:
            given = json.loads(body or b"{}")
    except ValueError:
        raise Refused(400, [{"field": "", "message": "The body is neither JSON nor a form."}]) from None
    try:
        return model.model_validate(given)
    except ValidationError as error:
        raise Refused(
            422,
            [
                {"field": ".".join(map(str, each["loc"])), "message": each["msg"]}
                for each in error.errors(include_url=False)
            ],
        ) from None
