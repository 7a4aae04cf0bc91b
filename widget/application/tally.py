"""What this process has counted since its start: plain numbers in memory, which metrics, history and console read."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from widget.domain.readings import Call
from widget.telemetry import Sample

MINUTE = 60.0
MINUTES_KEPT = 60
TICKET_OUTCOMES = frozenset({"issued", "taken_up"})  # every other one is the code of a refusal


@dataclass(slots=True)
class CallFigures:
    """Calls to ECE of one kind in the last hour; times in seconds, `last_failure` is the newest failure's code."""

    made: int = 0
    failed: int = 0
    total: float = 0.0
    highest: float = 0.0
    last_failure: str = ""

    @property
    def mean(self) -> float | None:
        return self.total / self.made if self.made else None

    def merge(self, other: CallFigures) -> None:
        self.made += other.made
        self.failed += other.failed
        self.total += other.total
        self.highest = max(self.highest, other.highest)
        self.last_failure = other.last_failure or self.last_failure


class Tally:
    """Counters by entry point. Everything here is one addition in memory, since visitors wait for it.

    `clicks` by outcome (`opened`, or the reason why not); `tickets` by outcome (`issued`, `taken_up`, or the code for
    which it was refused; the entry point is empty where a forged one names none); `surveys` by what happened (`begun`,
    `accepted`, `repeated`, `faulty`, `refused`), and `messages` likewise (`limited` came too soon after another);
    `begun` are the forms by survey, entry point and language.
    """

    def __init__(self, *, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self.clicks: Counter[tuple[str, str]] = Counter()
        self.tickets: Counter[tuple[str, str]] = Counter()
        self.surveys: Counter[tuple[str, str]] = Counter()
        self.begun: Counter[tuple[str, str, str]] = Counter()
        self.messages: Counter[tuple[str, str]] = Counter()
        self._calls: dict[Call, deque[tuple[int, CallFigures]]] = {}

    def click(self, entry_point: str, outcome: str) -> None:
        self.clicks[entry_point, outcome] += 1

    def ticket(self, entry_point: str, outcome: str) -> None:
        self.tickets[entry_point, outcome] += 1

    def message(self, entry_point: str, outcome: str) -> None:
        self.messages[entry_point, outcome] += 1

    def survey(self, entry_point: str, outcome: str) -> None:
        self.surveys[entry_point, outcome] += 1

    def begin_survey(self, survey: str, entry_point: str, language: str) -> None:
        """Count a form that a visitor has opened."""
        self.survey(entry_point, "begun")
        self.begun[survey, entry_point, language] += 1

    def called(self, call: Call, outcome: str, seconds: float) -> None:
        """Count one call to ECE; `outcome` is `ok` or the error's code."""
        minute = int(self._monotonic() // MINUTE)
        minutes = self._calls.setdefault(call, deque(maxlen=MINUTES_KEPT))
        if not minutes or minutes[-1][0] != minute:
            minutes.append((minute, CallFigures()))
        failed = outcome != "ok"
        minutes[-1][1].merge(CallFigures(1, int(failed), seconds, seconds, outcome if failed else ""))

    def calls(self) -> dict[Call, CallFigures]:
        """Return what was called in the last hour."""
        since = self._monotonic() // MINUTE - MINUTES_KEPT
        found: dict[Call, CallFigures] = {}
        for call, minutes in self._calls.items():
            found[call] = CallFigures()
            for minute, figures in minutes:
                if minute > since:
                    found[call].merge(figures)
        return found

    def samples(self) -> Iterable[Sample]:
        """Yield the counts for a scrape of the metrics."""
        for labels, count in self.clicks.items():
            yield "ece_widget_clicks_total", labels, count
        for metric, counter in (
            ("ece_widget_tickets_total", self.tickets),
            ("ece_widget_surveys_total", self.surveys),
            ("ece_widget_messages_total", self.messages),
        ):
            by_outcome: Counter[str] = Counter()
            for (_, outcome), count in counter.items():
                by_outcome[outcome] += count
            for outcome, count in by_outcome.items():
                yield metric, (outcome,), count
