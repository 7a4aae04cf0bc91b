"""What the survey templates are given: the form as it is drawn. The fields are a documented interface."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Annotated, NamedTuple

from widget.domain.answers import Checked, FaultCode, FieldFault, Fields, Filled, check
from widget.domain.survey import OTHER, Kind, Question, Survey, Translations, is_met

PAGE_FIELD = "_page"  # ids of questions start with a letter, so these two names are free
GO_FIELD = "_go"


class Said(NamedTuple):
    """A text of the operator. `lang` is empty when it is the page's language, or not known."""

    text: str
    lang: str = ""


class OptionView(NamedTuple):
    """One radio button or checkbox. `said` is None where the template has words: another answer, yes, no, a number."""

    id: str
    value: str
    said: Said | None
    checked: bool
    is_other: bool = False


class Condition(NamedTuple):
    """Why a question may not apply: it is asked only after one of these answers to that question."""

    question: Said
    answers: tuple[OptionView, ...]


class QuestionView(NamedTuple):
    """One question. `field_id` is what a fault links to; `show_if` is JSON for the script, empty when always shown."""

    id: str
    number: int  # from 1, over all pages, questions that are not asked included
    kind: str
    look: str  # of a rating: numbers, stars or faces
    said: Said
    required: bool
    options: tuple[OptionView, ...]
    first_label: Said | None  # of a scale whose ends alone are labelled
    last_label: Said | None
    each_labelled: bool
    other_field: str
    typed: str
    max_length: int
    show_if: str
    conditions: tuple[Condition, ...]
    fault: FieldFault | None
    field_id: str
    can_be_emptied: bool  # offers "no answer": the visitor must take back an answer that does not apply


class FormContext(NamedTuple):
    """`survey/form.html`: one page of a survey."""

    survey: Annotated[str, "the survey's name in the settings"]
    entry_point: Annotated[str, "the entry point's name in the settings"]
    title: Annotated[Said, "the survey's title, with `text` and `lang`"]
    questions: Annotated[tuple[QuestionView, ...], "the questions of this page, in order"]
    carried: Annotated[tuple[tuple[str, str], ...], "answers of other pages, name and value, for hidden fields"]
    page: Annotated[int, "the number of this page in the settings"]
    step: Annotated[int, "which page this is, from 1"]
    steps: Annotated[int, "how many pages there are"]
    total: Annotated[
        int, "how many questions the survey has on all pages, those asked only after some answers included"
    ]
    faults: Annotated[tuple[FieldFault, ...], "faults of the whole form, each with a `code`"]
    storage_down: Annotated[bool, "the answers could not be stored just now; nothing was lost"]
    restorable: Annotated[bool, "what is empty may be filled from the draft kept in the tab"]
    first_fault: Annotated[str, "the id of the first faulty field; empty when there is none"]
    script_url: Annotated[str, "the address of the script that improves the form"]
    nonce: Annotated[str, "what the page's policy asks of a script tag"]


class SurveyEndContext(NamedTuple):
    """`survey/thanks.html` and `survey/expired.html`."""

    survey: Annotated[str, "the survey's name in the settings; empty when not known"]
    entry_point: Annotated[str, "the entry point's name in the settings; empty when not known"]
    script_url: Annotated[str, "the address of the script that removes the draft"]
    nonce: Annotated[str, "what the page's policy asks of a script tag"]


class SurveyView:
    """Draws one survey for one reader."""

    def __init__(
        self, survey: Survey, entry_point: str, *, wanted: str, language: str, script_url: str, nonce: str
    ) -> None:
        self._survey = survey
        self._entry_point = entry_point
        self._wanted = wanted  # what the reader asked for; the page itself may not be there in that language
        self._language = language
        self._script_url = script_url
        self._nonce = nonce

    def form(
        self,
        fields: Fields,
        *,
        page: int,
        faults: Sequence[FieldFault] = (),
        storage_down: bool = False,
    ) -> FormContext:
        """Draw one page, filled with what was posted, faulty values included."""
        checked = check(self._survey, fields)
        by_question = {fault.question: fault for fault in reversed(faults) if fault.question}
        here = [question for question in self._survey.questions if question.page == page]
        drawn = [question for question in here if asked(self._survey, question, checked)]
        views = tuple(self._question(question, checked.filled, by_question.get(question.id)) for question in drawn)
        steps = self._survey.pages
        return FormContext(
            survey=self._survey.name,
            entry_point=self._entry_point,
            title=self._say(self._survey.title),
            questions=views,
            carried=tuple(_carried(self._survey, checked.filled, fields, page)),
            page=page,
            step=steps.index(page) + 1,
            steps=len(steps),
            total=len(self._survey.questions),
            faults=tuple(fault for fault in faults if not fault.question),
            storage_down=storage_down,
            restorable=not faults and not storage_down,
            first_fault=next((view.field_id for view in views if view.fault), ""),
            script_url=self._script_url,
            nonce=self._nonce,
        )

    def _say(self, translations: Translations) -> Said:
        for wanted in (self._wanted, self._language):
            lang, text = translations.pick(wanted, self._survey.language)
            if lang.partition("-")[0].lower() == wanted.partition("-")[0].lower():
                break
        lang = lang or self._survey.language
        return Said(text, "" if lang.lower() == self._language.lower() else lang)

    def _question(self, question: Question, filled: Filled, fault: FieldFault | None) -> QuestionView:
        options = self._options(question, filled.chosen.get(question.id, ()))
        on_a_scale = question.kind in (Kind.RATING, Kind.NPS)
        ends = on_a_scale and set(question.labels) <= {question.values[0], question.values[-1]}
        first, last = (question.labels.get(question.values[place]) if ends else None for place in (0, -1))
        field_id = f"q-{question.id}" if question.kind is Kind.TEXT else options[0].id
        if fault and fault.field and fault.field == question.other_field:
            field_id = f"q-{question.other_field}"
        here = {each.id: each for each in self._survey.questions if each.page == question.page}
        conditions = {asked: wanted for asked, wanted in question.show_if.items() if asked in here}
        return QuestionView(
            id=question.id,
            number=self._survey.questions.index(question) + 1,
            kind=question.kind.value,
            look=question.look.value,
            said=self._say(question.text),
            required=question.required,
            options=options,
            first_label=self._say(first) if first else None,
            last_label=self._say(last) if last else None,
            each_labelled=on_a_scale and bool(question.labels) and not ends,
            other_field=question.other_field or "",
            typed=filled.typed.get(question.id, ""),
            max_length=question.max_length,
            show_if=json.dumps({asked: sorted(wanted) for asked, wanted in conditions.items()}) if conditions else "",
            conditions=tuple(self._condition(here[asked], wanted) for asked, wanted in conditions.items()),
            fault=fault,
            field_id=field_id,
            can_be_emptied=fault is not None
            and fault.code is FaultCode.HIDDEN
            and question.kind not in (Kind.TEXT, Kind.CHOICES),
        )

    def _options(self, question: Question, chosen: Iterable[str]) -> tuple[OptionView, ...]:
        chosen = frozenset(chosen)
        texts = {option.value: option.text for option in question.options} | dict(question.labels)
        if question.other is not None and question.other.by_language:
            texts[OTHER] = question.other
        return tuple(
            OptionView(
                id=f"q-{question.id}-{place}",
                value=value,
                said=self._say(texts[value]) if value in texts else None,
                checked=value in chosen,
                is_other=question.other is not None and value == OTHER,
            )
            for place, value in enumerate(question.values)
        )

    def _condition(self, question: Question, wanted: frozenset[str]) -> Condition:
        options = self._options(question, ())
        return Condition(self._say(question.text), tuple(each for each in options if each.value in wanted))


def asked(survey: Survey, question: Question, checked: Checked) -> bool:
    """Return whether a question is drawn on its page: unless earlier pages rule it out, and it has no answer to show.

    What hangs on a question of the same page is drawn: the script shows and hides it at once, and without script it
    stands there with the words when it applies.
    """
    by_id = {each.id: each for each in survey.questions}

    def possible(each: Question) -> bool:
        return all(
            possible(by_id[other])
            if by_id[other].page == question.page
            else is_met(other, wanted, checked.visible, checked.filled.chosen)
            for other, wanted in each.show_if.items()
        )

    return possible(question) or checked.filled.has_answer(question)


def _carried(survey: Survey, filled: Filled, fields: Fields, page: int) -> Iterable[tuple[str, str]]:
    """Yield the answers of other pages, as they were posted or as they were cleaned."""
    for question in survey.questions:
        if question.page == page:
            continue
        for value in fields.get(question.id, ()) if question.kind is not Kind.TEXT else ():
            if value in question.values:
                yield question.id, value
        typed = filled.typed.get(question.id, "")
        if typed:
            yield question.other_field or question.id, typed
