"""The greeting and "tell me when it opens" as the launcher carries them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.web.conftest import Site
from widget.domain.readings import Call, LiveSessionStatus

pytestmark = pytest.mark.anyio


@pytest.fixture
def site(table: dict[str, Any], make_site: Callable[[], Site]) -> Site:
    table["entry_points"]["sales"] |= {
        "when_unavailable": "message",
        "tell_me": True,
        "greeting": {"text": {"en": 'Gears & "more"?', "de": "Fragen?"}, "after": "7s", "max_wait": "2m"},
        "show_wait": False,
    }
    return make_site()


async def launcher(site: Site, locale: str = "en") -> str:
    html = (await site.get(f"/v1/launcher/sales?locale={locale}&theme=")).text
    return re.sub(r'<template class="ece-chat-pane">.*?</template>', "", html, flags=re.DOTALL)


async def test_a_greeting_travels_while_the_wait_is_short_though_no_wait_is_shown(site: Site) -> None:
    site.ece.answers[Call.LIVE_SESSION_STATUS] = LiveSessionStatus(wait_time=120, queue_depth=1)
    html = await launcher(site, "de")
    assert 'data-greeting="Fragen?" data-after="7000"' in html
    assert re.search(r'<section class="ece-chat-greeting"[^>]*><span>Fragen\?</span>', html)
    assert ":host([data-greeting])" in html
    first = (await site.get("/v1/launcher/sales?locale=de&theme=")).headers["etag"]
    site.ece.answers[Call.LIVE_SESSION_STATUS] = LiveSessionStatus(wait_time=121, queue_depth=1)
    site.time.passes(61)
    assert "ece-chat-greeting" not in await launcher(site, "de")
    assert (await site.get("/v1/launcher/sales?locale=de&theme=")).headers["etag"] != first


async def test_its_words_are_text_and_nothing_of_it_is_in_the_status(site: Site) -> None:
    site.ece.answers[Call.LIVE_SESSION_STATUS] = LiveSessionStatus(wait_time=1, queue_depth=0)
    assert 'data-greeting="Gears &amp; &#34;more&#34;?"' in await launcher(site)
    assert "greet" not in (await site.get("/v1/status/sales")).text


async def test_a_closed_launcher_offers_to_tell_and_does_not_greet(site: Site) -> None:
    site.ece.shut = {1001}
    html = await launcher(site, "de")
    assert "Sagen Sie mir, wenn geöffnet ist" in html
    assert 'data-waits="Wir sagen Ihnen hier Bescheid, sobald der Chat geöffnet ist."' in html
    assert "data-greeting=" not in html


async def test_a_launcher_that_hides_or_has_it_off_offers_nothing(
    table: dict[str, Any], make_site: Callable[[], Site]
) -> None:
    for of in ({"when_unavailable": "hide", "tell_me": True}, {"when_unavailable": "message"}):
        table["entry_points"]["sales"] |= {"tell_me": False} | of
        site = make_site()
        site.ece.shut = {1001}
        assert "ece-chat-tell" not in await launcher(site)
