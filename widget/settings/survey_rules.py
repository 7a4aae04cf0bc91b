"""The rules between the questions of a survey, looked at even when single values are wrong."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import TypeAdapter

from widget.domain.survey import OTHER, Kind, Translations
from widget.settings.faults import Fault
from widget.settings.raw import listed, valid
from widget.settings.surveys import (
    ALL_ANSWERS,
    DEFAULT_ANSWER,
    DEFAULT_OTHER,
    AlertSettings,
    QuestionSettings,
    Text,
    first_language,
    texts_of,
)

_CHOOSING = (Kind.CHOICE, Kind.CHOICES)
_LABELLED = (Kind.RATING, Kind.NPS, Kind.YES_NO)
_TEXT: TypeAdapter[Translations] = TypeAdapter(Text)


def survey_faults(name: str, table: Mapping[str, Any]) -> Iterator[Fault]:
    """Name every broken rule of one survey table as read from TOML; values that do not parse are told elsewhere."""
    raw = table.get("questions")
    parsed = [valid(TypeAdapter(QuestionSettings), each) for each in listed(raw)]
    questions = [(f"surveys.{name}.questions.{place}", each) for place, each in enumerate(parsed) if each is not None]
    for key, question in questions:
        yield from _kind_faults(key, question)
    yield from _order_faults(questions)
    yield from _condition_faults(questions, {str(each.get("id")) for each in listed(raw) if isinstance(each, dict)})
    yield from _language_faults(name, table, questions)
    yield from _alert_faults(name, table, questions)
    longest = sum(
        question.max_length or (DEFAULT_ANSWER if question.kind is Kind.TEXT else DEFAULT_OTHER)
        for _, question in questions
        if question.kind is Kind.TEXT or question.other is not None
    )
    if longest > ALL_ANSWERS:
        yield Fault(
            f"surveys.{name}.questions",
            "",
            f"all typed answers together may have {ALL_ANSWERS} characters, these have {longest}; lower a max_length",
        )


def _alert_faults(
    name: str, table: Mapping[str, Any], questions: Sequence[tuple[str, QuestionSettings]]
) -> Iterator[Fault]:
    alert = valid(TypeAdapter(AlertSettings), table.get("alert_if"))
    if alert is None:
        return
    key = f"surveys.{name}.alert_if"
    asked = next((question for _, question in questions if question.id == alert.question), None)
    if asked is None:
        yield Fault(f"{key}.question", alert.question, "the id of a question of this survey")
    else:
        yield from _answer_faults(f"{key}.question", asked, f"{key}.answers", alert.answers)


def _answer_faults(key: str, asked: QuestionSettings, answers_key: str, answers: Sequence[str]) -> Iterator[Fault]:
    """Name a question whose answers nobody can name, answers that are none, and each that it does not offer."""
    offered = asked.question(1).values
    if not offered:
        yield Fault(key, "", f'a question that offers answers; "{asked.id}" takes a text')
        return
    if not answers:
        yield Fault(answers_key, "[]", f"at least one of its answers ({', '.join(offered)})")
    for answer in answers:
        if answer not in offered:
            yield Fault(answers_key, answer, f"answers that the question offers ({', '.join(offered)})")


def _kind_faults(key: str, question: QuestionSettings) -> Iterator[Fault]:
    kind = question.kind
    if kind in _CHOOSING and not question.options:
        yield Fault(f"{key}.options", "", f'is required for kind "{kind}", as ["The price", "The wait"]')
    choosing, rating = kind in _CHOOSING, kind is Kind.RATING
    for part, value, misplaced, kinds in (
        ("options", "", question.options and not choosing, '"choice" or "choices"'),
        ("other", "", question.other is not None and not choosing, '"choice" or "choices"'),
        ("scale", str(question.scale), question.scale is not None and not rating, '"rating"'),
        ("look", str(question.look), question.look is not None and not rating, '"rating"'),
    ):
        if misplaced:
            yield Fault(f"{key}.{part}", value, f'goes with kind {kinds}, not "{kind}"')
    if question.max_length is not None and kind is not Kind.TEXT and question.other is None:
        yield Fault(f"{key}.max_length", str(question.max_length), 'goes with kind "text", or beside "other"')
    seen: set[str] = set()
    for place, option in enumerate(question.options):
        if option.value in seen:
            yield Fault(f"{key}.options.{place}", option.value, "stands there twice; each value once")
        if option.value == OTHER and question.other is not None:
            yield Fault(f"{key}.options.{place}", option.value, 'is the value that "other" itself uses; take another')
        seen.add(option.value)
    yield from _label_faults(key, question)


def _label_faults(key: str, question: QuestionSettings) -> Iterator[Fault]:
    if not question.labels:
        return
    if question.kind not in _LABELLED:
        yield Fault(f"{key}.labels", "", f'goes with kind "rating", "nps" or "yes_no", not "{question.kind}"')
        return
    values = question.question(1).values
    if isinstance(question.labels, Mapping):
        for step in question.labels:
            if step not in values:
                yield Fault(f"{key}.labels.{step}", "", f"a step of the question ({values[0]} to {values[-1]})")
    elif len(question.labels) not in (2, len(values)):
        yield Fault(f"{key}.labels", "", f"two labels for the ends, or {len(values)} for every step")


def _order_faults(questions: list[tuple[str, QuestionSettings]]) -> Iterator[Fault]:
    seen: set[str] = set()
    page = 1
    for key, question in questions:
        if question.id in seen:
            yield Fault(f"{key}.id", question.id, "is the id of an earlier question too; each has its own")
        seen.add(question.id)
        if question.page is not None and question.page < page:
            yield Fault(f"{key}.page", str(question.page), f"at least {page}, the page of the question before it")
        page = max(page, question.page or page)


def _condition_faults(questions: list[tuple[str, QuestionSettings]], all_ids: set[str]) -> Iterator[Fault]:
    """Conditions look back only, so no two questions can wait for each other."""
    earlier: dict[str, QuestionSettings] = {}
    faulty = all_ids - {question.id for _, question in questions}
    for key, question in questions:
        for asked, wanted in question.show_if.items():
            place = f"{key}.show_if.{asked}"
            if asked in faulty:
                continue
            if asked not in earlier:
                known = ", ".join(earlier) or "none is before it"
                yield Fault(place, "", f"the id of an earlier question ({known})")
                continue
            yield from _answer_faults(place, earlier[asked], place, wanted)
        earlier.setdefault(question.id, question)


def _language_faults(
    name: str, table: Mapping[str, Any], questions: list[tuple[str, QuestionSettings]]
) -> Iterator[Fault]:
    title = valid(_TEXT, table.get("title"))
    named = table.get("language")
    language = str(named).replace("_", "-") if named else first_language(title, [each for _, each in questions])
    every = [(f"surveys.{name}.title", title)] if title else []
    every += [
        (f"{key}.{part}", translations) for key, question in questions for part, translations in texts_of(question)
    ]
    for key, translations in every:
        if language and "" not in translations.by_language and language not in translations.by_language:
            yield Fault(key, "", f'a text in "{language}" too, the language that ECE receives')
