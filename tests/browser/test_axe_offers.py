"""axe finds nothing in what a launcher offers: the menu, the bell that waits, the greeting."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from html import unescape
from typing import Any

import pytest
from playwright.sync_api import Browser, ViewportSize

from tests.browser.axe import context_with_axe, findings
from widget import settings
from widget.texts import Texts
from widget.themes import Themes
from widget.web.designers.samples import sample
from widget.web.pages.pages import Pages

NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)
TEMPLATE = re.compile(r'<template class="([a-z-]+)">(.*?)</template>', re.DOTALL)
NARROW: ViewportSize = {"width": 320, "height": 640}
WIDER = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


def pages_of(table: dict[str, Any]) -> Pages:
    """Build the pages outside of the browser's event loop, since that reads files."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(
            lambda: Pages(settings.parse(table), Themes.load(None), Texts.load(None), clock=lambda: NOW)
        ).result()


def with_everything(table: dict[str, Any]) -> dict[str, Any]:
    ways = [
        {"kind": "phone", "value": "+49 30 1234567"},
        {"kind": "email", "value": "office@example.com"},
        {"kind": "link", "value": "https://www.example.com/help", "label": "Donaudampfschifffahrtsgesellschaft"},
        {"kind": "message"},
    ]
    greeting = {"text": "Questions about gears? Our workshop is here right now."}
    table["entry_points"]["sales"] |= {
        "when_unavailable": "message",
        "tell_me": True,
        "instead": ways,
        "greeting": greeting,
    }
    table["messages"] = {"to": "smtp"}
    table["smtp"] = {"url": "smtp://127.0.0.1:25", "from": "chat@example.com", "to": ["office@example.com"]}
    return table


def in_a_page(pages: Pages, state: str, attributes: str, theme: str, language: str, *, launchers: int = 1) -> str:
    """Return a customer's page with launchers in its corner, their menus open."""
    decision = sample(state, entry_point="sales", settings=pages.settings.entry_points["sales"], now=NOW)
    html = pages.launcher(decision, theme=theme, language=language)
    css = unescape(dict(TEMPLATE.findall(html))["ece-chat-css"])
    drawn = TEMPLATE.sub("", html).replace("<details ", "<details open ")
    launcher = (
        f'<ece-chat data-placement="corner" {attributes}><template shadowrootmode="open">'
        f"<style>{css}</style>{drawn}</template></ece-chat>"
    )
    return (
        f'<!doctype html><html lang="{language}" dir="{pages.texts.language(language).locale.text_direction}">'
        "<title>Shop</title>"
        '<meta name="viewport" content="width=device-width"><style>:root { color-scheme: light dark }</style>'
        f"<main><h1>Shop</h1></main>{launcher * launchers}</html>"
    )


@pytest.mark.parametrize("theme", ["default", "bold", "civic", "text"])
def test_what_is_offered_has_no_finding_and_fits_a_narrow_page(
    chromium: Browser, table: dict[str, Any], theme: str
) -> None:
    pages = pages_of(with_everything(table))
    found = []
    with context_with_axe(chromium, viewport=NARROW) as context:
        page = context.new_page()
        for state, attributes, language in (
            ("outside_hours", "", "de"),
            ("queue_depth_reached", "data-waiting", "ar"),
            ("available", "data-greeting", "en"),
            ("available", "data-greeting", "he"),
        ):
            page.set_content(in_a_page(pages, state, attributes, theme, language))
            assert page.evaluate(WIDER) <= 0, (state, language)
            page.set_viewport_size({"width": 360, "height": 225})  # 1440 by 900, four times as big
            for message in page.locator(".ece-chat-message").all():
                box = message.bounding_box()
                assert box is not None
                assert box["y"] >= 0, (state, language)
            page.set_viewport_size(NARROW)
            found += [f"{state} {each}" for each in findings(page)]
    assert found == []


def test_two_closed_launchers_of_the_same_label_and_message_have_no_finding(
    chromium: Browser, table: dict[str, Any]
) -> None:
    pages = pages_of(with_everything(table))
    with context_with_axe(chromium) as context:
        page = context.new_page()
        page.set_content(in_a_page(pages, "outside_hours", "", "default", "en", launchers=2))
        assert findings(page) == []
