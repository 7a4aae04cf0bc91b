"""What was answered, as figures: distributions, means, the Net Promoter Score, and how sure they are.

Figures are made of totals: how often each value of each question was chosen. A question whose text, options or scale
changed is another version of it, with figures of its own. Shares have Wilson's interval for 95 % (E. B. Wilson, 1927;
https://en.wikipedia.org/wiki/Binomial_proportion_confidence_interval). Of fewer than five answers no mean is given.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import NamedTuple

from widget.domain.answers import SEPARATOR
from widget.domain.asked import QuestionVersion
from widget.domain.history import period_of
from widget.domain.survey import OTHER, Kind

FEWEST = 5
PROMOTERS, DETRACTORS = range(9, 11), range(7)  # of 0 to 10
_Z = 1.959963984540054  # of 95 %
_LONGEST_BY_DAY, _LONGEST_BY_WEEK = 45, 200  # days


@dataclass(frozen=True, slots=True)
class Scope:
    """Which answers: of a survey, from `since` to before `until` (days, UTC), of one entry point or language."""

    survey: str
    since: date
    until: date
    entry_point: str | None = None
    language: str | None = None

    @property
    def last(self) -> date:
        """Return the last day."""
        return self.until - timedelta(days=1)

    @property
    def previous(self) -> Scope:
        """Return the period before, of the same length."""
        return replace(self, since=self.since - (self.until - self.since), until=self.since)


class Mark(NamedTuple):
    """A place in the list of answered surveys, for its next page."""

    accepted_at: datetime
    id: int


class GivenAnswer(NamedTuple):
    """One answer as it was given: `version` and `chosen` are empty where a release before this one took it."""

    question: str
    answer: str
    version: str = ""
    chosen: tuple[str, ...] = ()


def is_typed(answer: GivenAnswer, version: QuestionVersion | None) -> bool:
    """Return whether a visitor wrote the answer. One whose question nobody knows may have been written."""
    if version is None:
        return True
    other = dict(version.options).get(OTHER)
    return version.kind is Kind.TEXT or (OTHER in answer.chosen and other not in answer.answer.split(SEPARATOR))


class Given(NamedTuple):
    """One answered survey. `wait_time` (seconds) and `queue_depth` are those of the moment when its chat opened."""

    mark: Mark
    entry_point: str
    language: str
    wait_time: int | None
    queue_depth: int | None
    answers: tuple[GivenAnswer, ...]


class Total(NamedTuple):
    """How often a value was chosen in a time; an empty value counts those who answered the question at all."""

    version: str
    value: str
    number: int


class Share(NamedTuple):
    """A part of those who answered: `number`, and from 0 to 1 the share with its interval; None where nobody did."""

    value: str
    words: str
    number: int
    share: float | None
    low: float | None
    high: float | None


class Figures(NamedTuple):
    """What was answered to one version of a question.

    `score` is the mean of a rating, or the Net Promoter Score from -100 to 100: None for other kinds and for fewer than
    `FEWEST` answers. `groups` are detractors, passives and promoters of an NPS. `top` is the highest value of a rating,
    or yes. `change` is against the period before, where both have a score.
    """

    version: QuestionVersion
    answered: int
    shares: tuple[Share, ...]
    score: float | None
    groups: tuple[Share, ...] = ()
    top: Share | None = None
    change: float | None = None


class Step(NamedTuple):
    """A piece of a line over time: its first day, how many answered, and their score."""

    day: date
    answered: int
    score: float | None


def figures(version: QuestionVersion, totals: Mapping[str, int], before: Mapping[str, int] | None = None) -> Figures:
    """Return the figures of one version. `totals` are numbers by value, `before` those of the period before."""
    answered = totals.get("", 0)
    shares = tuple(share(value, words, totals.get(value, 0), answered) for value, words in version.options)
    now, then = score(version.kind, totals), score(version.kind, before or {})
    return Figures(
        version=version,
        answered=answered,
        shares=shares,
        score=now,
        groups=_groups(totals, answered) if version.kind is Kind.NPS else (),
        top=_top(version.kind, shares),
        change=None if now is None or then is None else now - then,
    )


def score(kind: Kind, totals: Mapping[str, int]) -> float | None:
    """Return the mean of a rating or the Net Promoter Score; None for other kinds and for too few answers."""
    answered = totals.get("", 0)
    if answered < FEWEST or kind not in (Kind.RATING, Kind.NPS):
        return None
    if kind is Kind.NPS:
        return 100 * (_sum(totals, PROMOTERS) - _sum(totals, DETRACTORS)) / answered
    return sum(int(value) * number for value, number in totals.items() if value) / answered


def share(value: str, words: str, number: int, answered: int) -> Share:
    """Return a share with Wilson's interval."""
    if answered == 0:
        return Share(value, words, number, None, None, None)
    part, square = number / answered, _Z * _Z
    middle = part + square / (2 * answered)
    spread = _Z * math.sqrt(part * (1 - part) / answered + square / (4 * answered * answered))
    whole = 1 + square / answered
    # no rounding may push a bound past the share itself, or past 0 and 1
    low, high = max(0.0, (middle - spread) / whole), min(1.0, (middle + spread) / whole)
    return Share(value, words, number, part, min(low, part), max(high, part))


def by_version(totals: Iterable[Total]) -> dict[str, Counter[str]]:
    """Return numbers by value, by version."""
    found: dict[str, Counter[str]] = {}
    for each in totals:
        found.setdefault(each.version, Counter())[each.value] += each.number
    return found


def steps(since: date, until: date, by_day: Mapping[date, Mapping[str, int]], kind: Kind) -> tuple[Step, ...]:
    """Return a line from `since` to before `until`: by day, by week of a longer time, by month of one longer still."""
    length = (until - since).days
    by = "day" if length <= _LONGEST_BY_DAY else "week" if length <= _LONGEST_BY_WEEK else "month"
    found: dict[date, Counter[str]] = {}
    day = since
    while day < until:
        first, last = period_of(day, by)
        found[first] = Counter()
        day = last + timedelta(days=1)
    for day, totals in by_day.items():
        found.setdefault(period_of(day, by)[0], Counter()).update(totals)
    return tuple(Step(day, found[day][""], score(kind, found[day])) for day in sorted(found))


def _groups(totals: Mapping[str, int], answered: int) -> tuple[Share, ...]:
    promoters, detractors = _sum(totals, PROMOTERS), _sum(totals, DETRACTORS)
    numbers = {"detractors": detractors, "passives": answered - promoters - detractors, "promoters": promoters}
    return tuple(share(name, name, number, answered) for name, number in numbers.items())


def _top(kind: Kind, shares: tuple[Share, ...]) -> Share | None:
    if kind is Kind.RATING and shares:
        return shares[-1]
    return next((each for each in shares if kind is Kind.YES_NO and each.value == "yes"), None)


def _sum(totals: Mapping[str, int], values: Iterable[int]) -> int:
    return sum(totals.get(str(value), 0) for value in values)
