"""Two weeks of history for the demo, the same for the same day, written by the code that writes the real one.

The company of the sample site is open on weekdays and on Saturday morning. At noon its queue grows, one afternoon ECE
did not answer for a while, and once somebody closed a button by hand.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import exp
from random import Random
from types import MappingProxyType

from widget.domain.evaluation import State
from widget.domain.history import FIVE_MINUTES, Batch, Bucket, Change, Counts, Process, Span, Spread, start_of
from widget.domain.readings import Reason
from widget.domain.survey import Translations
from widget.domain.switches import Act, Entry
from widget.store.history import HistoryStore
from widget.store.outbox import open_outbox

DAYS = 14
OUTAGE_DAYS_AGO, OUTAGE = 5, (14 * 60 + 5, 14 * 60 + 35)  # minutes of the day
CLOSED_DAYS_AGO, CLOSED = 3, (10 * 60 + 20, 11 * 60 + 5)
CLOSED_BY_HAND = "support"
WORDS = Translations(
    MappingProxyType(
        {"en": "Our workshop moves today.", "de": "Unsere Werkstatt zieht heute um.", "ar": "ورشتنا تنتقل اليوم."}
    )
)
FIRST_VISITOR, LAST_VISITOR = 7 * 60, 22 * 60  # minutes of the day; at night nobody asks
Said = tuple[State, Reason | None]
OPEN: Said = (State.AVAILABLE, None)


def _closed(reason: Reason) -> Said:
    return State.UNAVAILABLE, reason


@dataclass(frozen=True, slots=True)
class Desk:
    """One entry point: when agents are there, how busy it is, the wait in a quiet hour, and how it closes at noon."""

    opens: int  # minutes of the day
    closes: int
    visitors: float  # in five minutes at the busiest time
    wait: int  # seconds
    at_noon: Reason | None = None
    after_hours: Reason = Reason.AGENT_NOT_AVAILABLE


DESKS = {
    "sales": Desk(8 * 60, 18 * 60, 220, 150, at_noon=Reason.QUEUE_DEPTH_REACHED, after_hours=Reason.OUTSIDE_HOURS),
    "support": Desk(9 * 60, 17 * 60, 120, 40, after_hours=Reason.OUTSIDE_HOURS),
    "advice": Desk(10 * 60, 16 * 60, 50, 90, at_noon=Reason.AGENT_NOT_AVAILABLE),
    "clearance": Desk(9 * 60, 15 * 60, 70, 400, at_noon=Reason.QUEUE_DEPTH_REACHED),
    "night": Desk(18 * 60, 22 * 60, 30, 60, after_hours=Reason.ENTRY_POINT_INACTIVE),
}


async def seed(url: str, *, now: datetime) -> None:
    """Make the database at `url` and fill its last two weeks up to `now`."""
    outbox = await open_outbox(url, now=lambda: now)
    store = HistoryStore(url)
    rows, changes = history(now)
    process = Process("demo", "serve", "demo", 0, "", now - timedelta(days=DAYS), now - timedelta(hours=1))
    await store.write(Batch(process, 1, rows, changes))
    for entry in hand(now):
        await store.append(entry)
    await store.close()
    await outbox.close()


def hand(now: datetime) -> Iterator[Entry]:
    """Yield who closed and reopened, and when."""
    day = _midnight(now) - timedelta(days=CLOSED_DAYS_AGO)
    closed, reopened = (day + timedelta(minutes=minutes) for minutes in CLOSED)
    yield Entry(CLOSED_BY_HAND, Act.CLOSE, "Nour", closed, words=WORDS)
    yield Entry(CLOSED_BY_HAND, Act.REOPEN, "Jonas", reopened)


def history(now: datetime) -> tuple[list[tuple[Span, Bucket]], list[Change]]:
    """Return all buckets and changes of the two weeks before `now`."""
    found: dict[tuple[Span, str, datetime], Counts] = {}
    changes: list[Change] = []
    today = _midnight(now)
    first = today - timedelta(days=DAYS)
    for name, desk in DESKS.items():
        chance, said, depth = Random(f"{name} {first.date()}"), None, 0.0  # noqa: S311 - no secret, and the same each time
        moment = first
        while moment < now:
            minutes = moment.hour * 60 + moment.minute
            midnight = moment - timedelta(minutes=minutes)
            load = _load(moment, minutes)
            depth = max(0.0, depth * 0.8 + chance.uniform(-0.4, 1.0) * 6 * load)
            saying = _says(name, desk, moment, minutes, days_ago=(today - midnight).days, depth=depth)
            wait, waiting = int(desk.wait * (0.5 + depth / 4)) // 5 * 5, int(depth)
            if saying != said:
                said = saying
                numbers = (wait, waiting) if saying == OPEN else (None, None)
                changes.append(Change(name, moment, *saying, *numbers))
            if FIRST_VISITOR <= minutes < LAST_VISITOR:
                counts = _counts(chance, desk, saying, load, wait, waiting)
                found[Span.FIVE_MINUTES, name, moment] = counts
                for span, start in ((Span.HOUR, moment - timedelta(minutes=minutes % 60)), (Span.DAY, midnight)):
                    found.setdefault((span, name, start), Counts()).merge(counts)
            moment += FIVE_MINUTES
    changes.sort(key=lambda change: change.at)
    return [(span, Bucket(name, start, counts)) for (span, name, start), counts in found.items()], changes


def _says(name: str, desk: Desk, moment: datetime, minutes: int, *, days_ago: int, depth: float) -> Said:
    closes = min(desk.closes, 13 * 60) if moment.weekday() == 5 else desk.closes
    if name == CLOSED_BY_HAND and days_ago == CLOSED_DAYS_AGO and CLOSED[0] <= minutes < CLOSED[1]:
        return _closed(Reason.SWITCHED_OFF)
    if moment.weekday() == 6 or not desk.opens <= minutes < closes:
        return _closed(desk.after_hours)
    if days_ago == OUTAGE_DAYS_AGO and OUTAGE[0] <= minutes < OUTAGE[1]:
        return State.UNKNOWN, Reason.ECE_UNREACHABLE
    if desk.at_noon is not None and depth > 8:
        return _closed(desk.at_noon)
    return OPEN


def _load(moment: datetime, minutes: int) -> float:
    """Return how busy it is, 0 to 1: most at noon and in the evening, on Mondays more than on Saturdays."""
    hours = minutes / 60
    of_day = exp(-((hours - 12) ** 2) / 5) + 0.7 * exp(-((hours - 19) ** 2) / 6)
    return of_day * (1.0, 0.9, 0.85, 0.85, 0.8, 0.5, 0.35)[moment.weekday()]


def _counts(chance: Random, desk: Desk, said: Said, load: float, wait: int, waiting: int) -> Counts:
    """Return what five minutes counted: visitors see the button, some click, some of those answer the survey."""
    state, reason = said
    visitors = int(desk.visitors * load * chance.uniform(0.7, 1.3)) + 1
    clicks = sum(chance.random() < 0.4 for _ in range(visitors // 12))
    counts = Counts()
    counts.add("answers", reason or state.value, visitors * 4)
    if reason is not None:
        in_vain = clicks // 2
        if in_vain:
            counts.add("clicks", reason, in_vain)
        return counts
    counts.wait = Spread(10, wait * 10, wait - wait // 5, wait + wait // 5)
    counts.depth = Spread(10, waiting * 10, max(0, waiting - 1), waiting + 1)
    ended = sum(chance.random() < 0.7 for _ in range(clicks))
    begun = sum(chance.random() < 0.6 for _ in range(ended))
    sent = sum(chance.random() < 0.75 for _ in range(begun))
    for group, name, number in (
        ("clicks", "opened", clicks),
        ("tickets", "issued", clicks),
        ("tickets", "taken_up", ended),
        ("surveys", "begun", begun),
        ("surveys", "sent", sent),
        ("surveys", "delivered", sent),
    ):
        if number:
            counts.add(group, name, number)
    return counts


def _midnight(moment: datetime) -> datetime:
    return start_of(Span.DAY, moment, UTC)
