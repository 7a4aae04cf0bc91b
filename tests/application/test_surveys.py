"""Start, open and submit: who gets a survey, what is promised, and that one chat answers once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.survey_app import EVERY_KIND, NOW, SID, SurveyStage
from widget import settings
from widget.application.surveys import Surveys, survey_key
from widget.domain.answers import FaultCode
from widget.domain.errors import (
    EceUnsendable,
    OutboxUnavailable,
    SurveyUnknown,
    TicketTaken,
    TokenExpired,
    TokenInvalid,
)
from widget.domain.outbox import OutboxMessage, RowKind

pytestmark = pytest.mark.anyio
_GOOD = {"helpful": ["5"], "solved": ["yes"]}


@pytest.fixture
def stage(table: dict[str, Any]) -> SurveyStage:
    table["surveys"] = {"after_chat": EVERY_KIND, "short": {**EVERY_KIND, "questions": EVERY_KIND["questions"][:1]}}
    table["entry_points"]["sales"]["survey"] = "after_chat"
    return SurveyStage(settings.parse(table))


async def test_what_was_thanked_for_is_in_the_outbox(stage: SurveyStage) -> None:
    opened = stage.links.open(stage.links.link(SID, "sales").token)
    submission = await stage.surveys.submit(opened, {**_GOOD, "liked": ["The tone", "The speed"]})
    assert (submission.accepted, submission.new) == (True, True)
    (message,) = stage.outbox.messages.values()
    assert (message.sid, message.entry_point, message.survey) == (SID, "sales", "after_chat")
    assert stage.answers == {"helpful": "5", "liked": "The speed; The tone", "solved": "yes"}


async def test_a_second_submit_is_accepted_and_changes_nothing(stage: SurveyStage) -> None:
    opened = stage.links.open(stage.links.link(SID, "sales").token)
    await stage.surveys.submit(opened, _GOOD)
    again = await stage.surveys.submit(opened, {**_GOOD, "helpful": ["1"]})
    assert (again.accepted, again.new) == (True, False)
    assert stage.answers["helpful"] == "5"


async def test_another_survey_of_the_same_chat_is_another_row(stage: SurveyStage) -> None:
    for survey in ("after_chat", "short"):
        opened = stage.links.open(stage.links.link(SID, "sales", survey).token)
        fields = _GOOD if survey == "after_chat" else {"helpful": ["5"]}
        assert (await stage.surveys.submit(opened, fields)).new
    assert len(stage.outbox.messages) == 2


async def test_the_identity_of_an_answer_outlives_every_signing_key(stage: SurveyStage) -> None:
    await stage.surveys.submit(stage.links.open(stage.links.link(SID, "sales").token), _GOOD)
    stage.keys[:] = ["a-new-key-that-is-long-enough"]
    again = await stage.surveys.submit(stage.links.open(stage.links.link(SID, "sales").token), _GOOD)
    assert (again.accepted, again.new) == (True, False)


@pytest.fixture
def alerting(table: dict[str, Any]) -> SurveyStage:
    alert = {"question": "helpful", "answers": ["1", "2"], "to": "webhooks.crm"}
    table["webhooks"] = {"crm": {"url": "https://crm.example.com/", "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}}
    table["surveys"] = {"after_chat": {**EVERY_KIND, "alert_if": alert}}
    return SurveyStage(settings.parse(table))


async def test_a_survey_with_a_named_answer_is_told_at_once_and_others_are_not(alerting: SurveyStage) -> None:
    stage = alerting
    for sid, answer in (("one", "2"), ("two", "3")):
        opened = stage.links.open(stage.links.link(sid, "sales", "after_chat").token)
        assert (await stage.surveys.submit(opened, {**_GOOD, "helpful": [answer]})).new
    rows = [(each.sid, each.kind, each.destination) for each in stage.outbox.messages.values()]
    assert rows == [
        ("one", RowKind.SURVEY, "ece"),
        ("one", RowKind.ALERT, "webhooks.crm"),
        ("two", RowKind.SURVEY, "ece"),
    ]
    survey, told, _ = stage.outbox.messages.values()
    assert told.answers == survey.answers
    assert told.key != survey.key


async def test_faulty_answers_are_not_enqueued(stage: SurveyStage) -> None:
    opened = stage.links.open(stage.links.link(SID, "sales").token)
    submission = await stage.surveys.submit(opened, {"helpful": ["9"]})
    assert not submission.accepted
    assert stage.outbox.messages == {}


async def test_nothing_is_thanked_for_that_cannot_be_written_as_xml(stage: SurveyStage) -> None:
    def refuse(message: OutboxMessage) -> None:
        raise EceUnsendable("not XML")

    surveys = Surveys(stage.links, outbox=stage.outbox, rehearse=refuse)
    submission = await surveys.submit(stage.links.open(stage.links.link(SID, "sales").token), _GOOD)
    assert [fault.code for fault in submission.checked.faults] == [FaultCode.UNSENDABLE]
    assert stage.outbox.messages == {}


async def test_a_lost_database_promises_nothing(stage: SurveyStage) -> None:
    stage.outbox.down = True
    opened = stage.links.open(stage.links.link(SID, "sales").token)
    with pytest.raises(OutboxUnavailable):
        await stage.surveys.submit(opened, _GOOD)


async def test_a_ticket_gives_the_chat_that_brings_it_first_its_survey_again_and_again(stage: SurveyStage) -> None:
    ticket = stage.ticket(locale="de")
    links = [await stage.surveys.start(ticket, SID) for _ in range(2)]
    grants = {(stage.links.open(link.token).grant.sid, stage.links.open(link.token).grant.survey) for link in links}
    assert grants == {(SID, "after_chat")}
    assert links[0].locale == "de"


async def test_a_ticket_is_refused_for_another_chat(stage: SurveyStage) -> None:
    ticket = stage.ticket()
    await stage.surveys.start(ticket, SID)
    with pytest.raises(TicketTaken):
        await stage.surveys.start(ticket, SID + "x")


@pytest.mark.parametrize("damaged", ["ü", "\u202e", "", "\udcff"])
async def test_a_binding_that_was_damaged_belongs_to_no_chat(stage: SurveyStage, damaged: str) -> None:
    ticket = stage.ticket()
    await stage.surveys.start(ticket, SID)
    (bound,) = stage.outbox.tickets
    stage.outbox.tickets[bound] = damaged
    with pytest.raises(TicketTaken):
        await stage.surveys.start(ticket, SID)


async def test_the_session_id_is_not_what_a_ticket_is_bound_to_in_storage(stage: SurveyStage) -> None:
    await stage.surveys.start(stage.ticket(), SID)
    assert SID not in str(stage.outbox.tickets)


async def test_an_expired_or_forged_ticket_starts_nothing(stage: SurveyStage) -> None:
    ticket = stage.ticket(lifetime=timedelta(hours=1))
    stage.now = NOW + timedelta(hours=1)
    with pytest.raises(TokenExpired):
        await stage.surveys.start(ticket, SID)
    with pytest.raises(TokenInvalid):
        await stage.surveys.start(ticket[:-5], SID)
    assert stage.outbox.tickets == {}


@pytest.mark.parametrize("sid", ["", " ", "a\nb", "\0", "x" * 257, "\ud800"])
async def test_an_odd_session_id_is_refused(stage: SurveyStage, sid: str) -> None:
    with pytest.raises(ValueError, match="printable"):
        stage.links.link(sid, "sales")


async def test_names_that_the_settings_do_not_have_are_refused(stage: SurveyStage) -> None:
    with pytest.raises(SurveyUnknown):
        stage.links.link(SID, "nowhere")
    with pytest.raises(SurveyUnknown):
        stage.links.link(SID, "sales", "nothing")
    token = stage.tokens.sign_survey(SID, "sales", "gone", NOW + timedelta(days=1))
    with pytest.raises(SurveyUnknown):
        stage.links.open(token)


def test_the_key_of_an_answer_tells_neither_chat_nor_survey() -> None:
    keys = {
        survey_key(b"k", "1", "a"),
        survey_key(b"k", "1", "b"),
        survey_key(b"k", "2", "a"),
        survey_key(b"l", "1", "a"),
    }
    assert len(keys) == 4
    assert all(len(key) == 64 and key.isalnum() for key in keys)
