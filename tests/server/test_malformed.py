"""What is not plain HTTP/1.1 is refused with one shape, and nothing a sender writes makes a 500."""

from __future__ import annotations

import json

import pytest

from tests.server.conftest import ServerProcess, read_all, request

HOST = b"Host: chat.example.com\r\n"
REFUSED = {
    "no Host": b"GET /healthz HTTP/1.1\r\n\r\n",
    "two Hosts": b"GET /healthz HTTP/1.1\r\n" + HOST + HOST + b"\r\n",
    "Content-Length and Transfer-Encoding": b"POST /survey/t HTTP/1.1\r\n"
    + HOST
    + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "Transfer-Encoding and Content-Length": b"POST /survey/t HTTP/1.1\r\n"
    + HOST
    + b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
    "two Content-Lengths": b"POST /survey/t HTTP/1.1\r\n"
    + HOST
    + b"Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcde",
    "a Content-Length with a sign": b"POST /survey/t HTTP/1.1\r\n" + HOST + b"Content-Length: +4\r\n\r\nabcd",
    "a Transfer-Encoding that is not chunked": b"POST /survey/t HTTP/1.1\r\n"
    + HOST
    + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "a chunk size that overflows": b"POST /survey/t HTTP/1.1\r\n"
    + HOST
    + b"Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n",
    "bare line feeds": b"GET /healthz HTTP/1.1\nHost: chat.example.com\n\n",
    "a folded header": b"GET /healthz HTTP/1.1\r\n" + HOST + b"X-Fold: a\r\n b\r\n\r\n",
    "a space before the colon": b"GET /healthz HTTP/1.1\r\n" + HOST + b"X-Space : a\r\n\r\n",
    "HTTP/0.9": b"GET /healthz\r\n\r\n",
    "HTTP/0.9 by name": b"GET /healthz HTTP/0.9\r\n" + HOST + b"\r\n",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "HTTP/3.0": b"GET /healthz HTTP/3.0\r\n" + HOST + b"\r\n",
    "NUL in a header": b"GET /healthz HTTP/1.1\r\n" + HOST + b"X-Nul: a\x00b\r\n\r\n",
    "NUL in the address": b"GET /heal\x00thz HTTP/1.1\r\n" + HOST + b"\r\n",
    "an address with a user": b"GET @evil.example HTTP/1.1\r\n" + HOST + b"\r\n",
    "bytes above ASCII in the address": b"GET /\xff\xfe HTTP/1.1\r\n" + HOST + b"\r\n",
    "garbage": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
}


@pytest.mark.parametrize("kind", REFUSED)
def test_it_is_refused_and_the_connection_closed(server: ServerProcess, kind: str) -> None:
    answer = server.say(REFUSED[kind], b"GET /healthz HTTP/1.1\r\n" + HOST + b"\r\n")
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 "), answer
    assert b"connection: close" in head
    if REFUSED[kind].startswith(b"POST /survey/"):  # where every fault is a page
        assert b"content-type: text/html" in head
        assert b"<h1>Bad Request</h1>" in body
        return
    problem = json.loads(body)
    assert problem["status"] == 400
    assert problem["requestId"]
    assert problem["code"] in ("malformed_request", "bad_host")


@pytest.mark.parametrize(
    "path",
    [
        "/v1/status/" + "9" * 5000,
        "/v1/status/0",
        "/v1/status/-1",
        "/v1/status/+1",
        "/v1/status/007",
        "/v1/status/9223372036854775808",
        "/v1/status/%D9%A1%D9%A2",
        "/v1/status/%00",
        "/v1/status/1;drop",
        "/v1/status/%ff%fe",
        "/v1/status/..%2f..%2fetc%2fpasswd",
        "/v1/status/%2e%2e/%2e%2e/etc/passwd",
        "/v1/status/a%0d%0aSet-Cookie:x",
        "//evil.example/",
        "/\\evil.example",
        "/%5c%5cevil.example%5cshare",
        "/?" + "a=b&" * 1500,
        "/survey/" + "A" * 8000,
        "/%",
        "/%zz",
    ],
)
def test_odd_addresses_never_make_a_500(server: ServerProcess, path: str) -> None:
    answer = server.say(request(path))
    assert answer.split(b" ")[1] in (b"200", b"400", b"404", b"405"), answer[:200]
    assert b"evil" not in answer.partition(b"\r\n\r\n")[0]


@pytest.mark.parametrize("host", ["evil.example", "chat.example.com:99999", "chat.example.com.", "a@chat.example.com"])
def test_another_host_is_misdirected(server: ServerProcess, host: str) -> None:
    answer = server.say(request("/survey/t", host=host))
    assert answer.startswith(b"HTTP/1.1 421 ")
    assert host.encode() not in answer


def test_an_absolute_address_does_not_change_the_host(server: ServerProcess) -> None:
    answer = server.say(request("http://evil.example/v1/status/sales"))
    assert b"evil" not in answer


@pytest.mark.parametrize("method", ["TRACE", "PUT", "DELETE", "PATCH", "PROPFIND"])
def test_methods_that_an_address_does_not_take_get_a_405_with_allow(server: ServerProcess, method: str) -> None:
    answer = server.say(request("/healthz", method=method))
    assert answer.startswith(b"HTTP/1.1 405 ")
    assert b"allow: GET, HEAD, OPTIONS" in answer


@pytest.mark.parametrize("method", ["SMUGGLE", "get", "X-Y"])
def test_a_method_that_nobody_knows_gets_the_same_and_the_connection_is_closed(
    server: ServerProcess, method: str
) -> None:
    answer = server.say(f"{method} /healthz HTTP/1.1\r\n".encode() + HOST + b"\r\n")
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 405 ")
    assert b"\r\nallow: GET, HEAD, OPTIONS, POST\r\n" in head
    assert json.loads(body)["code"] == "method_not_allowed"


def test_who_came_to_see_a_page_gets_one_from_the_guard_too(server: ServerProcess) -> None:
    answer = server.say(request("/v1/chat/sales?locale=" + "a" * 9000))
    assert answer.startswith(b"HTTP/1.1 414 ")
    assert b"\r\ncontent-type: text/html; charset=utf-8\r\n" in answer
    assert b"<h1>" in answer


CHUNKED = b"POST /survey/t HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n"


def test_a_field_behind_the_body_is_no_header(server: ServerProcess) -> None:
    ask = b"POST /metrics HTTP/1.1\r\n" + HOST + b"Connection: close\r\nTransfer-Encoding: chunked\r\n"
    behind = server.say(
        ask.replace(b"POST", b"GET") + b"\r\n0\r\nAuthorization: Bearer operator-token-for-tests\r\n\r\n"
    )
    assert behind.startswith(b"HTTP/1.1 401 ")
    before = server.say(
        ask.replace(b"POST", b"GET") + b"Authorization: Bearer operator-token-for-tests\r\n\r\n0\r\n\r\n"
    )
    assert before.startswith(b"HTTP/1.1 200 ")


def test_a_few_trailers_are_taken_and_endless_ones_refused(server: ServerProcess) -> None:
    answer = server.say(CHUNKED + b"Connection: close\r\n\r\n1\r\na\r\n0\r\nDigest: x\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert answer.endswith(b"1")
    answer = server.say(CHUNKED + b"\r\n1\r\na\r\n0\r\n" + b"a:\r\n" * 100_000)
    assert b"HTTP/1.1 431 " in answer


def test_connect_and_options_star_are_no_500(server: ServerProcess) -> None:
    assert server.say(b"CONNECT evil.example:443 HTTP/1.1\r\n" + HOST + b"\r\n").split(b" ")[1] in (
        b"400",
        b"404",
        b"405",
    )
    assert server.say(request("*", method="OPTIONS")).split(b" ")[1] in (b"204", b"400", b"404")


def test_an_upgrade_is_answered_as_the_plain_request_it_is(server: ServerProcess) -> None:
    answer = server.say(
        b"GET /v1/status/sales HTTP/1.1\r\n" + HOST + b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
        b"\x81\x05hello",
    )
    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert answer.count(b"HTTP/1.1") == 1


def test_http_1_0_needs_no_host_and_closes(server: ServerProcess) -> None:
    assert server.say(b"GET /healthz HTTP/1.0\r\n\r\n").endswith(b"\r\n\r\nok\n")


def test_head_has_the_headers_of_get_and_no_body(server: ServerProcess) -> None:
    def headers(answer: bytes) -> list[bytes]:
        return sorted(line for line in answer.partition(b"\r\n\r\n")[0].split(b"\r\n") if not line.startswith(b"date"))

    got, headed = (server.say(request("/v1/status/sales", method=method)) for method in ("GET", "HEAD"))
    assert headers(got) == headers(headed)
    assert headed.endswith(b"\r\n\r\n")


def test_a_thousand_pipelined_requests_are_answered_in_order(server: ServerProcess) -> None:
    one = b"GET /v1/status/sales HTTP/1.1\r\n" + HOST + b"\r\n"
    answer = server.say(one * 999 + request("/healthz"))
    assert answer.count(b"HTTP/1.1 200 OK") == 1000
    assert answer.endswith(b"ok\n")


def test_a_malformed_request_behind_a_good_one_does_not_take_its_answer(server: ServerProcess) -> None:
    good = b"GET /slow HTTP/1.1\r\n" + HOST + b"\r\n"
    answer = server.say(good + b"GET /healthz\x00 HTTP/1.1\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert answer.count(b"HTTP/1.1") == 1


def test_a_client_that_shuts_its_side_after_asking_is_answered(server: ServerProcess) -> None:
    import socket

    with server.connect() as connection:
        connection.sendall(b"GET /slow HTTP/1.1\r\n" + HOST + b"\r\n")
        connection.shutdown(socket.SHUT_WR)
        assert read_all(connection).endswith(b"slept")


def test_expect_continue_is_answered(server: ServerProcess) -> None:
    with server.connect() as connection:
        connection.sendall(request("/survey/t", "Expect: 100-continue", "Content-Length: 4", method="POST"))
        assert connection.recv(4096).startswith(b"HTTP/1.1 100 Continue")
        connection.sendall(b"abcd")
        assert read_all(connection).endswith(b"4")


def test_nothing_that_was_sent_reached_the_log(server: ServerProcess) -> None:
    canary = "canary-5c1f0e"
    server.say(request(f"/{canary}?sid={canary}", f"X-Request-Id: {canary}", f"User-Agent: {canary}\x1b[31m"))
    server.say(request("/boom"))
    server.say(request("/metrics", f"Authorization: Bearer {canary}"))
    server.say(f"GET /healthz HTTP/1.1\r\nX-{canary}: a\r\n\r\n".encode())
    log = "".join(server.lines)
    assert canary not in log
    assert "canary-in-an-exception" not in log
    for line in log.splitlines():
        json.loads(line)
