"""The history in the console: why it was hidden, what was counted, the week in the local time of its people."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.web.conftest import Site
from tests.web.console.conftest import Browser
from widget.domain.evaluation import State
from widget.domain.history import Batch, Bucket, Change, Counts, Process, Span, Spread, start_of
from widget.domain.readings import Reason

pytestmark = pytest.mark.anyio

BERLIN = ZoneInfo("Europe/Berlin")
TUESDAY = datetime(2026, 11, 17, 13, 5, 9, tzinfo=UTC)  # 14:05:09 there


@pytest.fixture
def table(table: dict[str, Any]) -> dict[str, Any]:
    """Settings with an entry point in Berlin."""
    week = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
    table["entry_points"]["sales"]["hours"] = {"timezone": "Europe/Berlin", **{day: ["00:00-24:00"] for day in week}}
    return table


async def write(
    site: Site, changes: list[Change], *, counts: tuple[datetime, Counts] | None = None, entry_point: str = "sales"
) -> None:
    store = site.services.history_store
    assert store is not None
    now = site.time.now()
    process = Process("test", "serve", "host", 1, "1", now, now)
    buckets = []
    if counts:
        buckets = [(span, Bucket(entry_point, start_of(span, counts[0], BERLIN), counts[1])) for span in Span]
    assert await store.write(Batch(process, 1, buckets, changes))


async def test_why_it_was_hidden_is_a_date_a_time_and_a_line(browser: Browser) -> None:
    await write(
        browser.site,
        [
            Change("sales", TUESDAY - timedelta(hours=5), State.AVAILABLE, None),
            Change("sales", TUESDAY, State.UNAVAILABLE, Reason.QUEUE_DEPTH_REACHED, 780, 12),
            Change("sales", TUESDAY + timedelta(minutes=20), State.AVAILABLE, None),
        ],
    )
    await browser.sign_in()
    page = (await browser.get("/console/history?entry_point=sales&day=2026-11-17")).text
    line = re.search(r"<li><time datetime=\"2026-11-17T13:05:09\+00:00\">14:05:09</time>.*?</li>", page, re.DOTALL)
    assert line
    assert "Closed" in line[0]
    assert "ECE says that the queue has reached its limit." in line[0]
    assert "wait 13m, 12 waiting" in line[0]
    assert "for 20m" in line[0]
    assert "14:05:09" not in (await browser.get("/console/history?day=2026-11-18")).text


async def test_the_day_after_a_closing_does_not_say_that_the_settings_did_it(browser: Browser) -> None:
    await write(browser.site, [Change("sales", TUESDAY, State.UNAVAILABLE, Reason.SWITCHED_OFF)])
    await browser.sign_in()
    for day in ("2026-11-17", "2026-11-18"):
        page = (await browser.get(f"/console/history?entry_point=sales&day={day}")).text
        assert "It was closed by hand, or the settings switched it off." in page, day


async def test_clicks_in_vain_are_told_by_outcome_and_answers_are_no_people(browser: Browser) -> None:
    counts = Counts()
    counts.add("clicks", "opened", 30)
    counts.add("clicks", "queue_depth_reached", 12)
    counts.add("answers", "available", 5000)
    counts.wait.add(60)
    counts.wait.add(180)
    await write(browser.site, [], counts=(TUESDAY, counts))
    await browser.sign_in()
    page = (await browser.get("/console/history?entry_point=sales&day=2026-11-17")).text
    assert re.search(r"Queue at its limit in ECE</th>.*?<td class=\"number\">12</td>", page)
    assert "this is no number of people" in page
    assert "5,000" in page
    for shown in ("1m", "2m", "3m"):  # lowest, mean, highest wait
        assert f'<td class="number">{shown}</td>' in page
    assert "Tue 14: 12" in page  # the chart of clicks in vain, by the hour there


async def test_the_chart_of_a_week_leaves_out_the_hour_that_a_clock_change_does(
    console: Site, browser: Browser
) -> None:
    console.time.is_set(by=timedelta(days=150))
    await browser.sign_in()
    page = (await browser.get("/console/history?entry_point=sales&day=2027-03-28")).text
    assert "no such hour" in page
    assert "Sun 02:" not in page.split("Clicks in vain")[0]


@pytest.mark.parametrize(
    ("day", "times"),
    [
        ("2026-11-17", ["00", "06", "12", "18", "00"]),
        ("2026-10-25", ["00:00", "05:15", "11:30", "17:45", "00:00"]),
        ("2026-03-29", ["00:00", "06:45", "12:30", "18:15", "00:00"]),
    ],
)
async def test_the_times_below_a_day_are_right_where_a_clock_change_makes_it_longer_or_shorter(
    browser: Browser, day: str, times: list[str]
) -> None:
    counts = Counts()
    counts.wait.add(60)
    await write(browser.site, [], counts=(datetime.fromisoformat(f"{day}T13:05:09+00:00"), counts))
    await browser.sign_in()
    page = (await browser.get(f"/console/history?entry_point=sales&day={day}")).text
    axis = re.search(r'<p class="axis" aria-hidden="true">(.*?)</p>', page)
    assert axis
    assert re.findall(r"<span>(.*?)</span>", axis[1]) == times


async def test_without_an_entry_point_the_page_says_whose_week_it_shows(browser: Browser) -> None:
    counts = Counts()
    counts.add("clicks", "opened", 41)
    await write(browser.site, [], counts=(TUESDAY, counts), entry_point="renamed")
    await browser.sign_in()
    hint = "A week is shown of one entry point. Choose another one above."
    assert hint in (await browser.get("/console/history?day=2026-11-17")).text
    assert hint not in (await browser.get("/console/history?day=2026-11-17&entry_point=sales")).text


async def test_an_entry_point_that_left_the_settings_is_counted_and_can_be_chosen(browser: Browser) -> None:
    counts = Counts()
    counts.add("clicks", "opened", 41)
    await write(browser.site, [], counts=(TUESDAY, counts), entry_point="renamed")
    await browser.sign_in()
    every = (await browser.get("/console/history?day=2026-11-17")).text
    assert '<span class="total">41</span>' in every
    assert "<option>renamed</option>" in every
    one = (await browser.get("/console/history?day=2026-11-17&entry_point=renamed")).text
    assert '<span class="total">41</span>' in one
    assert "Central European" in one
    other = (await browser.get("/console/history?day=2026-11-17&entry_point=sales")).text
    assert '<span class="total">41</span>' not in other


@pytest.mark.parametrize("damaged", [-1, 2**62])
async def test_a_damaged_count_leaves_the_charts_readable(browser: Browser, damaged: int) -> None:
    counts = Counts({("clicks", "queue_depth_reached"): damaged}, Spread(1, damaged, damaged, damaged))
    await write(browser.site, [], counts=(TUESDAY, counts))
    await browser.sign_in()
    assert "Clicks in vain" in (await browser.get("/console/history?day=2026-11-17")).text


async def test_an_odd_question_shows_today(browser: Browser) -> None:
    await browser.sign_in()
    today = f'value="{date(2026, 11, 24).isoformat()}"'
    for query in ("day=x", "day=9999-12-31", "day=", "entry_point=nothing", "entry_point=%3Cscript%3E&day=%00"):
        page = await browser.get(f"/console/history?{query}")
        assert page.status_code == 200
        assert today in page.text
        assert "<script>" not in page.text
    assert (await browser.get("/console/history?day=0001-01-01")).status_code == 200


async def test_every_chart_has_a_table_and_no_style_of_its_own(browser: Browser) -> None:
    counts = Counts()
    counts.wait.add(60)
    counts.depth.add(2)
    counts.add("clicks", "no_capacity", 3)
    change = Change("sales", TUESDAY, State.AVAILABLE, None)
    await write(browser.site, [change], counts=(TUESDAY, counts))
    await browser.sign_in()
    page = (await browser.get("/console/history?entry_point=sales&day=2026-11-17")).text
    figures = re.findall(r"<figure.*?</figure>", page, re.DOTALL)
    assert len(figures) == 5
    for figure in figures:
        assert re.search(r'<svg [^>]*role="img" aria-label="[^"]+"', figure)
        assert "<table>" in figure
    assert "style" not in re.sub(r'rel="stylesheet"', "", page)


async def test_the_last_hour_goes_back_beyond_the_start_of_this_process(browser: Browser) -> None:
    half_an_hour_ago = browser.site.time.now() - timedelta(minutes=30)
    await write(browser.site, [], counts=(half_an_hour_ago, Counts(wait=Spread(2, 1200, 500, 700))))
    await browser.sign_in()
    assert '<span class="small">3m to 10m</span>' in (await browser.get("/console/now")).text
    recorder = browser.site.services.recorder
    assert recorder is not None
    recorder.collect()
    browser.site.time.passes(31 * 60)
    assert "10m" not in (await browser.get("/console/now")).text, "it is more than an hour ago"
