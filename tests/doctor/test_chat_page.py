"""What the doctor says about the chat page: frames, the survey's script, wsname."""

from __future__ import annotations

from email.message import Message
from typing import Any

import pytest

from widget import settings
from widget.doctor import Finding, Severity
from widget.doctor.browsing import Obstacle, Page, Unreached
from widget.doctor.chat_page import chat_page_findings

PAGE = "https://ece.example.com/system/chat/index.html"


def found(
    table: dict[str, Any], *headers: tuple[str, str], text: str = "<title>Chat</title>", **entry_point: Any
) -> list[Finding]:
    table["entry_points"]["sales"].update({"chat_url": PAGE + "?wsname=https://www.example.com", **entry_point})
    message = Message()
    for name, value in headers:
        message[name] = value
    page = Page(PAGE, 200, message, text)
    return list(chat_page_findings(settings.parse(table), "sales", PAGE, page))


def policy(*sources: str) -> tuple[str, str]:
    return ("content-security-policy", "default-src 'self'; frame-ancestors " + " ".join(sources))


def test_a_page_that_is_well_says_nothing(table: dict[str, Any]) -> None:
    assert found(table) == []


@pytest.mark.parametrize(
    ("headers", "words"),
    [
        ([("x-frame-options", "DENY")], "X-Frame-Options: DENY"),
        ([("x-frame-options", "sameorigin")], "X-Frame-Options: SAMEORIGIN"),
        ([policy("'none'")], "frame-ancestors 'none'"),
        ([policy("'self'")], "frame-ancestors 'self'"),
        ([policy()], "frame-ancestors 'none'"),
        ([policy("https://other.example.com")], "frame-ancestors https://other.example.com"),
        ([policy("http://www.example.com:8080")], "frame-ancestors http://www.example.com:8080"),
        ([policy("*.www.example.com")], "frame-ancestors *.www.example.com"),
        ([policy("*"), policy("'self'")], "frame-ancestors"),
    ],
)
def test_headers_that_refuse_a_frame_are_wrong_for_a_docked_chat_alone(
    table: dict[str, Any], headers: list[tuple[str, str]], words: str
) -> None:
    table["server"]["allowed_origins"] = ["https://www.example.com"]
    assert found(table, *headers, open_in="popup") == []
    (finding,) = found(table, *headers, open_in="dock")
    assert finding.severity is Severity.WRONG
    assert words in finding.what
    assert "dock" in finding.what


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [policy("*")],
        [policy("https:")],
        [policy("https://www.example.com")],
        [policy("https://WWW.example.com:443")],
        [policy("*.example.com")],
        [policy("http://www.example.com:*")],
        [("x-frame-options", "DENY"), policy("https://www.example.com")],  # browsers pass over the first then
        [("x-frame-options", "ALLOW-FROM https://www.example.com")],
        [("content-security-policy", "default-src 'none'")],
    ],
)
def test_headers_that_allow_the_sites_frames_are_well(table: dict[str, Any], headers: list[tuple[str, str]]) -> None:
    table["server"]["allowed_origins"] = ["https://www.example.com"]
    assert found(table, *headers, open_in="dock") == []


def test_the_surveys_script_is_looked_for_where_a_survey_is_configured(table: dict[str, Any]) -> None:
    table["surveys"] = {"after_chat": {"title": "x", "questions": [{"id": "a", "kind": "text", "text": "?"}]}}
    chat_url = PAGE + "?wsname=https://www.example.com&ticket={ticket}"
    (finding,) = found(table, survey="after_chat", chat_url=chat_url)
    assert (finding.severity, "ece-widget-survey.js" in finding.what) == (Severity.WRONG, True)
    script = '<script src="ece-widget-survey.js"></script>'
    assert found(table, survey="after_chat", chat_url=chat_url, text=script) == []


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("?a=b", "has no wsname"),
        ("?wsname=https%3A%2F%2Fwww.example.com", "percent-encoded"),
        ("?a=b&wsname=https://www.example.com%2F", "percent-encoded"),
    ],
)
def test_a_wsname_that_the_template_cannot_read_is_a_note(table: dict[str, Any], query: str, words: str) -> None:
    (finding,) = found(table, chat_url=PAGE + query)
    assert finding.severity is Severity.NOTE
    assert words in finding.what


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("<body>No service</body>", True),
        ("<p>This service is currently unavailable.</p>", True),
        ("<script>var no_service = 'no service'</script><p>Welcome</p>", False),
        ("<p>Customer service</p>", False),
    ],
)
def test_a_no_service_page_is_known_by_what_a_visitor_reads(table: dict[str, Any], text: str, *, wrong: bool) -> None:
    assert bool(found(table, text=text)) is wrong


@pytest.mark.parametrize("obstacle", Obstacle)
def test_a_page_that_cannot_be_fetched_says_why(table: dict[str, Any], obstacle: Obstacle) -> None:
    table["entry_points"]["sales"]["chat_url"] = PAGE + "?wsname=https://www.example.com"
    (finding,) = chat_page_findings(settings.parse(table), "sales", PAGE, Unreached(obstacle, "because"))
    assert f"{obstacle} (because)" in finding.what
    assert finding.change
    from_here_alone = obstacle in (Obstacle.TIMEOUT, Obstacle.NO_ROUTE)
    assert finding.severity is (Severity.NOTE if from_here_alone else Severity.WRONG)
