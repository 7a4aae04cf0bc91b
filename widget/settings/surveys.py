"""`[surveys.NAME]`: the questions of a survey, and the rules between them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer

from widget.domain.language import language_tag
from widget.domain.outbox import SMTP
from widget.domain.survey import YES_NO_VALUES, AlertRule, Kind, Look, Option, Question, Survey, Translations
from widget.settings.addresses import DestinationName
from widget.settings.values import Language, Section, Words, matching, where

LONGEST_WORDING = 1000
LONGEST_VALUE = 200
LONGEST_ANSWER = 10_000
ALL_ANSWERS = 40_000  # code points that all typed answers of a survey may have: what one form post can carry
DEFAULT_ANSWER = 4000
DEFAULT_OTHER = 200


def _wording(value: Any) -> Any:
    texts = {"": value} if isinstance(value, str) else value
    if (
        not isinstance(texts, dict)
        or not texts
        or not all(tag == "" or language_tag(str(tag)) for tag in texts)
        or not all(isinstance(text, str) and 0 < len(text.strip()) <= LONGEST_WORDING for text in texts.values())
    ):
        raise ValueError(
            'a text that is not empty, or one for each language as { en = "…", de = "…" },'
            f" {LONGEST_WORDING} characters at most"
        )
    return Translations(MappingProxyType({str(tag).replace("_", "-"): text.strip() for tag, text in texts.items()}))


def _option(value: Any) -> Any:
    """An option is a text, or a value with a text for each language."""
    table = value if isinstance(value, dict) else {"value": value, "text": str(value)}
    own = table.get("value")
    if isinstance(own, int) and not isinstance(own, bool):
        own = str(own)
    if (
        set(table) - {"value", "text"}
        or not isinstance(own, str)
        or not 0 < len(own.strip()) <= LONGEST_VALUE
        or not own.isprintable()
    ):
        raise ValueError('a text, or { value = "price", text = "The price" } (value printable, 200 characters at most)')
    return Option(own.strip(), _wording(table.get("text", own)))


def _options(value: Any) -> Any:
    if not isinstance(value, list | tuple):
        raise ValueError('a list of texts, or of { value = "price", text = "The price" }')
    return tuple(map(_option, value))


def _labels(value: Any) -> Any:
    """Labels are a list (the two ends, or every step), the same for each language, or a table by value."""
    if isinstance(value, dict) and value and all(isinstance(texts, list) for texts in value.values()):
        lengths = {len(texts) for texts in value.values()}
        if len(lengths) != 1:
            raise ValueError("as many labels in one language as in another")
        value = [{tag: value[tag][place] for tag in value} for place in range(lengths.pop())]
    if isinstance(value, list | tuple):
        return tuple(_wording(each) for each in value)
    if isinstance(value, dict) and value:
        return MappingProxyType({str(step): _wording(text) for step, text in value.items()})
    raise ValueError('a list of the two ends, as ["Not at all", "Very"], or of every step')


def _other(value: Any) -> Any:
    if value is False or value is None:
        return None
    return Translations(MappingProxyType({})) if value is True else _wording(value)


def _answer(value: Any) -> str:
    """Return an answer as a form has it; true and false answer a question with yes and no."""
    return YES_NO_VALUES[0 if value else 1] if isinstance(value, bool) else str(value).strip()


def _conditions(value: Any) -> Any:
    if not isinstance(value, Mapping) or not all(
        isinstance(each, str | int)
        for wanted in value.values()
        for each in (wanted if isinstance(wanted, list | tuple) else [wanted])
    ):
        raise ValueError('earlier questions and their answers, as { helpful = ["1", "2"] }')
    return MappingProxyType(
        {
            str(asked): tuple(map(_answer, wanted)) if isinstance(wanted, list | tuple) else (_answer(wanted),)
            for asked, wanted in value.items()
        }
    )


def _as_written(value: Any) -> Any:
    return {"": value.by_language[""]} if "" in value.by_language else dict(value.by_language)


def _no_longer_than(longest: int, example: str) -> AfterValidator:
    return where(
        lambda translations: all(len(text) <= longest for text in translations.by_language.values()),
        f'{longest} characters at most, as "{example}" or {{ en = "…", de = "…" }}',
    )


Text = Annotated[Translations, BeforeValidator(_wording), PlainSerializer(_as_written)]
GreetingText = Annotated[Text, _no_longer_than(200, "Questions about gears?")]
Label = Annotated[Text, _no_longer_than(60, "Ask our bike builders")]
QuestionId = Annotated[
    str,
    matching(
        r"[A-Za-z][A-Za-z0-9_-]{0,63}",
        "a name for the form field: a letter, then letters, digits, - and _, 64 at most",
    ),
]


class QuestionSettings(Section):
    id: QuestionId
    kind: Kind
    text: Text
    required: bool = False
    options: Annotated[tuple[Option, ...], BeforeValidator(_options)] = ()
    scale: int | None = Field(default=None, ge=2, le=10)
    look: Look | None = None
    labels: Annotated[Any, BeforeValidator(_labels)] = ()
    other: Annotated[Translations | None, BeforeValidator(_other)] = None
    page: int | None = Field(default=None, ge=1, le=100)
    max_length: int | None = Field(default=None, ge=1, le=LONGEST_ANSWER)
    show_if: Annotated[Any, BeforeValidator(_conditions)] = Field(default_factory=dict)

    def question(self, page: int) -> Question:
        """Return the same question as the domain has it, on this page."""
        bare = Question(
            id=self.id,
            kind=self.kind,
            text=self.text,
            required=self.required,
            page=page,
            options=self.options,
            scale=self.scale or 5,
            look=self.look or Look.NUMBERS,
            labels=MappingProxyType({}),
            other=self.other,
            max_length=self.max_length or (DEFAULT_ANSWER if self.kind is Kind.TEXT else DEFAULT_OTHER),
            show_if=MappingProxyType({asked: frozenset(wanted) for asked, wanted in self.show_if.items()}),
        )
        if isinstance(self.labels, Mapping):
            return bare.with_labels(self.labels)
        steps = bare.values
        places = steps if len(self.labels) == len(steps) else (steps[0], steps[-1]) if steps else ()
        return bare.with_labels(dict(zip(places, self.labels, strict=False)))


def _alerting_answer(value: Any) -> Any:
    return _answer(value) if isinstance(value, int | str) else value


class AlertSettings(Section):
    """Which surveys are told at once: those with one of these answers to that question."""

    question: str
    answers: Annotated[tuple[Annotated[str, BeforeValidator(_alerting_answer)], ...], Words] = Field(min_length=1)
    to: DestinationName = SMTP


class SurveySettings(Section):
    title: Text
    language: Language | None = None
    questions: tuple[QuestionSettings, ...] = Field(min_length=1, max_length=100)
    alert_if: AlertSettings | None = None

    def survey(self, name: str) -> Survey:
        """Return the same survey as the domain has it."""
        questions = []
        page = 1
        for question in self.questions:
            page = question.page or page
            questions.append(question.question(page))
        language = self.language or first_language(self.title, self.questions)
        alert = self.alert_if
        rule = None if alert is None else AlertRule(alert.question, frozenset(alert.answers), alert.to)
        return Survey(name=name, title=self.title, language=language, questions=tuple(questions), alert_if=rule)


def first_language(title: Translations | None, questions: Sequence[QuestionSettings]) -> str:
    """Return the survey's own language, when none is named: the one written first."""
    written = [title] if title else []
    written += (each for question in questions for _, each in texts_of(question))
    return next((tag for translations in written for tag in translations.by_language if tag), "")


def texts_of(question: QuestionSettings) -> Iterator[tuple[str, Translations]]:
    """Return every text of a question with its key."""
    yield "text", question.text
    for place, option in enumerate(question.options):
        yield f"options.{place}.text", option.text
    named = question.labels.items() if isinstance(question.labels, Mapping) else enumerate(question.labels)
    for step, translations in named:
        yield f"labels.{step}", translations
    if question.other is not None and question.other.by_language:
        yield "other", question.other
