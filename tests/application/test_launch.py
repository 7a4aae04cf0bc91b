"""The address at which ECE opens a chat: what stands in it, and that no visitor can change it."""

from __future__ import annotations

from typing import Any

import pytest

from widget import settings
from widget.application.launch import ChatAddresses

SITES = ["https://www.example.com", "https://shop.example.com:8443"]


def addresses(table: dict[str, Any], query: str, origins: list[str] = SITES) -> ChatAddresses:
    table["server"]["allowed_origins"] = origins
    table["entry_points"]["sales"]["chat_url"] = f"https://ece.example.com/chat?{query}"
    found = settings.parse(table)
    return ChatAddresses(
        found.entry_points, lambda name, locale: f"ticket of {name}", origins=found.server.allowed_origins
    )


@pytest.mark.parametrize(
    ("sent", "used"),
    [
        (SITES[0], SITES[0]),
        (SITES[1], SITES[1]),
        (None, SITES[0]),
        ("", SITES[0]),
        ("null", SITES[0]),
        ("*", SITES[0]),
        ("https://evil.example", SITES[0]),
        (SITES[0] + "&wsname=https://evil.example", SITES[0]),
        (SITES[0].upper(), SITES[0]),
    ],
)
def test_only_an_origin_that_is_listed_by_name_is_the_pages(table: dict[str, Any], sent: str | None, used: str) -> None:
    made = addresses(table, "wsname={origin}&id={id}", ["*", *SITES])("sales", "de", sent)
    assert made == f"https://ece.example.com/chat?wsname={used}&id=1001"


def test_the_origin_is_as_it_is_behind_wsname_and_encoded_elsewhere(table: dict[str, Any]) -> None:
    made = addresses(table, "from={origin}&wsname={origin}&t={ticket}")("sales", None, SITES[1])
    assert made == (
        "https://ece.example.com/chat?from=https%3A%2F%2Fshop.example.com%3A8443"
        "&wsname=https://shop.example.com:8443&t=ticket%20of%20sales"
    )


@pytest.mark.parametrize(
    ("asked", "locale"), [("de_DE", "de-DE"), ("fr", "fr-FR"), ("&x=1", "en-US"), ("d" * 99, "en-US")]
)
def test_what_is_no_language_tag_is_english(table: dict[str, Any], asked: str, locale: str) -> None:
    assert addresses(table, "l={locale}")("sales", asked).endswith(f"l={locale}")
