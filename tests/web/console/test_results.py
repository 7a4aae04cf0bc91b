"""Results in the console: figures by hand, changed questions told apart, hostile comments shown and never run."""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, insert, select, update

from tests import settling
from tests.web.conftest import Site
from tests.web.console.conftest import Browser
from widget.domain.outbox import Claim, QueueThen
from widget.services.serving import Services
from widget.store.schema import answer_totals, outbox, questions

pytestmark = pytest.mark.anyio

HOSTILE = '<script>alert(1)</script> =HYPERLINK("https://evil.example") \u202eשלום'


@pytest.fixture
def table(table: dict[str, Any]) -> dict[str, Any]:
    """Settings with a survey that has a question of each kind that has figures."""
    questions = [
        {"id": "helpful", "kind": "rating", "text": "How helpful was the agent?"},
        {"id": "again", "kind": "nps", "text": "Would you recommend us?"},
        {"id": "solved", "kind": "yes_no", "text": "Is it solved?"},
        {"id": "comment", "kind": "text", "text": "Anything else?", "max_length": 3000},
    ]
    table["surveys"] = {
        "after_chat": {"title": "How did we do?", "questions": questions},
        "after_order": {"title": "And the parcel?", "questions": questions[:1]},
    }
    table["entry_points"]["sales"]["survey"] = "after_chat"
    return table


async def answer(site: Site, number: int, queue: QueueThen | None = None, language: str = "en", **answers: str) -> None:
    """Answer the survey of one chat, through the product's own link."""
    services: Services = site.services
    link = services.surveys.links.link(f"1234_{number}", "sales", queue=queue)
    opened = services.surveys.links.open(link.token)
    submission = await services.surveys.submit(
        opened, {key: [text] for key, text in answers.items()}, language=language
    )
    assert submission.accepted


async def ten_answers(site: Site) -> None:
    for number in range(10):
        await answer(site, number, helpful=str(3 + number % 3), again=str(number + 1), solved="yes" if number else "no")


async def test_figures_are_those_of_the_answers(browser: Browser) -> None:
    await ten_answers(browser.site)
    await browser.sign_in()
    page = (await browser.get("/console/results")).text
    # 3, 4, 5, 3, 4, 5, 3, 4, 5, 3 and promoters 9 and 10 less detractors 1 to 6
    assert re.search(r"<dt>Mean</dt><dd>3\.9</dd>", page)
    assert re.search(r"<dt>Net Promoter Score</dt><dd>-40</dd>", page)
    assert "90% chose Yes" in page
    assert re.search(r"Detractors \(0 to 6\)</th>.*?<td class=\"number\">6</td><td class=\"number\">60%</td>", page)


async def test_the_rate_is_of_those_who_began_this_survey_in_this_language(browser: Browser) -> None:
    services: Services = browser.site.services
    assert services.recorder is not None
    for number in range(5):
        for survey, language in (("after_chat", "en"), ("after_order", "en"), ("after_chat", "de")):
            link = services.surveys.links.link(f"{survey}_{number}", "sales", survey)
            page = await browser.get(f"/survey/{link.token}?locale={language}")
            assert page.status_code == 200
    services.recorder.collect()
    await services.recorder.write()
    await answer(browser.site, 1, helpful="5")
    await browser.sign_in()
    assert "10% of 10 that were begun" in (await browser.get("/console/results")).text
    assert "20% of 5 that were begun" in (await browser.get("/console/results?language=en")).text


async def test_of_fewer_than_five_answers_no_mean_is_told(browser: Browser) -> None:
    for number in range(4):
        await answer(browser.site, number, helpful="5")
    await browser.sign_in()
    page = (await browser.get("/console/results")).text
    assert "Fewer than 5 answers: no mean." in page
    assert "<dt>Mean</dt>" not in page


async def test_a_comment_is_shown_with_the_queue_of_its_chat_and_never_run(browser: Browser) -> None:
    await answer(browser.site, 1, QueueThen(780, 12), helpful="1", comment=HOSTILE)
    await browser.sign_in()
    page = (await browser.get("/console/results")).text
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "When the chat was opened: wait 13m, 12 waiting" in page


async def test_a_cell_of_the_csv_is_no_formula_and_the_figures_are_numbers(browser: Browser) -> None:
    await answer(browser.site, 100, helpful="1", comment='=HYPERLINK("https://evil.example")')
    await ten_answers(browser.site)
    await browser.sign_in()
    answers = await browser.get("/console/results.csv?of=answers")
    rows = list(csv.reader(io.StringIO(answers.text.lstrip("\ufeff"))))
    assert [row[-1] for row in rows if row[-2] == "Anything else?"] == ['\'=HYPERLINK("https://evil.example")']
    figures = list(csv.DictReader(io.StringIO((await browser.get("/console/results.csv")).text.lstrip("\ufeff"))))
    assert {row["score"] for row in figures if row["question"] == "again"} == {"-40.0"}
    assert answers.headers["content-type"] == "text/csv; charset=utf-8"
    assert "attachment" in answers.headers["content-disposition"]


async def test_a_german_spreadsheet_reads_the_csv_in_columns_and_the_figures_as_numbers(browser: Browser) -> None:
    await ten_answers(browser.site)
    await browser.sign_in()
    german = {"accept-language": "de-DE"}
    text = (await browser.get("/console/results.csv", headers=german)).text.lstrip("\ufeff")
    figures = list(csv.DictReader(io.StringIO(text), delimiter=";"))
    assert {row["score"] for row in figures if row["question"] == "again"} == {"-40,0"}
    text = (await browser.get("/console/results.csv?of=answers", headers=german)).text.lstrip("\ufeff")
    assert {len(row) for row in csv.reader(io.StringIO(text), delimiter=";")} == {7}


@pytest.mark.parametrize(
    ("period", "said"),
    [
        ("since=2026-11-23", "One point for each day."),
        ("since=2026-09-01", "One point for each week."),
        ("since=2026-01-01", "One point for each month."),
    ],
)
async def test_a_line_says_its_times_and_its_heights(browser: Browser, period: str, said: str) -> None:
    await ten_answers(browser.site)
    await browser.sign_in()
    page = (await browser.get(f"/console/results?{period}")).text
    assert f"{said} Drawn from 0 to 5, without points of fewer than 5 answers." in page
    assert f"{said} Drawn from -100 to 100, without points of fewer than 5 answers." in page
    assert f"{said} The highest is 10." in page
    axis = re.search(r'<p class="axis" aria-hidden="true"><span>(.*?)</span><span>(.*?)</span></p>', page)
    assert axis
    assert axis[1] != axis[2]


async def test_every_language_in_which_visitors_answer_can_be_chosen_and_is_named(browser: Browser) -> None:
    await answer(browser.site, 1, language="ar", helpful="5", comment="خدمة ممتازة")
    await answer(browser.site, 2, language="en", helpful="1", comment="Slow")
    await browser.sign_in()
    page = (await browser.get("/console/results")).text
    assert '<option value="ar">العربية</option>' in page
    assert "العربية" in page.split('<ol class="changes given">')[1]
    one = (await browser.get("/console/results?language=ar")).text
    assert "خدمة ممتازة" in one
    assert "Slow" not in one
    figures = csv.DictReader(io.StringIO((await browser.get("/console/results.csv?language=ar")).text.lstrip("\ufeff")))
    assert {row["answered"] for row in figures} == {"1"}


async def test_a_change_says_which_time_it_is_against(browser: Browser) -> None:
    await ten_answers(browser.site)
    await browser.sign_in()
    today = "since=2026-11-23&until=2026-11-23"
    assert "Against the 1 day before" in (await browser.get(f"/console/results?{today}")).text
    assert "Against the 30 days before" in (await browser.get("/console/results")).text


async def test_a_search_that_finds_nothing_is_told_from_a_time_in_which_nothing_was_written(browser: Browser) -> None:
    await ten_answers(browser.site)
    await browser.sign_in()
    assert "Nobody wrote anything in this time." in (await browser.get("/console/results")).text
    assert "No survey of this time has such an answer." in (await browser.get("/console/results?word=zebra")).text


async def test_answers_are_found_by_word_and_by_value(browser: Browser) -> None:
    for number, (rating, words) in enumerate([("1", "Too slow"), ("5", "Quick and kind"), ("1", "SLOW again")]):
        await answer(browser.site, number, helpful=rating, comment=words)
    await browser.sign_in()

    async def found(query: str) -> set[str]:
        page = (await browser.get(f"/console/results?{query}")).text
        return set(re.findall(r"<dd dir=\"auto\">([A-Za-z][^<]+)</dd>", page))

    assert await found("word=slow") == {"Too slow", "SLOW again"}
    assert await found("value=helpful:5") == {"Quick and kind"}
    assert await found("word=slow&value=helpful:5") == set()


async def test_what_was_written_is_read_first_and_the_rest_on_demand(browser: Browser) -> None:
    await answer(browser.site, 1, helpful="5", solved="yes")
    await answer(browser.site, 2, helpful="4", comment="Quick and kind")
    await browser.sign_in()

    async def chosen(query: str) -> list[str]:
        page = (await browser.get(f"/console/results?{query}")).text
        return re.findall(r"<dt dir=\"auto\">How helpful was the agent\?</dt><dd dir=\"auto\">(\d)</dd>", page)

    assert await chosen("") == ["4"]
    assert await chosen("all=1") == ["4", "5"]
    assert "Yes</dd>" in (await browser.get("/console/results?all=1")).text


async def test_a_question_that_changed_has_figures_of_its_own(
    console: Site, browser: Browser, table: dict[str, Any], make_site: Any
) -> None:
    await answer(console, 1, helpful="5")
    table["surveys"]["after_chat"]["questions"][0]["scale"] = 7
    changed = make_site()
    await changed.services.outbox.open()
    try:
        await answer(changed, 2, helpful="7")
        await browser.sign_in()
        other = Browser(changed)
        other.cookies = browser.cookies
        page = (await other.get("/console/results")).text
    finally:
        await changed.services.outbox.close()
    assert page.count("How helpful was the agent?</h2>") == 2
    assert page.count("As it was put before") == 1


async def test_answers_of_an_entry_point_that_left_the_settings_can_be_chosen(
    console: Site, browser: Browser, table: dict[str, Any], make_site: Any
) -> None:
    await answer(console, 1, helpful="5", comment="Quick and kind")
    table["entry_points"]["renamed"] = table["entry_points"].pop("sales")
    changed = make_site()
    await changed.services.outbox.open()
    try:
        other = Browser(changed)
        await other.sign_in()
        page = (await other.get("/console/results?entry_point=sales")).text
        new = (await other.get("/console/results?entry_point=renamed")).text
    finally:
        await changed.services.outbox.close()
    assert "<option selected>sales</option>" in page
    assert "Quick and kind" in page
    assert "<option>sales</option>" in new
    assert "Quick and kind" not in new


async def test_a_survey_that_left_the_settings_is_read_as_it_was(
    console: Site, browser: Browser, table: dict[str, Any], make_site: Any
) -> None:
    await answer(console, 1, helpful="5", comment="Quick and kind")
    del table["surveys"]["after_chat"]
    table["entry_points"]["sales"]["survey"] = "after_order"
    changed = make_site()
    await changed.services.outbox.open()
    try:
        await browser.sign_in()
        other = Browser(changed)
        other.cookies = browser.cookies
        page = (await other.get("/console/results?survey=after_chat")).text
    finally:
        await changed.services.outbox.close()
    assert "<option selected>after_chat</option>" in page
    assert page.count("As it was put before") == 2
    assert "Quick and kind" in page


async def test_what_a_later_release_counted_leaves_the_rest_readable(browser: Browser) -> None:
    await answer(browser.site, 1, helpful="5", comment="Quick and kind")

    def as_a_later_release(connection: Connection) -> int:
        about = {"survey": "after_chat", "question": "mood", "text": '"Mood?"', "options": "[]", "place": 9}
        connection.execute(insert(questions).values(version="later", kind="slider", **about))
        day = (browser.site.time.now().date() - date(1970, 1, 1)).days
        counted = {"survey": "after_chat", "day": day, "entry_point": "sales", "language": "en", "value": "7"}
        connection.execute(insert(answer_totals).values(question="later", number=3, **counted))
        slid = {"question_id": "mood", "question": "Mood?", "answer": "7 of 9", "version": "later", "weight": 2}
        (given,) = connection.execute(select(outbox.c.answers)).scalars()
        return connection.execute(update(outbox).values(answers=json.dumps([*json.loads(given), slid]))).rowcount

    await browser.site.services.outbox.change(as_a_later_release)
    await browser.sign_in()
    page = (await browser.get("/console/results")).text
    assert "How helpful was the agent?</h2>" in page
    assert "Quick and kind" in page
    assert "7 of 9" in page
    assert "7 of 9" in (await browser.get("/console/results.csv?of=answers")).text


@pytest.mark.parametrize("column", ["survey", "day", "entry_point", "language", "question", "value", "number"])
@pytest.mark.parametrize("value", ["CAST(x'ff' AS TEXT)", "-9", "'x'", "x'ff00'", "1e300"])
async def test_a_damaged_total_leaves_the_page_readable(browser: Browser, column: str, value: str) -> None:
    await answer(browser.site, 1, helpful="5", comment="Quick and kind")

    def damage(connection: Connection) -> int:
        one = f"(SELECT min(rowid) FROM {answer_totals.name})"
        return connection.exec_driver_sql(
            f"UPDATE {answer_totals.name} SET {column} = {value} WHERE rowid = {one}"
        ).rowcount

    assert await browser.site.services.outbox.change(damage) == 1
    await browser.sign_in()
    assert "Quick and kind" in (await browser.get("/console/results")).text
    assert (await browser.get("/console/results.csv")).status_code == 200


async def test_odd_questions_and_a_period_without_answers_are_answered(browser: Browser) -> None:
    await answer(browser.site, 1, helpful="5")
    await browser.sign_in()
    nobody = (await browser.get("/console/results?since=2020-01-01&until=2020-02-01")).text
    assert "Nobody answered in this time." in nobody
    for query in (
        "survey=gone",
        "since=x&until=y",
        "until=9999-12-31",
        "since=2026-11-24&until=2020-01-01",
        "before=9.9",
    ):
        assert (await browser.get(f"/console/results?{query}")).status_code == 200


async def test_more_answers_than_a_page_has_are_gone_on_with(browser: Browser) -> None:
    for number in range(30):
        await answer(browser.site, number, comment=f"comment {number}")
        browser.site.time.passes(1)
    await browser.sign_in()
    first = (await browser.get("/console/results")).text
    older = re.search(r'href="(/console/results\?[^"]+)#said"', first)
    assert older
    second = (await browser.get(older[1].replace("&amp;", "&"))).text
    told = [re.findall(r">(comment \d+)<", page) for page in (first, second)]
    assert [len(each) for each in told] == [25, 5]
    as_csv = re.search(r'href="(/console/results.csv\?[^"]+of=answers)"', second)
    assert as_csv
    rows = csv.reader(io.StringIO((await browser.get(as_csv[1].replace("&amp;", "&"))).text))
    assert [row[-1] for row in rows][1:] == told[1], "the CSV has what is on the screen"
    assert len({*told[0], *told[1]}) == 30


async def test_a_purge_while_a_page_is_open_leaves_figures_and_takes_the_words(browser: Browser) -> None:
    await answer(browser.site, 1, helpful="5", comment="a planted word")
    await browser.sign_in()
    assert "a planted word" in (await browser.get("/console/results")).text
    outbox = browser.site.services.outbox
    now = browser.site.time.now()
    (claimed,) = (
        await outbox.claim(Claim(limit=1, owner="x", now=now, lease=timedelta(minutes=1), destination="ece"))
    ).messages
    await outbox.settle(settling.delivered(claimed, now=now))
    browser.site.time.passes(days=100)
    await outbox.tidy(now=browser.site.time.now(), max_age=timedelta(days=7), retention=timedelta(days=90))
    await browser.sign_in()
    page = (await browser.get("/console/results?since=2026-11-01&until=2026-12-31")).text
    assert "a planted word" not in page
    assert "How helpful was the agent?" in page
