"""Who is signed in at the console, and whether a form was sent by a page of ours.

A person proves themselves with an operator token and gets a signed session cookie; or a reverse proxy among
`trusted_proxies` names the person in the header that `console.user_header` names.

A session ends after `LIFETIME`, at sign-out (its id is kept in the database, so that every process refuses it), and
with its operator token: it holds a hash that only the token can make.

A form is taken when the browser says that our own page sent it (`Sec-Fetch-Site`, else `Origin`; OWASP Cross-Site
Request Forgery Prevention) and it carries a value that was signed for this person.
"""

from __future__ import annotations

import asyncio
import hmac
import re
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol

from starlette.requests import Request
from starlette.responses import Response

from widget.domain.errors import OutboxUnavailable, TokenError
from widget.domain.grants import Session
from widget.tokens import Tokens
from widget.web.edge.access import Operators
from widget.web.edge.context import TrustedProxies
from widget.web.edge.errors import Problem
from widget.web.edge.origins import is_from_here

LIFETIME = timedelta(hours=12)
WRONG_TOKEN_TAKES = 1.0  # seconds; the number of wrong ones from one network is limited too
LONGEST_NAME = 60  # characters, of what people call themselves
LONGEST_HEADER = 200
FORM_FIELD = "form_token"
_THIS_MACHINE = re.compile(r"http://(localhost|127\.0\.0\.1|\[::1\])(:[0-9]+)?")  # which browsers trust without TLS
_MOST_ENDED = 10_000  # sessions that this process remembers by itself while the database is away


class EndedSessions(Protocol):
    """Remembers which sessions were signed out, for every process; raises OutboxUnavailable."""

    async def end_session(self, session: str, expires: datetime) -> None: ...

    async def session_has_ended(self, session: str) -> bool: ...


class Person(NamedTuple):
    """Who is signed in. `session` is None for one whom a proxy names."""

    who: str
    session: Session | None = None

    @property
    def form_name(self) -> str:
        """What a form of this person's is signed for."""
        return f"session {self.session.id}" if self.session else f"proxy {self.who}"


@dataclass
class Sessions:
    """Signs people in and out. `origin` is that of our own pages; `user_header` is empty where none is trusted."""

    tokens: Tokens
    operators: Operators
    proxies: TrustedProxies
    ended: EndedSessions
    now: Callable[[], datetime]
    secure: bool
    origin: str
    user_header: str = ""
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    _ended_here: dict[str, None] = field(default_factory=dict, repr=False)

    @property
    def cookie(self) -> str:
        """The cookie's name; with the prefix, browsers take it from this host alone and over TLS (RFC 6265bis)."""
        return "__Host-ece-console" if self.secure else "ece-console"

    async def person(self, request: Request) -> Person | None:
        """Return who is signed in, or None."""
        named = self._named_by_proxy(request)
        if named is not None:
            return Person(named)
        try:
            session = self.tokens.verify_session(request.cookies.get(self.cookie, ""))
        except TokenError:
            return None
        proofs = [hmac.compare_digest(proof, session.proof) for proof in self.operators.proofs(session.id)]
        return Person(session.who, session) if any(proofs) and not await self._has_ended(session) else None

    async def sign_in(self, token: str, name: str) -> Session | None:
        """Return a new session for an operator token, or None, after a while, for what is none."""
        number = self.operators.number_of(token.strip().encode("utf-8", "replace"))
        if number is None:
            await self.sleep(WRONG_TOKEN_TAKES)
            return None
        name = " ".join("".join(each if each.isprintable() else " " for each in name).split())[:LONGEST_NAME]
        ident = secrets.token_urlsafe(16)
        who = f"{name} (token {number})" if name else f"token {number}"
        return Session(ident, who, self.operators.proofs(ident)[number - 1], self.now() + LIFETIME)

    async def sign_out(self, person: Person) -> None:
        """End a session, here at once, and in the other processes as soon as the database takes it."""
        if person.session is None:
            return
        self._ended_here[person.session.id] = None
        if len(self._ended_here) > _MOST_ENDED:
            del self._ended_here[next(iter(self._ended_here))]
        await self.ended.end_session(person.session.id, person.session.expires)

    def set_cookie(self, response: Response, session: Session) -> None:
        value = self.tokens.sign_session(session)
        lifetime = int(LIFETIME.total_seconds())
        response.set_cookie(
            self.cookie, value, max_age=lifetime, path="/", secure=self.secure, httponly=True, samesite="strict"
        )

    def delete_cookie(self, response: Response) -> None:
        response.delete_cookie(self.cookie, path="/", secure=self.secure, httponly=True, samesite="strict")

    def form_token(self, person: Person) -> str:
        """Return what every form of this person's carries in `FORM_FIELD`."""
        return self.tokens.sign_form(person.form_name, expires=self.now() + LIFETIME)

    def require_own_page(self, request: Request) -> None:
        """Raise the 403 for what another site's page sent; clients that are no browsers name no page."""
        sites = request.headers.getlist("sec-fetch-site")
        if not is_from_here(request, self.origin) or any(site != "same-origin" for site in sites):
            raise Problem(403, "cross_site", "The console takes nothing that another site's page sent.")

    def would_be_dropped(self, request: Request) -> bool:
        """Return whether a browser would not keep the cookie: a secure one, over plain HTTP but to this machine."""
        plain = [each for each in request.headers.getlist("origin") if each.startswith("http://")]
        return self.secure and not all(map(_THIS_MACHINE.fullmatch, plain))

    def require_own_form(self, person: Person, fields: Mapping[str, Sequence[str]]) -> None:
        """Raise the 403 unless the fields hold what was signed for this person."""
        given = fields.get(FORM_FIELD, ())
        try:
            signed_for = self.tokens.verify_form(given[0]) if len(given) == 1 else ""
        except TokenError:
            signed_for = ""
        if not hmac.compare_digest(signed_for.encode(), person.form_name.encode()):
            raise Problem(403, "stale_form", "This form is not of this session. Load the page again.")

    def _named_by_proxy(self, request: Request) -> str | None:
        """Return the name in the header of the settings, where one of our proxies is the peer and wrote just one."""
        if not self.user_header or not self.proxies.trusts(request.scope):
            return None
        names = request.headers.getlist(self.user_header)
        name = names[0].strip() if len(names) == 1 else ""
        return name if name and name.isprintable() and len(name) <= LONGEST_HEADER else None

    async def _has_ended(self, session: Session) -> bool:
        """Return whether it was signed out; while the database is away, as far as this process knows."""
        if session.id in self._ended_here:
            return True
        try:
            return await self.ended.session_has_ended(session.id)
        except OutboxUnavailable:
            return False
