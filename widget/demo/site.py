"""The sample marketing site: a company's pages on their own origin, each of which embeds the chat differently."""

from __future__ import annotations

import json
from collections import deque
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from widget.simulator.pages import environment

FOLDER = Path(__file__).resolve().parent / "site"

# path → template and title, in the order of the list at the foot of every page
PAGES = {
    "/": ("index.html", "One script tag"),
    "/elements": ("elements.html", "Elements in the text"),
    "/de": ("de.html", "German"),
    "/ar": ("ar.html", "Arabic, right to left"),
    "/strict": ("strict.html", "Strict content policy"),
    "/app": ("app.html", "Single-page app"),
    "/no-script": ("no-script.html", "A plain link, no script"),
}


def strict_policy(widget_url: str) -> str:
    """Return the policy of `/strict`: it allows the site's own files and the widget server."""
    return (
        f"default-src 'none'; script-src {widget_url}; connect-src {widget_url}; "
        "require-trusted-types-for 'script'; style-src 'self'; img-src 'self'"
    )


def usual_policy(widget_url: str, simulator_url: str) -> str:
    """Return the policy of the other pages: it also allows frames for a docked chat and a survey."""
    frames = f"{widget_url} {simulator_url}".strip()
    return (
        f"default-src 'none'; script-src 'self' {widget_url}; connect-src {widget_url}; frame-src {frames}; "
        "style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


class Letterbox:
    """The company's webhook: keeps the last messages that visitors left, and shows them as they came."""

    def __init__(self) -> None:
        self._received: deque[Any] = deque(maxlen=50)

    async def take(self, request: Request) -> Response:
        self._received.appendleft(await request.json())
        return Response(status_code=204)

    async def show(self, request: Request) -> Response:
        shown = "\n\n".join(json.dumps(each, indent=2, ensure_ascii=False) for each in self._received)
        return PlainTextResponse(shown or "No message was left yet.\n", headers={"cache-control": "no-store"})


def create_site(widget_url: str, *, simulator_url: str = "") -> Starlette:
    """Build the site. Its script tags load from `widget_url`."""
    templates, letterbox = environment(FOLDER), Letterbox()

    async def page(request: Request) -> Response:
        path = request.url.path.rstrip("/") or "/"
        template, _ = PAGES[path]
        text = templates.get_template(template).render(
            widget_url=widget_url, simulator_url=simulator_url, pages=PAGES, path=path
        )
        strict = path == "/strict"
        headers = {
            "cache-control": "no-cache",
            "x-content-type-options": "nosniff",
            "x-frame-options": "DENY",
            "referrer-policy": "strict-origin-when-cross-origin",
            "content-security-policy": strict_policy(widget_url) if strict else usual_policy(widget_url, simulator_url),
        }
        if request.headers.get("x-forwarded-proto") == "https":  # set by a TLS proxy in front
            headers["strict-transport-security"] = "max-age=31536000; includeSubDomains"
        return HTMLResponse(text, headers=headers)

    return Starlette(
        routes=[
            *(Route(path, page) for path in PAGES),
            Route("/hook", letterbox.take, methods=["POST"]),
            Route("/messages", letterbox.show),
            Mount("/assets", StaticFiles(directory=FOLDER / "assets")),
        ]
    )
