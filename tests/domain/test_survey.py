"""The rules of a form: what is shown, what is asked for, what is refused, and what ECE receives."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from widget.domain.answers import Checked, FaultCode, answers, check
from widget.domain.asked import versions_of
from widget.domain.survey import Survey
from widget.settings import SurveySettings

_RATING = {"id": "helpful", "kind": "rating", "text": "How helpful?", "required": True}
_COMMENT = {"id": "comment", "kind": "text", "text": "Why?", "max_length": 20, "show_if": {"helpful": ["1", "2"]}}


def survey(*questions: dict[str, Any], **more: Any) -> Survey:
    return SurveySettings.model_validate({"title": "T", "questions": list(questions), **more}).survey("test")


def post(asked: Survey, **fields: str | list[str]) -> Checked:
    return check(asked, {name: value if isinstance(value, list) else [value] for name, value in fields.items()})


def codes(checked: Checked) -> list[tuple[str, FaultCode]]:
    return [(fault.question, fault.code) for fault in checked.faults]


def sent(asked: Survey, **fields: str | list[str]) -> dict[str, str]:
    checked = post(asked, **fields)
    assert not checked.faults, checked.faults
    return {answer.question_id: answer.answer for answer in answers(asked, checked, versions_of(asked))}


def test_answers_come_in_the_order_of_the_questions_and_empty_ones_are_left_out() -> None:
    asked = survey(_RATING, _COMMENT, {"id": "more", "kind": "text", "text": "More?"})
    assert sent(asked, more="", comment="too slow", helpful="2") == {"helpful": "2", "comment": "too slow"}


def test_a_required_question_left_empty_is_a_fault() -> None:
    assert codes(post(survey(_RATING, _COMMENT))) == [("helpful", FaultCode.REQUIRED)]


def test_a_form_with_no_answer_at_all_is_a_fault_since_ece_needs_one() -> None:
    assert codes(post(survey({"id": "why", "kind": "text", "text": "?"}), why="")) == [("", FaultCode.NOTHING_ANSWERED)]


def test_blanks_alone_are_no_answer() -> None:
    asked = survey({"id": "why", "kind": "text", "text": "?", "required": True})
    assert ("why", FaultCode.REQUIRED) in codes(post(asked, why=" \n\u2003"))


@pytest.mark.parametrize("value", ["0", "6", "05", "5 ", "five", "٣", "1e0", "-1"])
def test_a_value_that_is_not_offered_is_refused(value: str) -> None:
    assert codes(post(survey(_RATING), helpful=value))[0] == ("helpful", FaultCode.NOT_OFFERED)


def test_two_values_where_one_is_asked_for_are_refused() -> None:
    assert codes(post(survey(_RATING), helpful=["1", "2"])) == [("helpful", FaultCode.ONE_ONLY)]


def test_an_unknown_field_is_refused_and_never_sent() -> None:
    checked = post(survey(_RATING), helpful="3", __proto__="x")
    assert codes(checked) == [("", FaultCode.UNKNOWN_FIELDS)]


def test_an_answer_to_a_hidden_question_is_refused_and_kept_for_the_visitor() -> None:
    checked = post(survey(_RATING, _COMMENT), helpful="5", comment="great")
    assert codes(checked) == [("comment", FaultCode.HIDDEN)]
    assert checked.filled.typed["comment"] == "great"


def test_an_empty_field_of_a_hidden_question_is_no_fault() -> None:
    assert sent(survey(_RATING, _COMMENT), helpful="5", comment="") == {"helpful": "5"}


def test_a_hidden_question_is_not_asked_for_even_if_it_is_required() -> None:
    assert sent(survey(_RATING, {**_COMMENT, "required": True}), helpful="4") == {"helpful": "4"}


def test_a_chain_ends_where_one_of_its_questions_is_hidden() -> None:
    asked = survey(
        _RATING,
        {"id": "again", "kind": "yes_no", "text": "?", "show_if": {"helpful": ["1"]}},
        {"id": "when", "kind": "text", "text": "?", "show_if": {"again": ["yes"]}},
    )
    assert post(asked, helpful="1", again="yes").visible == {"helpful", "again", "when"}
    assert post(asked, helpful="2", again="yes").visible == {"helpful"}


def test_every_condition_must_hold_and_any_of_its_answers_will_do() -> None:
    asked = survey(
        _RATING,
        {"id": "parts", "kind": "choices", "options": ["a", "b", "c"], "text": "?"},
        {"id": "last", "kind": "text", "text": "?", "show_if": {"helpful": ["1", "2"], "parts": ["a", "b"]}},
    )
    assert "last" in post(asked, helpful="2", parts=["b", "c"]).visible
    assert "last" not in post(asked, helpful="2", parts=["c"]).visible
    assert "last" not in post(asked, helpful="3", parts=["a"]).visible


def test_length_is_counted_in_characters_and_a_line_end_as_one() -> None:
    asked = survey(_RATING, _COMMENT)
    assert sent(asked, helpful="1", comment="\N{GRINNING FACE}\r\n" * 10)["comment"] == "\N{GRINNING FACE}\n" * 10
    (fault,) = post(asked, helpful="1", comment="x" * 21).faults
    assert (fault.code, fault.limit, fault.length) == (FaultCode.TOO_LONG, 20, 21)


def test_what_closes_a_bidirectional_run_is_no_character_of_the_visitors() -> None:
    asked = survey(_RATING, _COMMENT)
    once = post(asked, helpful="1", comment="x" * 19 + "\N{RIGHT-TO-LEFT OVERRIDE}")
    again = post(asked, helpful="1", comment=once.filled.typed["comment"])
    assert (once.faults, again.faults) == ((), ())
    assert again.filled == once.filled


def test_several_answers_are_joined_in_the_order_offered() -> None:
    asked = survey({"id": "parts", "kind": "choices", "options": ["a", "b", "c"], "text": "?"})
    assert sent(asked, parts=["c", "a", "a"]) == {"parts": "a; c"}


def test_ece_receives_the_survey_language_whatever_the_visitor_read() -> None:
    asked = survey(
        {
            "id": "topic",
            "kind": "choice",
            "text": {"de": "Worum ging es?", "en": "What was it about?"},
            "options": [{"value": "bill", "text": {"en": "My bill", "de": "Meine Rechnung"}}],
        },
        language="de",
    )
    (answer,) = answers(asked, post(asked, topic="bill"), versions_of(asked))
    assert (answer.question, answer.answer) == ("Worum ging es?", "Meine Rechnung")


def test_another_answer_is_sent_in_the_visitors_own_words() -> None:
    asked = survey({"id": "topic", "kind": "choice", "options": ["a"], "other": True, "text": "?"})
    assert sent(asked, topic="other", **{"topic.other": "my cat"}) == {"topic": "my cat"}
    assert sent(asked, **{"topic.other": "my cat"}) == {"topic": "my cat"}
    assert sent(asked, topic="other") == {"topic": "Other"}
    assert codes(post(asked, topic="a", **{"topic.other": "my cat"})) == [("topic", FaultCode.OTHER_NOT_CHOSEN)]


def test_another_answer_stands_beside_the_chosen_ones() -> None:
    asked = survey({"id": "parts", "kind": "choices", "options": ["a"], "other": "Else", "text": "?"})
    assert sent(asked, parts=["a"], **{"parts.other": "b"}) == {"parts": "a; b"}
    assert sent(asked, parts=["other"]) == {"parts": "Else"}


def test_later_pages_are_not_asked_for_yet() -> None:
    asked = survey({"id": "first", "kind": "yes_no", "text": "?"}, {**_RATING, "page": 2})
    assert check(asked, {"first": ["yes"]}, up_to_page=1).faults == ()
    assert codes(check(asked, {"first": ["yes"]}, up_to_page=2)) == [("helpful", FaultCode.REQUIRED)]


_NAMES = ["helpful", "comment", "topic", "topic.other", "parts", "parts.other", "nps", "solved", "odd", ""]


# the first example ever drawn builds hypothesis's table of characters, which takes seconds on a busy machine
@given(st.dictionaries(st.sampled_from(_NAMES), st.lists(st.text(max_size=30) | st.sampled_from("12345"), max_size=3)))
def test_whatever_is_posted_gives_faults_or_answers_that_were_asked_for(fields: dict[str, list[str]]) -> None:
    asked = survey(
        _RATING,
        _COMMENT,
        {"id": "topic", "kind": "choice", "options": ["1", "2"], "other": True, "text": "?"},
        {
            "id": "parts",
            "kind": "choices",
            "options": ["1", "2"],
            "other": True,
            "text": "?",
            "show_if": {"topic": ["2"]},
        },
        {"id": "nps", "kind": "nps", "text": "?"},
        {"id": "solved", "kind": "yes_no", "text": "?"},
    )
    checked = check(asked, fields)
    if not checked.faults:
        given = answers(asked, checked, versions_of(asked))
        assert given
        assert {answer.question_id for answer in given} <= checked.visible
        assert all(answer.answer.strip() for answer in given)
