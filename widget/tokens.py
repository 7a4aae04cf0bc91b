"""Sign and verify what a visitor's browser carries: survey links and launch tickets.

A token is `payload.signature`: the payload is JSON in base64url, never compressed, so nothing can unfold; the signature
is HMAC with SHA-256 under a key derived for one purpose. The expiry stands inside the payload and is the only time in
it: a clock set back makes a token live longer, and refuses nobody.

The text of a token is no identity: several spellings of one signature verify (its last character has unused bits).
Who answered is always told by session id and survey.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from itsdangerous import BadSignature, Signer

from widget.domain.errors import TokenExpired, TokenInvalid

LONGEST_TOKEN = 2048  # a session id of 256 characters, four bytes each, and two names of 64 make about 1,700
_SURVEY = b"ece-widget survey link 1"
_TICKET = b"ece-widget launch ticket 1"


@dataclass(frozen=True, slots=True)
class SurveyGrant:
    """What a survey link says: who may answer what, and until when. `sid` is a secret."""

    sid: str
    entry_point: str
    survey: str
    expires: datetime


@dataclass(frozen=True, slots=True)
class Ticket:
    """What a launch ticket says: one chat was opened at this entry point, in this language of the page."""

    id: str
    entry_point: str
    locale: str
    expires: datetime


class Tokens:
    """Sign with the newest key, verify with all of them. `keys` may be a function, so that they can be replaced."""

    def __init__(
        self,
        keys: Callable[[], Sequence[str]] | Sequence[str],
        now: Callable[[], datetime],
        *,
        fresh_id: Callable[[], str] = lambda: secrets.token_urlsafe(12),
    ) -> None:
        self._keys = keys
        self._now = now
        self._fresh_id = fresh_id

    def sign_survey(self, sid: str, entry_point: str, survey: str, expires: datetime) -> str:
        return self._sign(_SURVEY, {"s": sid, "e": entry_point, "q": survey}, expires)

    def verify_survey(self, token: str) -> SurveyGrant:
        """Read a survey link; raises TokenInvalid or TokenExpired."""
        payload, expires = self._verify(_SURVEY, token, ("s", "e", "q"))
        return SurveyGrant(payload["s"], payload["e"], payload["q"], expires)

    def sign_ticket(self, entry_point: str, *, expires: datetime, locale: str = "") -> str:
        return self._sign(_TICKET, {"i": self._fresh_id(), "e": entry_point, "l": locale}, expires)

    def verify_ticket(self, token: str) -> Ticket:
        """Read a launch ticket; raises TokenInvalid or TokenExpired."""
        payload, expires = self._verify(_TICKET, token, ("i", "e", "l"))
        return Ticket(payload["i"], payload["e"], payload["l"], expires)

    def _signer(self, purpose: bytes) -> Signer:
        keys = self._keys() if callable(self._keys) else self._keys
        # itsdangerous signs with the last of its list; the settings name the newest first
        return Signer(list(reversed(keys)), salt=purpose, key_derivation="hmac", digest_method=hashlib.sha256)

    def _sign(self, purpose: bytes, payload: dict[str, Any], expires: datetime) -> str:
        text = json.dumps({**payload, "x": int(expires.timestamp())}, ensure_ascii=False, separators=(",", ":"))
        token = self._signer(purpose).sign(urlsafe_b64encode(text.encode()).rstrip(b"=")).decode("ascii")
        if len(token) > LONGEST_TOKEN:
            raise ValueError("what is to be signed is too long")
        return token

    def _verify(self, purpose: bytes, token: str, texts: tuple[str, ...]) -> tuple[dict[str, Any], datetime]:
        if len(token) > LONGEST_TOKEN or not token.isascii():
            raise TokenInvalid("too long, or not ASCII")
        try:
            signed = self._signer(purpose).unsign(token)
            payload = json.loads(urlsafe_b64decode(signed + b"=" * (-len(signed) % 4)))
            expires = datetime.fromtimestamp(payload["x"], UTC)
        except (BadSignature, ValueError, KeyError, TypeError, OverflowError, OSError):
            raise TokenInvalid("not signed by us for this") from None
        if not all(isinstance(payload.get(name), str) for name in texts):
            raise TokenInvalid("signed by us, but in another form")
        if self._now() >= expires:
            raise TokenExpired("past its expiry")
        return payload, expires
