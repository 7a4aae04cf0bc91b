"""A question as it was put to visitors: what results are told apart by when the settings change."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import NamedTuple

from widget.domain.survey import OTHER, OTHER_IN_ECE, Kind, Question, Survey
from widget.domain.text import clean


@dataclass(frozen=True, slots=True)
class QuestionVersion:
    """A question as it was put. `options` has each value with its words, in their order; `place` is not part of it.

    `id` is a short name, another one for another version.
    """

    survey: str
    question: str
    kind: Kind
    text: str
    options: tuple[tuple[str, str], ...]
    place: int = field(default=0, compare=False)
    id: str = field(init=False, compare=False)

    def __post_init__(self) -> None:
        whole = json.dumps([self.survey, self.question, self.kind, self.text, self.options])
        object.__setattr__(self, "id", hashlib.sha256(whole.encode()).hexdigest()[:16])


class Chosen(NamedTuple):
    """What one visitor answered to one question: the values, none for a text."""

    version: QuestionVersion
    values: tuple[str, ...]


def versions_of(survey: Survey) -> dict[str, QuestionVersion]:
    """Return each question of a survey as it is put now, by its id, in the survey's own language."""
    return {
        question.id: QuestionVersion(
            survey.name,
            question.id,
            question.kind,
            clean(question.text.pick(survey.language, survey.language)[1]),
            tuple((value, _words(question, value, survey.language)) for value in question.values),
            place,
        )
        for place, question in enumerate(survey.questions)
    }


def _words(question: Question, value: str, language: str) -> str:
    if value == OTHER and question.other is not None:
        return clean(question.other.pick(language, language)[1]) if question.other.by_language else OTHER_IN_ECE
    options = {option.value: option.text for option in question.options}
    translations = options.get(value) or question.labels.get(value)
    return value if translations is None else clean(translations.pick(language, language)[1])
