"""Signed texts: what verifies, what does not, and that nothing hangs on how a token is spelt."""

from __future__ import annotations

import base64
import hashlib
import json
import zlib
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from itsdangerous import Signer, URLSafeSerializer

from tests.hand_clock import MORNING, HandClock
from widget.domain.errors import TokenError, TokenExpired, TokenInvalid
from widget.domain.outbox import QueueThen
from widget.tokens import LONGEST_TOKEN, Tokens

NOW = MORNING
LATER = NOW + timedelta(days=7)
_BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def tokens(clock: HandClock) -> Tokens:
    return Tokens(["newest", "older"], clock.now)


def test_a_survey_link_says_what_was_signed(tokens: Tokens) -> None:
    grant = tokens.verify_survey(tokens.sign_survey("10042_abc", "sales", "after_chat", LATER))
    assert (grant.sid, grant.entry_point, grant.survey, grant.expires) == ("10042_abc", "sales", "after_chat", LATER)


def test_a_ticket_says_what_was_signed_and_no_two_are_alike(tokens: Tokens) -> None:
    one, other = (tokens.verify_ticket(tokens.sign_ticket("sales", expires=LATER, locale="de-AT")) for _ in range(2))
    assert (one.entry_point, one.locale, one.expires) == ("sales", "de-AT", LATER)
    assert one.id != other.id


def test_the_longest_session_id_fits(tokens: Tokens) -> None:
    for sid in ("\N{GRINNING FACE}" * 256, '"' * 256, "\\" * 256, "x" * 256):
        token = tokens.sign_survey(sid, "e" * 64, "s" * 64, LATER)
        assert tokens.verify_survey(token).sid == sid
        assert len(token) <= LONGEST_TOKEN


def test_a_token_for_one_purpose_is_none_for_another(tokens: Tokens) -> None:
    with pytest.raises(TokenInvalid):
        tokens.verify_survey(tokens.sign_ticket("sales", expires=LATER))
    with pytest.raises(TokenInvalid):
        tokens.verify_ticket(tokens.sign_survey("1", "sales", "s", LATER))


def test_a_token_ends_at_its_own_expiry(tokens: Tokens, clock: HandClock) -> None:
    token = tokens.sign_survey("1", "sales", "s", LATER)
    clock.wall = LATER - timedelta(seconds=1)
    tokens.verify_survey(token)
    clock.wall = LATER
    with pytest.raises(TokenExpired):
        tokens.verify_survey(token)


def test_a_clock_set_back_refuses_nobody(tokens: Tokens, clock: HandClock) -> None:
    token = tokens.sign_survey("1", "sales", "s", LATER)
    clock.wall = NOW - timedelta(hours=1)
    assert tokens.verify_survey(token).sid == "1"


def test_keys_are_replaced_while_running_and_a_retired_one_ends(clock: HandClock) -> None:
    keys = ["first"]
    tokens = Tokens(keys, clock.now)
    old = tokens.sign_survey("1", "sales", "s", LATER)
    keys[:] = ["second", "first"]
    assert tokens.verify_survey(old).sid == "1"
    new = tokens.sign_survey("1", "sales", "s", LATER)
    assert Tokens(["second"], clock.now).verify_survey(new).sid == "1"
    keys[:] = ["second"]
    with pytest.raises(TokenInvalid):
        tokens.verify_survey(old)


def test_another_spelling_of_the_signature_is_the_same_session(tokens: Tokens) -> None:
    token = tokens.sign_survey("1", "sales", "s", LATER)
    place = _BASE64.index(token[-1])
    twins = [token[:-1] + _BASE64[place // 4 * 4 + each] for each in range(4)] + [token + "="]
    assert {tokens.verify_survey(twin) for twin in twins} == {tokens.verify_survey(token)}


@pytest.mark.parametrize("keep", [0, 1, 10, 43, 44, -44, -43, -2])
def test_a_cut_token_is_refused(tokens: Tokens, keep: int) -> None:
    with pytest.raises(TokenInvalid):
        tokens.verify_survey(tokens.sign_survey("1", "sales", "s", LATER)[:keep])


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def _encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def test_a_changed_payload_is_refused(tokens: Tokens) -> None:
    payload, signature = tokens.sign_ticket("sales", expires=LATER).split(".")
    forged = json.loads(_decoded(payload))
    forged["e"] = "support"
    with pytest.raises(TokenInvalid):
        tokens.verify_ticket(f"{_encoded(json.dumps(forged).encode())}.{signature}")
    payload, signature = tokens.sign_survey("1", "sales", "s", LATER).split(".")
    encrypted = bytearray(_decoded(payload))
    for place in range(len(encrypted)):
        changed = bytes([*encrypted[:place], encrypted[place] ^ 1, *encrypted[place + 1 :]])
        with pytest.raises(TokenInvalid):
            tokens.verify_survey(f"{_encoded(changed)}.{signature}")


@pytest.mark.parametrize("sid", ["10042_abc", "x" * 256, "Gr\u00fc\u00dfe-1000-84310B2A"])
def test_nobody_can_read_the_session_id_in_a_survey_link(tokens: Tokens, sid: str) -> None:
    token = tokens.sign_survey(sid, "sales", "after_chat", LATER)
    seen = b"".join([token.encode(), *map(_decoded, token.split("."))])
    for shown in (sid, json.dumps(sid)[1:-1], base64.b64encode(sid.encode()).decode().rstrip("=")[:-1], sid[:6]):
        assert shown.encode() not in seen
    assert tokens.sign_survey(sid, "sales", "after_chat", LATER) != token


def test_an_encrypted_link_that_was_signed_by_another_key_of_ours_is_read(clock: HandClock) -> None:
    token = Tokens(["older"], clock.now).sign_survey("1", "sales", "s", LATER)
    assert Tokens(["newest", "older"], clock.now).verify_survey(token).sid == "1"


def test_a_link_of_a_release_that_only_signed_is_read_until_it_expires(tokens: Tokens, clock: HandClock) -> None:
    fields = {"s": "10042_abc", "e": "sales", "q": "after_chat", "x": int(LATER.timestamp())}
    signer = Signer("older", salt=b"ece-widget survey link 1", key_derivation="hmac", digest_method=hashlib.sha256)
    token = signer.sign(_encoded(json.dumps(fields).encode())).decode()
    assert tokens.verify_survey(token).sid == "10042_abc"
    clock.wall = LATER
    with pytest.raises(TokenExpired):
        tokens.verify_survey(token)


def test_nothing_is_unfolded_not_even_when_well_signed(tokens: Tokens) -> None:
    bomb = base64.urlsafe_b64encode(zlib.compress(b" " * 1_000_000)).decode().rstrip("=")
    with pytest.raises(TokenInvalid):
        tokens.verify_survey("." + bomb + "." + "A" * 43)
    with pytest.raises(TokenInvalid):
        tokens.verify_survey(str(URLSafeSerializer("newest").dumps({"s": "1" * 5000})))


@pytest.mark.parametrize("token", ["", ".", "..", "a.b", "x" * 1_000_000, "." * 2000, "ü.ü", "\0.\0", "null.e30"])
def test_garbage_is_refused(tokens: Tokens, token: str) -> None:
    with pytest.raises(TokenInvalid):
        tokens.verify_survey(token)


@given(st.text(max_size=3000))
def test_no_text_breaks_the_verifier(token: str) -> None:
    with pytest.raises(TokenError):
        Tokens(["newest"], lambda: NOW).verify_survey(token)


def test_the_queue_of_the_moment_travels_in_a_ticket_where_only_we_can_read_it(tokens: Tokens) -> None:
    queue = QueueThen(780, 12)
    ticket = tokens.sign_ticket("sales", expires=LATER, queue=queue)
    assert tokens.verify_ticket(ticket).queue == queue
    payload = ticket.partition(".")[0]
    assert b"780" not in base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))
    link = tokens.sign_survey("1234_1", "sales", "after_chat", LATER, queue=queue)
    assert tokens.verify_survey(link).queue == queue


def test_a_ticket_without_a_queue_or_with_one_that_cannot_be_read_is_good(tokens: Tokens, clock: HandClock) -> None:
    assert tokens.verify_ticket(tokens.sign_ticket("sales", expires=LATER)).queue is None
    for encrypted in ("?", "", 7, [1, 2], "AAAA"):
        fields = {"i": "x", "e": "sales", "l": "", "n": encrypted, "x": int(LATER.timestamp())}
        ticket = tokens._sign(b"ece-widget launch ticket 1", json.dumps(fields).encode())
        assert tokens.verify_ticket(ticket).queue is None
