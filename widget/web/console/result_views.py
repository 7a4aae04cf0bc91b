"""What the results page shows, in words: questions with their shares and line, and what people wrote."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from widget.application.results import Question, Report
from widget.domain.asked import QuestionVersion
from widget.domain.results import FEWEST, Figures, Given, Share, Step, is_typed
from widget.domain.survey import Kind
from widget.texts import marked as _
from widget.web.console.charts import Point, line
from widget.web.console.week import Chart, Table
from widget.web.console.wording import Wording

_KINDS = {
    Kind.RATING: _("Rating"),
    Kind.NPS: _("0 to 10"),
    Kind.CHOICE: _("One choice"),
    Kind.CHOICES: _("Several choices"),
    Kind.YES_NO: _("Yes or no"),
    Kind.TEXT: _("Text"),
}
_GROUPS = {
    "detractors": _("Detractors (0 to 6)"),
    "passives": _("Passives (7 and 8)"),
    "promoters": _("Promoters (9 and 10)"),
}
# How far apart the points of a line are: days, and what is said of it.
_BY_DAY, _BY_WEEK, _BY_MONTH = (
    _("One point for each day."),
    _("One point for each week."),
    _("One point for each month."),
)
_YES_NO = {"yes": _("Yes"), "no": _("No")}


class Row(NamedTuple):
    """One value: its words, how many chose it, their share in percent, and the interval in words."""

    words: str
    number: int
    percent: int
    share: str
    interval: str


class QuestionView(NamedTuple):
    """One version of a question; `score` and `change` are empty where too few answered."""

    text: str
    kind: str
    current: bool
    answered: int
    too_few: bool
    score_name: str
    score: str
    change: str
    top: str
    rows: tuple[Row, ...]
    groups: tuple[Row, ...]
    chart: Chart


class AnsweredSurvey(NamedTuple):
    """One answered survey: when, where, how the queue was; questions with what was written, and what was chosen."""

    iso: str
    time: str
    entry_point: str
    language: str
    queue: str
    written: tuple[tuple[str, str], ...]
    chosen: tuple[tuple[str, str], ...]


class Value(NamedTuple):
    """A value of a question that answers can be searched for, as it stands in the query."""

    name: str
    words: str


def question_view(question: Question, wording: Wording) -> QuestionView:
    """Return one version of a question as the page has it."""
    found = question.figures
    kind = found.version.kind
    return QuestionView(
        text=found.version.text,
        kind=wording.say(_KINDS[kind]),
        current=question.current,
        answered=found.answered,
        too_few=found.answered < FEWEST and kind in (Kind.RATING, Kind.NPS),
        score_name=wording.say(_("Net Promoter Score") if kind is Kind.NPS else _("Mean")),
        score="" if found.score is None else wording.decimal(found.score),
        change="" if found.change is None else signed(found.change, wording),
        top=_top(found, wording),
        rows=tuple(_row(each, kind, wording) for each in found.shares),
        groups=tuple(_row(each, kind, wording, wording.say(_GROUPS[each.value])) for each in found.groups),
        chart=_chart(question, wording),
    )


def _top(found: Figures, wording: Wording) -> str:
    if found.top is None or found.top.share is None or found.answered < FEWEST:
        return ""
    words = _words(found.top, found.version.kind, wording)
    return wording.say(_("%(share)s chose %(value)s"), share=wording.percent(found.top.share), value=words)


def _row(share: Share, kind: Kind, wording: Wording, words: str | None = None) -> Row:
    if share.share is None or share.low is None or share.high is None:
        return Row(words or _words(share, kind, wording), share.number, 0, "", "")
    interval = f"{wording.percent(share.low)}–{wording.percent(share.high)}"
    return Row(
        words or _words(share, kind, wording),
        share.number,
        round(100 * share.share),
        wording.percent(share.share),
        interval,
    )


def _words(share: Share, kind: Kind, wording: Wording) -> str:
    """Return a value as it is read; a number has its label behind it."""
    if share.words != share.value:
        return f"{share.value}: {share.words}" if share.value.isdecimal() else share.words
    return wording.say(_YES_NO[share.value]) if kind is Kind.YES_NO else share.value


def _chart(question: Question, wording: Wording) -> Chart:
    found, steps = question.figures, question.line
    kind = found.version.kind
    scored = kind in (Kind.RATING, Kind.NPS)
    lowest, highest = 0.0, float(max((each.answered for each in steps), default=0))
    if kind is Kind.NPS:
        lowest, highest = -100.0, 100.0
    elif scored:
        highest = float(len(found.version.options))
    points = [
        Point(
            at / max(1, len(steps) - 1),
            (None if each.score is None else each.score - lowest) if scored else float(each.answered),
        )
        for at, each in enumerate(steps)
    ]
    name = wording.say(_("Over time")) if scored else wording.say(_("Answers over time"))
    about = wording.say(_("The highest is %(highest)s."), highest=wording.number(round(highest)))
    if scored:
        about = wording.say(
            _("Drawn from %(lowest)s to %(highest)s, without points of fewer than %(number)s answers."),
            lowest=wording.number(round(lowest)),
            highest=wording.number(round(highest)),
            number=FEWEST,
        )
    head = [wording.say(_("From")), wording.say(_("Answers"))]
    if scored:
        head.append(wording.say(_("Net Promoter Score") if kind is Kind.NPS else _("Mean")))
    rows = tuple(
        (
            wording.day(each.day),
            wording.number(each.answered),
            *(["" if each.score is None else wording.decimal(each.score)] if scored else []),
        )
        for each in steps
        if each.answered
    )
    drawing = line(points, name=name, highest=highest - lowest, mirrored=wording.mirrored)
    ends = (wording.day(steps[0].day), wording.day(steps[-1].day)) if len(steps) > 1 else ()
    return Chart(name, f"{wording.say(_apart(steps))} {about}", drawing, (), Table(tuple(head), rows), ends)


def _apart(steps: Sequence[Step]) -> str:
    days = (steps[1].day - steps[0].day).days if len(steps) > 1 else 1
    return _BY_DAY if days < 7 else _BY_WEEK if days < 28 else _BY_MONTH


def values(report: Report, wording: Wording) -> Iterable[Value]:
    """Yield what answers can be searched for: each value of each question that is put now."""
    for question in report.questions:
        version = question.figures.version
        if question.current and version.kind is not Kind.TEXT:
            for share in question.figures.shares:
                words = _words(share, version.kind, wording)
                yield Value(f"{version.question}:{share.value}", f"{version.text} {words}")


def answered_survey(
    given: Given, versions: Mapping[str, QuestionVersion], languages: Mapping[str, str], wording: Wording
) -> AnsweredSurvey:
    """Return one answered survey as the page has it; `versions` are those of its questions, `languages` have names."""
    written: list[tuple[str, str]] = []
    chosen: list[tuple[str, str]] = []
    for answer in given.answers:
        version = versions.get(answer.version)
        words = answer.answer
        if version is not None and version.kind is Kind.YES_NO and words in _YES_NO:
            words = wording.say(_YES_NO[words])
        (written if is_typed(answer, version) else chosen).append((answer.question, words))
    return AnsweredSurvey(
        iso=given.mark.accepted_at.isoformat(timespec="seconds"),
        time=wording.moment(given.mark.accepted_at),
        entry_point=given.entry_point,
        language=languages.get(given.language, given.language),
        queue=wording.queue(given.wait_time, given.queue_depth),
        written=tuple(written),
        chosen=tuple(chosen),
    )


def signed(number: float, wording: Wording) -> str:
    """Return a change with its sign."""
    sign = "+" if round(number, 1) > 0 else "−" if round(number, 1) < 0 else "±"
    return sign + wording.decimal(abs(number))
