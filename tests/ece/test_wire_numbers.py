"""Numbers in ECE's answers: what counts as one, and that every other is nothing at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from widget.domain.readings import (
    Call,
    Capacity,
    LiveSessionStatus,
    Reading,
)
from widget.ece import wire
from widget.ece.schema_types import WaitTimeUnit

DATA = Path(__file__).parent.parent / "data" / "ece"


def read(call: Call, body: str | bytes) -> Reading:
    return wire.read(call, body.encode() if isinstance(body, str) else body).reading


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("3.0", 3),
        ("3", 3),
        ("0", 0),
        ("-0.0", 0),
        ("+3.", 3),
        (".5", 1),
        ("3.0001", 4),
        ("1.5E+2", 150),
        (" 2\n", 2),
        ("1e-9", 1),
        ("1e300", 2**53 - 1),
        *((text, None) for text in ["", " ", "soon", "NaN", "nan", "INF", "-INF", "inf", "-3.0", "1e400", "1_0", "٣"]),
        *((text, None) for text in ["3,0", "0x3", "3 0", "1e", ".", "--3", "9" * 5000, "Infinity", "1e999999999"]),
    ],
)
def test_a_wait_is_an_xs_double_rounded_up_or_nothing(text: str, seconds: int | None) -> None:
    for body in (
        f"<sessionStatus><waitTime>{text}</waitTime><queueDepth>1</queueDepth></sessionStatus>",
        '{"waitTime": "' + text.replace("\n", "\\n") + '", "queueDepth": 1}',
    ):
        understood = wire.live_session_status(body.encode())
        assert understood.reading == LiveSessionStatus(seconds, 1)
        assert understood.oddities == ({wire.Oddity.UNUSABLE_NUMBER} if seconds is None else set())


@pytest.mark.parametrize(
    ("unit", "text", "seconds"),
    [
        ("minutes", "2.3", 138),
        ("minutes", "0.01", 1),
        ("minutes", "4.35", 261),
        ("milliseconds", "3000.0", 3),
        ("milliseconds", "1", 1),
        ("milliseconds", "180001", 181),
        ("seconds", "180", 180),
    ],
)
def test_a_wait_is_rounded_after_its_unit_is_converted(unit: WaitTimeUnit, text: str, seconds: int) -> None:
    body = f"<sessionStatus><waitTime>{text}</waitTime><queueDepth>0</queueDepth></sessionStatus>"
    understood = wire.read(Call.LIVE_SESSION_STATUS, body.encode(), wait_time_unit=unit)
    assert understood.reading == LiveSessionStatus(seconds, 0)


@pytest.mark.parametrize(
    ("text", "depth", "count"),
    [
        ("4", 4, 4),
        ("+4", 4, 4),
        ("007", 7, 7),
        ("-0", 0, 0),
        ("-3", None, 0),
        (str(2**63 - 1), 2**63 - 1, 2**63 - 1),
        *((text, None, None) for text in ["4.0", "", "x", "1e1", "1_0", "٤", "NaN", "INF", str(2**63), "9" * 5000]),
        ("-" + "9" * 30, None, None),
    ],
)
def test_depth_and_count_are_xs_longs_or_nothing_and_a_negative_count_is_none_free(
    text: str, depth: int | None, count: int | None
) -> None:
    live = f"<sessionStatus><waitTime>1</waitTime><queueDepth>{text}</queueDepth></sessionStatus>"
    slots = f"<availableSlots><count>{text}</count></availableSlots>"
    assert read(Call.LIVE_SESSION_STATUS, live) == LiveSessionStatus(1, depth)
    assert read(Call.CAPACITY, slots) == Capacity(count)
    assert read(Call.CAPACITY, '{"count": "' + text + '"}') == Capacity(count)


@pytest.mark.parametrize(
    "body",
    [
        "<availableSlots/>",
        "<availableSlots><count/></availableSlots>",
        "<availableSlots><count><count>4</count></count></availableSlots>",
        "<availableSlots><a><count>4</count></a></availableSlots>",
        "<availableSlots><count>4</count><count>5</count></availableSlots>",
        "{}",
        '{"count": null}',
        '{"count": [4]}',
        '{"count": {"count": 4}}',
        '{"count": NaN}',
        '{"count": -Infinity}',
        '{"count": true}',
        '{"count": 4.0}',
        '{"count": ' + "9" * 5000 + "}",
    ],
)
def test_a_count_that_is_missing_or_no_number_is_nothing(body: str) -> None:
    assert read(Call.CAPACITY, body) == Capacity(None)
