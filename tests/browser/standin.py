"""Three origins for the browser tests: a chat server whose answers the test chooses, an ECE, and customers' sites."""

from __future__ import annotations

import contextlib
import html
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import anyio
import jinja2
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from widget.web.snippet import SnippetFiles, routes

ROOT = Path(__file__).resolve().parents[2]
CSS = """
:host { all: initial !important; display: block !important; width: fit-content !important;
  font: 16px/1.35 system-ui, sans-serif !important;
  --ece-background: #fff; --ece-surface: #eef; --ece-text: #111; --ece-line: #778; --ece-accent: #0b5cad;
  --ece-on-accent: #fff; --ece-focus: #a30; --ece-radius: 12px; }
@media (prefers-color-scheme: dark) { :host { --ece-background: #111; --ece-surface: #223; --ece-text: #eee;
  --ece-accent: #9cf; --ece-on-accent: #012; --ece-focus: #fc6; } }
:host([data-placement="corner"]) { position: fixed !important; bottom: 16px !important; right: 16px !important;
  z-index: 2147483000 !important; }
.ece-chat-button { min-width: 44px; min-height: 44px; padding: 8px 18px; font: inherit; color: var(--ece-on-accent);
  background: var(--ece-accent); border: 2px solid transparent; border-radius: 24px; }
.ece-chat-button:focus-visible { outline: 3px solid var(--ece-focus); outline-offset: 3px; }
.ece-chat-greeting { display: none; }
:host([data-greeting]) .ece-chat-greeting { display: block; }
:host([data-waiting]) .ece-chat-ask, :host(:not([data-waiting])) .ece-chat-told { display: none; }
.ece-chat-live { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
:host([hidden]) { display: none !important; }
@media print { :host { display: none !important; } }
"""

TEMPLATES = jinja2.Environment(loader=jinja2.FileSystemLoader(ROOT / "templates/default"), autoescape=True)
ANSWER_WITHIN = 8_000  # milliseconds after which the script gives up on an answer


@dataclass
class Chat:
    """The chat server's answers from now on; `requests` holds the paths it was asked for."""

    show: bool = True
    state: str = "available"
    position: str = "3"
    next_check: int = 5
    as_of: str = "2026-11-24T08:00:00Z"
    revalidated: bool = True  # Last-Modified is newer with each answer, while the text with its `asOf` stays
    open_in: str = "popup"
    label: str = "Chat with us"
    frame_allow: str = ""
    direction: str = "ltr"
    announce: str | None = None
    message: str = ""  # in place of the button
    tells: bool = False  # the message offers to tell when chat opens
    greeting: str = ""  # beside the button, after 20 seconds
    extra_css: str = ""
    fault: str | None = None  # "html", "500", "empty", "hang", "reset"
    known: frozenset[str] = frozenset({"sales", "support"})
    closed: bool = False
    refuse_frames: bool = False
    requests: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    ece_pages: int = 0

    def launcher(self, entry_point: str) -> str:
        """Return the fragment in the shape of the shipped template."""
        words = self.announce if self.announce is not None else f"You would be number {self.position}."
        values = {
            "entry-point": entry_point,
            "show": "true" if self.show else "false",
            "state": self.state,
            "reason": "" if self.show else "agent_not_available",
            "wait-time": "180",
            "queue-depth": "2",
            "position": self.position,
            "capacity": "",
            "opens-at": "",
            "as-of": self.as_of,
            "next-check": str(self.next_check),
            "open-in": self.open_in,
            "corner": "bottom-right",
            "announce": words if self.show else "",
            "label-link": "Open in a new window",
        }
        if self.greeting and self.show:
            values |= {"greeting": self.greeting, "after": "20000"}
        if self.tells and not self.show:
            values["waits"] = "We will tell you here."
        attributes = " ".join(f'data-{name}="{html.escape(value)}"' for name, value in values.items())
        context = {
            "_": str,
            "lang": "en",
            "dir": self.direction,
            "corner": "bottom-right",
            "label": self.label,
            "logo": "",
            "allow": self.frame_allow,
            "design": {"icon": ""},
        }
        css = (
            CSS
            + self.extra_css
            + TEMPLATES.get_template("panel.css").render(corner="bottom-right", design={"radius": 12})
        )
        content = (
            f'<button type="button" class="ece-chat-button" aria-haspopup="dialog"><span>{self.label}</span>'
            f" <span class='ece-chat-wait'>number {self.position}</span></button>{self._greeting()}"
            if self.show
            else self.message
            and f'<section class="ece-chat-message"><span>{self.message}</span>'
            f'<button type="button" class="ece-chat-dismiss" aria-label="Close">×</button>{self._offer()}</section>'
        )
        pane = TEMPLATES.get_template("panel.html").render(context).strip()
        return (
            f'<div class="ece-chat" lang="en" dir="{self.direction}" {attributes}>'
            f'<template class="ece-chat-css">{css}</template>{pane}{content}</div>'
        )

    def _greeting(self) -> str:
        return self.greeting and (
            f'<div class="ece-chat-greeting"><span>{self.greeting}</span>'
            '<button type="button" class="ece-chat-dismiss" aria-label="Close">×</button></div>'
        )

    def _offer(self) -> str:
        return (
            '<button type="button" class="ece-chat-tell"><span class="ece-chat-ask">Tell me</span>'
            '<span class="ece-chat-told">We will tell you here.</span></button>'
            if self.tells
            else ""
        )


async def _launcher(request: Request) -> Response:
    chat: Chat = request.app.state.chat
    chat.requests.append(f"{request.url.path}?{request.url.query}")
    chat.headers.append(dict(request.headers))
    headers = {"Access-Control-Allow-Origin": "*", "Cache-Control": "public, max-age=5"}
    if chat.revalidated:
        moment = datetime(2026, 11, 24, 8, tzinfo=UTC) + timedelta(seconds=len(chat.requests))
        headers["Last-Modified"] = format_datetime(moment, usegmt=True)
    match chat.fault:
        case "hang":
            await anyio.sleep_forever()
        case "html":
            return HTMLResponse("<!doctype html><title>Captive portal</title><p>Log in", headers=headers)
        case "500":
            return HTMLResponse("broken", 500, headers=headers)
        case "empty":
            return Response("", headers=headers)
        case "no-cors":
            return HTMLResponse("no")
        case _:
            pass
    entry_point = request.path_params["entry_point"]
    if entry_point not in chat.known:
        return Response('{"code":"unknown_entry_point"}', 404, headers=headers, media_type="application/problem+json")
    return HTMLResponse(chat.launcher(entry_point), headers=headers)


async def _chat(request: Request) -> Response:
    chat: Chat = request.app.state.chat
    chat.requests.append(f"{request.url.path}?{request.url.query}")
    if chat.closed:
        return HTMLResponse("<title>Closed</title><h1>Closed", headers={"Cross-Origin-Opener-Policy": "same-origin"})
    return RedirectResponse(request.app.state.ece + "/chat", 303)


async def _survey(request: Request) -> Response:
    return HTMLResponse("<title>Survey</title><h1>How did we do?")


def _ece(chat: Chat) -> Starlette:
    async def page(request: Request) -> Response:
        chat.ece_pages += 1
        headers = {"X-Frame-Options": "DENY"} if chat.refuse_frames else {}
        return HTMLResponse(f"<title>Agent</title><h1>Chat {chat.ece_pages}</h1><textarea></textarea>", headers=headers)

    return Starlette(routes=[Route("/chat", page)])


@dataclass
class Site:
    """A customer's site: pages by path, each with its headers."""

    origin: str
    pages: dict[str, tuple[str, dict[str, str]]] = field(default_factory=dict)

    def page(self, path: str, body: str, headers: dict[str, str] | None = None) -> str:
        self.pages[path] = (body, {"Content-Type": "text/html; charset=utf-8", **(headers or {})})
        return self.origin + path


def _site(pages: dict[str, tuple[str, dict[str, str]]]) -> Starlette:
    async def page(request: Request) -> Response:
        if request.url.path not in pages:
            return Response("", 404)
        body, headers = pages[request.url.path]
        return Response(body, headers=headers)

    return Starlette(routes=[Route("/{path:path}", page)])


@contextlib.contextmanager
def _serving(app: ASGIApp) -> Iterator[int]:
    """Serve on a free port of loopback, in a thread of its own."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off", timeout_graceful_shutdown=1))
    started = threading.Event()

    async def serve() -> None:
        server.config.load()
        server.lifespan = server.config.lifespan_class(server.config)
        await server.startup(sockets=[listener])
        started.set()
        await server.main_loop()
        await server.shutdown(sockets=[listener])

    thread = threading.Thread(target=anyio.run, args=(serve,))
    thread.start()
    started.wait()
    try:
        yield listener.getsockname()[1]
    finally:
        server.should_exit = server.force_exit = True
        thread.join()


@dataclass
class StubServers:
    """What a test works with; `tag` is the script tag of a customer's page."""

    chat: Chat
    origin: str
    site: Site
    ece: str
    files: SnippetFiles

    def tag(self, attributes: str = 'data-entry-point="sales"', path: str = "/widget.js") -> str:
        return f'<script async src="{self.origin}{path}" {attributes}></script>'

    def page(self, body: str, path: str = "/", headers: dict[str, str] | None = None, head: str = "") -> str:
        """Put up a page and return its address."""
        document = (
            '<!doctype html><html lang="en"><head><title>Shop</title>'
            f'<meta name="viewport" content="width=device-width">{head}'
            f"</head><body><main><h1>Shop</h1>{body}</main></body></html>"
        )
        return self.site.page(path, document, headers)


@contextlib.contextmanager
def serve_stubs() -> Iterator[StubServers]:
    """Start the three servers."""
    chat, pages = Chat(), dict[str, tuple[str, dict[str, str]]]()
    files = SnippetFiles(ROOT / "static")
    app = Starlette(
        routes=[
            *routes(files),
            Route("/v1/launcher/{entry_point:path}", _launcher),
            Route("/v1/chat/{entry_point:path}", _chat),
            Route("/survey/{token}", _survey),
        ]
    )
    app.state.chat = chat
    with _serving(app) as chat_port, _serving(_site(pages)) as site_port, _serving(_ece(chat)) as ece_port:
        app.state.ece = f"http://127.0.0.1:{ece_port}"
        site = Site(f"http://localhost:{site_port}", pages)
        yield StubServers(chat, f"http://127.0.0.1:{chat_port}", site, app.state.ece, files)


def reset(chat: Chat) -> None:
    """Answer as at the start again."""
    fresh: dict[str, Any] = vars(Chat())
    for name, value in fresh.items():
        setattr(chat, name, value)
