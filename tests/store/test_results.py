"""What was answered, on both databases: totals that agree with the rows, and answers to read."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from dataclasses import replace
from datetime import date, timedelta

import pytest

from tests.hand_clock import HandClock
from tests.store.conftest import make_message
from widget.domain.asked import Chosen, QuestionVersion
from widget.domain.history import Batch, Begun, Process
from widget.domain.outbox import Answer, OutboxMessage, QueueThen
from widget.domain.results import Scope, by_version
from widget.domain.survey import Kind
from widget.store.command_outbox import command_outbox
from widget.store.history import HistoryStore
from widget.store.operating import Selection
from widget.store.outbox import Outbox
from widget.store.results import ResultsStore

pytestmark = pytest.mark.anyio

VALUES = tuple((str(value), str(value)) for value in range(1, 6))
HELPFUL = QuestionVersion("after_chat", "helpful", Kind.RATING, "How helpful was the agent?", VALUES, 0)
COMMENT = QuestionVersion("after_chat", "comment", Kind.TEXT, "Anything else?", (), 1)


def survey(number: int | str, rating: str = "4", comment: str = "", **parts: object) -> OutboxMessage:
    answers, chosen = [Answer("helpful", HELPFUL.text, rating)], [Chosen(HELPFUL, (rating,))]
    if comment:
        answers.append(Answer("comment", COMMENT.text, comment))
        chosen.append(Chosen(COMMENT, ()))
    made = replace(make_message(number), answers=tuple(answers), chosen=tuple(chosen), language="en")
    return replace(made, **parts)  # type: ignore[arg-type]


def scope(clock: HandClock, days: int = 30, **parts: str) -> Scope:
    today = clock.now().date()
    return Scope("after_chat", today - timedelta(days=days - 1), today + timedelta(days=1), **parts)


@pytest.fixture
def results(outbox: Outbox) -> ResultsStore:
    return ResultsStore(outbox)


async def test_each_survey_counts_once_however_often_it_is_sent(
    outbox: Outbox, results: ResultsStore, clock: HandClock
) -> None:
    await asyncio.gather(*(outbox.enqueue(survey(1)) for _ in range(10)), outbox.enqueue(survey(2, "5", "Fine")))
    await outbox.enqueue(survey(1))
    assert await results.answered(scope(clock)) == 2
    assert by_version(await results.totals(scope(clock))) == {HELPFUL.id: {"": 2, "4": 1, "5": 1}, COMMENT.id: {"": 1}}
    assert await results.versions("after_chat") == [HELPFUL, COMMENT]


async def test_totals_are_those_of_the_rows(outbox: Outbox, results: ResultsStore, clock: HandClock) -> None:
    chance, told = random.Random(7), Counter[str]()
    for number in range(300):
        clock.passes(3600)
        rating = str(chance.randint(1, 5))
        told[rating] += 1
        await outbox.enqueue(survey(number, rating, entry_point=chance.choice(["sales", "support"])))
    everything = scope(clock)
    assert by_version(await results.totals(everything)) == {HELPFUL.id: {"": 300, **told}}
    by_day = await results.by_day(everything, HELPFUL.id)
    assert sum(numbers[""] for numbers in by_day.values()) == 300
    parts = [await results.answered(replace(everything, entry_point=name)) for name in ("sales", "support", "other")]
    assert sum(parts) == 300
    assert parts[2] == 0


async def test_forms_begun_are_those_of_their_survey_and_a_batch_that_comes_again_counts_once(
    outbox: Outbox, results: ResultsStore, clock: HandClock, url: str
) -> None:
    await outbox.enqueue(survey(1))
    today, now = clock.now().date(), clock.now()
    begun = [
        Begun(today, "after_chat", "sales", "en", 3),
        Begun(today, "after_chat", "support", "de", 4),
        Begun(today, "after_order", "sales", "en", 5),
    ]
    history = HistoryStore(url)
    batch = Batch(Process("one", "serve", "host", 1, "1.0", now, now), 1, begun=begun)
    for each in (batch, batch, batch._replace(number=2)):
        await history.write(each)
    await history.close()
    assert await results.begun(scope(clock)) == 14
    assert await results.begun(scope(clock, entry_point="support")) == 8
    assert await results.begun(scope(clock, language="en")) == 6
    assert await results.answered(scope(clock)) == 1
    assert by_version(await results.totals(scope(clock))) == {HELPFUL.id: {"": 1, "4": 1}}


async def test_a_period_has_its_days_and_no_others(outbox: Outbox, results: ResultsStore, clock: HandClock) -> None:
    for number in range(10):
        await outbox.enqueue(survey(number, language="de" if number < 3 else "en"))
        clock.passes(86_400)
    last = clock.now().date()
    assert await results.answered(Scope("after_chat", last - timedelta(days=5), last)) == 5
    assert await results.answered(Scope("after_chat", last, last + timedelta(days=9))) == 0
    assert await results.answered(Scope("after_chat", date(1970, 1, 1), last, language="de")) == 3
    assert await results.languages("after_chat") == ["de", "en"]
    assert await results.surveys() == ["after_chat"]


async def test_totals_stay_when_the_answers_of_a_person_are_purged_and_hold_no_word_of_theirs(
    outbox: Outbox, results: ResultsStore, clock: HandClock, url: str
) -> None:
    await outbox.enqueue(survey(1, "2", "a planted word", queue=QueueThen(60, 2)))

    def purged() -> None:
        with command_outbox(url) as store:
            list(store.purge(Selection(sid="1234_1"), now=clock.now()))

    await asyncio.to_thread(purged)
    assert await results.given(scope(clock), None, 10) == []
    assert by_version(await results.totals(scope(clock)))[HELPFUL.id] == {"": 1, "2": 1}
    await outbox.enqueue(survey(1, "5"))
    assert await results.answered(scope(clock)) == 1


async def test_answers_are_read_the_newest_first_with_the_queue_of_their_chat(
    outbox: Outbox, results: ResultsStore, clock: HandClock
) -> None:
    for number in range(5):
        await outbox.enqueue(survey(number, comment=f"comment {number}", queue=QueueThen(60 * number, None)))
        clock.passes(0.0 if number % 2 else 60.0)
    await outbox.enqueue(replace(survey(9), queue=None))
    first = await results.given(scope(clock), None, 4)
    rest = await results.given(scope(clock), first[-1].mark, 4)
    assert [each.wait_time for each in (*first, *rest)] == [None, 240, 180, 120, 60, 0]
    assert [answer.answer for answer in first[1].answers] == ["4", "comment 4"]
    assert first[1].answers[0].chosen == ("4",)
    assert first[1].answers[0].version == HELPFUL.id


async def test_answers_of_a_release_that_counted_nothing_are_read_too(
    outbox: Outbox, results: ResultsStore, clock: HandClock
) -> None:
    await outbox.enqueue(make_message(1))
    (given,) = await results.given(scope(clock), None, 10)
    assert [(answer.answer, answer.version) for answer in given.answers] == [("5", ""), ("very good", "")]
    assert await results.answered(scope(clock)) == 1
    assert await results.totals(scope(clock)) == []


async def test_a_text_in_any_script_comes_back_as_it_was(
    outbox: Outbox, results: ResultsStore, clock: HandClock
) -> None:
    text = "שלום \u202e<script>alert(1)</script>\n=1+1 \U0001f600"
    await outbox.enqueue(survey(1, comment=text))
    (given,) = await results.given(scope(clock), None, 10)
    assert given.answers[1].answer == text
