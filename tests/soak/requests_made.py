"""Make hostile requests from a seed: naughty texts in every place, broken framing, flipped bytes, cut requests."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from urllib.parse import quote

HOST = b"chat.example.com"
PATHS = (
    "/v1/status/sales",
    "/v1/status/{}",
    "/v1/launcher/sales?locale={}&theme={}",
    "/v1/launcher/{}",
    "/v1/chat/sales?locale={}",
    "/v1/chat/{}",
    "/survey/{}",
    "/survey/start",
    "/v1/survey-links",
    "/preview?theme={}&locale={}",
    "/preview/{}",
    "/widget.js?{}",
    "/widget.v1.{}.js",
    "/assets/{}/page.css",
    "/healthz",
    "/readyz?{}",
    "/metrics",
    "/openapi.json",
    "/{}",
    "/{}/{}",
    "//{}",
    "*",
)
METHODS = (
    "GET",
    "GET",
    "GET",
    "HEAD",
    "POST",
    "POST",
    "PUT",
    "DELETE",
    "OPTIONS",
    "TRACE",
    "PATCH",
    "CONNECT",
    "PROPFIND",
)
HEADERS = (
    "Accept",
    "Accept-Encoding",
    "Accept-Language",
    "Access-Control-Request-Method",
    "Authorization",
    "Cache-Control",
    "Content-Encoding",
    "Content-Type",
    "Cookie",
    "Expect",
    "Forwarded",
    "If-Match",
    "If-Modified-Since",
    "If-None-Match",
    "Origin",
    "Range",
    "Referer",
    "Sec-Fetch-Site",
    "TE",
    "Traceparent",
    "Upgrade",
    "User-Agent",
    "X-Forwarded-For",
    "X-Forwarded-Proto",
    "X-HTTP-Method-Override",
    "X-Request-Id",
)
TYPES = (
    "application/json",
    "application/x-www-form-urlencoded",
    "application/json; charset=utf-16",
    "text/plain",
    "multipart/form-data; boundary=x",
    "application/xml",
    "",
    'a/b; charset="',
)
NAUGHTY = (
    "",
    "0",
    "-1",
    "+1",
    "007",
    "1e309",
    "NaN",
    "9" * 5000,
    "9223372036854775808",
    "١٢٣",
    "\x00",
    "a\x00b",
    "\r\nSet-Cookie: a=b",
    "%0d%0aX: y",
    "%",
    "%zz",
    "%ff%fe",
    "%c0%ae%c0%ae/",
    "%u0041",
    "../../../../etc/passwd",
    "..%2f..%2f..%2fetc%2fpasswd",
    "....//....//etc/passwd",
    "\\\\evil\\share",
    "file:///etc/passwd",
    "http://169.254.169.254/",
    "//evil.example",
    "/\\evil.example",
    "https:evil.example",
    "<script>alert(1)</script>",
    '"><svg onload=alert(1)>',
    "{{7*7}}",
    "${7*7}",
    "{% for x in y %}",
    "#{7*7}",
    "<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]>",
    "]]>",
    "<![CDATA[",
    "' OR 1=1 --",
    "1; DROP TABLE outbox",
    "%s%s%n%d",
    "{0.__class__}",
    "__proto__",
    "constructor[prototype]",
    "\u202e\u2066",
    "\ufeff",
    "\ufffe",
    "\U0001f600" * 30,
    "a\u0300" * 300,
    "\ud800",
    "İıſK",
    "ﷺ" * 50,
    "true",
    "null",
    "undefined",
    'W/"a", "b", *',
    "*",
    "W/",
    '"' * 300,
    ",".join('"a"' for _ in range(2000)),
    "Thu, 99 Foo 9999 99:99:99 GMT",
    "bytes=" + ",".join("0-0" for _ in range(3000)),
    "de-DE;q=" + "1" * 50,
    ",".join(["x"] * 3000),
    "Basic " + "=" * 100,
    "Bearer " + "A" * 6000,
    "00-" + "0" * 32 + "-" + "0" * 16 + "-01",
    "gzip;q=0, *;q=0.0001",
    "eyJ.eyJ.e30",
)
JSONS = (
    b"[" * 100_000,
    b"{" * 5000,
    b'{"a":' * 3000,
    b"[]",
    b"null",
    b'"\\ud800"',
    b'{"sid":"x","sid":"y"}',
    b"NaN",
    b"1e999999",
    b"9" * 5000,
    b'{"sid": {"a": 1}, "entryPoint": ["x"]}',
    '{"sid":"ü"}'.encode("utf-16"),
    b"\xef\xbb\xbf{}",
    b'{"a":1} x',
    b"\xff\xfe",
    b'{"__proto__": {"admin": true}}',
)


class Maker:
    """Requests from one seed. More texts are read from payload lists where a machine has them."""

    def __init__(self, seed: int, lists: tuple[Path, ...] = ()) -> None:
        self._chance = random.Random(seed)
        self._texts = [*NAUGHTY, *texts_of(lists)]

    def requests(self, count: int) -> Iterator[bytes]:
        """Yield `count` requests, each on a connection of its own."""
        for _ in range(count):
            made = self._whole()
            kind = self._chance.random()
            if kind < 0.25:
                made = self._damaged(made)
            elif kind < 0.30:
                made = made[: self._chance.randrange(1, len(made))]
            elif kind < 0.35:
                made = made * self._chance.randrange(2, 20)
            yield made

    def _whole(self) -> bytes:
        pick = self._chance.choice
        path = pick(PATHS)
        while "{}" in path:
            text = self._text()
            path = path.replace("{}", _quoted(text, pick(("", "/%.\\;:@"))), 1)
        lines = [f"{pick(METHODS)} {path} HTTP/1.{pick('1111110')}".encode(), b"Host: " + self._host()]
        for _ in range(self._chance.randrange(6)):
            lines.append(f"{pick(HEADERS)}: ".encode() + self._header_text())
        return b"\r\n".join(lines + self._framing_and_body())

    def _framing_and_body(self) -> list[bytes]:
        pick = self._chance.choice
        if self._chance.random() < 0.5:
            return [b"", b""]
        body = self._body()
        lines = [f"Content-Type: {pick(TYPES)}".encode()]
        framing = self._chance.random()
        if framing < 0.6:
            lines.append(b"Content-Length: %d" % len(body))
        elif framing < 0.8:
            lines.append(b"Transfer-Encoding: chunked")
            body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body) if body else b"0\r\n\r\n"
        else:
            lines.append(
                pick((b"Content-Length: -1", b"Content-Length: 99999999999999999999", b"Transfer-Encoding: x, chunked"))
            )
            lines.append(pick((b"Content-Length: 3", b"Transfer-Encoding: chunked", b"X: y")))
        return [*lines, b"", body]

    def _body(self) -> bytes:
        pick = self._chance.choice
        kind = self._chance.random()
        if kind < 0.3:
            return pick(JSONS) if self._chance.random() < 0.9 else JSONS[0]
        if kind < 0.5:
            names = ("sid", "entryPoint", "survey", self._text())
            return json.dumps({pick(names): self._text() for _ in range(4)}).encode("utf-8", "surrogatepass")
        if kind < 0.9:
            fields = ("ticket", "sid", "helpful", "comment", "_page", "_go", self._text())
            count = pick((1, 2, 3, 10))
            pairs = [f"{_quoted(pick(fields))}={_quoted(self._text())}" for _ in range(count)]
            if self._chance.random() < 0.02:
                pairs *= 300
            return "&".join(pairs).encode()
        return self._chance.randbytes(pick((1, 100, 70_000)))

    def _damaged(self, made: bytes) -> bytes:
        changed = bytearray(made)
        for _ in range(self._chance.randrange(1, 6)):
            at = self._chance.randrange(min(len(changed), 600))
            match self._chance.randrange(3):
                case 0:
                    changed[at] = self._chance.randrange(256)
                case 1:
                    del changed[at]
                case _:
                    changed[at:at] = self._chance.choice(
                        (b"\x00", b"\r", b"\n", b"\r\n", b" ", b"\t", b":", b"\xff", b"a" * 20_000)
                    )
        return bytes(changed)

    def _host(self) -> bytes:
        return self._header_text() if self._chance.random() < 0.05 else HOST

    def _header_text(self) -> bytes:
        text = self._text().encode("utf-8", "surrogatepass")
        return text if self._chance.random() < 0.1 else text.replace(b"\r", b"").replace(b"\n", b"").replace(b"\0", b"")

    def _text(self) -> str:
        return self._chance.choice(self._texts)


@lru_cache(maxsize=20_000)
def _quoted(text: str, safe: str = "") -> str:
    return quote(text, errors="surrogatepass", safe=safe)


def texts_of(lists: tuple[Path, ...]) -> Iterator[str]:
    """Yield each payload of the lists."""
    for file in lists:
        if file.suffix == ".json":
            yield from (str(each) for each in json.loads(file.read_text("utf-8", "replace")))
        else:
            yield from file.read_text("utf-8", "replace").splitlines()[:5000]
