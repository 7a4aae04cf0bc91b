"""`/console/now`: every entry point, ECE, the outbox and the fleet at this moment."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from markupsafe import Markup
from starlette.responses import Response
from starlette.routing import Route

from widget.application.live_status import EntryPointNow, LiveStatus
from widget.application.tally import CallFigures
from widget.domain.breaker import Breaker, Closed, HalfOpen
from widget.domain.evaluation import State
from widget.domain.history import Process
from widget.domain.outbox import MessageState, OutboxCounts
from widget.domain.readings import Call
from widget.settings import EntryPointSettings
from widget.texts import marked as _
from widget.web.console.charts import Point, line
from widget.web.console.failures import in_words
from widget.web.console.sign_in import SignIn, Visit
from widget.web.console.states import Badge, badge, why
from widget.web.console.wording import Wording
from widget.web.pages.decision_words import wants_message

AN_HOUR = timedelta(hours=1)


class Figure(NamedTuple):
    """One number of a card over the last hour; `value` is empty where ECE gave none, `range` where none was seen."""

    label: str
    value: str
    chart: Markup
    range: str


class Card(NamedTuple):
    """One entry point. `closed` says that a person closed it, `since` is empty where nobody knows."""

    name: str
    number: int
    badge: Badge
    why: str
    drawn: str
    since: str
    figures: tuple[Figure, ...]
    closed: bool


class CallRow(NamedTuple):
    """One kind of call to ECE in the last hour, in words."""

    name: str
    made: str
    failed: str
    mean: str
    highest: str
    last_failure: str


class BreakerRow(NamedTuple):
    """A circuit breaker that is not closed; `call` is empty for that of ECE's host."""

    entry_point: str
    call: str
    state: str


class OutboxFigures(NamedTuple):
    """What waits to be delivered, where it was read; `oldest` is empty where nothing waits."""

    waiting: int
    oldest: str
    dead: int


class ProcessRow(NamedTuple):
    """One process of the fleet, in words."""

    name: str
    role: str
    version: str
    up: str
    seen: str


class NowPage:
    """Shows what `live_status` tells."""

    def __init__(
        self, sign_in: SignIn, live_status: LiveStatus, entry_points: Mapping[str, EntryPointSettings]
    ) -> None:
        self._sign_in, self._live_status, self._entry_points = sign_in, live_status, entry_points
        self._with_slots = {name for name, each in entry_points.items() if Call.CAPACITY in each.policy(name).calls}

    def routes(self) -> list[Route]:
        return [Route("/console/now", self._sign_in.page(self.show, "now"), methods=["GET"])]

    async def show(self, visit: Visit) -> Response:
        """Show what is."""
        now, wording = await self._live_status.now(), visit.wording
        cards = [self._card(each, wording) for each in now.entry_points]
        return self._sign_in.pages.page(
            "now.html",
            visit.frame,
            at=wording.time(wording.now, seconds=True),
            zone=wording.zone_name,
            cards=cards,
            open=sum(card.badge.tone == "open" for card in cards),
            calls=list(_calls(now.calls, wording)),
            breakers=list(_breakers(now.breakers, wording)),
            outbox=_outbox(now.outbox, wording),
            # None while the database is away
            processes=None if now.processes is None else [_process(each, wording) for each in now.processes],
        )

    def _card(self, now: EntryPointNow, wording: Wording) -> Card:
        settings, say, decision = self._entry_points[now.entry_point], wording.say, now.decision
        state, reason = (decision.state, decision.reason) if decision else (None, None)
        closing = now.switch.closing
        closed = settings.enabled and closing is not None and closing.stands(wording.now)
        asked = decision is not None and decision.as_of is not None
        since = now.since and wording.moment(now.since)
        lasting = now.since and wording.duration((wording.now - now.since).total_seconds())
        return Card(
            name=now.entry_point,
            number=settings.id,
            badge=badge(state, reason, by_hand=closed),
            why=say(_("A person on duty closed it.") if closed else why(state, reason)),
            drawn=say(_drawn(settings, state, show=decision is not None and decision.show)),
            since=say(_("since %(moment)s (%(duration)s)"), moment=since, duration=lasting) if since else "",
            figures=_figures(now, now.age if asked else None, wording, slots=now.entry_point in self._with_slots),
            closed=closed,
        )


def _drawn(settings: EntryPointSettings, state: State | None, *, show: bool) -> str:
    if show:
        return _("Visitors see the button.")
    if wants_message(settings, state):
        return _("Visitors see a message in place of the button.")
    return _("Visitors see nothing.")


def _figures(now: EntryPointNow, age: float | None, wording: Wording, *, slots: bool) -> tuple[Figure, ...]:
    """Return the numbers that ECE is asked for; `slots` says whether free slots are among them."""

    def number(value: float) -> str:
        return wording.number(round(value))

    ece, hour, duration = now.evaluation, now.last_hour, wording.duration
    figures = [
        _figure(_("Wait"), ece.wait_time, [(each.at, each.wait_time) for each in hour], duration, wording),
        _figure(_("Queue"), ece.queue_depth, [(each.at, each.queue_depth) for each in hour], number, wording),
    ]
    if slots:
        capacities = [(each.at, each.capacity) for each in hour]
        figures.append(_figure(_("Free slots"), ece.capacity, capacities, number, wording))
    figures.append(_figure(_("Age of ECE's answer"), age, [(each.at, each.age) for each in hour], duration, wording))
    return tuple(figures)


def _figure(
    label: str,
    value: float | None,
    hour: Sequence[tuple[datetime, float | None]],
    words: Callable[[float], str],
    wording: Wording,
) -> Figure:
    seen = [*hour, (wording.now, value)]
    numbers = [number for _, number in seen if number is not None]
    lowest, highest = (words(min(numbers)), words(max(numbers))) if numbers else ("", "")
    spread = (
        lowest if lowest == highest else wording.say(_("%(lowest)s to %(highest)s"), lowest=lowest, highest=highest)
    )
    name = wording.say(label)
    points = [Point(1 - (wording.now - at) / AN_HOUR, number) for at, number in seen]
    chart = line(
        points,
        name=f"{name}, {wording.say(_('the last hour'))}: {spread}",
        highest=max(numbers, default=0),
        mirrored=wording.mirrored,
    )
    return Figure(name, "" if value is None else words(value), chart if numbers else Markup(), spread)


def _calls(calls: Mapping[Call, CallFigures], wording: Wording) -> Iterable[CallRow]:
    for call, figures in calls.items():
        yield CallRow(
            name=str(call),
            made=wording.number(figures.made),
            failed=wording.number(figures.failed),
            mean="" if figures.mean is None else wording.milliseconds(figures.mean),
            highest=wording.milliseconds(figures.highest) if figures.made else "",
            last_failure=in_words(figures.last_failure, wording) if figures.last_failure else "",
        )


def _breakers(breakers: Mapping[tuple[str, str], Breaker], wording: Wording) -> Iterable[BreakerRow]:
    for (name, call), state in breakers.items():
        if not isinstance(state, Closed):
            trying = isinstance(state, HalfOpen)
            yield BreakerRow(name, call, wording.say(_("it is being tried again") if trying else _("calls are paused")))


def _outbox(counts: OutboxCounts | None, wording: Wording) -> OutboxFigures | None:
    if counts is None:
        return None
    waiting = counts.by_state[MessageState.PENDING] + counts.by_state[MessageState.LEASED]
    oldest = counts.oldest_waiting
    age = wording.duration((wording.now - oldest).total_seconds()) if oldest else ""
    return OutboxFigures(waiting, age, counts.by_state[MessageState.DEAD])


def _process(process: Process, wording: Wording) -> ProcessRow:
    roles = {"serve": _("answers visitors"), "deliver": _("delivers")}
    return ProcessRow(
        name=f"{process.host}, {process.pid}",
        role=wording.say(roles.get(process.role, process.role)),
        version=process.version,
        up=wording.duration((wording.now - process.started).total_seconds()),
        seen=wording.duration((wording.now - process.seen).total_seconds()),
    )
