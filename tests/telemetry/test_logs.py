"""Logs hold an event name and fields, one JSON line each, and no secret whatever was planted."""

from __future__ import annotations

import asyncio
import errno
import gc
import io
import json
import logging
import traceback
from typing import Any

import pytest

from widget import telemetry

SIGNED = "eyJzIjoiMTAwMCJ9.Zz9x1Q.kT3v0bS7m1nq8L2wX5y9_aBcDeFgHiJkLmNoPqRsTuV"


def logged(log_lines: io.StringIO, **fields: Any) -> dict[str, Any]:
    telemetry.logger().info("event", **fields)
    event: dict[str, Any] = json.loads(log_lines.getvalue().splitlines()[-1])
    return event


@pytest.mark.parametrize(
    "key",
    ["sid", "token", "ticket", "answer", "answers", "authorization", "Authorization", "operator_token", "survey_sid"],
)
def test_secret_keys_are_redacted_at_any_depth(log_lines: io.StringIO, key: str) -> None:
    logged(log_lines, **{key: "canary"}, inner={key: "canary", "list": [{key: "canary"}]})
    assert "canary" not in log_lines.getvalue()


@pytest.mark.parametrize(
    "text",
    [
        f"opened /survey/{SIGNED} twice",
        f"GET https://chat.example.com/survey/{SIGNED}?x=canary",
        "Authorization: Bearer canary",
        "basic Y2FuYXJ5OmNhbmFyeQ==",
        "sid=canary&x=1",
        "token: canary",
        'body {"answer": "canary"}',
        "postgresql://user:canary@db.example.com/surveys",
        "https://ece.example.com/system/canary?sid=canary",
        "k" + "canary" * 8,
    ],
)
def test_whatever_looks_like_a_secret_is_taken_out_of_any_text(log_lines: io.StringIO, text: str) -> None:
    logged(log_lines, detail=text, nested=[{"deep": text}])
    logging.getLogger("some.library").warning("%s", text)
    for secret in ("canary", SIGNED, "Y2FuYXJ5"):
        assert secret not in log_lines.getvalue()


def test_what_an_operator_needs_stays(log_lines: io.StringIO) -> None:
    event = logged(
        log_lines,
        route="/v1/status/{entry_point}",
        entry_point="sales-in-the-north",
        code="ece_unreachable",
        status=503,
        ms=1.5,
        request_id="0123456789abcdef0123456789abcdef",
        host="https://ece.example.com:8443",
    )
    assert event["route"] == "/v1/status/{entry_point}"
    assert event["entry_point"] == "sales-in-the-north"
    assert event["request_id"] == "0123456789abcdef0123456789abcdef"
    assert event["host"] == "https://ece.example.com:8443"
    assert (event["event"], event["level"], event["status"]) == ("event", "info", 503)


@pytest.mark.parametrize(
    "file", ["acme/launcher.html", "corporate-identity-of-2027/survey/_described.html", "shipped:default/theme.toml"]
)
def test_the_file_of_a_theme_is_named_and_nothing_else_passes_for_one(log_lines: io.StringIO, file: str) -> None:
    assert logged(log_lines, template=file)["template"] == file
    for secret in (SIGNED, "k" + "canary" * 8, f"https://chat.example.com/survey/{SIGNED}", "sid=canary&x=.html"):
        logged(log_lines, template=secret, detail=f"{secret}.html", templates=f"{secret}.html")
    assert "canary" not in log_lines.getvalue()
    assert SIGNED not in log_lines.getvalue()


def test_a_client_is_logged_as_its_network(log_lines: io.StringIO) -> None:
    assert logged(log_lines, client="203.0.113.77")["client"] == "203.0.113.0/24"
    assert logged(log_lines, client="2001:db8:1:2::77")["client"] == "2001:db8:1::/48"
    assert logged(log_lines, client="::ffff:203.0.113.77")["client"] == "203.0.113.0/24"
    assert logged(log_lines, client="canary")["client"] == "unknown"


def test_control_characters_cannot_make_a_line_or_colour_a_terminal(log_lines: io.StringIO) -> None:
    logged(log_lines, note="a\nb\r\x1b[31m\x00\u2028\u202e\ud800", **{"ke\ny": 1})
    line = log_lines.getvalue()
    assert line.count("\n") == 1
    assert not set(line.rstrip("\n")) & set("\r\x1b\x00\u2028\u202e\ud800")


def test_an_exception_is_its_type_and_places_never_its_words(log_lines: io.StringIO) -> None:
    try:
        try:
            int("canary")
        except ValueError as error:
            raise RuntimeError("canary") from error
    except RuntimeError:
        telemetry.logger().error("failed", exc_info=True)
        logging.getLogger("uvicorn.error").exception("Exception in ASGI application")
    assert "canary" not in log_lines.getvalue()
    events = [json.loads(line) for line in log_lines.getvalue().splitlines()]
    assert [each["type"] for each in events[0]["exception"]] == ["RuntimeError", "ValueError"]
    assert "test_logs.py" in events[0]["exception"][0]["at"][0]
    assert events[1]["logger"] == "uvicorn.error"


def test_a_traceback_that_a_library_logs_as_text_is_left_out(log_lines: io.StringIO) -> None:
    try:
        int("canary")
    except ValueError:
        logging.getLogger("uvicorn.error").error(traceback.format_exc())
        logging.getLogger("some.library").error("It failed.\n%s", traceback.format_exc())
    assert "canary" not in log_lines.getvalue()
    events = [json.loads(line) for line in log_lines.getvalue().splitlines()]
    assert [each["message"] for each in events] == ["a traceback, left out because it quotes input", "It failed."]


def test_an_exception_that_nobody_waited_for_is_logged_without_its_words(log_lines: io.StringIO) -> None:
    async def fails() -> None:
        raise RuntimeError("canary")

    async def forget_it() -> None:
        await asyncio.wait([asyncio.create_task(fails())])

    asyncio.run(forget_it())
    gc.collect()
    assert "canary" not in log_lines.getvalue()
    event = json.loads(log_lines.getvalue())
    assert event["message"] == "Task exception was never retrieved"
    assert event["exception"][0]["type"] == "RuntimeError"


def test_long_values_are_cut_and_odd_ones_do_no_harm(log_lines: io.StringIO) -> None:
    deep: Any = "canary"
    for _ in range(50):
        deep = {"a": deep}
    event = logged(log_lines, long="ab " * 5000, raw=b"canary", deep=deep, many=list(range(1000)))
    assert len(event["long"]) <= 500
    assert "canary" not in log_lines.getvalue()


def test_a_level_hides_what_is_below(log_lines: io.StringIO) -> None:
    telemetry.configure("warning", stream=log_lines)
    telemetry.logger().info("hidden")
    telemetry.logger().warning("shown")
    assert "hidden" not in log_lines.getvalue()
    assert "shown" in log_lines.getvalue()


class Refusing(io.StringIO):
    """A stream that takes nothing, as a pipe without a reader or a file on a full disk."""

    error: Exception | None = None

    def flush(self) -> None:
        if self.error is not None:
            raise self.error


@pytest.mark.parametrize(
    "error",
    [BrokenPipeError(errno.EPIPE, "Broken pipe"), OSError(errno.ENOSPC, "No space left"), ValueError("closed file")],
)
def test_a_log_that_cannot_be_written_stops_nobody_and_goes_on_when_it_can(error: Exception) -> None:
    stream = Refusing()
    telemetry.configure("info", stream=stream)
    stream.error = error
    telemetry.logger().info("first")
    logging.getLogger("elsewhere").warning("second")
    stream.error = None
    telemetry.logger().info("third")
    assert '"event": "third"' in stream.getvalue()
