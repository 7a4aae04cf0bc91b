"""Whatever the bytes: a reading or EceUnreadable, quickly, with nothing opened; and surveys that arrive whole."""

from __future__ import annotations

import ctypes
import json
import os
import socket
import struct
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from lxml import etree

from tests.processor_speed import slowness
from widget.domain.errors import EceUnreadable
from widget.domain.outbox import Answer, OutboxMessage
from widget.domain.readings import Call
from widget.ece import wire

SAMPLES = [
    b'<agentAvailability available="true"/>',
    b"<availableSlots><count>4</count></availableSlots>",
    b'<?xml version="1.0" encoding="UTF-8"?><sessionStatus xmlns:n="u"><n:waitTime>3.0</n:waitTime></sessionStatus>',
    b'<checkEligibility xmlns:ns2="http://bindings.egain.com/chat" responseType=0 />',
    b'<chatAllowed allowed="false" reason="entry_point_inactive"/>',
    b'{"allowed": false, "available": true, "count": 4, "waitTime": 3.0, "queueDepth": 1, "responseType": 0}',
]


# The machine may be busy with other things: no test here fails for the time that drawing an example took.
patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def never_fails_otherwise(body: bytes) -> None:
    details = []
    readers: list[Callable[[bytes], object]] = [partial(wire.read, call) for call in Call]
    for reader in [*readers, wire.survey_answer]:
        try:
            reader(body)
        except EceUnreadable as error:
            details.append(error.detail)
    assert all(0 < len(detail) < 80 for detail in details)


@patient
@given(st.binary(max_size=400))
@example(b"\xff\xfe<\0a\0")
@example(b"\x00\x00\xfe\xff")
@example(b"\x4c\x6f\xa7\x94")  # how XML starts in EBCDIC
@example(b'{"\\ud800": "\\udfff", "allowed": false, "reason": "\\ud800"}')
def test_any_bytes_give_a_reading_or_the_typed_error(body: bytes) -> None:
    never_fails_otherwise(body)


@given(
    st.sampled_from(SAMPLES),
    st.lists(st.tuples(st.integers(0, 200), st.integers(0, 4), st.binary(max_size=6)), max_size=6),
    st.sampled_from(["utf-8", "utf-16", "utf-16-be", "utf-32", "latin-1"]),
)
@settings(patient, max_examples=300)
def test_damaged_answers_give_a_reading_or_the_typed_error(
    sample: bytes, damages: list[tuple[int, int, bytes]], charset: str
) -> None:
    body = bytearray(sample.decode().encode(charset))
    for place, cut, put in damages:
        place %= len(body) + 1
        body[place : place + cut] = put
    never_fails_otherwise(bytes(body))


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(
    st.dictionaries(
        st.sampled_from(["allowed", "available", "count", "waitTime", "queueDepth", "responseType", "reason"]),
        json_values,
    )
)
@patient
def test_any_json_gives_a_reading_or_the_typed_error(value: Any) -> None:
    never_fails_otherwise(json.dumps(value).encode())


BOMB = "<!DOCTYPE b [<!ENTITY a 'ha'>" + "".join(
    f"<!ENTITY a{n} '{f'&a{n - 1};' * 10 if n else '&a;' * 10}'>" for n in range(12)
)
SLOW = [
    f"{BOMB}]><chatAllowed allowed='&a11;'/>".encode(),
    f"{BOMB}]><chatAllowed>&a11;</chatAllowed>".encode(),
    ("<!DOCTYPE q [<!ENTITY a '" + "x" * 30_000 + "'>]><q>" + "&a;" * 10_000 + "</q>").encode(),
    b"<a>" * 21_845,
    b"<a/>" * 16_384,
    b"<chatAllowed>" + b"<a/>" * 16_000 + b"</chatAllowed>",
    b"<chatAllowed " + b" ".join(b"a%d='1'" % n for n in range(6_000)) + b"/>",
    b"<chatAllowed " + b" ".join(b"xmlns:a%d='u%d'" % (n, n) for n in range(3_000)) + b"/>",
    b"<checkEligibility " * 3_600,
    b"<checkEligibility" + b" a='1'" * 9_000 + b" responseType=0",
    b"<checkEligibility" + b" " * 65_000,
    b"<checkEligibility " + b"a:" * 32_000,
    b"<" * 65_536,
    b"<!--" * 16_384,
    b"{" * 65_536,
    b'{"a":' * 13_000,
    b'{"count":' + b"9" * 65_000 + b"}",
    b'{"' + b"\\u0000" * 10_000 + b'":1}',
    b"\0" * 65_536,
    b"&" * 65_536,
]


@pytest.mark.parametrize("body", SLOW, ids=range(len(SLOW)))
def test_no_64_kilobytes_take_long(body: bytes) -> None:
    quickest = 9.0
    for _ in range(3):  # the quickest of three, since the machine has other things to do
        started = time.process_time()
        never_fails_otherwise(body)
        quickest = min(quickest, (time.process_time() - started) / slowness())
    assert quickest < 0.05 * 6  # six readings each


IN_OPEN, IN_NONBLOCK = 0x20, 0o4000


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[int]:
    """Watch the folder for any opening of its files, by C code too (inotify)."""
    libc = ctypes.CDLL(None, use_errno=True)
    if not hasattr(libc, "inotify_init1"):
        pytest.skip("needs Linux's inotify")
    watch = libc.inotify_init1(IN_NONBLOCK)
    libc.inotify_add_watch(watch, os.fsencode(tmp_path), IN_OPEN)
    yield watch
    os.close(watch)


def openings(watch: int) -> int:
    try:
        return len(os.read(watch, 4096)) // struct.calcsize("iIII")
    except BlockingIOError:
        return 0


def test_no_answer_makes_us_open_a_file_or_a_host(watched: int, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("true")
    assert openings(watched) > 0  # so the watch works
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        web = f"http://127.0.0.1:{server.getsockname()[1]}/a.dtd"
        for body in (
            f'<!DOCTYPE a SYSTEM "{secret.as_uri()}"><chatAllowed allowed="true"/>',
            f'<!DOCTYPE a [<!ENTITY e SYSTEM "{secret.as_uri()}">]><chatAllowed allowed="true">&e;</chatAllowed>',
            f'<!DOCTYPE a [<!ENTITY % e SYSTEM "{secret.as_uri()}">%e;]><chatAllowed allowed="true"/>',
            f'<!DOCTYPE a SYSTEM "{web}"><chatAllowed allowed="true"/>',
            f'<!DOCTYPE a [<!ENTITY e SYSTEM "{web}">]><chatAllowed allowed="true">&e;</chatAllowed>',
            f'<?xml-stylesheet href="{secret.as_uri()}"?><chatAllowed allowed="true"/>',
            f'<chatAllowed allowed="true" xmlns:i="http://www.w3.org/2001/XInclude"><i:include href="{secret}"/>'
            "</chatAllowed>",
        ):
            for encoding in ("utf-8", "utf-16", "cp037"):
                never_fails_otherwise(f'<?xml version="1.0" encoding="{encoding}"?>{body}'.encode(encoding))
        for url in (web, secret.as_uri()):
            for entity in (f'ENTITY % e SYSTEM "{url}"> %e;', f'ENTITY e SYSTEM "{url}">'):
                hidden = f'+ADwAIQ-DOCTYPE a [+ADwAIQ-{entity}]><chatAllowed allowed="true">&e;</chatAllowed>'
                never_fails_otherwise(b'<?xml version="1.0" encoding="UTF-7"?>' + hidden.encode())
        with pytest.raises(BlockingIOError):
            server.accept()
    assert openings(watched) == 0


legal = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\ufffe\uffff", min_codepoint=32)
) | st.text("\t\n\r <>&'\"]\u0085\u2028\u202e")


@patient
@given(sid=legal, pairs=st.lists(st.tuples(legal, legal), max_size=4), namespace=st.booleans())
def test_what_goes_to_ece_is_what_comes_out_of_any_xml_parser(
    sid: str, pairs: list[tuple[str, str]], namespace: bool
) -> None:
    answers = tuple(Answer("q", question, answer) for question, answer in pairs)
    root = etree.fromstring(wire.survey_xml(OutboxMessage("k", sid, "e", "s", answers), namespace=namespace))
    assert root.get("sid") == sid
    assert [(survey[0].text or "", survey[1].text or "") for survey in root] == pairs
