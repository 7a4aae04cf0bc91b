"""Surveys through the client to a stand-in for ECE: found forms, outcomes by status, and what is remembered."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

from widget.domain.errors import (
    EceError,
    EceGatewayDown,
    EceRedirect,
    EceReset,
    EceStatus,
    EceTimeout,
    EceUnreadable,
    EceUnsendable,
    OutboxUnavailable,
)
from widget.domain.outbox import Answer, OutboxMessage
from widget.ece.client import EceClient
from widget.ece.dialect import GUIDE_PATH, TEMPLATE_PATH
from widget.ece.sink import EceSurveySink
from widget.settings import EceSettings

pytestmark = pytest.mark.anyio

MESSAGE = OutboxMessage("key", "1234_abc", "sales", "after_chat", (Answer("q", "How <good>?", "5 & more"),))
NAMESPACE = 'xmlns="http://bindings.egain.com/chat"'


class Memory:
    """A memory in a variable, which can be told to fail."""

    def __init__(self, text: str | None = None, *, broken: bool = False) -> None:
        self.text = text
        self.broken = broken

    async def load_dialect(self) -> str | None:
        if self.broken:
            raise OutboxUnavailable
        return self.text

    async def save_dialect(self, dialect: str) -> None:
        if self.broken:
            raise OutboxUnavailable
        self.text = dialect


class Ece:
    """Answers by path and format, and keeps what it was sent."""

    def __init__(self, answer: Callable[[str, bool], httpx.Response]) -> None:
        self.answer = answer
        self.requests: list[httpx.Request] = []

    @property
    def asked(self) -> list[tuple[str, bool]]:
        return [self.form(request) for request in self.requests]

    @staticmethod
    def form(request: httpx.Request) -> tuple[str, bool]:
        return request.url.path.removeprefix("/system"), NAMESPACE in request.content.decode()

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return self.answer(*self.form(request))


def sink(
    ece: Callable[[httpx.Request], httpx.Response],
    memory: Memory | None = None,
    *,
    base_url: str = "https://ece.example.com/system",
    path: str = "auto",
) -> EceSurveySink:
    settings = EceSettings(base_url=base_url, survey_path=path)
    return EceSurveySink(EceClient(settings, transport=httpx.MockTransport(ece)), settings, memory or Memory())


def always(status: int, body: str = "", **headers: str) -> Ece:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return Ece(lambda path, namespace: httpx.Response(status, text=body, headers=given))


async def failure(ece: Ece, memory: Memory | None = None) -> EceError:
    with pytest.raises(EceError) as caught:
        await sink(ece, memory).submit(MESSAGE)
    return caught.value


async def test_a_survey_goes_out_as_the_guide_has_it() -> None:
    ece = always(204)
    await sink(ece).submit(MESSAGE)
    (request,) = ece.requests
    assert (request.method, str(request.url)) == ("POST", f"https://ece.example.com/system{GUIDE_PATH}")
    assert request.headers["content-type"] == "text/xml; charset=utf-8"
    assert request.content == (
        b'<egainSurvey sid="1234_abc"><survey><question>How &lt;good&gt;?</question>'
        b"<answer>5 &amp; more</answer></survey></egainSurvey>"
    )


async def test_an_installation_of_the_vendors_template_is_found_in_three_calls_and_then_known() -> None:
    def template_only(path: str, namespace: bool) -> httpx.Response:
        return httpx.Response(404 if path == GUIDE_PATH else 204 if namespace else 400)

    ece, memory = Ece(template_only), Memory()
    await sink(ece, memory).submit(MESSAGE)
    assert ece.asked == [(GUIDE_PATH, False), (TEMPLATE_PATH, False), (TEMPLATE_PATH, True)]
    ece.requests.clear()
    restarted = sink(ece, memory)
    assert str(await restarted.accepted()) == f"{TEMPLATE_PATH} namespace"
    await restarted.submit(MESSAGE)
    await restarted.submit(MESSAGE)
    assert ece.asked == [(TEMPLATE_PATH, True)] * 2


async def test_500_moves_on_until_a_survey_was_accepted_and_never_after() -> None:
    memory = Memory()
    ece = Ece(lambda path, namespace: httpx.Response(204 if namespace else 500))
    await sink(ece, memory).submit(MESSAGE)
    assert ece.asked == [(GUIDE_PATH, False), (GUIDE_PATH, True)]
    down = always(500)
    error = await failure(down, memory)
    assert isinstance(error, EceStatus)
    assert error.retryable
    assert down.asked == [(GUIDE_PATH, True)]


async def test_another_base_url_does_not_reuse_what_this_one_accepted() -> None:
    memory, ece = Memory(), always(204)
    await sink(Ece(lambda path, namespace: httpx.Response(204 if namespace else 415)), memory).submit(MESSAGE)
    await sink(ece, memory, base_url="https://other.example.com/system").submit(MESSAGE)
    assert ece.asked == [(GUIDE_PATH, False)]


async def test_a_form_that_is_no_longer_accepted_is_negotiated_anew() -> None:
    memory = Memory()
    await sink(always(204), memory).submit(MESSAGE)
    upgraded = Ece(lambda path, namespace: httpx.Response(204 if path == TEMPLATE_PATH else 404))
    await sink(upgraded, memory).submit(MESSAGE)
    assert upgraded.asked == [(GUIDE_PATH, False), (TEMPLATE_PATH, False)]
    assert memory.text == f"https://ece.example.com/system {TEMPLATE_PATH} plain"


async def test_a_survey_that_every_form_is_refused_for_changes_nothing_remembered() -> None:
    memory = Memory()
    await sink(always(204), memory).submit(MESSAGE)
    before = memory.text
    error = await failure(always(400), memory)
    assert not error.retryable
    assert memory.text == before


async def test_a_fixed_path_is_the_only_one_asked() -> None:
    ece = always(404)
    with pytest.raises(EceStatus) as caught:
        await sink(ece, path="/own/survey").submit(MESSAGE)
    assert caught.value.retryable
    assert ece.asked == [("/own/survey", False)]


@pytest.mark.parametrize("broken", [Memory(broken=True)])
async def test_a_memory_that_fails_neither_stops_nor_doubles_a_survey(broken: Memory) -> None:
    ece = always(204)
    submitting = sink(ece, broken)
    await submitting.submit(MESSAGE)
    await submitting.submit(MESSAGE)
    assert len(ece.requests) == 2


@pytest.mark.parametrize("status", [400, 413, 415, 422])
async def test_refused_for_what_it_is_by_every_form_is_permanent(status: int) -> None:
    ece = always(status)
    error = await failure(ece)
    assert isinstance(error, EceStatus)
    assert not error.retryable
    assert error.status == status
    assert len(ece.requests) == 4
    assert f"{status} for {TEMPLATE_PATH} namespace" in error.detail


@pytest.mark.parametrize("status", [401, 402, 403, 404, 405, 406, 408, 409, 410, 425, 429, 451, 500, 501, 505, 599])
async def test_any_other_status_may_pass(status: int) -> None:
    error = await failure(always(status))
    assert isinstance(error, EceStatus)
    assert error.retryable
    assert error.status == status
    assert not error.maybe_received


async def test_the_pause_that_ece_asks_for_is_on_the_error() -> None:
    for status in (429, 503):
        error = await failure(always(status, retry_after="120"))
        assert error.retry_after == 120


@pytest.mark.parametrize(("status", "maybe"), [(502, True), (503, False), (504, True)])
async def test_after_a_gateway_lost_ece_the_survey_may_have_arrived(status: int, maybe: bool) -> None:
    error = await failure(always(status))
    assert isinstance(error, EceGatewayDown)
    assert error.retryable
    assert error.maybe_received is maybe


@pytest.mark.parametrize("body", ["", " \n", "<ok/>"])
@pytest.mark.parametrize("status", [200, 201, 202, 204])
async def test_a_success_with_nothing_or_xml_is_done(status: int, body: str) -> None:
    ece = always(status, body)
    await sink(ece).submit(MESSAGE)
    assert len(ece.requests) == 1


async def test_a_web_page_with_200_is_a_failure_that_may_pass() -> None:
    error = await failure(always(200, "<html><body>Please log in</body></html>"))
    assert isinstance(error, EceUnreadable)
    assert error.retryable
    assert error.status == 200
    assert not error.maybe_received


@pytest.mark.parametrize("status", [200, 204])
async def test_an_empty_success_is_done_whatever_its_headers_say_of_a_body(status: int) -> None:
    def answer(path: str, namespace: bool) -> httpx.Response:
        return httpx.Response(
            status, headers={"content-encoding": "gzip", "content-length": "0"}, stream=httpx.ByteStream(b"")
        )

    ece = Ece(answer)
    await sink(ece).submit(MESSAGE)
    assert len(ece.requests) == 1


@pytest.mark.parametrize(
    ("headers", "body"), [({"content-encoding": "gzip"}, b"\x1f\x8b"), ({}, b"<ok>" + b" " * 70_000 + b"</ok>")]
)
async def test_a_success_that_cannot_be_read_leaves_a_possible_double(headers: dict[str, str], body: bytes) -> None:
    answer = httpx.Response(200, headers=headers, stream=httpx.ByteStream(body))
    error = await failure(Ece(lambda path, namespace: answer))
    assert isinstance(error, EceUnreadable)
    assert error.maybe_received


async def test_a_redirect_is_not_followed_and_may_pass() -> None:
    ece = always(302, location="http://169.254.169.254/latest")
    error = await failure(ece)
    assert isinstance(error, EceRedirect)
    assert error.retryable
    assert len(ece.requests) == 1


@pytest.mark.parametrize(
    ("raised", "kind", "maybe"),
    [
        (httpx.ConnectError("no"), EceError, False),
        (httpx.ConnectTimeout("no"), EceTimeout, False),
        (httpx.ReadTimeout("no"), EceTimeout, True),
        (httpx.RemoteProtocolError("cut"), EceReset, True),
        (httpx.ReadError("cut"), EceReset, True),
    ],
)
async def test_an_answer_lost_on_the_way_leaves_a_possible_double(
    raised: Exception, kind: type[EceError], maybe: bool
) -> None:
    def lost(path: str, namespace: bool) -> httpx.Response:
        raise raised

    error = await failure(Ece(lost))
    assert isinstance(error, kind)
    assert error.retryable
    assert error.maybe_received is maybe


async def test_text_that_xml_cannot_carry_is_never_sent() -> None:
    ece = always(204)
    unsendable = OutboxMessage("key", "1", "sales", "after_chat", (Answer("q", "Q", "\ud800"),))
    with pytest.raises(EceUnsendable):
        await sink(ece).submit(unsendable)
    assert ece.requests == []
