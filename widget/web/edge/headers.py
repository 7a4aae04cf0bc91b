"""The headers of every answer, by what kind of address it is, and the Host that is asked for.

| kind | addresses | CORS | framed by | opener policy |
|---|---|---|---|---|
| public | status, launcher, widget.js | `*` | nobody | none |
| chat | /v1/chat | none | allowed_origins | none: it would cut the pop-up from its page |
| survey | /survey | none | allowed_origins | same-origin |
| preview | /preview | none | itself | same-origin |
| operator | /v1/survey-links, /metrics, /openapi.json | none | nobody | same-origin |
| other | everything else | none | nobody | none |
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from contextvars import ContextVar
from enum import Enum
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from widget.settings import ServerSettings
from widget.web.edge.context import address_of
from widget.web.edge.errors import Errors, Problem

Header = tuple[bytes, bytes]

# The nonce of the answer that is being made, for templates: `<script nonce="{{ nonce() }}" src=…>`.
_nonce: ContextVar[str] = ContextVar("nonce", default="")

_YEAR = 365 * 86400
_PERMISSIONS = b"camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()"
_PREFLIGHT: list[Header] = [
    (b"access-control-allow-methods", b"GET, HEAD"),
    (b"access-control-allow-headers", b"if-none-match, if-modified-since, traceparent"),
    (b"access-control-max-age", b"86400"),
]
# Orchestrators and scrapers ask by address, not by name.
# The public answers say the same to everybody; the lane they mostly come from looks at no Host either.
_ANY_HOST = re.compile(r"/(?:healthz|readyz|metrics)$|/v1/(?:status|launcher)/")
_LOOPBACK_HOST = re.compile(rb"(?:localhost|127(?:\.[0-9]{1,3}){3}|\[::1\])(?::[0-9]{1,5})?", re.IGNORECASE)


class Kind(Enum):
    PUBLIC = "public"
    CHAT = "chat"
    SURVEY = "survey"
    PREVIEW = "preview"
    OPERATOR = "operator"
    OTHER = "other"


_KINDS = (
    (Kind.PUBLIC, re.compile(r"/v1/(?:status|launcher)(?:/|$)|/widget\.(?:[\w.-]+\.)?js$")),
    (Kind.CHAT, re.compile(r"/v1/chat(?:/|$)")),
    (Kind.SURVEY, re.compile(r"/survey(?:/|$)")),
    (Kind.PREVIEW, re.compile(r"/preview(?:/|$)")),
    (Kind.OPERATOR, re.compile(r"/(?:v1/survey-links|metrics|openapi\.json)$")),
)


def nonce() -> str:
    """Give the nonce that the policy of this answer names; empty outside a request."""
    return _nonce.get()


def kind_of(path: str) -> Kind:
    """Say which kind of address this is; decided by the path alone, so that faults have the same headers."""
    return next((kind for kind, pattern in _KINDS if pattern.match(path)), Kind.OTHER)


class EdgeHeaders:
    """The header values that follow from the settings, made once."""

    def __init__(self, server: ServerSettings) -> None:
        public = urlsplit(server.public_url)
        self._secure = public.scheme == "https"
        everywhere: list[Header] = [(b"x-content-type-options", b"nosniff"), (b"referrer-policy", b"no-referrer")]
        if self._secure:
            everywhere.append((b"strict-transport-security", f"max-age={_YEAR}; includeSubDomains".encode()))
        self._framed_by = " ".join(server.allowed_origins) or "'none'"
        if "*" in server.allowed_origins:
            self._framed_by = "*"
        self.hosts = _host_spellings(public.netloc.lower(), public.hostname or "", public.port, public.scheme)
        same = (b"cross-origin-resource-policy", b"same-origin")
        opener = (b"cross-origin-opener-policy", b"same-origin")
        self._by_kind: dict[Kind, tuple[Header, ...]] = {
            Kind.PUBLIC: (
                *everywhere,
                (b"access-control-allow-origin", b"*"),
                (b"cross-origin-resource-policy", b"cross-origin"),
            ),
            Kind.CHAT: (*everywhere, same),
            Kind.SURVEY: (*everywhere, same, opener),
            Kind.PREVIEW: (*everywhere, same, opener),
            Kind.OPERATOR: (*everywhere, same, opener),
            Kind.OTHER: (*everywhere, same),
        }

    def public_answer_headers(self) -> list[Header]:
        """Give what every public answer carries, for code that sends its answers itself."""
        return [*self._by_kind[Kind.PUBLIC], (b"content-security-policy", self.data_policy(Kind.PUBLIC))]

    def fixed(self, kind: Kind) -> tuple[Header, ...]:
        """Give the headers of this kind that no answer changes."""
        return self._by_kind[kind]

    def data_policy(self, kind: Kind) -> bytes:
        """Give the policy of what is no page. A redirect inside a frame is judged by its ancestors too."""
        return f"default-src 'none'; frame-ancestors {self._ancestors(kind)}".encode()

    def page_policy(self, kind: Kind, nonce: str) -> bytes:
        """Give the content security policy of a page: nothing inline, nothing from elsewhere, no plain text to script.

        Scripts need the nonce of this answer (`nonce()`); styles come from our origin or carry it.
        """
        scripts = kind in (Kind.SURVEY, Kind.PREVIEW)
        form_action = "'self'" if scripts or kind is Kind.CHAT else "'none'"
        parts = [
            "default-src 'none'",
            f"script-src 'nonce-{nonce}' 'strict-dynamic'" if scripts else "script-src 'none'",
            f"style-src 'self' 'nonce-{nonce}'",
            "img-src 'self'",
            "font-src 'self'",
            "base-uri 'none'",
            "object-src 'none'",
            f"form-action {form_action}",
            f"frame-ancestors {self._ancestors(kind)}",
            "require-trusted-types-for 'script'",
        ]
        if scripts:
            parts.append("connect-src 'self'")
        if kind is Kind.PREVIEW:
            parts.append("frame-src 'self'")
        if self._secure:
            parts.append("upgrade-insecure-requests")
        return "; ".join(parts).encode()

    def _ancestors(self, kind: Kind) -> str:
        if kind in (Kind.CHAT, Kind.SURVEY):
            return self._framed_by
        return "'self'" if kind is Kind.PREVIEW else "'none'"


class SecurityHeaders:
    """Add the headers of the address to every answer, faults too. What a handler set itself stays.

    Cache-Control is `no-store` unless a handler says otherwise: nothing becomes cacheable by being forgotten.
    """

    def __init__(
        self, app: ASGIApp, edge: EdgeHeaders, *, new_nonce: Callable[[], str] = lambda: secrets.token_urlsafe(16)
    ) -> None:
        self.app = app
        self.edge = edge
        self.new_nonce = new_nonce

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        kind = kind_of(scope["path"])
        nonce = self.new_nonce()
        preflight = (
            kind is Kind.PUBLIC
            and scope["method"] == "OPTIONS"
            and any(name == b"access-control-request-method" for name, _ in scope["headers"])
        )

        async def adding(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = self._completed(list(message.get("headers", ())), kind, nonce)
                if preflight and message["status"] == 204:
                    message["headers"] += _PREFLIGHT
            await send(message)

        token = _nonce.set(nonce)
        try:
            await self.app(scope, receive, adding)
        finally:
            _nonce.reset(token)

    def _completed(self, headers: list[Header], kind: Kind, nonce: str) -> list[Header]:
        given = {name.lower(): value for name, value in headers}
        page = given.get(b"content-type", b"").startswith(b"text/html") and kind is not Kind.PUBLIC
        added = [*self.edge.fixed(kind), (b"cache-control", b"no-store")]
        if page:
            added += [
                (b"content-security-policy", self.edge.page_policy(kind, nonce)),
                (b"permissions-policy", _PERMISSIONS),
            ]
        else:
            added.append((b"content-security-policy", self.edge.data_policy(kind)))
        return headers + [(name, value) for name, value in added if name not in given]


class HostCheck:
    """Refuse requests that ask for another host than `public_url`'s, before anything looks at them.

    No address is ever built from Host, so this is the second lock: a cache or a proxy that routes by name cannot be
    made to keep our answer under another one. On loopback itself (`curl http://127.0.0.1:8000/…`) any loopback name
    will do.
    """

    def __init__(self, app: ASGIApp, edge: EdgeHeaders, errors: Errors) -> None:
        self.app = app
        self.edge = edge
        self.errors = errors

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not _ANY_HOST.match(scope["path"]):
            problem = self._problem(scope)
            if problem is not None:
                await self.errors.respond(problem, scope, receive, send)
                return
        await self.app(scope, receive, send)

    def _problem(self, scope: Scope) -> Problem | None:
        hosts = [value for name, value in scope["headers"] if name == b"host"]
        if len(hosts) != 1:
            return Problem(400, "bad_host", "A request names exactly one host.")
        if hosts[0].lower() in self.edge.hosts:
            return None
        peer = address_of(scope["client"][0]) if scope.get("client") else None
        if _LOOPBACK_HOST.fullmatch(hosts[0]) and peer is not None and peer.is_loopback:
            return None
        return Problem(421, "misdirected_request", "This server does not answer for that host.")


def _host_spellings(netloc: str, hostname: str, port: int | None, scheme: str) -> frozenset[bytes]:
    usual = 443 if scheme == "https" else 80
    name = f"[{hostname}]" if ":" in hostname else hostname
    spellings = {netloc}
    if port in (None, usual):
        spellings |= {name, f"{name}:{usual}"}
    return frozenset(each.encode() for each in spellings)
