"""What a visitor posted, held against the survey: clean answers, or a fault for each field that is wrong.

Rules that are choices, not laws:

- An answer to a question that the other answers hide is refused, never dropped in silence. The form without script
  shows such a question with the words "only if …", so the visitor can empty it or change the answer it hangs on.
- A text of blanks alone is no answer.
- Text beside "another answer" counts as choosing it when nothing else was chosen; beside another choice it is a fault.
- A survey with no answer at all is refused: ECE's survey call needs a question and an answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from widget.domain.asked import Chosen, QuestionVersion
from widget.domain.outbox import Answer
from widget.domain.survey import OTHER, Kind, Question, Survey, shown
from widget.domain.text import clean, normal_line_ends, without_closers

SEPARATOR = "; "


class FaultCode(StrEnum):
    REQUIRED = "required"
    NOT_OFFERED = "not_offered"
    ONE_ONLY = "one_only"
    TOO_LONG = "too_long"
    HIDDEN = "hidden"
    OTHER_NOT_CHOSEN = "other_not_chosen"
    UNKNOWN_FIELDS = "unknown_fields"
    NOTHING_ANSWERED = "nothing_answered"
    UNSENDABLE = "unsendable"


class FieldFault(NamedTuple):
    """One fault: of a question's field, or of the whole form when `question` is empty."""

    code: FaultCode
    question: str = ""
    field: str = ""
    limit: int = 0
    length: int = 0


@dataclass(frozen=True, slots=True)
class Filled:
    """A form as posted: by question id the offered values chosen and the text typed, cleaned, wrong ones included."""

    chosen: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    typed: Mapping[str, str] = field(default_factory=dict)

    def has_answer(self, question: Question) -> bool:
        return bool(self.chosen.get(question.id)) or bool(self.typed.get(question.id, "").strip())


@dataclass(frozen=True, slots=True)
class Checked:
    """The outcome: what was filled in, which questions are shown after it, and what is wrong."""

    filled: Filled
    visible: frozenset[str]
    faults: tuple[FieldFault, ...]


Fields = Mapping[str, Sequence[str]]


def check(survey: Survey, fields: Fields, *, up_to_page: int | None = None) -> Checked:
    """Hold posted fields against the survey; with `up_to_page`, questions of later pages are not asked for yet."""
    read = {question.id: _read(question, fields) for question in survey.questions}
    filled = Filled(
        chosen={name: picked for name, (picked, _, _) in read.items() if picked},
        typed={name: text for name, (_, text, _) in read.items() if text},
    )
    visible = shown(survey.questions, filled.chosen)
    whole: list[FieldFault] = []
    known = {question.id for question in survey.questions} | {question.other_field for question in survey.questions}
    if any(name not in known for name in fields):
        whole.append(FieldFault(FaultCode.UNKNOWN_FIELDS))
    asked = [question for question in survey.questions if up_to_page is None or question.page <= up_to_page]
    for question in asked:
        _, _, faults = read[question.id]
        whole += _faults_of(question, filled, faults, visible=question.id in visible)
    if not whole and up_to_page is None and not any(map(filled.has_answer, survey.questions)):
        whole.append(FieldFault(FaultCode.NOTHING_ANSWERED))
    return Checked(filled, visible, tuple(whole))


def answers(survey: Survey, checked: Checked, versions: Mapping[str, QuestionVersion]) -> tuple[Answer, ...]:
    """Write a faultless form as ECE shall have it: in the survey's language, unanswered questions left out.

    `versions` are the survey's.
    """
    assert not checked.faults
    return tuple(
        Answer(question.id, versions[question.id].text, _answer(question, checked.filled, versions[question.id]))
        for question in _answered(survey, checked)
    )


def chosen_of(survey: Survey, checked: Checked, versions: Mapping[str, QuestionVersion]) -> tuple[Chosen, ...]:
    """Return what a faultless form chose, one for each of its `answers`."""
    return tuple(
        Chosen(versions[question.id], checked.filled.chosen.get(question.id, ()))
        for question in _answered(survey, checked)
    )


def _answered(survey: Survey, checked: Checked) -> list[Question]:
    return [
        question
        for question in survey.questions
        if question.id in checked.visible and checked.filled.has_answer(question)
    ]


def _read(question: Question, fields: Fields) -> tuple[tuple[str, ...], str, list[FieldFault]]:
    """Take one question's fields: values chosen (offered ones alone), text typed, and what is wrong with them."""
    name, offered = question.id, question.values
    if question.kind is Kind.TEXT:
        return (), *_text(question, name, fields)
    given = _given(name, fields)
    picked = tuple(value for value in offered if value in given)
    faults = []
    if any(value not in offered for value in given):
        faults.append(FieldFault(FaultCode.NOT_OFFERED, name, name))
    elif question.kind is not Kind.CHOICES and len(given) > 1:
        faults.append(FieldFault(FaultCode.ONE_ONLY, name, name))
    text = ""
    if question.other_field is not None:
        text, found = _text(question, question.other_field, fields)
        faults += found
        if text.strip() and OTHER not in picked:
            if not picked or question.kind is Kind.CHOICES:
                picked = (*picked, OTHER)
            else:
                faults.append(FieldFault(FaultCode.OTHER_NOT_CHOSEN, name, question.other_field))
    return picked, text, faults


def _text(question: Question, name: str, fields: Fields) -> tuple[str, list[FieldFault]]:
    text, *more = _given(name, fields) or [""]
    if more:
        return clean(text), [FieldFault(FaultCode.ONE_ONLY, question.id, name)]
    # Closing a bidirectional run must not push a visitor over the limit, now or when the cleaned text comes back.
    length = len(without_closers(normal_line_ends(text)))
    if length > question.max_length:
        return clean(text), [FieldFault(FaultCode.TOO_LONG, question.id, name, question.max_length, length)]
    return clean(text), []


def _given(name: str, fields: Fields) -> list[str]:
    return [value for value in fields.get(name, ()) if value]


def _faults_of(question: Question, filled: Filled, found: list[FieldFault], *, visible: bool) -> list[FieldFault]:
    if not visible:
        hidden = filled.has_answer(question) or bool(found)
        return [FieldFault(FaultCode.HIDDEN, question.id, question.id)] if hidden else []
    if not found and question.required and not filled.has_answer(question):
        return [FieldFault(FaultCode.REQUIRED, question.id, question.id)]
    return found[:1]


def _answer(question: Question, filled: Filled, version: QuestionVersion) -> str:
    """Return the words of what was chosen; of a scale, and of yes and no, ECE has the value."""
    if question.kind is Kind.TEXT:
        return filled.typed[question.id]
    words = dict(version.options) if question.kind in (Kind.CHOICE, Kind.CHOICES) else {}
    typed = filled.typed.get(question.id, "")
    if typed.strip():
        words[OTHER] = typed
    return SEPARATOR.join(words.get(value, value) for value in filled.chosen[question.id])
