"""ECE's six calls, under any context root (guide, sections 9 to 14)."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from functools import partial

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from widget.simulator import wire
from widget.simulator.connections import Sleep
from widget.simulator.faults import Fault, spoil
from widget.simulator.queue import Refusal
from widget.simulator.surveys import LARGEST_BODY, Judgement, ReceivedSurvey, judge
from widget.simulator.world import GET_CALLS, SURVEY, EntryPoint, World

_COOKIE = "JSESSIONID"
_RESPONSE_TYPES: dict[Refusal | None, int] = {Refusal.AGENT_NOT_AVAILABLE: 1, Refusal.QUEUE_DEPTH_REACHED: 2}
Endpoint = Callable[[Request], Awaitable[Response]]
AnyEndpoint = Callable[[Request], Awaitable[ASGIApp]]


def under_any_root(path: str, endpoint: AnyEndpoint, *, methods: list[str]) -> list[Route]:
    """Return the routes of `path` at the top and below any context root."""
    return [Route(start + path, endpoint, methods=methods) for start in ("", "/{root:path}")]


class Calls:
    """Answer as an ECE with these entry points would, or as the fault that is switched on."""

    def __init__(self, world: World, *, sleep: Sleep) -> None:
        self._world = world
        self._sleep = sleep

    def routes(self) -> list[Route]:
        routes: list[Route] = []
        for prefix in ("/egain/chat/entrypoint", "/ws/chat/entrypoint"):
            for call in GET_CALLS:
                endpoint = self._counted(call, partial(self._answer, call))
                routes += under_any_root(f"{prefix}/{call}/{{id}}", endpoint, methods=["GET"])
        for path in ("/egain/chat/endpoint/survey", "/egain/chat/entrypoint/survey", "/ws/chat/entrypoint/survey"):
            routes += under_any_root(path, self._counted(SURVEY, self._survey), methods=["POST"])
        return routes

    def _counted(self, call: str, right: Endpoint) -> AnyEndpoint:
        """Answer correctly or with the fault that is switched on; count the request until its last byte."""

        async def endpoint(request: Request) -> ASGIApp:
            traffic = self._world.traffic[call]

            async def respond(scope: Scope, receive: Receive, send: Send) -> None:
                async def send_counted(message: Message) -> None:
                    if message["type"] == "http.response.start":
                        traffic.statuses[message["status"]] += 1
                    await send(message)

                traffic.begin()
                try:
                    response = await self._faulty(self._world.take_fault(call), right, request)
                    await response(scope, receive, send_counted)
                finally:
                    traffic.end()

            return respond

        return endpoint

    async def _faulty(self, fault: Fault | None, right: Endpoint, request: Request) -> ASGIApp:
        if fault is None:
            return await right(request)
        answer = Response(status_code=200) if fault.before else await right(request)
        return spoil(fault, answer, request, sleep=self._sleep)

    async def _answer(self, call: str, request: Request) -> Response:
        world = self._world
        world.catch_up()
        text = request.path_params["id"]
        if request.cookies:
            world.complain(call, "A cookie of an earlier answer was sent back; it may be another visitor's.")
        if not (text.isascii() and text.isdigit() and len(text) <= 19):
            world.complain(call, f"The entry point id “{text[:40]}” is not a number.")
            return _error(400, "400-152", "Invalid value is provided for the entry point id.")
        entry_point = world.entry_points.get(int(text))
        if entry_point is None:
            world.complain(call, f"There is no entry point {text}.")
            return self._unknown(call)
        return self._reply(*self._say(call, entry_point), request)

    def _say(self, call: str, entry_point: EntryPoint) -> tuple[str, dict[str, object]]:
        queue, look = entry_point.queue, self._world.wire
        match call:
            case "agentAvailability":
                available = queue.available_agents > 0 or not queue.agents_required
                return wire.agent_availability(available, look), {"available": available}
            case "capacity":
                return wire.capacity(queue.free_slots, look), {"count": queue.free_slots}
            case "liveSessionStatus":
                wait, depth = float(entry_point.wait), entry_point.depth
                return wire.live_session_status(wait, depth, look), {"waitTime": wait, "queueDepth": depth}
            case "checkEligibility":
                code = _RESPONSE_TYPES.get(queue.refusal(), 0)
                return wire.check_eligibility(code, look), {"responseType": code}
            case _:
                return _allowed(self._world.refusal(entry_point), look)

    def _unknown(self, call: str) -> Response:
        look = self._world.wire
        if call == "chatAllowed":
            return self._reply(*_allowed("invalid_entry_point", look), None)
        if look.unknown_id != "closed":
            return _error(int(look.unknown_id), f"{look.unknown_id}-101", "The entry point could not be read.")
        closed: dict[str, tuple[str, dict[str, object]]] = {
            "agentAvailability": (wire.agent_availability(False, look), {"available": False}),
            "capacity": (wire.capacity(0, look), {"count": 0}),
            "liveSessionStatus": (wire.live_session_status(0.0, 0, look), {"waitTime": 0.0, "queueDepth": 0}),
            "checkEligibility": (wire.check_eligibility(1, look), {"responseType": 1}),
        }
        return self._reply(*closed[call], None)

    def _reply(self, text: str, values: dict[str, object], request: Request | None) -> Response:
        look = self._world.wire
        accept = request.headers.get("accept", "") if request is not None else ""
        as_json = look.format == "json" or (look.format == "accept" and "json" in accept and "xml" not in accept)
        content = json.dumps(values, separators=(",", ":")) if as_json else text
        response = Response(content, headers={"cache-control": "no-store"})
        response.headers["content-type"] = "application/json" if as_json else look.content_type
        response.set_cookie(_COOKIE, f"{self._world.traffic['chatAllowed'].received:08x}", httponly=True)
        return response

    async def _survey(self, request: Request) -> Response:
        world, look = self._world, self._world.wire
        path = "guide" if "/endpoint/" in request.url.path else "template"
        if look.survey_path not in ("both", path):
            world.complain(SURVEY, f"A survey came to {request.url.path}, where this ECE takes none.")
            status = int(look.survey_path_refusal)
            return _error(status, f"{status}-100", "There is nothing at this address.")
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > LARGEST_BODY:
                break
        content_type = request.headers.get("content-type", "")
        judgement = judge(bytes(body), content_type)
        refused = self._form_refusal(judgement)
        world.surveys_received += 1
        world.surveys.append(
            ReceivedSurvey(
                at=world.now(),
                path=request.url.path,
                content_type=content_type,
                raw=bytes(body),
                sid=judgement.sid,
                namespace=judgement.namespace,
                pairs=judgement.pairs,
                faults=judgement.faults if refused is None else (refused,),
            )
        )
        if refused is not None:
            world.complain(SURVEY, refused)
            return _error(int(look.survey_format_refusal), f"{look.survey_format_refusal}-152", refused)
        if judgement.faults:
            world.complain(SURVEY, " ".join(judgement.faults))
            return _error(400, "400-152", " ".join(judgement.faults))
        if look.survey_success == "200-xml":
            return Response("<result>ok</result>", media_type="application/xml")
        return Response(status_code=int(look.survey_success))

    def _form_refusal(self, judgement: Judgement) -> str | None:
        wanted = self._world.wire.survey_format
        if judgement.faults or wanted in ("both", judgement.form):
            return None
        return f"This ECE takes surveys {'with' if wanted == 'namespace' else 'without'} the namespace only."


def _allowed(reason: str | None, look: wire.Wire) -> tuple[str, dict[str, object]]:
    values: dict[str, object] = {"allowed": reason is None}
    if reason is not None:
        values["reason"] = reason
    return wire.chat_allowed(reason, look), values


def _error(status: int, code: str, message: str) -> Response:
    body = json.dumps({"code": code, "developerMessage": message}, ensure_ascii=False)
    return Response(body, status, media_type="application/json")
