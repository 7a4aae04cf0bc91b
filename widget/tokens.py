"""Encrypt, sign and verify what browsers carry: survey links, launch tickets, forms of messages, operators' sessions.

A token is `payload.signature`: the payload is JSON in base64url, never compressed, so nothing can expand; the signature
is HMAC with SHA-256 under a key derived for one purpose. The expiry stands inside the payload and is the only time in
it: a clock set back makes a token live longer, and refuses nobody.

A survey link's payload is encrypted before it is signed, with AES-256-GCM under a key derived by HKDF (RFC 5869): who
sees the address, as a proxy's log does, cannot read the session id, which opens the chat's transcript at ECE. Links of
releases that only signed them are read until they expire.

The text of a token is no identity: several spellings of one signature verify (its last character has unused bits).
Who answered is always told by session id and survey.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from itsdangerous import BadSignature, Signer

from widget.domain.errors import TokenExpired, TokenInvalid
from widget.domain.grants import MessageFormGrant, Session, SurveyGrant, Ticket
from widget.domain.outbox import QueueThen

LONGEST_TOKEN = 2048  # a session id of 256 characters, four bytes each, and two names of 64 make about 1,700
_SURVEY = b"ece-widget survey link 2"
_SURVEY_UNSEALED = b"ece-widget survey link 1"
_ENCRYPTION = b"ece-widget survey link 2, sealing"
_NONCE = 12  # bytes, as GCM wants them (NIST SP 800-38D)
_TICKET = b"ece-widget launch ticket 1"
_SESSION = b"ece-widget console session 1"
_FORM = b"ece-widget console form 1"
_MESSAGE_FORM = b"ece-widget message form 1"


class Tokens:
    """Sign with the newest key, the first of `keys`; verify with all of them."""

    def __init__(self, keys: Sequence[str], now: Callable[[], datetime]) -> None:
        self._keys = keys
        self._now = now

    def sign_survey(
        self, sid: str, entry_point: str, survey: str, expires: datetime, *, queue: QueueThen | None = None
    ) -> str:
        numbers = {} if queue is None else {"n": [queue.wait_time, queue.queue_depth]}
        return self._sign(
            _SURVEY, self._encrypt(_payload({"s": sid, "e": entry_point, "q": survey, **numbers}, expires))
        )

    def verify_survey(self, token: str) -> SurveyGrant:
        """Read a survey link; raise TokenInvalid or TokenExpired."""
        try:
            text = self._decrypt(self._unsign(_SURVEY, token))
        except TokenInvalid:
            text = self._unsign(_SURVEY_UNSEALED, token)
        payload, expires = self._read(text, ("s", "e", "q"))
        return SurveyGrant(payload["s"], payload["e"], payload["q"], expires, _queue(payload.get("n")))

    def sign_ticket(
        self, entry_point: str, *, expires: datetime, locale: str = "", queue: QueueThen | None = None
    ) -> str:
        """Sign a ticket. The queue's numbers are encrypted in it: an entry point may not show them to visitors."""
        fields = {"i": _fresh_id(), "e": entry_point, "l": locale}
        if queue is not None:
            encrypted = self._encrypt(json.dumps([queue.wait_time, queue.queue_depth]).encode())
            fields["n"] = urlsafe_b64encode(encrypted).decode("ascii")
        return self._sign(_TICKET, _payload(fields, expires))

    def verify_ticket(self, token: str) -> Ticket:
        """Read a launch ticket; raise TokenInvalid or TokenExpired."""
        payload, expires = self._read(self._unsign(_TICKET, token), ("i", "e", "l"))
        return Ticket(payload["i"], payload["e"], payload["l"], expires, self._decrypted_queue(payload.get("n")))

    def sign_session(self, session: Session) -> str:
        return self._sign(_SESSION, _payload({"i": session.id, "w": session.who, "p": session.proof}, session.expires))

    def verify_session(self, token: str) -> Session:
        """Read an operator's session; raise TokenInvalid or TokenExpired."""
        payload, expires = self._read(self._unsign(_SESSION, token), ("i", "w", "p"))
        return Session(payload["i"], payload["w"], payload["p"], expires)

    def sign_form(self, person: str, *, expires: datetime) -> str:
        """Return what a form of the console carries, so that no other site's page can send it."""
        return self._sign(_FORM, _payload({"i": person}, expires))

    def verify_form(self, token: str) -> str:
        """Return whose form this is; raise TokenInvalid or TokenExpired."""
        payload, _ = self._read(self._unsign(_FORM, token), ("i",))
        return str(payload["i"])

    def sign_message_form(self, entry_point: str, *, expires: datetime) -> str:
        return self._sign(_MESSAGE_FORM, _payload({"i": _fresh_id(), "e": entry_point}, expires))

    def verify_message_form(self, token: str) -> MessageFormGrant:
        """Read a form's token; raise TokenInvalid or TokenExpired."""
        payload, expires = self._read(self._unsign(_MESSAGE_FORM, token), ("i", "e"))
        return MessageFormGrant(payload["i"], payload["e"], expires)

    def _signer(self, purpose: bytes) -> Signer:
        # itsdangerous signs with the last of its list; the settings name the newest first
        return Signer(list(reversed(self._keys)), salt=purpose, key_derivation="hmac", digest_method=hashlib.sha256)

    def _sign(self, purpose: bytes, payload: bytes) -> str:
        token = self._signer(purpose).sign(urlsafe_b64encode(payload).rstrip(b"=")).decode("ascii")
        if len(token) > LONGEST_TOKEN:
            raise ValueError("what is to be signed is too long")
        return token

    def _unsign(self, purpose: bytes, token: str) -> bytes:
        if len(token) > LONGEST_TOKEN or not token.isascii():
            raise TokenInvalid("too long, or not ASCII")
        try:
            signed = self._signer(purpose).unsign(token)
            return urlsafe_b64decode(signed + b"=" * (-len(signed) % 4))
        except (BadSignature, ValueError):
            raise TokenInvalid("not signed by us for this") from None

    def _decrypted_queue(self, text: object) -> QueueThen | None:
        """Return the numbers; None for a ticket without any, and for one whose key has gone."""
        if not isinstance(text, str):
            return None
        try:
            return _queue(json.loads(self._decrypt(urlsafe_b64decode(text))))
        except (TokenInvalid, ValueError):
            return None

    def _encrypt(self, text: bytes) -> bytes:
        nonce = secrets.token_bytes(_NONCE)
        return nonce + _cipher(self._keys[0]).encrypt(nonce, text, None)

    def _decrypt(self, encrypted: bytes) -> bytes:
        for key in self._keys:
            try:
                return _cipher(key).decrypt(encrypted[:_NONCE], encrypted[_NONCE:], None)
            except (InvalidTag, ValueError):
                continue
        raise TokenInvalid("not encrypted by us")

    def _read(self, text: bytes, names: tuple[str, ...]) -> tuple[dict[str, Any], datetime]:
        try:
            payload = json.loads(text)
            expires = datetime.fromtimestamp(payload["x"], UTC)
        except (ValueError, KeyError, TypeError, OverflowError, OSError):
            raise TokenInvalid("signed by us, but in another form") from None
        if not all(isinstance(payload.get(name), str) for name in names):
            raise TokenInvalid("signed by us, but in another form")
        if self._now() >= expires:
            raise TokenExpired("past its expiry")
        return payload, expires


def _fresh_id() -> str:
    return secrets.token_urlsafe(12)


def _payload(fields: dict[str, Any], expires: datetime) -> bytes:
    return json.dumps({**fields, "x": int(expires.timestamp())}, ensure_ascii=False, separators=(",", ":")).encode()


def _queue(numbers: object) -> QueueThen | None:
    match numbers:
        case [int() | None as wait_time, int() | None as queue_depth]:
            return QueueThen(wait_time, queue_depth)
    return None


@lru_cache(maxsize=16)
def _cipher(key: str) -> AESGCM:
    return AESGCM(HKDF(algorithm=SHA256(), length=32, salt=None, info=_ENCRYPTION).derive(key.encode()))
