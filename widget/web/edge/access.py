"""Operators prove themselves by a bearer token, or by the same token as the password at the browser's prompt."""

from __future__ import annotations

import base64
import contextlib
import hmac
from collections.abc import Iterable

from starlette.requests import Request

from widget.web.edge.errors import Problem

# Both schemes: the first for programs, the second so that a browser asks (RFC 6750, RFC 7617).
CHALLENGES = (
    ("WWW-Authenticate", 'Bearer realm="ece-widget"'),
    ("WWW-Authenticate", 'Basic realm="ece-widget", charset="UTF-8"'),
)
LONGEST_HEADER = 4096


class Operators:
    """The operator tokens of the settings; with none configured nobody is an operator."""

    def __init__(self, tokens: Iterable[str]) -> None:
        self._tokens = tuple(token.encode() for token in tokens)

    def __bool__(self) -> bool:
        return bool(self._tokens)

    def knows(self, authorization: str) -> bool:
        """Return whether this Authorization header carries a token of ours; each one is compared, in constant time."""
        return self.number_of(_offered(authorization)) is not None

    def number_of(self, offered: bytes) -> int | None:
        """Return which token this is, the first is 1, or None; each one is compared, in constant time."""
        found = None
        for number, token in enumerate(self._tokens, start=1):
            if hmac.compare_digest(token, offered):
                found = number
        return found if offered else None

    def proofs(self, of: str) -> list[str]:
        """Return a keyed hash of `of` under each token, by which a session is bound to the token it was opened with."""
        return [hmac.digest(token, b"console session\0" + of.encode(), "sha256").hex() for token in self._tokens]

    def require(self, request: Request) -> None:
        """Raise the 401 unless an operator asks.

        A browser sends Basic credentials by itself, also on a request that another site made: so nothing that changes
        state is taken from another site.
        """
        given = request.headers.getlist("authorization")
        if len(given) != 1 or not self.knows(given[0]):
            raise Problem(401, "unauthorized", "This address is for operators: send a token.", headers=CHALLENGES)
        site = request.headers.get("sec-fetch-site", "none")
        if request.method not in ("GET", "HEAD") and site not in ("none", "same-origin"):
            raise Problem(403, "cross_site", "This address takes nothing that another site's page sent.")


def _offered(authorization: str) -> bytes:
    scheme, _, value = authorization[:LONGEST_HEADER].partition(" ")
    if scheme.lower() == "bearer":
        return value.strip().encode("latin-1", "replace")
    if scheme.lower() == "basic":
        with contextlib.suppress(ValueError):
            return base64.b64decode(value.strip(), validate=True).partition(b":")[2]
    return b""
