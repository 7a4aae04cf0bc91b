"""A survey as values: questions in several languages, what each offers, and which are shown after which answers."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

OTHER = "other"  # the value of the option that brings a text field
OTHER_IN_ECE = "Other"  # when another answer was chosen, has no words, and the survey gives it no name
NPS_VALUES = tuple(str(number) for number in range(11))
YES_NO_VALUES = ("yes", "no")


class Kind(StrEnum):
    RATING = "rating"
    NPS = "nps"
    CHOICE = "choice"
    CHOICES = "choices"
    YES_NO = "yes_no"
    TEXT = "text"


class Look(StrEnum):
    """How a rating is drawn. The values, their names and the keys are the same for each."""

    NUMBERS = "numbers"
    STARS = "stars"
    FACES = "faces"


@dataclass(frozen=True, slots=True)
class Translations:
    """A text in one or more languages. The tag "" marks a text written without a language."""

    by_language: Mapping[str, str]

    def pick(self, language: str, default: str) -> tuple[str, str]:
        """Return the tag and the text for a reader of `language`: that tag, its language alone, else `default`."""
        texts = self.by_language
        wanted = language.lower()
        same_language = wanted.partition("-")[0]
        for tag in texts:
            if tag.lower() == wanted:
                return tag, texts[tag]
        for tag in texts:
            if tag.lower().partition("-")[0] == same_language:
                return tag, texts[tag]
        return (default, texts[default]) if default in texts else next(iter(texts.items()))


class Option(NamedTuple):
    """One thing to choose: `value` travels in the form and in `show_if`, `text` is read."""

    value: str
    text: Translations


@dataclass(frozen=True, slots=True)
class Question:
    """One question. `id` is also the form field's name; `show_if` names earlier questions and answers."""

    id: str
    kind: Kind
    text: Translations
    required: bool
    page: int
    options: tuple[Option, ...]  # of choice and choices, without the one for another answer
    scale: int  # of rating
    look: Look  # of rating
    labels: Mapping[str, Translations]  # by value; of rating, nps and yes_no
    other: Translations | None  # of choice and choices; no text inside: the shipped one
    max_length: int  # of text and of another answer, in code points, a line end as one
    show_if: Mapping[str, frozenset[str]]

    def with_labels(self, labels: Mapping[str, Translations]) -> Question:
        return replace(self, labels=MappingProxyType(dict(labels)))

    @property
    def values(self) -> tuple[str, ...]:
        """Return every value that may be posted; none for a text."""
        match self.kind:
            case Kind.RATING:
                return tuple(str(number) for number in range(1, self.scale + 1))
            case Kind.NPS:
                return NPS_VALUES
            case Kind.YES_NO:
                return YES_NO_VALUES
            case Kind.CHOICE | Kind.CHOICES:
                own = tuple(option.value for option in self.options)
                return (*own, OTHER) if self.other is not None else own
            case Kind.TEXT:
                return ()

    @property
    def other_field(self) -> str | None:
        """Return the name of the text field beside "another answer"; an id never has a dot, so the two cannot meet."""
        return f"{self.id}.{OTHER}" if self.other is not None else None

    @property
    def takes_text(self) -> bool:
        return self.kind is Kind.TEXT or self.other is not None


def is_met(
    question: str, wanted: Collection[str], visible: Collection[str], chosen: Mapping[str, Collection[str]]
) -> bool:
    """Return whether a question has one of these answers; an answer to one that is not shown is none."""
    return question in visible and any(value in wanted for value in chosen.get(question, ()))


class AlertRule(NamedTuple):
    """Which surveys are told at once, and where: those with one of these answers to that question."""

    question: str
    answers: frozenset[str]
    destination: str


@dataclass(frozen=True, slots=True)
class Survey:
    """A named list of questions. `language` is the one ECE receives, whatever the visitor read."""

    name: str
    title: Translations
    language: str
    questions: tuple[Question, ...]
    alert_if: AlertRule | None = None

    @property
    def pages(self) -> tuple[int, ...]:
        return tuple(sorted({question.page for question in self.questions}))

    @property
    def longest_text(self) -> int:
        """Return how many code points all typed answers may have together."""
        return sum(question.max_length for question in self.questions if question.takes_text)


def shown(questions: Iterable[Question], answered: Mapping[str, Collection[str]]) -> frozenset[str]:
    """Return which questions are shown after these answers (values by question id), in one walk.

    A question is shown when each of its conditions meets an answer to a question that is itself shown: the answer to a
    question that went out of sight opens nothing. Conditions name earlier questions alone, so the walk ends.
    """
    visible: set[str] = set()
    for question in questions:
        if all(is_met(asked, wanted, visible, answered) for asked, wanted in question.show_if.items()):
            visible.add(question.id)
    return frozenset(visible)
