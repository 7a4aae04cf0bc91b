"""The headers of every answer, by its address (`web/addresses.py`), and the host that is asked for.

The server writes Date (`server/answering.py`).

| kind | CORS | opener policy |
|---|---|---|
| public | `*` | none |
| page, private | none | where our script runs: another site's window could reach it |
| operator | none | same-origin |
"""

from __future__ import annotations

import re
import secrets
from contextvars import ContextVar
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from widget import telemetry
from widget.settings import ServerSettings
from widget.web import addresses
from widget.web.addresses import Address, FramedBy, Kind
from widget.web.edge.context import TrustedProxies, peer
from widget.web.edge.errors import Errors, Problem, request_id, unknown_entry_point

Header = tuple[bytes, bytes]

# The nonce of the answer that is being made, for templates: `<script nonce="{{ nonce() }}" src=…>`.
_nonce: ContextVar[str] = ContextVar("nonce", default="")

_YEAR = 365 * 86400
_PERMISSIONS = b"camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()"
_PREFLIGHT: list[Header] = [
    (b"access-control-allow-methods", b"GET, HEAD"),
    (b"access-control-allow-headers", b"if-none-match, if-modified-since"),
    (b"access-control-max-age", b"86400"),
]
# A Host that may be shown: in small letters, as browsers and proxies write names, which no token or sid of ours is in.
_PLAIN_HOST = re.compile(rb"[a-z0-9.:\[\]_-]{1,100}")
_LOOPBACK_HOST = re.compile(rb"(?:localhost|127(?:\.[0-9]{1,3}){3}|\[::1\])(?::[0-9]{1,5})?", re.IGNORECASE)


def nonce() -> str:
    """Return the nonce that the policy of this answer names; empty outside a request."""
    return _nonce.get()


class EdgeHeaders:
    """The header values that follow from the settings, made once."""

    def __init__(self, server: ServerSettings) -> None:
        public = urlsplit(server.public_url)
        self._secure = public.scheme == "https"
        everywhere: list[Header] = [(b"x-content-type-options", b"nosniff"), (b"referrer-policy", b"no-referrer")]
        if self._secure:
            everywhere.append((b"strict-transport-security", f"max-age={_YEAR}; includeSubDomains".encode()))
        sites = "*" if "*" in server.allowed_origins else " ".join(server.allowed_origins) or "'none'"
        self._framed_by = {FramedBy.SITES: sites, FramedBy.ITSELF: "'self'", FramedBy.NOBODY: "'none'"}
        self.public_host = public.netloc.lower()
        self.hosts = _host_spellings(self.public_host, public.hostname or "", public.port, public.scheme)
        self._public = (
            *everywhere,
            (b"access-control-allow-origin", b"*"),
            (b"cross-origin-resource-policy", b"cross-origin"),
        )
        self._private = (*everywhere, (b"cross-origin-resource-policy", b"same-origin"))
        self._alone = (*self._private, (b"cross-origin-opener-policy", b"same-origin"))

    def public_answer_headers(self) -> list[Header]:
        """Return what every public answer carries, for code that sends its answers itself."""
        return [*self._public, (b"content-security-policy", self._data_policy(FramedBy.NOBODY))]

    def of(self, address: Address, *, page: bool, nonce: str) -> list[Header]:
        """Return all headers of an answer; `page` for HTML that a visitor sees as a document."""
        if address.kind is Kind.PUBLIC:
            fixed = self._public
        else:
            fixed = self._alone if address.script or address.kind is Kind.OPERATOR else self._private
        if page:
            policies = [
                (b"content-security-policy", self._page_policy(address, nonce)),
                (b"permissions-policy", _PERMISSIONS),
            ]
        else:
            policies = [(b"content-security-policy", self._data_policy(address.framed_by))]
        return [*fixed, (b"cache-control", b"no-store"), *policies]

    def _data_policy(self, framed_by: FramedBy) -> bytes:
        """Return the policy of what is no page. A redirect inside a frame is judged by its ancestors too."""
        return f"default-src 'none'; frame-ancestors {self._framed_by[framed_by]}".encode()

    def _page_policy(self, address: Address, nonce: str) -> bytes:
        """Return the content security policy of a page: nothing inline, nothing from elsewhere, no text to script.

        Scripts need the nonce of this answer (`nonce()`); styles come from our origin or carry it.
        """
        form_action = "'self'" if address.script or address.kind is Kind.PAGE else "'none'"
        parts = [
            "default-src 'none'",
            f"script-src 'nonce-{nonce}' 'strict-dynamic'" if address.script else "script-src 'none'",
            f"style-src 'self' 'nonce-{nonce}'",
            "img-src 'self'",
            "font-src 'self'",
            "base-uri 'none'",
            "object-src 'none'",
            f"form-action {form_action}",
            f"frame-ancestors {self._framed_by[address.framed_by]}",
            "require-trusted-types-for 'script'",
        ]
        if address.script:
            parts.append("connect-src 'self'")
        if address.framed_by is FramedBy.ITSELF:
            parts.append("frame-src 'self'")
        if self._secure:
            parts.append("upgrade-insecure-requests")
        return "; ".join(parts).encode()


class SecurityHeaders:
    """Add the headers of the address to every answer, faults too. What a handler set itself stays.

    Cache-Control is `no-store` unless a handler says otherwise: nothing becomes cacheable by being forgotten.
    """

    def __init__(self, app: ASGIApp, edge: EdgeHeaders) -> None:
        self.app = app
        self.edge = edge

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        address = addresses.of(scope)
        nonce = secrets.token_urlsafe(16)
        preflight = (
            address.kind is Kind.PUBLIC
            and scope["method"] == "OPTIONS"
            and any(name == b"access-control-request-method" for name, _ in scope["headers"])
        )

        async def adding(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = self._completed(list(message.get("headers", ())), address, nonce)
                if preflight and message["status"] == 204:
                    message["headers"] += _PREFLIGHT
            await send(message)

        token = _nonce.set(nonce)
        try:
            await self.app(scope, receive, adding)
        finally:
            _nonce.reset(token)

    def _completed(self, headers: list[Header], address: Address, nonce: str) -> list[Header]:
        given = {name.lower(): value for name, value in headers}
        page = given.get(b"content-type", b"").startswith(b"text/html") and address.kind is not Kind.PUBLIC
        added = self.edge.of(address, page=page, nonce=nonce)
        return headers + [(name, value) for name, value in added if name not in given]


class AddressCheck:
    """Refuse addresses with control characters, and requests that ask for another host than `public_url`'s.

    No address is ever built from Host, and yet it is checked: so a cache or a proxy that routes by name cannot be made
    to keep a private answer under another one. Public answers are the same under every name. A proxy of ours
    may replace Host if it says what was asked for in `X-Forwarded-Host`. On loopback itself
    (`curl http://127.0.0.1:8000/…`) any loopback name will do.
    """

    def __init__(self, app: ASGIApp, edge: EdgeHeaders, errors: Errors, proxies: TrustedProxies) -> None:
        self.app = app
        self.edge = edge
        self.errors = errors
        self.proxies = proxies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        problem = self._problem(scope)
        if problem is None:
            await self.app(scope, receive, send)
        else:
            await self.errors.respond(problem, scope, receive, send)

    def _problem(self, scope: Scope) -> Problem | None:
        if addresses.is_malformed(scope["path"]):
            return unknown_entry_point() if addresses.of(scope).kind is Kind.PUBLIC else Problem(404)
        if addresses.of(scope).any_host:
            return None
        hosts = _values(scope, b"host")
        if len(hosts) != 1:
            return Problem(400, "bad_host", "A request names exactly one host.")
        # several proxies make a list, in one line or in several (RFC 9110, section 5.3), whose first entry is the
        # outermost one's; ours, in front of it, would replace it
        forwarded = b",".join(_values(scope, b"x-forwarded-host"))
        told = forwarded.partition(b",")[0].strip() or hosts[0]
        trusted = self.proxies.trusts(scope)
        asked = told if trusted else hosts[0]
        if asked.lower() in self.edge.hosts or hosts[0].lower() in self.edge.hosts:
            return None
        if _LOOPBACK_HOST.fullmatch(hosts[0]) and (address := peer(scope)) is not None and address.is_loopback:
            return None
        unheard = not trusted and told.lower() in self.edge.hosts
        return self._misdirected(asked, "server.trusted_proxies" if unheard else "server.public_url", scope)

    def _misdirected(self, asked: bytes, setting: str, scope: Scope) -> Problem:
        """Tell both hosts, and `setting`: the one that would have had this request answered."""
        shown = asked.decode("latin-1") if _PLAIN_HOST.fullmatch(asked) else "another host"
        ours = self.edge.public_host
        telemetry.logger().info(
            "misdirected_request", asked=shown, answers_for=ours, setting=setting, request_id=request_id(scope)
        )
        detail = f"The request asks for {shown}, and this server answers for {ours} (server.public_url)."
        if setting == "server.trusted_proxies":
            detail += f" X-Forwarded-Host names {ours}, but is sent from an address that server.trusted_proxies lacks."
        return Problem(421, "misdirected_request", detail)


def _values(scope: Scope, wanted: bytes) -> list[bytes]:
    return [value for name, value in scope["headers"] if name == wanted]


def _host_spellings(netloc: str, hostname: str, port: int | None, scheme: str) -> frozenset[bytes]:
    usual = 443 if scheme == "https" else 80
    name = f"[{hostname}]" if ":" in hostname else hostname
    spellings = {netloc}
    if port in (None, usual):
        spellings |= {name, f"{name}:{usual}"}
    return frozenset(each.encode() for each in spellings)
