"""The sample marketing site: a company's pages on their own origin, each of which embeds the chat differently."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from widget.demo.inbox import Inbox
from widget.demo.mail import take_mails
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
    "/closed": ("closed.html", "When chat is closed"),
    "/messages": ("messages.html", "What visitors wrote"),
}


def strict_policy(widget_url: str) -> str:
    """Return the policy of `/strict`: it allows the site's own files and the widget server."""
    return (
        f"default-src 'none'; script-src {widget_url}; connect-src {widget_url}; "
        "require-trusted-types-for 'script'; style-src 'self'; img-src 'self'"
    )


def usual_policy(widget_url: str, simulator_url: str) -> str:
    """Return the policy of the other pages: it also allows frames for a docked chat and a survey."""
    return (
        f"default-src 'none'; script-src 'self' {widget_url}; connect-src {widget_url}; "
        f"frame-src 'self' {widget_url} {simulator_url}; "
        "style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


_COMMON = {"cache-control": "no-cache", "x-content-type-options": "nosniff"}
# A mail's HTML in its frame: styles of its own, and nothing else.
_MAIL_POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox; frame-ancestors 'self'"


def create_site(widget_url: str, *, simulator_url: str, mail: socket.socket) -> Starlette:
    """Build the site. Its script tags load from `widget_url`; it takes mails on the socket `mail`."""
    templates, inbox = environment(FOLDER), Inbox()

    @asynccontextmanager
    async def takes_mails(_app: Starlette) -> AsyncIterator[None]:
        async with await asyncio.start_server(partial(take_mails, take=inbox.mail), sock=mail):
            yield

    async def hook(request: Request) -> Response:
        inbox.post(await request.json(), dict(request.headers))
        return Response(status_code=204)

    async def mail_page(request: Request) -> Response:
        html = next((each.html for each in inbox.received if each.number == request.path_params["number"]), "")
        return HTMLResponse(html, 200 if html else 404, {"content-security-policy": _MAIL_POLICY, **_COMMON})

    async def page(request: Request) -> Response:
        path = request.url.path.rstrip("/") or "/"
        template, _ = PAGES[path]
        text = templates.get_template(template).render(
            widget_url=widget_url, simulator_url=simulator_url, pages=PAGES, path=path, received=inbox.received
        )
        strict = path == "/strict"
        headers = {
            **_COMMON,
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
            Route("/hook", hook, methods=["POST"]),
            Route("/messages/{number:int}", mail_page),
            Mount("/assets", StaticFiles(directory=FOLDER / "assets")),
        ],
        lifespan=takes_mails,
    )
