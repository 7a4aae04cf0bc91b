"""Read a posted form or a small JSON object within limits; nothing is read before its media type is right."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import Any, NoReturn
from urllib.parse import parse_qs

from starlette.requests import Request

from widget.domain.strict_json import no_name_twice
from widget.web.edge.errors import Problem

MOST_FIELDS = 1000
BODY_TIME = 10.0  # seconds for a whole body: a form is sent in one go, and no server here closes a slow one
FORM = "application/x-www-form-urlencoded"


async def read_form(request: Request, *, longest: int) -> dict[str, list[str]]:
    """Read a url-encoded form in UTF-8; raise Problem.

    Uploads are not taken, so multipart is refused unread. Bytes that are no UTF-8 become U+FFFD: no browser sends any.
    """
    require_media_type(request, FORM)
    text = (await read_body(request, longest=longest)).decode("utf-8", "replace")
    try:
        return parse_qs(text, keep_blank_values=True, errors="replace", max_num_fields=MOST_FIELDS)
    except ValueError:
        raise Problem(413, "too_many_fields", f"A form has {MOST_FIELDS} fields at most.") from None


async def read_object(request: Request, *, longest: int) -> dict[str, Any]:
    """Read a JSON object as RFC 8259 has it: UTF-8, no NaN, no name twice; raise Problem."""
    require_media_type(request, "application/json")
    body = await read_body(request, longest=longest)
    with contextlib.suppress(ValueError, RecursionError):
        value = json.loads(body.decode("utf-8"), object_pairs_hook=no_name_twice, parse_constant=_no_constant)
        if isinstance(value, dict):
            return value
    raise Problem(400, "not_json", "One JSON object in UTF-8, no name twice.")


def require_media_type(request: Request, wanted: str) -> None:
    """Refuse another media type, another charset and any content coding."""
    essence, _, parameters = request.headers.get("content-type", "").partition(";")
    named = {name.strip().lower(): value for name, _, value in (each.partition("=") for each in parameters.split(";"))}
    charset = named.get("charset", "").strip().strip('"').lower()
    coding = request.headers.get("content-encoding", "").strip().lower()
    if essence.strip().lower() != wanted or charset not in ("", "utf-8", "utf8") or coding not in ("", "identity"):
        raise Problem(415, "unsupported_media_type", f"This address takes {wanted} in UTF-8, not compressed.")


async def read_body(request: Request, *, longest: int) -> bytes:
    """Read at most `longest` bytes in a bounded time; raise Problem."""
    announced = request.headers.get("content-length", "")
    if announced.isdigit() and (len(announced) > 15 or int(announced) > longest):
        raise Problem(413, "payload_too_large", f"This address takes {longest} bytes at most.")
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_TIME):
            async for chunk in request.stream():
                body += chunk
                if len(body) > longest:
                    raise Problem(413, "payload_too_large", f"This address takes {longest} bytes at most.")
    except TimeoutError:
        raise Problem(408, "request_timeout", f"The whole body has to come within {BODY_TIME:.0f} seconds.") from None
    return bytes(body)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")
