"""`[surveys.NAME]`: the public example reads, and every fault is named at once with its key and what is allowed."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest

from widget import settings
from widget.domain.survey import Survey

_EXAMPLE = """
title = "How did we do?"
[[questions]]
id = "helpful"
kind = "rating"
text = "How helpful was the agent?"
required = true
[[questions]]
id = "comment"
kind = "text"
text = "What could we do better?"
max_length = 800
show_if = { helpful = ["1", "2", "3"] }
"""


def parse(table: dict[str, Any], *questions: dict[str, Any], **more: Any) -> Survey:
    table["surveys"] = {"s": {"title": "T", "questions": list(questions), **more}}
    return settings.parse(table).surveys["s"].survey("s")


def faults(table: dict[str, Any], *questions: dict[str, Any], **more: Any) -> dict[str, str]:
    with pytest.raises(settings.SettingsFaults) as caught:
        parse(table, *questions, **more)
    return {fault.key.removeprefix("surveys.s."): fault.allowed for fault in caught.value.faults}


def test_the_example_of_the_settings_reads(table: dict[str, Any]) -> None:
    table["surveys"] = {"after_chat": tomllib.loads(_EXAMPLE)}
    table["entry_points"]["sales"]["survey"] = "after_chat"
    survey = settings.parse(table).surveys["after_chat"].survey("after_chat")
    helpful, comment = survey.questions
    assert helpful.values == ("1", "2", "3", "4", "5")
    assert helpful.required
    assert comment.max_length == 800
    assert comment.show_if == {"helpful": {"1", "2", "3"}}


def test_numbers_and_truth_values_may_stand_in_conditions(table: dict[str, Any]) -> None:
    survey = parse(
        table,
        {"id": "solved", "kind": "yes_no", "text": "?"},
        {"id": "score", "kind": "rating", "scale": 3, "text": "?"},
        {"id": "why", "kind": "text", "text": "?", "show_if": {"solved": False, "score": [1, 2]}},
    )
    assert survey.questions[2].show_if == {"solved": {"no"}, "score": {"1", "2"}}


@pytest.mark.parametrize(
    "labels",
    [
        ["Bad", "Good"],
        {"en": ["Bad", "Good"], "de": ["Schlecht", "Gut"]},
        {"1": "Bad", "5": {"en": "Good", "de": "Gut"}},
        [{"en": "Bad", "de": "Schlecht"}, {"en": "Good", "de": "Gut"}],
    ],
)
def test_labels_may_be_written_in_each_way_that_reads_naturally(table: dict[str, Any], labels: Any) -> None:
    (question,) = parse(table, {"id": "q", "kind": "rating", "text": "?", "labels": labels}).questions
    assert {value: words.pick("en", "en")[1] for value, words in question.labels.items()} == {"1": "Bad", "5": "Good"}


def test_a_page_is_the_one_of_the_question_before_unless_written(table: dict[str, Any]) -> None:
    survey = parse(
        table, *({"id": f"q{n}", "kind": "nps", "text": "?", **({"page": 2} if n == 1 else {})} for n in range(3))
    )
    assert [question.page for question in survey.questions] == [1, 2, 2]


def test_the_survey_language_is_the_one_written_first_or_named(table: dict[str, Any]) -> None:
    question = {"id": "q", "kind": "nps", "text": {"de": "Wie?", "en": "How?"}}
    assert parse(table, question).language == "de"
    assert parse(table, question, language="en").language == "en"


def test_every_fault_is_named_at_once(table: dict[str, Any]) -> None:
    found = faults(
        table,
        {"id": "a b", "kind": "rating", "text": "x"},
        {"id": "c", "kind": "choice", "text": {"en": "x"}, "other": True, "options": ["other", "x", "x"], "scale": 3},
        {"id": "c", "kind": "nps", "text": {"de": "x"}, "labels": ["a"], "page": 3, "show_if": {"zz": "1", "c": "1"}},
        {"id": "d", "kind": "yes_no", "text": "", "max_length": 0, "bogus": 1},
        {"id": "e", "kind": "choices", "text": "x", "page": 1, "show_if": {"late": "1"}},
        {"id": "late", "kind": "rating", "text": "x", "max_length": 5, "show_if": {"late": "1"}},
    )
    assert {
        "questions.0.id",
        "questions.1.options.0",
        "questions.1.options.2",
        "questions.1.scale",
        "questions.2.id",
        "questions.2.labels",
        "questions.2.show_if.zz",
        "questions.2.show_if.c",
        "questions.2.text",
        "questions.3.text",
        "questions.3.max_length",
        "questions.3.bogus",
        "questions.4.options",
        "questions.4.page",
        "questions.4.show_if.late",
        "questions.5.max_length",
        "questions.5.show_if.late",
    } <= set(found)


@pytest.mark.parametrize(
    ("question", "key"),
    [
        ({"kind": "stars"}, "kind"),
        ({"kind": "rating", "scale": 11}, "scale"),
        ({"kind": "rating", "scale": 1}, "scale"),
        ({"kind": "rating", "look": "hearts"}, "look"),
        ({"kind": "nps", "look": "stars"}, "look"),
        ({"kind": "choice", "options": []}, "options"),
        ({"kind": "choice", "options": [{"value": "a", "txt": "b"}]}, "options"),
        ({"kind": "choice", "options": ["a\nb"]}, "options"),
        ({"kind": "text", "options": ["a"]}, "options"),
        ({"kind": "text", "other": True}, "other"),
        ({"kind": "text", "max_length": 10_001}, "max_length"),
        ({"kind": "rating", "labels": ["a", "b", "c"]}, "labels"),
        ({"kind": "rating", "labels": {"6": "a"}}, "labels.6"),
        ({"kind": "text", "show_if": ["x"]}, "show_if"),
        ({"kind": "text", "text": {"e$": "x"}}, "text"),
        ({"kind": "text", "text": {}}, "text"),
    ],
)
def test_a_wrong_question_is_named(table: dict[str, Any], question: dict[str, Any], key: str) -> None:
    assert f"questions.0.{key}" in faults(table, {"id": "q", "text": "?", **question})


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"kind": "text"}, 'a question that offers answers; "first" takes a text'),
        ({"kind": "yes_no"}, "at least one of its answers (yes, no)"),
    ],
)
def test_a_condition_without_answers_is_one_fault(table: dict[str, Any], asked: dict[str, Any], said: str) -> None:
    waiting = {"id": "q", "kind": "text", "text": "?", "show_if": {"first": []}}
    with pytest.raises(settings.SettingsFaults) as caught:
        parse(table, {"id": "first", "text": "?", **asked}, waiting)
    assert [fault.allowed for fault in caught.value.faults] == [said]


def test_texts_that_no_form_could_carry_are_refused(table: dict[str, Any]) -> None:
    asked = [{"id": f"q{n}", "kind": "text", "text": "?", "max_length": 9000} for n in range(5)]
    assert "40000" in faults(table, *asked)["questions"]


def test_a_survey_without_questions_is_refused(table: dict[str, Any]) -> None:
    assert "questions" in faults(table)
